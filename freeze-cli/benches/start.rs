//! How long the command takes from its start to its end, beside `true`, which does nothing.
//!
//! `cargo bench -p freeze-cli`

#![allow(missing_docs, reason = "criterion's macros make items without documentation")]
#![allow(clippy::unwrap_used, reason = "a bench fails as a test does")]

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group, criterion_main};

/// Ten lines, all of which are checked against a ResNet-18.
const POLICY: &str = "\
// Gradual unfreezing of a ResNet.
run 20 epochs;
default lr 1e-4 weight_decay 0.05 optimizer adamw(beta2 0.99);
let @stages = [fc, layer4, layer3, layer2, layer1, (conv1, bn1)];
start as probe: train fc lr 1e-3;
when val_loss stops falling for 3 epochs or epoch 5 as top:
    restore lowest val_loss, unfreeze layer4 lr cosine 1e-4 -> 1e-6 over rest;
for i, @stage in last 4 of @stages {
    after 2 epochs: unfreeze @stage lr 5e-5 * 0.5 ^ i;
}
";

const MODEL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../freeze-dsl/tests/models/resnet18.model.json");

/// Runs a program to its end.
fn run(program: &str, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(black_box(command.status().unwrap()).success());
}

fn start(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("resnet.freeze"), POLICY).unwrap();
    let freeze = env!("CARGO_BIN_EXE_freeze");
    let mut group = criterion.benchmark_group("process");
    group.bench_function("true", |bencher| bencher.iter(|| run("true", &[], folder.path())));
    for (name, arguments) in [
        ("freeze check", &["check", "resnet.freeze"][..]),
        ("freeze check --model", &["check", "resnet.freeze", "--model", MODEL]),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| run(freeze, arguments, folder.path()));
        });
    }
    group.finish();
}

criterion_group!(benches, start);
criterion_main!(benches);
