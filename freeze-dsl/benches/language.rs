//! How long the language takes: `cargo bench -p freeze-dsl --bench language`.
//!
//! Prints the best of several runs each, and the growth with the size of a text as a ratio: 1 is
//! linear.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use freeze_dsl::Draft;
use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::model::{Model, Role, Tensor};
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;

fn best<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .min()
        .unwrap()
}

/// A model of `layers` layers, two parameters each.
fn model(layers: usize) -> Model {
    let tensors = (0..layers).flat_map(|layer| {
        [("weight", vec![64, 64]), ("bias", vec![64])].map(|(name, shape)| Tensor {
            name: format!("encoder.layer.{layer}.{name}"),
            shape,
            dtype: "f32".to_owned(),
            role: Role::Parameter,
            same_as: None,
        })
    });
    Model::new(tensors.collect()).unwrap()
}

/// A policy of about this many bytes.
fn text_of(bytes: usize) -> String {
    let mut text = String::new();
    let mut epoch = 0;
    while text.len() < bytes {
        writeln!(
            text,
            "epoch {epoch}: unfreeze encoder.layer[{}], encoder.*.{}.weight lr 1e-3 * 0.9 ^ 2 weight_decay 0.05;",
            epoch % 12,
            epoch % 7,
        )
        .unwrap();
        epoch += 1;
    }
    text
}

fn main() {
    parsing();
    binding();
    ticking();
}

fn parsing() {
    let mut before: Option<f64> = None;
    for (bytes, runs) in [(10_000, 20), (100_000, 10), (1_000_000, 5), (10_000_000, 2)] {
        let text = text_of(bytes);
        let time = best(runs, || Draft::read(Source::new(text.clone())).check().policy.unwrap());
        let rate = text.len() as f64 / time.as_secs_f64() / 1e6;
        let growth =
            before.map_or(String::new(), |before| format!(", {:.2} of linear", before / rate));
        println!("parse and check {:>9} bytes: {time:>10.2?}, {rate:.1} MB/s{growth}", text.len());
        before = Some(rate);
    }
}

fn binding() {
    let model = model(5_000);
    let mut text = String::from("default lr 1e-3;");
    for rule in 0..1_000 {
        write!(
            text,
            "epoch {rule}: unfreeze encoder.layer.{rule}, **.bias lr 1e-{};",
            rule % 9 + 1
        )
        .unwrap();
    }
    let policy = Policy::parse(&text).unwrap();
    let time = best(5, || policy.plan(&model).unwrap());
    println!("bind 1,000 rules to {} parameters: {time:.2?}", model.parameters().len());
}

fn ticking() {
    let model = model(100);
    let mut text = String::from("start: train @all lr 1e-3");
    for layer in 0..100 {
        write!(text, ", set encoder.layer.{layer} lr {}e-5", layer + 1).unwrap();
    }
    text.push_str("; epoch 1000000: unfreeze @all lr 1");
    let plan = Policy::parse(&text).unwrap().plan(&model).unwrap();
    let mut clock = Clock::new(plan, Program::default());
    clock.start_epoch();
    assert_eq!(clock.groups().len(), 100);
    let steps = 100_000;
    let time = best(5, || (0..steps).for_each(|_| drop(black_box(clock.end_step()))));
    println!("a step that changes nothing, 100 groups: {:.0?}", time / steps);
}
