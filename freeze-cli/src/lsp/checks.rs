//! Checks policies in a thread of their own, so that no request waits for findings that it does not
//! need.

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
        let (jobs, waiting) = channel::<CheckedDocument>();
        std::thread::spawn(move || {
            for document in waiting {
                let _known = document.policy.findings();
                if done.send(Incoming::Checked(document)).is_err() {
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

    /// Takes note that a document has come back.
    pub(super) fn finish(&mut self) {
        self.is_busy = false;
    }
}
