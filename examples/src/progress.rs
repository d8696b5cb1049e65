//! Progress in a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar of the given length. It is hidden where there is no terminal.
#[must_use]
pub fn bar(length: u64, message: impl Into<String>) -> ProgressBar {
    let style = ProgressStyle::with_template("    {bar:30} {percent:>3} %  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(message.into())
}
