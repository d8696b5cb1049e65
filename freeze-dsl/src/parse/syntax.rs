//! Pest's errors, said for people.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::{ACTIONS, Rule, is_reserved};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of, readable};
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
    // A slip of the very word is surer than one of the word before it.
    let is_slip = nearest(found.text, expected.words.iter().copied()).is_some();
    misspelt_action(text, span, &found)
        .filter(|_| !is_slip)
        .or_else(|| missing_colon(text, &found, &expected))
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

/// A statement that begins where the one before it, which ends at `end`, has no `;`.
pub(super) fn missing_semicolon(text: &str, end: usize, next: usize) -> Diagnostic {
    let found = Token::at(text, Span::new(0, text.len()), next);
    Diagnostic::new(Code::FRZ0101, found.span, format!("expected `;` before `{}`", found.text))
        .label("this begins another statement")
        .suggest(Applicability::Maybe, "end the statement before it", Span::new(end, end), ";")
}

/// `start train fc`: an action where its trigger could have ended.
fn missing_colon(text: &str, found: &Token<'_>, expected: &Expected) -> Option<Diagnostic> {
    if !expected.described.iter().any(|sign| sign == "`:`") || !ACTIONS.contains(&found.text) {
        return None;
    }
    let end = text.get(..found.span.start)?.trim_end().len();
    let message = format!("expected `:` before `{}`", found.text);
    Some(
        Diagnostic::new(Code::FRZ0101, found.span, message)
            .label("the actions of a rule stand behind a `:`")
            .suggest(Applicability::Maybe, "end the trigger", Span::new(end, end), ":"),
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
    let diagnostic =
        Diagnostic::new(Code::FRZ0102, span, format!("`{}` {begins} {what}", readable(word)))
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
        .note(format!(
            "a path that begins with this word is written in quotes: \"{}.weight\"",
            found.text
        ));
    }
    let message = if listed.is_empty() {
        format!("unexpected {shown}")
    } else {
        format!("expected {listed}, found {shown}")
    };
    let label = if found.kind == Kind::End { "the text ends here" } else { "" };
    let diagnostic = Diagnostic::new(Code::FRZ0101, found.span, message).label(label);
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

const STATEMENTS: [&str; 12] = [
    "model", "run", "default", "let", "for", "start", "epoch", "step", "at", "after", "every",
    "when",
];
const TRIGGERS: [&str; 7] = ["start", "epoch", "step", "at", "after", "every", "when"];
const OPTIONS: [&str; 4] = ["lr", "weight_decay", "optimizer", "stats"];
const SHAPES: [&str; 3] = ["linear", "cosine", "exp"];

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
    /// What begins there, if it begins with a keyword.
    what: Option<&'static str>,
}

