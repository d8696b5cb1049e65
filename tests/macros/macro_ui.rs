//! What the compiler says about a policy, word by word.
//!
//! With `TRYBUILD=overwrite` in the environment, what it says now becomes what is expected.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
    cases.pass("ui/pass/*.rs");
}
