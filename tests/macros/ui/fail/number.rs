use freeze_runtime::{Policy, freeze_policy};

static IN_BRACES: Policy = freeze_policy! { start: train fc lr { 1e-3 } };

fn main() {
    let _ = freeze_policy! { start: train fc lr { "1e-3" } };
    let policy = freeze_policy! { start: train fc lr { 1e-3 } };
    println!("{}", policy.source());
}
