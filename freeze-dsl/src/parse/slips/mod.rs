//! Slips: what people write who come from Python, YAML or `PyTorch`. Each kind of slip proposes
//! edits; one is offered only if the statement parses further with it.

mod blocks;
mod brackets;
mod comparisons;
mod curves;
mod durations;
mod edited;
mod fillers;
mod joined_rules;
mod loops;
mod metrics;
mod missing_comma;
mod moments;
mod numbers;
mod optimizers;
mod options;
mod paths;
mod renames;
mod restoring;
mod rows;
mod selectors;
mod signs;
mod statements;
mod stuck;
mod words;

use pest::Parser;
use pest::error::InputLocation;

use super::{Grammar, Rule};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Suggestion};
use crate::source::Span;
use edited::EditedText;
use renames::Rename;
pub(super) use statements::cut_rule;
use stuck::Stuck;

/// A longer statement was not written by a person.
const LONGEST: usize = 4_000;

/// The most slips that are mended in one statement.
const MOST_SLIPS: usize = 16;

/// A slip, with the edits that mend it, or with notes that name the choices.
pub(super) struct Slip {
    code: Code,
    place: Span,
    message: String,
    label: String,
    notes: Vec<String>,
    help: String,
    sure: Applicability,
    edits: Vec<Edit>,
    rename: Option<Rename>,
    /// Whether no edit can be right, though there may be some with which the statement parses.
    is_ambiguous: bool,
}

impl Slip {
    fn new(place: Span, message: impl Into<String>) -> Self {
        Self {
            code: Code::Syntax,
            place,
            message: message.into(),
            label: String::new(),
            notes: Vec::new(),
            help: String::new(),
            sure: Applicability::Maybe,
            edits: Vec::new(),
            rename: None,
            is_ambiguous: false,
        }
    }

    /// A slip in a word.
    fn word(place: Span, message: impl Into<String>) -> Self {
        Self { code: Code::UnknownWord, ..Self::new(place, message) }
    }

    fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    fn replace(mut self, span: Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit { span, text: text.into() });
        self.edits.sort_by_key(|edit| edit.span.start);
        self
    }

    fn insert(self, at: usize, text: impl Into<String>) -> Self {
        self.replace(Span::new(at, at), text)
    }

    /// Nothing else can be meant, so that the edits may be made without asking.
    fn surely(self) -> Self {
        self.surely_if(true)
    }

    fn surely_if(mut self, is_sure: bool) -> Self {
        if is_sure {
            self.sure = Applicability::Safe;
        }
        self
    }

    fn ambiguous(mut self) -> Self {
        self.is_ambiguous = true;
        self
    }

    fn rename(mut self, rename: Rename) -> Self {
        self.rename = Some(rename);
        self
    }

    /// Inserts `@` before the uses of its name in the rest of its own statement as well.
    fn with_uses(mut self, stuck: &Stuck<'_>, from: usize) -> Self {
        let uses = self
            .rename
            .as_ref()
            .map_or_else(Vec::new, |rename| rename.edits(stuck.text(), Span::new(0, from)));
        self.edits.extend(uses);
        self
    }

    fn into_finding(self, offset: usize) -> Diagnostic {
        let place = Span::new(self.place.start + offset, self.place.end + offset);
        let mut finding = Diagnostic::new(self.code, place, self.message).label(self.label);
        finding.notes = self.notes;
        finding
    }
}

