//! The proof that a finding was reported.

/// The proof that a finding was reported. Only pushing a finding creates one, so that code which
/// fails with it cannot fail in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported(());

impl Reported {
    pub(super) const fn new() -> Self {
        Self(())
    }
}
