//! Pest's errors as findings.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::Rule;
use super::expected::{Construct, Expected};
use super::lexeme::{Lexeme, LexemeKind, is_word_character};
use super::path_slips::path_slip;
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, readable};
use crate::source::Span;
use crate::vocabulary::{ACTIONS, FUNCTIONS, OPTIONS, SELECTORS, SHAPES, VERBS, is_reserved};

/// Why the statement at `span` of `text` does not parse.
pub(super) fn finding(text: &str, span: Span, error: &Error<Rule>) -> Diagnostic {
    let offset = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let mut expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => Expected::new(positives),
        ErrorVariant::CustomError { .. } => Expected::new(&[]),
    };
    let found = Lexeme::at(text, span, span.start + offset);
    let before = text.get(span.start..found.span.start).unwrap_or_default();
    let mut words = before.rsplit(|sign| !is_word_character(sign));
    expected.fit(words.clone().find(|word| VERBS.contains(word)));
    expected.call_value(words.find(|word| OPTIONS.contains(word)));
    // That this word is misspelt is likelier than that the word before it is.
    let is_slip = nearest(found.text, expected.words()).is_some();
    misspelt_action(text, span, &found)
        .filter(|_| !is_slip)
        .or_else(|| path_slip(text, &found, &expected))
        .or_else(|| misspelt_curve(text, span, &found))
        .or_else(|| missing_when(text, span, &found))
        .or_else(|| missing_colon(text, &found, &expected))
        .or_else(|| unknown_word(&found, &expected))
        .unwrap_or_else(|| unexpected(text, span, &found, &expected))
}

/// `train fc, unfreze layer4`: what reads as a selector was to be an action.
fn misspelt_action(text: &str, span: Span, found: &Lexeme<'_>) -> Option<Diagnostic> {
    if found.kind != LexemeKind::Word {
        return None;
    }
    let (before, word, place) = word_before(text, span.start, found.span.start)?;
    let separator = before.chars().next_back()?;
    // `unfreeze` is no misspelt `freeze`.
    let is_other = matches!(separator, ',' | ':') && !ACTIONS.contains(&word);
    let action = nearest(word, ACTIONS).filter(|_| is_other)?;
    Some(unknown(word, place, Construct::Action, Some(action), Construct::Action.examples()))
}

/// `lr cosin 1e-3 -> 0 over 5 epochs`: a misspelt curve that reads as a number's name.
fn misspelt_curve(text: &str, span: Span, found: &Lexeme<'_>) -> Option<Diagnostic> {
    let (before, word, place) = word_before(text, span.start, found.span.start)?;
    let (_, leads) = last_word(before)?;
    let is_name = word.starts_with(|sign: char| !sign.is_ascii_digit());
    if !matches!(leads, "lr" | "then") || !is_name || matches!(found.text, "times" | "then") {
        return None;
    }
    let meant = nearest(word, SHAPES);
    let statement = text.get(found.span.start..)?.split([';', ',', ':']).next()?;
    let is_ramp = statement.contains("->");
    (meant.is_some() || is_ramp)
        .then(|| unknown(word, place, Construct::Curve, meant, Construct::Curve.examples()))
}

/// `when loss < 1 or acc > 2`: a condition without its `when`.
fn missing_when(text: &str, span: Span, found: &Lexeme<'_>) -> Option<Diagnostic> {
    let (_, before, _) = word_before(text, span.start, found.span.start)?;
    let rest = text.get(found.span.end..)?.trim_start();
    let is_condition = before == "or"
        && (rest.starts_with(['<', '>']) || first_word(rest) == "stops")
        && found.kind == LexemeKind::Word;
    let start = Span::new(found.span.start, found.span.start);
    is_condition.then(|| {
        // As the condition before it.
        let before = text.get(span.start..found.span.start).unwrap_or_default();
        let mut words = before.split_whitespace().rev();
        let word = words.find(|word| matches!(*word, "when" | "whenever")).unwrap_or("when");
        Diagnostic::new(Code::Syntax, found.span, format!("expected `{word}` before a condition"))
            .label("after `or`, a new moment begins")
            .suggest(Applicability::Safe, format!("write `{word}`"), start, format!("{word} "))
    })
}

