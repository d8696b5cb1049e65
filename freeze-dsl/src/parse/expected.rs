//! What could stand at the place of an error.

use super::token::quoted;
use super::{ACTIONS, Rule};

const STATEMENTS: [&str; 12] = [
    "model", "run", "default", "let", "for", "start", "epoch", "step", "at", "after", "every",
    "when",
];
const TRIGGERS: [&str; 7] = ["start", "epoch", "step", "at", "after", "every", "when"];
const OPTIONS: [&str; 4] = ["lr", "weight_decay", "optimizer", "stats"];
pub(super) const VERBS: [&str; 4] = ["train", "unfreeze", "set", "freeze"];
pub(super) const SHAPES: [&str; 3] = ["linear", "cosine", "exp"];

/// What could stand at the place of an error.
pub(super) struct Expected {
    /// The keywords.
    words: Vec<String>,
    /// Keywords, signs and kinds of words, as a message names them.
    pub(super) described: Vec<String>,
    /// Whether any word could stand there, as a path's can.
    pub(super) any_word: bool,
    /// What begins there, if it begins with a keyword.
    pub(super) what: Option<&'static str>,
}

impl Expected {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut expected =
            Self { words: Vec::new(), described: Vec::new(), any_word: false, what: None };
        for possible in rules {
            expected.add(*possible);
        }
        let has = |word| expected.words().any(|known| known == word);
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

    /// Leaves out what does not fit the action in which it would stand, if it is one with options.
    pub(super) fn fit(&mut self, verb: Option<&str>) {
        let unfit: &[&str] = match verb {
            Some("freeze") => &["lr", "weight_decay", "optimizer"],
            Some(_) => &["keep"],
            None => return,
        };
        self.words.retain(|word| !unfit.contains(&word.as_str()));
        self.described.retain(|word| !unfit.contains(&word.trim_matches('`')));
    }

    /// The keywords.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    fn add(&mut self, possible: Rule) {
        // A keyword's rule is called by its word.
        let name = format!("{possible:?}");
        match (name.strip_prefix("kw_"), describe(possible)) {
            (_, Described::Words(words)) => words.iter().for_each(|word| self.word(word)),
            (_, Described::Sign(sign)) => self.describe(quoted(sign)),
            (_, Described::Kind { name, any_word }) => {
                self.describe(name.to_owned());
                self.any_word |= any_word;
            }
            (Some(word), Described::Other) => self.word(word),
            (None, Described::Other) => {}
        }
    }

    fn word(&mut self, word: &str) {
        if !self.words().any(|known| known == word) {
            self.words.push(word.to_owned());
        }
        self.describe(quoted(word));
    }

    fn describe(&mut self, what: String) {
        if !self.described.contains(&what) {
            self.described.push(what);
        }
    }
}

enum Described {
    Words(&'static [&'static str]),
    Sign(&'static str),
    Kind {
        name: &'static str,
        any_word: bool,
    },
    /// A keyword; or an operator or the like, which could nearly always stand there, so that to
    /// say so would help nobody.
    Other,
}

fn describe(expected: Rule) -> Described {
    use Described::{Kind, Other, Sign, Words};
    match expected {
        Rule::statement | Rule::alone | Rule::opening | Rule::missing => Words(&STATEMENTS),
        Rule::rule | Rule::trigger | Rule::moment => Words(&TRIGGERS),
        Rule::action | Rule::on_targets | Rule::verb => Words(&ACTIONS),
        Rule::option => Words(&OPTIONS),
        Rule::ramp | Rule::shape => Words(&SHAPES),
        Rule::unit => Words(&["epochs", "steps"]),
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
        _ => kind_of(expected).map_or(Other, |(name, any_word)| Kind { name, any_word }),
    }
}

/// What kind of thing a rule is, and whether it could be any word.
const fn kind_of(expected: Rule) -> Option<(&'static str, bool)> {
    Some(match expected {
        Rule::compares => ("a comparison such as `< 0.5`", false),
        Rule::string => ("a string in quotes", false),
        Rule::number
        | Rule::literal
        | Rule::len
        | Rule::least
        | Rule::most
        | Rule::nested
        | Rule::kw_len
        | Rule::kw_min
        | Rule::kw_max => ("a number", true),
        Rule::curve | Rule::piece | Rule::staircase => ("a learning rate", true),
        Rule::name | Rule::argument | Rule::let_number | Rule::range | Rule::each => {
            ("a name", true)
        }
        Rule::metric | Rule::condition => ("a metric", true),
        Rule::word => ("a word", true),
        Rule::path | Rule::globs | Rule::special => ("a parameter's path", true),
        Rule::targets | Rule::selectors | Rule::selector | Rule::term | Rule::let_targets => {
            ("a parameter's path, `@` or `(`", true)
        }
        Rule::list
        | Rule::listed
        | Rule::prefix
        | Rule::kw_first
        | Rule::kw_last
        | Rule::kw_reversed => ("a list", false),
        Rule::duration => ("a duration such as `2 epochs`", false),
        _ => return None,
    })
}
