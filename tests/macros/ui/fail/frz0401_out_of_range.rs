use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        default weight_decay -0.1;
        start: train fc lr -1e-3 optimizer adamw(beta1 1.5);
    };
}
