use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy!(file = "no/such.freeze");
    let _ = freeze_policy!(file = missing);
    let _ = freeze_policy!(file = );
}
