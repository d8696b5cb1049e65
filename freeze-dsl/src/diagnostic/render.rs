//! Draws a finding as rustc draws its own.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use super::{Diagnostic, Severity, Suggestion};
use crate::source::{Source, Span};

/// How many bytes the lines may have that a finding speaks of, for them to be drawn.
const LONGEST: usize = 20_000;

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
    let window = Window::around(diagnostic, source);
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let primary = AnnotationKind::Primary
        .span(window.place(diagnostic.span))
        .label((!diagnostic.label.is_empty()).then_some(diagnostic.label.as_str()));
    let secondary = diagnostic.secondary.iter().map(|label| {
        AnnotationKind::Context.span(window.place(label.span)).label(label.message.as_str())
    });
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    let mut first = if window.is_long() {
        // Drawing takes time for every character as well.
        let (line, column) = source.line_column(diagnostic.span.start);
        let origin = Origin::path(source.name()).line(line).char_column(column);
        Group::with_title(title).element(origin)
    } else {
        title.element(window.snippet().annotation(primary).annotations(secondary))
    };
    for note in &diagnostic.notes {
        first = first.element(Level::NOTE.message(note.as_str()));
    }
    let mut report = vec![first];
    report.extend(diagnostic.suggestions.iter().map(|suggestion| window.help(suggestion)));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    renderer.render(&report).clone()
}

/// The lines of a source that a finding speaks of. Drawing takes time for every line that is
/// there, and a source may have a million.
struct Window<'s> {
    source: &'s Source,
    text: &'s str,
    /// Where the window begins in the source,
    start: usize,
    /// and in which line.
    line: usize,
}

impl<'s> Window<'s> {
    fn around(diagnostic: &Diagnostic, source: &'s Source) -> Self {
        let text = source.text();
        let edits = diagnostic.suggestions.iter().flat_map(|suggestion| &suggestion.edits);
        let all = std::iter::once(diagnostic.span)
            .chain(diagnostic.secondary.iter().map(|label| label.span))
            .chain(edits.map(|edit| edit.span));
        let whole = all.fold(diagnostic.span, Span::to);
        let from = text.floor_char_boundary(whole.start.min(text.len()));
        let to = text.ceil_char_boundary(whole.end.min(text.len()));
        let (before, behind) = (text.get(..from).unwrap_or_default(), text.get(to..));
        let start = before.rfind('\n').map_or(0, |line_end| line_end + 1);
        let end = behind.and_then(|rest| rest.find('\n')).map_or(text.len(), |more| to + more + 1);
        Self {
            source,
            text: text.get(start..end).unwrap_or_default(),
            start,
            line: source.line_column(start).0,
        }
    }

    /// Whether its lines are none that a person wrote.
    const fn is_long(&self) -> bool {
        self.text.len() > LONGEST
    }

    fn snippet<T: Clone>(&self) -> Snippet<'s, T> {
        Snippet::source(self.text).path(self.source.name()).line_start(self.line)
    }

    fn help<'a>(&self, suggestion: &'a Suggestion) -> Group<'a>
    where
        's: 'a,
    {
        let patches = suggestion
            .edits
            .iter()
            .map(|edit| Patch::new(self.place(edit.span), edit.text.as_str()));
        let title = Level::HELP.secondary_title(suggestion.message.as_str());
        if self.is_long() {
            return Group::with_title(title);
        }
        title.element(self.snippet().patches(patches))
    }

    /// A span of the source in the window.
    fn place(&self, span: Span) -> Range<usize> {
        let inside = |at: usize| at.saturating_sub(self.start);
        drawable(self.text, Span::new(inside(span.start), inside(span.end)))
    }
}

/// The span as annotate-snippets can bear it: it panics on a range outside the text or
/// inside a character.
fn drawable(text: &str, span: Span) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}
