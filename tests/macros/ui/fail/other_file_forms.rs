use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy!(file: "gradual.freeze");
    let _ = freeze_policy!(path = "gradual.freeze");
    let _ = freeze_policy!(("gradual.freeze"));
    let _ = freeze_policy!("gradual.freeze");
    let _ = freeze_policy!(include_str!("gradual.freeze"));
    let _ = freeze_policy!(file = "gradual.freeze");
}
