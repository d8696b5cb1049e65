//! `tracing` events with the target `freeze_runtime`.

use std::path::Path;

use tracing::{debug, info, warn};

use crate::transition::in_a_line;
use crate::{Error, Transition};

const TARGET: &str = "freeze_runtime";

/// At `info` a transition in which something changed, and at `warn` each of its notes and findings.
pub(crate) fn transition(transition: &Transition, trained_share: f64) {
    let Transition { epoch, step, .. } = *transition;
    for note in &transition.notes {
        warn!(target: TARGET, epoch, step, "{note}");
    }
    for finding in &transition.diagnostics {
        warn!(target: TARGET, epoch, step, code = finding.code.name(), "{}", in_a_line(finding));
    }
    if !transition.is_empty() {
        info!(
            target: TARGET,
            epoch,
            step,
            fired = transition.fired.join(", "),
            unfrozen = transition.unfrozen.len(),
            frozen = transition.frozen.len(),
            trained_share,
            stopped = transition.stopped,
            "{transition}"
        );
    }
}

/// At `warn`: a note about the run.
pub(crate) fn note(note: &str) {
    warn!(target: TARGET, "{note}");
}

/// At `debug`: the run was saved in a checkpoint.
pub(crate) fn saved(dir: &Path, epochs: u64, step: u64) {
    debug!(target: TARGET, dir = %dir.display(), epochs, step, "saved");
}

/// At `debug`: the run resumed from a checkpoint.
pub(crate) fn resumed(dir: &Path, epochs: u64, step: u64) {
    debug!(target: TARGET, dir = %dir.display(), epochs, step, "resumed");
}

/// At `warn`: the last line of a log was not written.
pub(crate) fn not_written(error: &Error) {
    warn!(target: TARGET, "{error}");
}