fn first_word(text: &str) -> &str {
    text.split(|sign| !is_word_character(sign)).next().unwrap_or_default()
}

/// The word before a place in a statement, with the text before it and its span.
fn word_before(text: &str, statement: usize, place: usize) -> Option<(&str, &str, Span)> {
    let (before, word) = last_word(text.get(statement..place)?.trim_end())?;
    let start = statement + before.len();
    Some((before.trim_end(), word, Span::new(start, start + word.len())))
}

/// The word at the end of a text, and the text before it.
fn last_word(text: &str) -> Option<(&str, &str)> {
    let start = text.rfind(|sign| !is_word_character(sign)).map_or(0, |at| at + 1);
    text.split_at_checked(start).filter(|(_, word)| !word.is_empty())
}

/// A statement that begins where the one before it, which ends at `end`, has no `;`.
pub(super) fn missing_semicolon(text: &str, end: usize, next: usize) -> Diagnostic {
    let found = Lexeme::at(text, Span::new(next, text.len()), next);
    Diagnostic::new(Code::Syntax, found.span, format!("expected `;` before `{}`", found.text))
        .label("this begins a new statement")
        .suggest(Applicability::Safe, "end the statement before it", Span::new(end, end), ";")
}

/// `start train fc`: an action where its trigger could have ended.
fn missing_colon(text: &str, found: &Lexeme<'_>, expected: &Expected) -> Option<Diagnostic> {
    if !expected.has_sign(":") || !ACTIONS.contains(&found.text) {
        return None;
    }
    let rest = text.get(found.span.end..)?.trim_start();
    if found.text == "for" && rest.starts_with(|sign: char| sign.is_ascii_digit()) {
        return None;
    }
    let end = text.get(..found.span.start)?.trim_end().len();
    let message = format!("expected `:` before `{}`", found.text);
    // `for` may also be part of a condition.
    let sure = if found.text == "for" { Applicability::Maybe } else { Applicability::Safe };
    Some(
        Diagnostic::new(Code::Syntax, found.span, message)
            .label("the actions of a rule follow a `:`")
            .suggest(sure, "end the trigger", Span::new(end, end), ":"),
    )
}

/// A word where only keywords are possible.
fn unknown_word(found: &Lexeme<'_>, expected: &Expected) -> Option<Diagnostic> {
    if found.kind != LexemeKind::Word || expected.any_word {
        return None;
    }
    let construct = expected.construct?;
    let meant = nearest(found.text, expected.words());
    Some(unknown(found.text, found.span, construct, meant, &expected.instead_of_word()))
}

fn unknown(
    word: &str,
    span: Span,
    construct: Construct,
    meant: Option<&str>,
    instead: &str,
) -> Diagnostic {
    let begins = if is_reserved(word) { "is out of place: expected" } else { "is not" };
    let message = format!("`{}` {begins} {}", readable(word), construct.name());
    let diagnostic =
        Diagnostic::new(Code::UnknownWord, span, message).label(format!("expected {instead}"));
    // A keyword in the wrong place is not misspelt.
    did_you_mean(diagnostic, word, meant.filter(|_| !is_reserved(word)).map(|meant| (span, meant)))
}

/// Suggests what is meant by what is written. A word in capital letters is no guess.
fn did_you_mean(finding: Diagnostic, written: &str, meant: Option<(Span, &str)>) -> Diagnostic {
    let Some((place, meant)) = meant else { return finding };
    let is_same = written.eq_ignore_ascii_case(meant);
    let sure = if is_same { Applicability::Safe } else { Applicability::Maybe };
    finding.suggest(sure, format!("did you mean `{meant}`?"), place, meant)
}

