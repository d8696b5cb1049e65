//! Draws a finding as rustc draws its own.

use annotate_snippets::{AnnotationKind, Level, Patch, Renderer, Snippet};

use super::{Diagnostic, Severity, Suggestion};
use crate::source::{Source, Span};

/// Whether a drawing has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// With ANSI colours, for a terminal.
    Ansi,
}

/// The finding as text, with an excerpt of the source and its suggestions as diffs.
#[must_use]
pub fn render(diagnostic: &Diagnostic, source: &Source, style: Style) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = AnnotationKind::Primary
        .span(drawable(source, diagnostic.span))
        .label((!diagnostic.label.is_empty()).then_some(diagnostic.label.as_str()));
    let secondary = diagnostic.secondary.iter().map(|label| {
        AnnotationKind::Context.span(drawable(source, label.span)).label(label.message.as_str())
    });
    let mut first = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.name())
        .element(snippet(source).annotation(primary).annotations(secondary));
    for note in &diagnostic.notes {
        first = first.element(Level::NOTE.message(note.as_str()));
    }
    let mut report = vec![first];
    report.extend(diagnostic.suggestions.iter().map(|suggestion| help(suggestion, source)));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    renderer.render(&report).clone()
}

fn help<'a>(suggestion: &'a Suggestion, source: &'a Source) -> annotate_snippets::Group<'a> {
    let patches = suggestion
        .edits
        .iter()
        .map(|edit| Patch::new(drawable(source, edit.span), edit.text.as_str()));
    Level::HELP
        .secondary_title(suggestion.message.as_str())
        .element(snippet(source).patches(patches))
}

fn snippet<T: Clone>(source: &Source) -> Snippet<'_, T> {
    Snippet::source(source.text()).path(source.name()).line_start(source.first_line())
}

/// The span as annotate-snippets can bear it: it panics on a range outside the text or
/// inside a character.
fn drawable(source: &Source, span: Span) -> std::ops::Range<usize> {
    let text = source.text();
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}
