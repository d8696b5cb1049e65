use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        for i in 0..1_000_000 { after 1 epoch: set fc lr 1e-3 * 0.5 ^ i; }
    };
    let _ = freeze_policy! {
        start: train fc;
        for i in 0..1_000 {
            after 1 epoch: for j in 0..1_000 { set fc lr 1e-3 * i * j };
        }
    };
}