impl Expected {
    fn new(rules: &[Rule]) -> Self {
        let mut expected =
            Self { words: Vec::new(), described: Vec::new(), any_word: false, what: None };
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
                Described::Sign(sign) => {
                    let sign = quoted(sign);
                    if !expected.described.contains(&sign) {
                        expected.described.push(sign);
                    }
                }
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
        Rule::statement | Rule::alone | Rule::policy | Rule::looped | Rule::missing => {
            Words(&STATEMENTS)
        }
        Rule::model_item => Words(&["model"]),
        Rule::run_item => Words(&["run"]),
        Rule::default_item => Words(&["default"]),
        Rule::let_item => Words(&["let"]),
        Rule::for_head | Rule::for_action => Words(&["for"]),
        Rule::rule | Rule::trigger | Rule::moment => Words(&TRIGGERS),
        Rule::action | Rule::on_targets | Rule::verb => Words(&ACTIONS),
        Rule::option => Words(&OPTIONS),
        Rule::lr => Words(&["lr"]),
        Rule::weight_decay => Words(&["weight_decay"]),
        Rule::optimizer => Words(&["optimizer"]),
        Rule::stats => Words(&["stats"]),
        Rule::keep_state => Words(&["keep"]),
        Rule::reset => Words(&["reset"]),
        Rule::restore => Words(&["restore"]),
        Rule::ramp | Rule::shape => Words(&SHAPES),
        Rule::repeat => Words(&["repeat"]),
        Rule::unit => Words(&["epochs", "steps"]),
        Rule::of_run => Words(&["of"]),
        Rule::stops => Words(&["stops"]),
        Rule::semicolon | Rule::EOI => Sign(";"),
        Rule::colon => Sign(":"),
        Rule::comma => Sign(","),
        Rule::dot => Sign("."),
        Rule::at | Rule::named => Sign("@"),
        Rule::equals => Sign("="),
        Rule::tilde | Rule::regex => Sign("~"),
        Rule::percent => Sign("%"),
        Rule::arrow => Sign("->"),
        Rule::at_most => Sign("<="),
        Rule::at_least => Sign(">="),
        Rule::below => Sign("<"),
        Rule::above => Sign(">"),
        Rule::open | Rule::arguments | Rule::group => Sign("("),
        Rule::close => Sign(")"),
        Rule::open_index | Rule::index | Rule::elements => Sign("["),
        Rule::close_index => Sign("]"),
        Rule::open_set | Rule::one_of | Rule::open_block => Sign("{"),
        Rule::close_set | Rule::close_block => Sign("}"),
        Rule::inclusive => Sign("..="),
        Rule::exclusive => Sign(".."),
        Rule::compares => Kind { name: "a comparison such as `< 0.5`", any_word: false },
        Rule::string => Kind { name: "a string in quotes", any_word: false },
        Rule::number | Rule::literal | Rule::len | Rule::least | Rule::most | Rule::nested => {
            Kind { name: "a number", any_word: true }
        }
        Rule::curve | Rule::piece | Rule::staircase => {
            Kind { name: "a learning rate", any_word: true }
        }
        Rule::name | Rule::argument | Rule::let_number | Rule::range | Rule::each => {
            Kind { name: "a name", any_word: true }
        }
        Rule::metric | Rule::condition => Kind { name: "a metric", any_word: true },
        Rule::word => Kind { name: "a word", any_word: true },
        Rule::path | Rule::segment | Rule::glob => {
            Kind { name: "a parameter's path", any_word: true }
        }
        Rule::targets | Rule::selectors | Rule::selector | Rule::term | Rule::let_targets => {
            Kind { name: "a parameter's path, `@` or `(`", any_word: true }
        }
        Rule::list | Rule::listed | Rule::prefix => Kind { name: "a list", any_word: false },
        Rule::sample => Words(&["sample"]),
        Rule::rows => Words(&["rows"]),
        Rule::duration => Kind { name: "a duration such as `2 epochs`", any_word: false },
        Rule::kw_model => Words(&["model"]),
        Rule::kw_run => Words(&["run"]),
        Rule::kw_default => Words(&["default"]),
        Rule::kw_let => Words(&["let"]),
        Rule::kw_for => Words(&["for"]),
        Rule::kw_start => Words(&["start"]),
        Rule::kw_epoch => Words(&["epoch"]),
        Rule::kw_epochs => Words(&["epochs"]),
        Rule::kw_step => Words(&["step"]),
        Rule::kw_steps => Words(&["steps"]),
        Rule::kw_at => Words(&["at"]),
        Rule::kw_after => Words(&["after"]),
        Rule::kw_every => Words(&["every"]),
        Rule::kw_when => Words(&["when"]),
        Rule::kw_and => Words(&["and"]),
        Rule::kw_or => Words(&["or"]),
        Rule::kw_as => Words(&["as"]),
        Rule::kw_stops => Words(&["stops"]),
        Rule::kw_falling => Words(&["falling"]),
        Rule::kw_rising => Words(&["rising"]),
        Rule::kw_by => Words(&["by"]),
        Rule::kw_rest => Words(&["rest"]),
        Rule::kw_of => Words(&["of"]),
        Rule::kw_train => Words(&["train"]),
        Rule::kw_unfreeze => Words(&["unfreeze"]),
        Rule::kw_set => Words(&["set"]),
        Rule::kw_freeze => Words(&["freeze"]),
        Rule::kw_reset => Words(&["reset"]),
        Rule::kw_restore => Words(&["restore"]),
        Rule::kw_stop => Words(&["stop"]),
        Rule::kw_lowest => Words(&["lowest"]),
        Rule::kw_highest => Words(&["highest"]),
        Rule::kw_keep => Words(&["keep"]),
        Rule::kw_state => Words(&["state"]),
        Rule::kw_except => Words(&["except"]),
        Rule::kw_in => Words(&["in"]),
        Rule::kw_lr => Words(&["lr"]),
        Rule::kw_weight_decay => Words(&["weight_decay"]),
        Rule::kw_optimizer => Words(&["optimizer"]),
        Rule::kw_stats => Words(&["stats"]),
        Rule::kw_held => Words(&["held"]),
        Rule::kw_live => Words(&["live"]),
        Rule::kw_linear => Words(&["linear"]),
        Rule::kw_cosine => Words(&["cosine"]),
        Rule::kw_exp => Words(&["exp"]),
        Rule::kw_over => Words(&["over"]),
        Rule::kw_times => Words(&["times"]),
        Rule::kw_to => Words(&["to"]),
        Rule::kw_then => Words(&["then"]),
        Rule::kw_repeat => Words(&["repeat"]),
        Rule::kw_stretching => Words(&["stretching"]),
        Rule::kw_seed => Words(&["seed"]),
        Rule::kw_len | Rule::kw_min | Rule::kw_max => Kind { name: "a number", any_word: true },
        Rule::kw_first | Rule::kw_last | Rule::kw_reversed => {
            Kind { name: "a list", any_word: false }
        }
        Rule::kw_sample => Words(&["sample"]),
        Rule::kw_rows => Words(&["rows"]),
        // An operator or a sign could nearly always stand there; to say so helps nobody.
        Rule::plus
        | Rule::minus
        | Rule::negative
        | Rule::star
        | Rule::slash
        | Rule::caret
        | Rule::operator
        | Rule::operand
        | Rule::rust
        | Rule::braces
        | Rule::item
        | Rule::reserved
        | Rule::action_word
        | Rule::option_word
        | Rule::statement_word
        | Rule::junk
        | Rule::inner_junk
        | Rule::WHITESPACE
        | Rule::COMMENT
        | Rule::line_comment
        | Rule::block_comment
        | Rule::digits
        | Rule::word_char => Nothing,
    }
}

/// The place of a text's last character that is no space.
pub(crate) fn last_character(text: &str) -> Span {
    let text = text.trim_end();
    let last = text.chars().next_back().map_or(0, char::len_utf8);
    Span::new(text.len() - last, text.len())
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
            let place = last_character(text.get(..at).unwrap_or(text));
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
        if self.kind == Kind::End { "the end".to_owned() } else { quoted(&readable(self.text)) }
    }
}
