use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train @vectros;
    };
}
