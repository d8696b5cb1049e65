use freeze_runtime::freeze_policy;

fn main() {
    let base = 1e-3;
    let _ = freeze_policy!("start: train fc lr { base * 2.0 }");
}
