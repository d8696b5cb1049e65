//! What a text means before it runs: its tree, its canonical form, what it selects in a model.

mod architectures;
mod formatting;
mod generated;
mod hostile;
mod ide;
mod json;
mod language;
mod lists;
mod loops;
mod model;
mod model_files;
mod numbers;
mod selecting;
mod selectors;
#[path = "../support/mod.rs"]
mod support;
