//! Pest's errors, said for people.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::{Rule, is_reserved};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of};
use crate::source::Span;

/// Why the statement at `span` of `text` does not parse.
pub(super) fn finding(text: &str, span: Span, error: &Error<Rule>) -> Diagnostic {
    let offset = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => Expected::new(positives),
        ErrorVariant::CustomError { .. } => Expected::new(&[]),
    };
    let found = Token::at(text, span, span.start + offset);
    misspelt_action(text, span, &found)
        .or_else(|| missing_semicolon(text, span, &found, &expected))
        .or_else(|| unknown_word(&found, &expected))
        .unwrap_or_else(|| unexpected(&found, &expected))
}

/// `train fc, unfreze layer4`: what reads as a selector was to be an action.
fn misspelt_action(text: &str, span: Span, found: &Token<'_>) -> Option<Diagnostic> {
    if found.kind != Kind::Word {
        return None;
    }
    let before = text.get(span.start..found.span.start)?.trim_end();
    let word_start = before.rfind(|c: char| !is_word_character(c)).map_or(0, |at| at + 1);
    let word = before.get(word_start..)?;
    let separator = before.get(..word_start)?.trim_end().chars().next_back()?;
    let action = nearest(word, ACTIONS).filter(|_| matches!(separator, ',' | ':'))?;
    let start = span.start + word_start;
    let place = Span::new(start, start + word.len());
    Some(unknown(word, place, "an action", Some(action), &ACTIONS.map(quoted)))
}

/// A statement that begins where the one before it could have ended.
fn missing_semicolon(
    text: &str,
    span: Span,
    found: &Token<'_>,
    expected: &Expected,
) -> Option<Diagnostic> {
    let begins = found.kind == Kind::Word && STATEMENTS.contains(&found.text);
    if !begins || !expected.end {
        return None;
    }
    let end = text.get(span.start..found.span.start)?.trim_end().len() + span.start;
    Some(
        Diagnostic::new(Code::FRZ0101, found.span, format!("expected `;` before `{}`", found.text))
            .label("this begins another statement")
            .suggest(Applicability::Maybe, "end the statement before it", Span::new(end, end), ";"),
    )
}

/// A word where only certain words can stand.
fn unknown_word(found: &Token<'_>, expected: &Expected) -> Option<Diagnostic> {
    if found.kind != Kind::Word || expected.any_word {
        return None;
    }
    let what = expected.what?;
    let meant = nearest(found.text, expected.words.iter().copied());
    let listed: Vec<String> = expected.words.iter().copied().map(quoted).collect();
    Some(unknown(found.text, found.span, what, meant, &listed))
}

fn unknown(
    word: &str,
    span: Span,
    what: &str,
    meant: Option<&str>,
    listed: &[String],
) -> Diagnostic {
    let begins = if is_reserved(word) { "is out of place: expected" } else { "is not" };
    let diagnostic = Diagnostic::new(Code::FRZ0102, span, format!("`{word}` {begins} {what}"))
        .label(format!("expected {}", one_of(listed)));
    match meant {
        Some(meant) => diagnostic.suggest(
            Applicability::Maybe,
            format!("did you mean `{meant}`?"),
            span,
            meant,
        ),
        None => diagnostic,
    }
}

/// Anything else: what was found, what could stand there.
fn unexpected(found: &Token<'_>, expected: &Expected) -> Diagnostic {
    let listed = one_of(&expected.described);
    let shown = found.shown();
    if expected.any_word && found.kind == Kind::Word && is_reserved(found.text) {
        return Diagnostic::new(
            Code::FRZ0101,
            found.span,
            format!("expected {listed}, found the word {shown}"),
        )
        .label("a word of the language")
        .note(format!("a module of that name is written in quotes: \"{}\"", found.text));
    }
    let message = if listed.is_empty() {
        format!("unexpected {shown}")
    } else {
        format!("expected {listed}, found {shown}")
    };
    let diagnostic =
        Diagnostic::new(Code::FRZ0101, found.span, message).label(format!("unexpected {shown}"));
    let meant = nearest(found.text, expected.words.iter().copied());
    match meant.filter(|_| found.kind == Kind::Word) {
        Some(meant) => diagnostic.suggest(
            Applicability::Maybe,
            format!("did you mean `{meant}`?"),
            found.span,
            meant,
        ),
        None => diagnostic,
    }
}

const ACTIONS: [&str; 5] = ["train", "unfreeze", "freeze", "set", "stop"];
const STATEMENTS: [&str; 7] = ["model", "run", "default", "start", "epoch", "step", "after"];

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// What could stand at the place of an error.
struct Expected {
    /// The keywords.
    words: Vec<&'static str>,
    /// Keywords, signs and kinds of words, as a message names them.
    described: Vec<String>,
    /// Whether any word could stand there, as a path's can.
    any_word: bool,
    /// Whether the statement could end there.
    end: bool,
    /// What begins there, if it begins with a keyword.
    what: Option<&'static str>,
}