/// The likely meaning of the word before, where it reads as a name but the next word or sign
/// shows that it is misspelt: `frist 2 of`, `mni(1, 2)`, `over ret`.
fn meant_before(text: &str, span: Span, found: &Lexeme<'_>) -> Option<(Span, &'static str)> {
    // The end of a text is reported at its last character.
    let end = if found.kind == LexemeKind::End { found.span.end } else { found.span.start };
    let (before, word, place) = word_before(text, span.start, end)?;
    let is_over = last_word(before).is_some_and(|(_, word)| word == "over");
    let candidates: &[&str] = match (found.kind, found.text) {
        (LexemeKind::Number, _) => &SELECTORS,
        (_, "(") => &FUNCTIONS,
        _ if is_over => &["rest"],
        _ => return None,
    };
    Some((place, nearest(word, candidates.iter().copied())?))
}

/// Any other error: what was found, and what was expected.
fn unexpected(text: &str, span: Span, found: &Lexeme<'_>, expected: &Expected) -> Diagnostic {
    let listed = expected.listed();
    let shown = found.shown();
    if expected.any_word && found.kind == LexemeKind::Word && is_reserved(found.text) {
        let finding = Diagnostic::new(
            Code::Syntax,
            found.span,
            format!("expected {listed}, found the keyword {shown}"),
        )
        .label("a word of the language");
        if is_pattern(text, found) {
            // In quotes, its wildcards would be none.
            return finding.suggest(
                Applicability::Maybe,
                "write the word in braces",
                found.span,
                format!("{{{}}}", found.text),
            );
        }
        return finding
            .note(format!(
                "write a path that begins with this word in quotes: \"{}.weight\"",
                found.text
            ))
            .guess("write the path in quotes", quoted_path(text, found));
    }
    let message = if listed.is_empty() {
        format!("unexpected {shown}")
    } else {
        format!("expected {listed}, found {shown}")
    };
    let label = if found.kind == LexemeKind::End { "the text ends here" } else { "" };
    let diagnostic = Diagnostic::new(Code::Syntax, found.span, message).label(label);
    if found.text == ";" && expected.has_sign(",") && expected.has_sign("}") {
        return diagnostic.suggest(
            Applicability::Maybe,
            "separate the actions of a loop by `,`",
            found.span,
            ",",
        );
    }
    let is_name = found.kind == LexemeKind::Word && !is_reserved(found.text);
    let meant = nearest(found.text, expected.words()).filter(|_| is_name);
    let meant = meant.map(|meant| (found.span, meant));
    let meant = meant.or_else(|| meant_before(text, span, found));
    let written = meant.and_then(|(place, _)| text.get(place.range())).unwrap_or_default();
    did_you_mean(diagnostic, written, meant)
}

/// Whether a path with wildcards, indices or sets begins with a keyword.
fn is_pattern(text: &str, found: &Lexeme<'_>) -> bool {
    let rest = text.get(found.span.end..).unwrap_or_default();
    let is_part = |sign: char| is_word_character(sign) || ".*[]{}-".contains(sign);
    let path = rest.get(..rest.find(|sign| !is_part(sign)).unwrap_or(rest.len()));
    path.is_some_and(|path| path.starts_with('.') && path.contains(['*', '[', '{']))
}

/// The path that begins with a keyword, in quotes.
fn quoted_path(text: &str, found: &Lexeme<'_>) -> Option<(Span, String)> {
    let rest = text.get(found.span.start..)?;
    let length = rest.find(|sign| !is_word_character(sign) && sign != '.').unwrap_or(rest.len());
    let path = rest.get(..length).filter(|path| path.split('.').all(|part| !part.is_empty()))?;
    path.contains('.')
        .then(|| (Span::new(found.span.start, found.span.start + length), format!("\"{path}\"")))
}
