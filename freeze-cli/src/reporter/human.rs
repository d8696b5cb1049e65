//! A finding with an excerpt of the text, as rustc prints its own.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::ColorChoice;
use clap::builder::styling::AnsiColor;
use freeze_dsl::diagnostic::{Diagnostic, Style, render, visible};
use freeze_dsl::source::Source;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal that has colours, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

impl Color {
    /// The style of standard error.
    fn style(self) -> Style {
        let variable = |name: &str| std::env::var_os(name);
        match self {
            Self::Always => Style::Ansi,
            Self::Auto if std::io::stderr().is_terminal() && has_colors(variable) => Style::Ansi,
            Self::Auto | Self::Never => Style::Plain,
        }
    }
}

/// The colours of help and of messages about usage, which are printed before options are read.
pub(crate) fn color_of_help(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut is_value = false;
    for argument in arguments {
        let argument = argument.to_string_lossy().into_owned();
        let value = argument.strip_prefix("--color=").or(is_value.then_some(argument.as_str()));
        choice = match value {
            Some("never") => ColorChoice::Never,
            Some("always") => ColorChoice::Always,
            Some(_) => ColorChoice::Auto,
            None => choice,
        };
        is_value = argument == "--color";
    }
    choice
}

/// Whether the environment's variables allow colours on a terminal (<https://no-color.org>).
fn has_colors(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").is_none_or(|terminal| terminal != "dumb")
}

pub(super) fn finding(finding: &Diagnostic, source: &Source, color: Color) -> String {
    format!("{}\n", render(finding, source, color.style()))
}

/// A line about something that could not be done.
pub(super) fn failure(message: &str, color: Color) -> String {
    let message = visible(message);
    match color.style() {
        Style::Plain => format!("error: {message}"),
        Style::Ansi => {
            // The style of rustc's errors, as findings have it.
            let (error, bold) = (
                AnsiColor::BrightRed.on_default().bold(),
                clap::builder::styling::Style::new().bold(),
            );
            format!("{error}error{error:#}{bold}: {message}{bold:#}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_and_no_color_have_none() {
        let with = |set: &str, value: &str| {
            has_colors(|name| (name == set).then(|| OsString::from(value)))
        };
        assert!(with("TERM", "xterm") && with("NO_COLOR", "") && with("OTHER", "dumb"));
        assert!(!with("TERM", "dumb") && !with("NO_COLOR", "1"));
    }
}
