//! Checks policies in a thread of their own, so that no request waits for findings that it does not
//! need.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender, channel};

use freeze_dsl::ide::OpenPolicy;

use super::protocol::Uri;
use super::transport::Incoming;

/// A document whose findings are known.
#[derive(Debug)]
pub(super) struct CheckedDocument {
    pub(super) uri: Uri,
    /// What was checked: the document may have changed since then.
    pub(super) policy: Arc<OpenPolicy>,
}

/// The thread; it checks one policy at a time.
pub(super) struct Checks {
    jobs: Sender<CheckedDocument>,
    is_busy: bool,
}

impl Checks {
    /// Starts the thread, which sends each document back once it is checked.
    pub(super) fn start(done: SyncSender<Incoming>) -> Self {
        Self::start_with(done, |document| {
            let _known = document.policy.findings();
        })
    }

    /// Starts the thread with a check of its own.
    fn start_with(
        done: SyncSender<Incoming>,
        check: impl Fn(&CheckedDocument) + Send + 'static,
    ) -> Self {
        let (jobs, waiting) = channel::<CheckedDocument>();
        std::thread::spawn(move || {
            for document in waiting {
                // A check that panics must not end the thread: no document would be checked again.
                let checked = catch_unwind(AssertUnwindSafe(|| check(&document)));
                let report = match checked {
                    Ok(()) => Incoming::Checked(document),
                    Err(_) => Incoming::CheckFailed,
                };
                if done.send(report).is_err() {
                    return;
                }
            }
        });
        Self { jobs, is_busy: false }
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.is_busy
    }

    pub(super) fn check(&mut self, uri: Uri, policy: Arc<OpenPolicy>) {
        self.is_busy = self.jobs.send(CheckedDocument { uri, policy }).is_ok();
    }

    /// Takes note that a document has come back, or that its check failed.
    pub(super) fn finish(&mut self) {
        self.is_busy = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::transport;

    #[test]
    fn a_check_that_panics_is_reported_and_the_next_one_runs() {
        let (sender, incoming) = transport::channel();
        let mut checks = Checks::start_with(sender, |document| {
            assert_ne!(document.uri.0, "file:///wrong.freeze", "this check panics on purpose");
        });
        for (uri, fails) in [("file:///wrong.freeze", true), ("file:///a.freeze", false)] {
            let policy = OpenPolicy::new(freeze_dsl::source::Source::new("run 1 epoch;"));
            checks.check(Uri(uri.to_owned()), Arc::new(policy));
            assert!(checks.is_busy());
            let report = incoming.recv().unwrap();
            assert_eq!(matches!(report, Incoming::CheckFailed), fails, "{report:?}");
            checks.finish();
            assert!(!checks.is_busy());
        }
    }
}
