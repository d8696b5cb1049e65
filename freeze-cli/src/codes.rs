//! The codes of findings, as users write them.

use freeze_dsl::diagnostic::{Code, visible};

/// The code of this name; otherwise a message with the nearest one.
pub(crate) fn named(written: &str) -> Result<Code, String> {
    Code::of(written).ok_or_else(|| {
        let meant = Code::nearest(written)
            .map_or(String::new(), |code| format!("; did you mean `{code}` ({})?", code.meaning()));
        // Control characters must not reach the terminal.
        format!("there is no finding `{}`{meant}", visible(written))
    })
}
