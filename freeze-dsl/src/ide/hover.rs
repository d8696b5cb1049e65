//! What is at a place of a text.

use std::ops::Range;

use super::OpenPolicy;
use super::selected::{Selected, grouped, parameters};
use super::walk::{Part, walk};
use super::words;
use crate::ast::{Elements, Item, Rule, Setting, Term};
use crate::diagnostic::shown_number;
use crate::lower::{Recorded, Recording, Values};
use crate::parse::Lexeme;
use crate::plan::percentage;
use crate::select::{NameIndex, Selection};
use crate::source::{Span, Spanned};

/// What is said of a place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The part of the text that it is about.
    pub span: Span,
    /// What is said, as Markdown.
    pub markdown: String,
}

/// How many turns of a loop are listed.
const TURNS: usize = 4;

impl OpenPolicy {
    /// What the word or the selector at a byte means.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("let base = 1e-3 / 2; start: train fc lr base"));
    /// let hover = policy.hover(41).ok_or("nothing there")?;
    /// assert!(hover.markdown.contains("0.0005"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn hover(&self, byte: usize) -> Option<Hover> {
        let lexeme = self.lexeme_at(byte)?;
        let (span, mut parts) = self.of_tree(byte, &lexeme).unwrap_or_else(|| {
            let meaning = self.optimizer_word(&lexeme).or_else(|| words::keyword(lexeme.text));
            (lexeme.span, meaning.into_iter().collect())
        });
        parts.extend(self.rule_row(&lexeme));
        (!parts.is_empty()).then(|| Hover { span, markdown: parts.join("\n\n") })
    }

    /// The word or sign at a byte, or directly before it.
    fn lexeme_at(&self, byte: usize) -> Option<Lexeme<'_>> {
        // Comments have no words.
        let (text, readable) = (self.text(), self.readable());
        let is_blank = |at: usize| readable.get(at..=at).is_none_or(|sign| sign == " ");
        let at =
            if is_blank(byte) { byte.checked_sub(1).filter(|at| !is_blank(*at))? } else { byte };
        let start = text.get(..at)?.rfind(['\n', ';', '{', '}']).map_or(0, |start| start + 1);
        Lexeme::all(text, Span::new(start, text.len())).find(|lexeme| lexeme.span.end > at)
    }

    /// What a name, a path or an expression at a byte means.
    fn of_tree(&self, byte: usize, lexeme: &Lexeme<'_>) -> Option<(Span, Vec<String>)> {
        let tree = self.tree();
        let covers = |span: Span| span.start <= byte && byte <= span.end;
        // Parts are visited from the outermost to the innermost.
        let mut found = None;
        walk(tree, |part| {
            let span = match part {
                Part::Term(term) => term.span,
                Part::List(list) => list.span,
                Part::Number(number) => number.span,
                _ => return,
            };
            if covers(span) {
                found = Some((span, part));
            }
        });
        let (span, part) = found?;
        let recording = self.recording(span);
        let mut parts = Vec::new();
        match part {
            // The words of a list, as in `last 2 of`, mean more than the list.
            Part::Term(Spanned {
                value: Term::Listing(_) | Term::Sample(_) | Term::Rows(_),
                ..
            }) => {
                parts.extend(words::keyword(lexeme.text));
                parts.extend(self.selected(recording.selections(Recorded::Term, span)));
            }
            Part::Term(term) => {
                if let Term::Named(name) = &term.value {
                    parts.extend(self.definition_text(byte, name));
                }
                parts.extend(self.selected(recording.selections(Recorded::Term, span)));
            }
            Part::List(list) => {
                if let Elements::Named(name) = &list.value {
                    parts.extend(self.definition_text(byte, name));
                }
                parts.extend(self.selected(recording.selections(Recorded::List, span)));
            }
            Part::Number(_) => {
                parts.extend(words::keyword(lexeme.text).filter(|_| !self.is_name(byte)));
                if let Some(names) = self.number_definition(byte) {
                    parts.push(names);
                }
                let shown = self.source().slice(span);
                let values = recording.numbers(span).map(shown_values);
                let values = values.filter(|values| values != shown);
                parts.extend(values.map(|values| format!("`{shown}` equals {values}")));
            }
            _ => {}
        }
        // A segment of a path may be a word of the language, which it does not mean there.
        let is_expression = matches!(part, Part::Number(_));
        (!parts.is_empty() || !is_expression).then_some((span, parts))
    }

    fn is_name(&self, byte: usize) -> bool {
        self.names().at(byte).is_some()
    }

    /// The statement that defines a name of targets, or what a ready-made name is.
    fn definition_text(&self, byte: usize, name: &str) -> Option<String> {
        let names = self.names();
        match names.at(byte) {
            Some(known) => Some(self.defining(known.place, known.is_of_loop)),
            None => words::ready_made(name).map(|meaning| format!("`@{name}`: {meaning}")),
        }
    }

    fn number_definition(&self, byte: usize) -> Option<String> {
        let names = self.names();
        let known = names.at(byte)?;
        Some(self.defining(known.place, known.is_of_loop))
    }

    /// The line that defines a name, as Markdown.
    fn defining(&self, place: Span, is_of_loop: bool) -> String {
        let text = self.text();
        let before = text.get(..place.start).unwrap_or_default();
        let start = before.rfind([';', '{', '}', '\n']).map_or(0, |at| at + 1);
        let ends: &[char] = if is_of_loop { &['{', '\n'] } else { &[';', '\n'] };
        let rest = text.get(place.end..).unwrap_or_default();
        let end = place.end + rest.find(ends).unwrap_or(rest.len());
        let line = text.get(start..end).unwrap_or_default().trim();
        format!("```freeze\n{line}\n```")
    }

    /// What an optimizer or one of its arguments means.
    fn optimizer_word(&self, lexeme: &Lexeme<'_>) -> Option<String> {
        let mut meaning = None;
        let mut look = |settings: &[Spanned<Setting>]| {
            for setting in settings {
                let Setting::Optimizer { name, arguments } = &setting.value else { continue };
                if name.span == lexeme.span {
                    meaning = words::optimizer(&name.value);
                }
                if arguments.iter().any(|argument| argument.name.span == lexeme.span) {
                    let known = words::argument(lexeme.text);
                    meaning = known.map(|known| format!("`{}`: {known}", lexeme.text));
                }
            }
        };
        super::walk::settings(self.tree(), &mut look);
        meaning
    }

    /// The row of the plan for the rule whose trigger or name has the lexeme.
    fn rule_row(&self, lexeme: &Lexeme<'_>) -> Option<String> {
        let byte = lexeme.span.start;
        self.is_in_head(byte).then_some(())?;
        let (bound, rows) = self.checked().bound.as_ref()?;
        let total: usize =
            self.model.as_ref()?.parameters().iter().map(crate::model::Parameter::elements).sum();
        let rules = bound.rules.iter().zip(rows);
        let rows = rules.filter(|(rule, _)| self.head(rule.trigger.span).contains(&byte));
        let lines: Vec<String> = rows
            .map(|(_, row)| {
                if row.stops {
                    return format!("**{}**: training ends", row.rule);
                }
                format!(
                    "**{}**: {}, {} numbers ({}) train after it",
                    row.rule,
                    parameters(row.trainable),
                    grouped(row.trainable_elements),
                    percentage(row.trainable_elements, total)
                )
            })
            .collect();
        match lines.as_slice() {
            [] => None,
            many if many.len() > TURNS => {
                let shown = many.get(..TURNS).unwrap_or_default().join("\n\n");
                Some(format!("{shown}\n\n… and {} more turns", many.len() - TURNS))
            }
            few => Some(few.join("\n\n")),
        }
    }

    /// The trigger and the name of a rule, up to the colon.
    fn head(&self, trigger: Span) -> Range<usize> {
        let rest = self.text().get(trigger.end..).unwrap_or_default();
        trigger.start..trigger.end + rest.find(':').unwrap_or_default()
    }

    /// Whether a byte is in the trigger or the name of a rule. A hover elsewhere does not wait for a
    /// check.
    fn is_in_head(&self, byte: usize) -> bool {
        fn rule_at(items: &[Spanned<Item>], byte: usize) -> Option<&Rule> {
            let begun = items.partition_point(|item| item.span.start <= byte);
            match &items.get(begun.checked_sub(1)?)?.value {
                Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => {
                    rule_at(body, byte)
                }
                Item::Rule(rule) => Some(rule),
                _ => None,
            }
        }
        let rule = rule_at(&self.tree().items, byte);
        rule.is_some_and(|rule| self.head(rule.trigger.span).contains(&byte))
    }

    /// What the parts of the text within a span mean.
    pub(super) fn recording(&self, within: Span) -> Recording {
        self.draft.record(self.index().as_ref(), within)
    }

    /// What a part selects, in each turn of its loops.
    fn selected(&self, values: Option<&Values<Selection>>) -> Option<String> {
        let Some(model) = self.model.as_deref() else {
            return Some("the policy names no model that can be read".to_owned());
        };
        let index = NameIndex::new(model);
        let of = |selection| Selected::new(selection, &index, model);
        match values?.all.as_slice() {
            [only] => of(only).map(|it| it.described()),
            many => {
                let turns = many.iter().take(TURNS).filter_map(of);
                let turns: Vec<String> = turns.map(|it| it.described()).collect();
                let more = many.len().saturating_sub(TURNS);
                let more =
                    if more > 0 { format!("\n\n… and {more} more turns") } else { String::new() };
                Some(format!("{}{more}", turns.join("\n\n")))
            }
        }
    }
}

/// The values of an expression: the only one, or those of the first turns and of the last.
pub(super) fn shown_values(values: &Values<f64>) -> String {
    const SHOWN: usize = 3;
    let shown = |value: &f64| shown_number(*value);
    let all: Vec<String> = values.all.iter().map(shown).collect();
    if all.len() <= SHOWN {
        return all.join(", ");
    }
    let first = all.get(..SHOWN - 1).unwrap_or_default().join(", ");
    format!("{first}, …, {}", shown(&values.last))
}
