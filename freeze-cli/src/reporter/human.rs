//! A finding with an excerpt of the text, as rustc prints its own.

use std::io::IsTerminal;

use freeze_dsl::diagnostic::{Diagnostic, Style, render};
use freeze_dsl::source::Source;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

impl Color {
    /// The style of standard error (<https://no-color.org>).
    fn style(self) -> Style {
        let is_wanted = || std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match self {
            Self::Always => Style::Ansi,
            Self::Auto if std::io::stderr().is_terminal() && is_wanted() => Style::Ansi,
            Self::Auto | Self::Never => Style::Plain,
        }
    }
}

pub(super) fn finding(finding: &Diagnostic, source: &Source, color: Color) -> String {
    format!("{}\n", render(finding, source, color.style()))
}
