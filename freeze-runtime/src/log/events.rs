//! `tracing` events, under the target `freeze_runtime`.

use std::path::Path;

use freeze_dsl::clock::{Change, Clock};
use tracing::{debug, info, warn};

use crate::Error;

const TARGET: &str = "freeze_runtime";

/// At `info` what a look at the rules changed, if it changed anything; at `warn` what a person
/// should know of.
pub(super) fn changed(clock: &Clock, change: &Change) {
    let Change { epoch, step, .. } = *change;
    for note in &change.notes {
        warn!(target: TARGET, epoch, step, "{note}");
    }
    if !change.is_empty() {
        let fired: Vec<&str> = change.fired.iter().map(|fired| fired.name.as_str()).collect();
        info!(
            target: TARGET,
            epoch,
            step,
            fired = fired.join(", "),
            unfrozen = change.unfrozen.len(),
            frozen = change.frozen.len(),
            trained_share = clock.trained_share(),
            stopped = change.stopped,
            "{change}"
        );
    }
}

/// At `debug`: the run is in a checkpoint.
pub(crate) fn saved(dir: &Path, clock: &Clock) {
    let (epochs, step) = (clock.epochs_started(), clock.steps());
    debug!(target: TARGET, dir = %dir.display(), epochs, step, "saved");
}

/// At `debug`: the run goes on from a checkpoint.
pub(crate) fn resumed(dir: &Path, clock: &Clock) {
    let (epochs, step) = (clock.epochs_started(), clock.steps());
    debug!(target: TARGET, dir = %dir.display(), epochs, step, "resumed");
}

/// At `warn`: the last line of a log is lost.
pub(super) fn not_written(error: &Error) {
    warn!(target: TARGET, "{error}");
}