/// The kinds of slips, the likeliest first.
const KINDS: [fn(&Stuck<'_>) -> Vec<Slip>; 19] = [
    joined_rules::slips,
    joined_rules::missing_over,
    statements::slips,
    blocks::slips,
    options::slips,
    signs::slips,
    numbers::slips,
    durations::slips,
    metrics::slips,
    curves::slips,
    words::slips,
    selectors::slips,
    paths::slips,
    moments::slips,
    comparisons::slips,
    fillers::slips,
    brackets::slips,
    statements::moved_triggers,
    missing_comma::slips,
];

/// The finding for the statement at `span` of a text, if a kind of slip explains it.
pub(super) fn finding(text: &str, span: Span) -> Option<Diagnostic> {
    let statement = text.get(span.range()).filter(|statement| statement.len() <= LONGEST)?;
    let stuck = Stuck::new(statement, error_at(statement)?, text, span.start);
    if let Some(ambiguous) = choice(&stuck).filter(|slip| slip.is_ambiguous) {
        return Some(ambiguous.into_finding(span.start));
    }
    let mut edited = EditedText::new(statement);
    let mut slips: Vec<Slip> = Vec::new();
    let is_mended = loop {
        let now = edited.text();
        let Some(at) = error_at(&now) else { break true };
        if slips.len() == MOST_SLIPS {
            break false;
        }
        let stuck = Stuck::new(&now, at, text, span.start);
        let Some((slip, better)) = best(&stuck, &edited) else {
            break false;
        };
        edited = better;
        slips.push(slip);
    };
    if !is_mended {
        return match choice(&stuck) {
            Some(choice) => Some(choice.into_finding(span.start)),
            None => first_step(text, span, &stuck),
        };
    }
    let suggestion = suggestion(text, span, &slips, &edited);
    Some(slips.into_iter().next()?.into_finding(span.start).with(suggestion))
}

/// The first slip of a statement with more mistakes, if much more of it parses without the slip.
fn first_step(text: &str, span: Span, stuck: &Stuck<'_>) -> Option<Diagnostic> {
    /// How many more words and signs must parse.
    const LEAST: usize = 3;
    let (slip, edited) = best(stuck, &EditedText::new(stuck.text()))?;
    let now = edited.text();
    let left = now.len() - error_at(&now)?;
    let reached = stuck.text().len().checked_sub(left)?;
    let parsed = (stuck.at()..stuck.count()).filter(|at| stuck.get(*at).span.end <= reached);
    if parsed.count() < LEAST {
        return None;
    }
    let suggestion = Suggestion {
        // What the rest of the statement means is unknown.
        applicability: Applicability::Maybe,
        ..suggestion(text, span, std::slice::from_ref(&slip), &edited)
    };
    Some(slip.into_finding(span.start).with(suggestion))
}

/// What all the slips of a statement are mended by.
fn suggestion(text: &str, span: Span, slips: &[Slip], edited: &EditedText<'_>) -> Suggestion {
    let mut helps: Vec<&str> = Vec::new();
    for slip in slips {
        if !helps.contains(&slip.help.as_str()) {
            helps.push(&slip.help);
        }
    }
    let is_safe = slips.iter().all(|slip| slip.sure == Applicability::Safe);
    let mut edits = edited.edits(span.start);
    for rename in slips.iter().filter_map(|slip| slip.rename.as_ref()) {
        edits.extend(rename.edits(text, span));
    }
    edits.sort_by_key(|edit| edit.span.start);
    Suggestion {
        message: helps.join(", and "),
        applicability: if is_safe { Applicability::Safe } else { Applicability::Maybe },
        edits,
    }
}

/// The edits that write `@` before the uses of a name after a statement.
pub(crate) fn uses_with_sign(text: &str, statement: Span, name: &str) -> Vec<Edit> {
    Rename::with_sign(name).edits(text, statement)
}

/// The byte at which a statement stops being valid; `None` if all of it is valid.
fn error_at(statement: &str) -> Option<usize> {
    let error = Grammar::parse(Rule::alone, statement).err()?;
    Some(match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    })
}

/// The slip whose edits lead furthest, the first of those that lead equally far.
fn best<'t>(stuck: &Stuck<'_>, edited: &EditedText<'t>) -> Option<(Slip, EditedText<'t>)> {
    let mut best: Option<(usize, Slip, EditedText<'t>)> = None;
    // How much text is left after the error.
    let left_now = stuck.text().len() - stuck.error();
    let slips = KINDS.iter().flat_map(|kind| kind(stuck));
    for slip in slips.filter(|slip| !slip.edits.is_empty()) {
        let with = edited.with(&slip.edits);
        let text = with.text();
        let Some(at) = error_at(&text) else { return Some((slip, with)) };
        let left = text.len() - at;
        if left < best.as_ref().map_or(left_now, |(left, ..)| *left) {
            best = Some((left, slip, with));
        }
    }
    best.map(|(_, slip, with)| (slip, with))
}

/// A slip that only notes can answer.
fn choice(stuck: &Stuck<'_>) -> Option<Slip> {
    KINDS.iter().flat_map(|kind| kind(stuck)).find(|slip| slip.edits.is_empty())
}

/// How far a statement parses with edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// No further than without them.
    Less,
    Further,
    Whole,
}

/// How far the statement at `span` parses with a suggestion.
pub(super) fn reach(text: &str, span: Span, suggestion: &Suggestion) -> Reach {
    let statement = text.get(span.range()).unwrap_or_default();
    let Some(at) = error_at(statement) else { return Reach::Whole };
    let own = |edit: &&Edit| edit.span.start >= span.start && edit.span.end <= span.end;
    let edits: Vec<Edit> = suggestion
        .edits
        .iter()
        .filter(own)
        .map(|edit| Edit {
            span: Span::new(edit.span.start - span.start, edit.span.end - span.start),
            text: edit.text.clone(),
        })
        .collect();
    let edited = EditedText::new(statement).with(&edits).text();
    match error_at(&edited) {
        None => Reach::Whole,
        Some(new) if edited.len() - new < statement.len() - at => Reach::Further,
        Some(_) => Reach::Less,
    }
}
