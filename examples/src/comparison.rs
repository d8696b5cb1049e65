//! A comparison: several strategies, each run once for each task, and a table of their results.

use std::error::Error;
use std::iter;

use freeze_runtime::Policy;
use indicatif::ProgressBar;

use crate::table::{Table, thousands};
use crate::{Spread, bar, policy};

/// A way to train.
#[derive(Debug)]
pub struct Strategy {
    /// Its name in tables and pictures.
    pub name: &'static str,
    /// Which parameters train, when and how.
    pub policy: Policy,
}

impl Strategy {
    /// A strategy whose policy is a file of an example.
    ///
    /// # Errors
    /// If the policy cannot be read, is wrong, or does not fit the example's network.
    pub fn load(example: &str, name: &'static str, file: &str) -> Result<Self, Box<dyn Error>> {
        Ok(Self { name, policy: policy(example, file)? })
    }
}

/// A strategy and its runs, one for each task.
#[derive(Debug)]
pub struct Outcome<R> {
    /// The strategy.
    pub strategy: Strategy,
    /// Its runs, in the order of the tasks.
    pub runs: Vec<R>,
}

impl<R> Outcome<R> {
    /// Runs a strategy for every task and prints its name. The progress bar has `length` ticks a
    /// task, which `run` counts.
    ///
    /// # Errors
    /// If a run fails.
    pub fn of<T>(
        strategy: Strategy,
        tasks: &[T],
        length: u64,
        run: impl Fn(&Strategy, &T, &ProgressBar) -> Result<R, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let progress = bar(length * u64::try_from(tasks.len())?, strategy.name);
        let runs = tasks.iter().map(|task| run(&strategy, task, &progress));
        let runs = runs.collect::<Result<_, _>>()?;
        progress.finish_and_clear();
        println!("{}", strategy.name);
        Ok(Self { strategy, runs })
    }
}

/// A column of a comparison: its header, and the cell of a strategy's runs.
pub type Column<R> = (&'static str, fn(&[R]) -> String);

/// A table with one row for each strategy.
pub fn table<R>(outcomes: &[Outcome<R>], columns: &[Column<R>]) -> Table {
    let headers = columns.iter().map(|(header, _)| *header);
    let mut table = Table::new(iter::once("strategy").chain(headers));
    for Outcome { strategy, runs } in outcomes {
        let cells = columns.iter().map(|(_, cell)| cell(runs));
        table.row(iter::once(strategy.name.to_owned()).chain(cells));
    }
    table
}

/// The mean of a value over all runs and its standard deviation, as `1.23 ± 0.04`.
pub fn spread<R>(runs: &[R], decimals: usize, value: impl Fn(&R) -> f64) -> String {
    let Spread { mean, deviation } = Spread::of(runs.iter().map(value));
    format!("{mean:.decimals$} ± {deviation:.decimals$}")
}

/// The mean of a share over all runs and its standard deviation, as `98.7 % ± 0.4`.
pub fn percent<R>(runs: &[R], share: impl Fn(&R) -> f64) -> String {
    let Spread { mean, deviation } = Spread::of(runs.iter().map(|run| 100.0 * share(run)));
    format!("{mean:.1} % ± {deviation:.1}")
}

/// The largest value of all runs, with separated thousands.
pub fn largest<R>(runs: &[R], value: impl Fn(&R) -> usize) -> String {
    thousands(runs.iter().map(value).max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use freeze_runtime::freeze_policy;

    use super::*;

    #[test]
    fn a_row_summarizes_the_runs_of_a_strategy() {
        let strategy = Strategy { name: "all", policy: freeze_policy! { start: train @all; } };
        let run = |_: &Strategy, task: &u8, _: &ProgressBar| Ok(f64::from(*task));
        let outcome = Outcome::of(strategy, &[1, 3], 1, run).unwrap();
        let columns: [Column<f64>; 3] = [
            ("share", |runs| percent(runs, |run| run / 10.0)),
            ("value", |runs| spread(runs, 2, |run| *run)),
            ("most", |runs| largest(runs, |run| if *run > 2.0 { 3000 } else { 1 })),
        ];
        let table = table(&[outcome], &columns).to_string();
        let row = "all        20.0 % ± 14.1   2.00 ± 1.41   3,000";
        assert_eq!(table.lines().last(), Some(row));
    }
}