impl Expected {
    fn new(rules: &[Rule]) -> Self {
        let mut expected = Self {
            words: Vec::new(),
            described: Vec::new(),
            any_word: false,
            end: rules.iter().any(|ends| matches!(ends, Rule::semicolon | Rule::EOI)),
            what: None,
        };
        for expected_rule in rules {
            match describe(*expected_rule) {
                Described::Words(words) => {
                    for word in words {
                        if !expected.words.contains(word) {
                            expected.words.push(word);
                            expected.described.push(quoted(word));
                        }
                    }
                }
                Described::Sign(sign) => expected.described.push(quoted(sign)),
                Described::Kind { name, any_word } => {
                    let name = name.to_owned();
                    if !expected.described.contains(&name) {
                        expected.described.push(name);
                    }
                    expected.any_word |= any_word;
                }
                Described::Nothing => {}
            }
        }
        let has = |word| expected.words.contains(&word);
        expected.what = if has("model") {
            Some("a statement")
        } else if has("start") {
            Some("a trigger")
        } else if has("train") {
            Some("an action")
        } else if has("lr") {
            Some("an option")
        } else {
            None
        };
        expected
    }
}

enum Described {
    Words(&'static [&'static str]),
    Sign(&'static str),
    Kind { name: &'static str, any_word: bool },
    Nothing,
}

fn describe(expected: Rule) -> Described {
    use Described::{Kind, Nothing, Sign, Words};
    match expected {
        Rule::item | Rule::statement | Rule::alone | Rule::policy => Words(&STATEMENTS),
        Rule::model_item | Rule::kw_model => Words(&["model"]),
        Rule::run_item | Rule::kw_run => Words(&["run"]),
        Rule::default_item | Rule::kw_default => Words(&["default"]),
        Rule::rule | Rule::trigger | Rule::moment => Words(&["start", "epoch", "step", "after"]),
        Rule::action | Rule::verb | Rule::verb_word => Words(&ACTIONS),
        Rule::option | Rule::option_word => Words(&["lr", "weight_decay", "optimizer"]),
        Rule::lr | Rule::kw_lr => Words(&["lr"]),
        Rule::weight_decay | Rule::kw_weight_decay => Words(&["weight_decay"]),
        Rule::optimizer | Rule::kw_optimizer => Words(&["optimizer"]),
        Rule::unit => Words(&["epochs", "steps"]),
        Rule::kw_start => Words(&["start"]),
        Rule::kw_epoch => Words(&["epoch"]),
        Rule::kw_epochs => Words(&["epochs"]),
        Rule::kw_step => Words(&["step"]),
        Rule::kw_steps => Words(&["steps"]),
        Rule::kw_after => Words(&["after"]),
        Rule::kw_or => Words(&["or"]),
        Rule::kw_as => Words(&["as"]),
        Rule::kw_rest => Words(&["rest"]),
        Rule::kw_of => Words(&["of"]),
        Rule::kw_train => Words(&["train"]),
        Rule::kw_unfreeze => Words(&["unfreeze"]),
        Rule::kw_set => Words(&["set"]),
        Rule::kw_freeze => Words(&["freeze"]),
        Rule::kw_stop => Words(&["stop"]),
        Rule::kw_except => Words(&["except"]),
        Rule::kw_in => Words(&["in"]),
        Rule::semicolon | Rule::EOI => Sign(";"),
        Rule::colon => Sign(":"),
        Rule::comma => Sign(","),
        Rule::dot => Sign("."),
        Rule::at | Rule::ready_made => Sign("@"),
        Rule::percent => Sign("%"),
        Rule::open | Rule::arguments | Rule::group => Sign("("),
        Rule::close => Sign(")"),
        Rule::open_index | Rule::index => Sign("["),
        Rule::close_index => Sign("]"),
        Rule::open_set | Rule::one_of => Sign("{"),
        Rule::close_set => Sign("}"),
        Rule::inclusive => Sign("..="),
        Rule::exclusive => Sign(".."),
        Rule::string => Kind { name: "a string in quotes", any_word: false },
        Rule::number | Rule::literal => Kind { name: "a number", any_word: false },
        Rule::whole => Kind { name: "a whole number", any_word: false },
        Rule::name | Rule::argument => Kind { name: "a name", any_word: true },
        Rule::word => Kind { name: "a word", any_word: true },
        Rule::path | Rule::segment | Rule::glob => {
            Kind { name: "a parameter's path", any_word: true }
        }
        Rule::targets | Rule::selectors | Rule::selector | Rule::term => {
            Kind { name: "a parameter's path, `@` or `(`", any_word: true }
        }
        Rule::duration => Kind { name: "a duration such as `2 epochs`", any_word: false },
        Rule::minus
        | Rule::reserved
        | Rule::junk
        | Rule::WHITESPACE
        | Rule::COMMENT
        | Rule::line_comment
        | Rule::block_comment
        | Rule::digits
        | Rule::word_char => Nothing,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Other,
    End,
}

/// What stands at a place.
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    span: Span,
}

impl<'t> Token<'t> {
    /// The token at `at`, where the statement at `within` is read.
    fn at(text: &'t str, within: Span, at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next().filter(|_| at < within.end) else {
            let end = text.get(..at).map_or(at, |before| before.trim_end().len());
            let place = Span::new(end.saturating_sub(1), end);
            return Self { kind: Kind::End, text: "", span: place };
        };
        let (kind, length) = if is_word_character(first) {
            let numeric = first.is_ascii_digit();
            let length =
                rest.find(|c| !(is_word_character(c) || numeric && c == '.')).unwrap_or(rest.len());
            (if numeric { Kind::Number } else { Kind::Word }, length)
        } else {
            (Kind::Other, first.len_utf8())
        };
        Self { kind, text: rest.get(..length).unwrap_or(rest), span: Span::new(at, at + length) }
    }

    fn shown(&self) -> String {
        if self.kind == Kind::End { "the end".to_owned() } else { quoted(self.text) }
    }
}
