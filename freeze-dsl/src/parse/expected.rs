//! What the grammar could read at the place of an error.

use super::Rule;
use crate::diagnostic::{one_of, quoted};
use crate::vocabulary::{ACTIONS, OPTIONS, SHAPES, STATEMENTS, TRIGGERS};

/// How many tokens a message lists.
const LISTED: usize = 4;

/// How a message calls a curve.
const CURVE: &str = "a learning rate";

/// What the grammar could read at the place of an error.
pub(super) struct Expected {
    /// The keywords.
    words: Vec<String>,
    /// Keywords, signs and kinds of words, as a message names them.
    tokens: Vec<String>,
    /// Whether any word is possible, as in a path.
    pub(super) any_word: bool,
    /// What begins at the place, if it begins with a keyword.
    pub(super) construct: Option<Construct>,
}

/// A part of a policy that begins with one of a few words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Construct {
    Statement,
    Trigger,
    Action,
    Option,
    Curve,
}

impl Construct {
    /// All but `Curve`, which may begin with a number. The first of them whose first word is
    /// possible is what begins at the place.
    const BY_WORD: [Self; 4] = [Self::Statement, Self::Trigger, Self::Action, Self::Option];

    /// As a message names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Statement => "a statement",
            Self::Trigger => "a trigger",
            Self::Action => "an action",
            Self::Option => "an option",
            Self::Curve => "a curve",
        }
    }

    /// The words that begin it.
    pub(super) fn words(self) -> Vec<&'static str> {
        match self {
            Self::Statement => [&STATEMENTS[..], &TRIGGERS].concat(),
            Self::Trigger => TRIGGERS.to_vec(),
            Self::Action => ACTIONS.to_vec(),
            Self::Option => OPTIONS.to_vec(),
            Self::Curve => [&SHAPES[..], &["invsqrt"]].concat(),
        }
    }

    /// What to write, for a message.
    pub(super) const fn examples(self) -> &'static str {
        match self {
            Self::Statement => {
                "a rule such as `epoch 3: unfreeze fc`, or `run`, `default` or `let`"
            }
            Self::Trigger => "a trigger such as `start`, `epoch 3` or `after 2 epochs`",
            Self::Action => "an action such as `train`, `unfreeze` or `freeze`",
            Self::Option => "an option such as `lr`, `weight_decay` or `optimizer`",
            Self::Curve => "a shape such as `linear`, `cosine` or `exp`",
        }
    }
}

impl Expected {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut expected =
            Self { words: Vec::new(), tokens: Vec::new(), any_word: false, construct: None };
        for possible in rules {
            expected.add(*possible);
        }
        let begins = |construct: &Construct| {
            construct.words().first().is_some_and(|first| expected.has_word(first))
        };
        expected.construct = Construct::BY_WORD.into_iter().find(begins);
        expected
    }

    /// Leaves out what does not fit the action in which it would be, if it is one with options.
    pub(super) fn fit(&mut self, verb: Option<&str>) {
        let unfit: &[&str] = match verb {
            Some("freeze") => &["lr", "weight_decay", "anchor", "optimizer"],
            Some(_) => &["keep"],
            None => return,
        };
        self.words.retain(|word| !unfit.contains(&word.as_str()));
        self.tokens.retain(|word| !unfit.contains(&word.trim_matches('`')));
    }

    /// Calls what may be a curve by the option that it is of.
    pub(super) fn call_value(&mut self, option: Option<&str>) {
        let name = match option {
            Some("weight_decay") => "a weight decay",
            Some("optimizer") => "a number",
            _ => return,
        };
        for token in self.tokens.iter_mut().filter(|token| *token == CURVE) {
            name.clone_into(token);
        }
    }

    /// The keywords.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    fn has_word(&self, word: &str) -> bool {
        self.words().any(|known| known == word)
    }

    /// Whether a sign is possible.
    pub(super) fn has_sign(&self, sign: &str) -> bool {
        self.tokens.iter().any(|token| token.trim_matches('`') == sign)
    }

    /// What a message lists: all of it, or else one name in place of the words of a construct,
    /// and the signs first that end what is written.
    pub(super) fn listed(&self) -> String {
        if self.tokens.len() <= LISTED {
            return one_of(&self.tokens);
        }
        let is_of = |construct: Construct, token: &str| {
            construct.words().contains(&token.trim_matches('`'))
        };
        let mut listed: Vec<String> = Vec::new();
        for token in &self.tokens {
            let construct = Construct::BY_WORD
                .into_iter()
                .find(|construct| Some(*construct) == self.construct && is_of(*construct, token));
            let shown = construct.map_or_else(|| token.clone(), |it| it.name().to_owned());
            if !listed.contains(&shown) {
                listed.push(shown);
            }
        }
        listed.sort_by_key(|shown| match shown.as_str() {
            "`;`" => 0,
            "`:`" => 1,
            "`,`" => 2,
            shown if !shown.starts_with('`') => 3,
            shown if shown.chars().any(char::is_alphabetic) => 4,
            _ => 5,
        });
        listed.truncate(LISTED);
        one_of(&listed)
    }

    /// What a message says in place of a word that is none of the keywords.
    pub(super) fn instead_of_word(&self) -> String {
        let words: Vec<String> = self.words().map(quoted).collect();
        match self.construct {
            Some(construct) if words.len() > LISTED => construct.examples().to_owned(),
            _ => one_of(&words),
        }
    }

    fn add(&mut self, possible: Rule) {
        // A keyword's rule is named after its word.
        let name = format!("{possible:?}");
        match (name.strip_prefix("kw_"), expected_item(possible)) {
            (_, ExpectedItem::Words(words)) => words.iter().for_each(|word| self.word(word)),
            (_, ExpectedItem::Sign(sign)) => self.token(quoted(sign)),
            (_, ExpectedItem::Kind { name, any_word }) => {
                self.token(name.to_owned());
                self.any_word |= any_word;
            }
            (Some(word), ExpectedItem::Other) => self.word(word),
            (None, ExpectedItem::Other) => {}
        }
    }

    fn word(&mut self, word: &str) {
        if !self.has_word(word) {
            self.words.push(word.to_owned());
        }
        self.token(quoted(word));
    }

    fn token(&mut self, token: String) {
        if !self.tokens.contains(&token) {
            self.tokens.push(token);
        }
    }
}

