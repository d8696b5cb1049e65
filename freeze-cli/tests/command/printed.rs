//! What the command prints, as its users see it: `tests/cmd/`. With `TRYCMD=overwrite`, the files are
//! written anew.

#[test]
fn the_command_prints_what_its_files_say() {
    let cases = trycmd::TestCases::new();
    cases.env("NO_COLOR", "").env("COLUMNS", "100").case("tests/cmd/*.trycmd");
    cases.run();
}
