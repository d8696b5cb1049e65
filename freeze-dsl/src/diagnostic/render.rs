//! Renders a finding as rustc renders its own.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use super::{Diagnostic, Severity, Suggestion, visible, visible_name};
use crate::source::{Source, Span};

/// How many bytes the lines of a finding may have to be shown as an excerpt.
const LONGEST: usize = 20_000;

/// Whether the rendered text has colours.
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
    let diagnostic = &readable(diagnostic);
    let excerpt = Excerpt::around(diagnostic, source);
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let primary = AnnotationKind::Primary
        .span(excerpt.range(diagnostic.span))
        .label((!diagnostic.label.is_empty()).then_some(diagnostic.label.as_str()));
    let secondary = diagnostic.secondary.iter().map(|label| {
        AnnotationKind::Context.span(excerpt.range(label.span)).label(label.message.as_str())
    });
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    let mut first = if excerpt.is_long() {
        // Rendering takes time for every character.
        let (line, column) = source.line_column(diagnostic.span.start);
        let origin = Origin::path(visible_name(source.name())).line(line).char_column(column);
        Group::with_title(title).element(origin)
    } else {
        title.element(excerpt.snippet().annotation(primary).annotations(secondary))
    };
    for note in &diagnostic.notes {
        first = first.element(Level::NOTE.message(note.as_str()));
    }
    let mut report = vec![first];
    report.extend(diagnostic.suggestions.iter().map(|suggestion| excerpt.help(suggestion)));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    renderer.render(&report).clone()
}

/// The finding with all of its words visible. annotate-snippets shows an excerpt's by itself.
fn readable(diagnostic: &Diagnostic) -> Diagnostic {
    let mut readable = diagnostic.clone();
    let labels = readable.secondary.iter_mut().map(|label| &mut label.message);
    let helps = readable.suggestions.iter_mut().map(|suggestion| &mut suggestion.message);
    let words = [&mut readable.message, &mut readable.label].into_iter();
    for words in words.chain(labels).chain(&mut readable.notes).chain(helps) {
        *words = visible(words).into_owned();
    }
    readable
}

/// The lines of a source that a finding is about. Rendering takes time for every line of its
/// input, and a source may have a million.
struct Excerpt<'s> {
    source: &'s Source,
    text: &'s str,
    /// The byte of the source where the excerpt begins.
    start: usize,
    /// The line of that byte.
    line: usize,
}

impl<'s> Excerpt<'s> {
    fn around(diagnostic: &Diagnostic, source: &'s Source) -> Self {
        let text = source.text();
        let edits = diagnostic.suggestions.iter().flat_map(|suggestion| &suggestion.edits);
        let all = std::iter::once(diagnostic.span)
            .chain(diagnostic.secondary.iter().map(|label| label.span))
            .chain(edits.map(|edit| edit.span));
        let whole = all.fold(diagnostic.span, Span::to);
        let from = text.floor_char_boundary(whole.start.min(text.len()));
        let to = text.ceil_char_boundary(whole.end.min(text.len()));
        let (before, after) = (text.get(..from).unwrap_or_default(), text.get(to..));
        let start = before.rfind('\n').map_or(source.first_byte(), |line_end| line_end + 1);
        let end = after.and_then(|rest| rest.find('\n')).map_or(text.len(), |more| to + more + 1);
        Self {
            source,
            text: text.get(start..end).unwrap_or_default(),
            start,
            line: source.line_column(start).0,
        }
    }

    /// Whether its lines are too long for a person to have written them.
    const fn is_long(&self) -> bool {
        self.text.len() > LONGEST
    }

    fn snippet<T: Clone>(&self) -> Snippet<'s, T> {
        Snippet::source(self.text).path(visible_name(self.source.name())).line_start(self.line)
    }

    fn help<'a>(&self, suggestion: &'a Suggestion) -> Group<'a>
    where
        's: 'a,
    {
        let patches = suggestion
            .edits
            .iter()
            .map(|edit| Patch::new(self.range(edit.span), edit.text.as_str()));
        let title = Level::HELP.secondary_title(suggestion.message.as_str());
        if self.is_long() {
            return Group::with_title(title);
        }
        title.element(self.snippet().patches(patches))
    }

    /// A span of the source as a range of the excerpt.
    fn range(&self, span: Span) -> Range<usize> {
        let inside = |at: usize| at.saturating_sub(self.start);
        clamped(self.text, Span::new(inside(span.start), inside(span.end)))
    }
}

/// The span, clamped to the text and to whole characters: annotate-snippets panics on any other.
fn clamped(text: &str, span: Span) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}
