//! How check, plan and firing grow with the number of actions and of a model's tensors:
//! `cargo bench -p freeze-dsl --bench growth`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use freeze_dsl::Draft;
use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::model::{Model, Role, Tensor};
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;

const SIZES: [usize; 4] = [1_000, 5_000, 10_000, 50_000];

/// A mixture of experts: a weight each.
fn experts(count: usize) -> Model {
    let tensors = (0..count).map(|expert| Tensor {
        name: format!("experts.{expert}.weight"),
        shape: vec![64, 64],
        dtype: "f32".to_owned(),
        role: Role::Parameter,
        same_as: None,
    });
    Model::new(tensors.collect()).unwrap()
}

/// An action for each expert, each with a learning rate of its own.
const ACTIONS: &str = "let @experts = [experts.*]; \
                       start: for i, @expert in @experts { train @expert lr 1e-3 + i * 1e-6 }";

/// A list of all experts, of which some are drawn at each firing.
const SAMPLE: &str = "let @experts = [experts.*]; default lr 1e-3; \
                      start: train @all; every 1 epoch: train sample 4 of @experts seed 7";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("actions");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for size in SIZES {
        let model = experts(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(BenchmarkId::new("check", size), &model, |bencher, model| {
            bencher.iter(|| Draft::read(Source::new(ACTIONS)).check_against(model).policy.unwrap());
        });
        let policy = Policy::parse(ACTIONS).unwrap();
        group.bench_with_input(BenchmarkId::new("plan", size), &model, |bencher, model| {
            bencher.iter(|| policy.plan(model).unwrap());
        });
        let plan = policy.plan(&model).unwrap();
        group.bench_with_input(BenchmarkId::new("clock", size), &plan, |bencher, plan| {
            bencher.iter(|| {
                let mut clock = Clock::new(plan.clone(), Program::default());
                clock.check().unwrap();
                black_box(clock.start_epoch());
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("sample");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for size in SIZES {
        let plan = Policy::parse(SAMPLE).unwrap().plan(&experts(size)).unwrap();
        let mut clock = Clock::new(plan, Program::default());
        clock.start_epoch();
        group.bench_function(BenchmarkId::new("firing", size), |bencher| {
            bencher.iter(|| black_box(clock.start_epoch()));
        });
    }
    group.finish();
    tracks(&mut criterion);
    criterion.final_summary();
}

/// A policy with so many tracks, each of one expert, that waits for a late epoch and a metric.
fn with_tracks(count: usize) -> String {
    format!(
        "default lr 1e-3; start: train @all; let @experts = [experts.*];
         for @expert in first {count} of @experts {{
             track in @expert {{ when loss < 0 or epoch 1_000_000: freeze @expert; }}
         }}"
    )
}

fn tracks(criterion: &mut Criterion) {
    let model = experts(1_000);
    let mut group = criterion.benchmark_group("tracks");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for count in [100, 200, 400] {
        let text = with_tracks(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("check", count), |bencher| {
            let read = || Draft::read(Source::new(text.clone())).check_against(&model);
            bencher.iter(|| read().policy.unwrap());
        });
        let policy = Policy::parse(&text).unwrap();
        group.bench_function(BenchmarkId::new("plan", count), |bencher| {
            bencher.iter(|| policy.plan(&model).unwrap());
        });
        let mut clock = Clock::new(policy.plan(&model).unwrap(), Program::default());
        clock.start_epoch();
        group.bench_function(BenchmarkId::new("step", count), |bencher| {
            bencher.iter(|| black_box(clock.end_step()));
        });
    }
    group.finish();
}