enum ExpectedItem {
    Words(Vec<&'static str>),
    Sign(&'static str),
    Kind {
        name: &'static str,
        any_word: bool,
    },
    /// A keyword; or an operator or the like, which is possible nearly everywhere, so that to
    /// list it would not help.
    Other,
}

fn expected_item(expected: Rule) -> ExpectedItem {
    use ExpectedItem::{Kind, Other, Sign, Words};
    match expected {
        Rule::statement | Rule::alone | Rule::opening | Rule::missing => {
            Words(Construct::Statement.words())
        }
        Rule::rule | Rule::trigger | Rule::moment => Words(Construct::Trigger.words()),
        Rule::action | Rule::on_targets | Rule::verb => Words(Construct::Action.words()),
        Rule::option => Words(Construct::Option.words()),
        Rule::ramp | Rule::shape | Rule::invsqrt => Words(Construct::Curve.words()),
        Rule::unit => Words(vec!["epochs", "steps"]),
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
        Rule::open_index | Rule::index | Rule::elements | Rule::row_list => Sign("["),
        Rule::close_index => Sign("]"),
        Rule::open_set | Rule::one_of | Rule::open_block => Sign("{"),
        Rule::close_set | Rule::close_block => Sign("}"),
        Rule::inclusive => Sign("..="),
        Rule::exclusive => Sign(".."),
        _ => kind_of(expected).map_or(Other, |(name, any_word)| Kind { name, any_word }),
    }
}

/// What a rule reads, and whether that could be any word.
const fn kind_of(expected: Rule) -> Option<(&'static str, bool)> {
    Some(match expected {
        Rule::compares => ("a comparison such as `< 0.5`", false),
        Rule::string => ("a string in quotes", false),
        Rule::number
        | Rule::exponent
        | Rule::count
        | Rule::bounds
        | Rule::literal
        | Rule::len
        | Rule::least
        | Rule::most
        | Rule::rounded
        | Rule::nested
        | Rule::kw_len
        | Rule::kw_min
        | Rule::kw_max
        | Rule::kw_floor
        | Rule::kw_ceil
        | Rule::kw_round => ("a number", true),
        Rule::curve | Rule::piece | Rule::staircase => (CURVE, true),
        Rule::name | Rule::argument | Rule::let_number | Rule::range | Rule::each => {
            ("a name", true)
        }
        Rule::metric | Rule::condition => ("a metric", true),
        Rule::word => ("a word", true),
        Rule::path | Rule::globs | Rule::special => ("a parameter's path", true),
        Rule::targets
        | Rule::selectors
        | Rule::selector
        | Rule::term
        | Rule::element
        | Rule::let_targets => ("a parameter's path, `@` or `(`", true),
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
