#![deny(deprecated)]

use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        let base = 1e-3;
        let @stages = [fc, layer4];
        let @norm = @norms;
        start: train first 1 of @stages lr 1e-3;
    };
}
