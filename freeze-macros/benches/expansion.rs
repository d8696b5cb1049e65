//! How long the compiler waits for a policy: `cargo bench -p freeze-policy-macros`.
//!
//! A procedural macro can be called by the compiler alone, so this takes in the modules of which
//! it is made and calls what it calls. The policy has twenty rules and most of what the language
//! has; what is printed is the best of many expansions. `cargo bench -p freeze-policy-macros --profile dev`
//! prints it without optimizations.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the modules of another crate")]

#[path = "../src/emit.rs"]
mod emit;
#[path = "../src/expand.rs"]
mod expand;
#[path = "../src/file_form.rs"]
mod file_form;
#[path = "../src/files.rs"]
mod files;
#[path = "../src/input.rs"]
mod input;
#[path = "../src/report.rs"]
mod report;
#[path = "../src/text.rs"]
mod text;

use std::hint::black_box;
use std::time::Instant;

use proc_macro2::TokenStream;

const POLICY: &str = "
    run 40 epochs;
    default lr 1e-4 weight_decay 0.05 optimizer adamw(beta2 0.99);
    let base = 1e-3;
    let @stages = [fc, layer4, layer3, layer2, layer1, (conv1, bn1)];
    start as probe: train fc lr base, set @vectors weight_decay 0;
    when val_loss stops falling for 3 epochs or epoch 2 as top:
        restore lowest val_loss, unfreeze layer4 lr cosine 1e-4 -> 1e-6 over rest;
    after 1 epoch: set layer4.0 lr linear 0 -> base over 100 steps then 1e-4;
    epoch 4: unfreeze layer3 lr base / 2 weight_decay 0.01;
    epoch 5: set layer3.[0..=1].conv1 lr 5e-5 times 0.1 every 2 epochs to 1e-7;
    epoch 6: unfreeze layer2 lr base * 0.5 ^ 2;
    epoch 7: freeze layer2.{0,1}.bn1 stats held;
    epoch 8: set @biases in layer2 weight_decay 0;
    epoch 9: unfreeze **.bn2 except layer1 lr 1e-5 stats live;
    epoch 10: unfreeze layer1 lr 1e-5;
    epoch 11: set @norms in layer1 lr 1e-6;
    epoch 12: unfreeze conv1, bn1 lr 1e-6 optimizer sgd(momentum 0.9, nesterov);
    epoch 14: train sample 2 of @stages seed 7 lr base;
    epoch 16 or when val_acc > 0.9 for 2 epochs: train first 3 of @stages lr max(1e-5, base / 8);
    epoch 18: freeze last 2 of @stages;
    epoch 20: reset fc;
    at 60%: train ~\"layer[34].*\" lr exp 1e-3 -> 1e-5 over 10%;
    at 75%: train rows 0..4 of fc.weight lr 1e-5;
    at 90%: train @all lr linear 1e-6 -> 0 over 2 epochs then freeze;
    epoch 39: stop
";

fn main() {
    let tokens: TokenStream = format!("[krate] {POLICY}").parse().unwrap();
    let expansion = expand::expand(tokens.clone()).to_string();
    assert!(!expansion.contains("compile_error"), "{expansion}");
    let expand = || {
        let tokens = tokens.clone();
        let start = Instant::now();
        black_box(expand::expand(tokens));
        start.elapsed()
    };
    let best = (0..200).map(|_| expand()).min().unwrap();
    println!("expand a policy of 20 rules, {} bytes: {best:.2?}", POLICY.len());
}
