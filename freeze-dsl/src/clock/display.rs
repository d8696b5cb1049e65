//! A transition as one line that a person can read.

use std::collections::HashMap;
use std::fmt;

use super::{BestMoment, SliceGroup, Transition};
use crate::index::{SliceId, SliceSet};
use crate::plan::{Plan, percentage, shortened};

/// So many paths are named; the others are counted.
const NAMED: usize = 4;

/// What froze and what trains, in words.
pub(super) fn summary(
    transition: &Transition,
    plan: &Plan,
    trains: &SliceSet,
    groups: &[SliceGroup],
) -> String {
    let bound = plan.bound();
    let mut clauses = Vec::new();
    for (verb, slices) in [("unfroze", &transition.unfrozen), ("froze", &transition.frozen)] {
        if !slices.is_empty() {
            clauses.push(format!("{verb} {}", listed(&paths(plan, slices))));
        }
    }
    clauses.push(match bound.trainable(trains) {
        0 => "nothing trains".to_owned(),
        count => format!(
            "{count} of {} parameters train ({} of the numbers), lr {}",
            bound.parameters(),
            percentage(bound.elements(trains), bound.all_elements()),
            rates(groups),
        ),
    });
    clauses.join("; ")
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, step {}: ", self.epoch, self.step)?;
        let names: Vec<&str> = self.fired.iter().map(|fired| fired.name.as_str()).collect();
        match names.as_slice() {
            _ if self.is_empty() && self.stopped => return f.write_str("training is over"),
            [] if self.is_empty() => f.write_str("no rule fired")?,
            [] => f.write_str("a curve ended")?,
            names => write!(f, "{} fired", names.join(", "))?,
        }
        for restore in &self.restored {
            if let Some(BestMoment { value, epoch, .. }) = restore.observed {
                let value = shortened(value);
                write!(f, "; restored epoch {epoch}, when {} was {value}", restore.metric)?;
            }
        }
        if !self.is_empty() {
            write!(f, "; {}", self.summary)?;
        }
        if self.stopped {
            f.write_str("; training is over")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// The fewest paths that select these slices and no others, in the model's order.
fn paths(plan: &Plan, slices: &[SliceId]) -> Vec<String> {
    let bound = plan.bound();
    let name = |slice| bound.name(slice);
    let mut given: HashMap<&str, usize> = HashMap::new();
    for path in slices.iter().flat_map(|slice| around(name(*slice))) {
        *given.entry(path).or_default() += 1;
    }
    // A path that selects no other slice.
    let is_own = |path: &&str| given.get(path).copied() == Some(bound.count_under(path));
    let mut paths: Vec<String> = Vec::new();
    for slice in slices {
        let path = around(name(*slice)).find(is_own);
        let path = match path {
            Some("") => "everything".to_owned(),
            Some(path) => path.to_owned(),
            None => plan.slice_name(*slice),
        };
        if paths.last() != Some(&path) {
            paths.push(path);
        }
    }
    paths
}

/// The paths that a name lies under, the whole model first and itself last.
fn around(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices('.').map(|(end, _)| end);
    let ends = std::iter::once(0).chain(ends).chain(std::iter::once(name.len()));
    ends.filter_map(|end| name.get(..end))
}

fn listed(paths: &[String]) -> String {
    // One that is left over is named rather than counted.
    match paths.split_at_checked(NAMED).filter(|(_, others)| others.len() > 1) {
        Some((named, others)) => format!("{} and {} more", named.join(", "), others.len()),
        None => paths.join(", "),
    }
}

/// The learning rates of groups: each one, or from the lowest to the highest of many.
fn rates(groups: &[SliceGroup]) -> String {
    let mut rates: Vec<f64> = groups.iter().filter_map(|group| group.lr).collect();
    rates.sort_unstable_by(f64::total_cmp);
    rates.dedup();
    match rates.as_slice() {
        [] => "none".to_owned(),
        [lowest, .., highest] if rates.len() > NAMED => {
            format!("{} to {}", shortened(*lowest), shortened(*highest))
        }
        rates => rates.iter().map(|rate| shortened(*rate)).collect::<Vec<_>>().join(", "),
    }
}
