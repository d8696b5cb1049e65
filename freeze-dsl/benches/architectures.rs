//! How long a check takes on each of 77 real architectures, and which parameters `@norms` misses or
//! adds: `cargo bench -p freeze-dsl --bench architectures`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a bench")]

use criterion::Criterion;
use freeze_dsl::Draft;
use freeze_dsl::source::Source;

#[path = "../tests/support/architectures.rs"]
mod architectures;

use architectures::architectures;

/// Selectors of each kind that walks over all names.
const POLICY: &str = "default lr 1e-4; start: train **.weight except @norms, @biases; \
                      epoch 1: unfreeze @norms lr 1e-3, set @vectors weight_decay 0; \
                      epoch 2: unfreeze **.q_proj, @all; epoch 3: freeze @all";

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("check");
    for architecture in architectures() {
        let (missed, added) = architecture.norms_missed_and_added();
        println!(
            "{}: {} parameters, {} of norms, {} missed, {} added",
            architecture.name,
            architecture.model.parameters().len(),
            architecture.norms.len(),
            missed.len(),
            added.len()
        );
        group.bench_function(&architecture.name, |bencher| {
            bencher.iter(|| Draft::read(Source::new(POLICY)).check_against(&architecture.model));
        });
    }
    group.finish();
    criterion.final_summary();
}
