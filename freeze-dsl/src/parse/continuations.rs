//! What may follow the beginning of a statement, for completion.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use self::ContinuationKind as Kind;
use super::{Grammar, Rule};
use crate::vocabulary::{ACTIONS, FUNCTIONS, OPTIONS, SELECTORS, SHAPES, STATEMENTS, TRIGGERS};

/// A character that nothing of the language begins with.
const NOTHING: char = '\u{1}';

/// What may follow the beginning of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Continuations {
    /// Keywords.
    pub(crate) words: Vec<&'static str>,
    kinds: Vec<ContinuationKind>,
}

/// What may follow that is no keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContinuationKind {
    /// The path of parameters.
    Path,
    /// A name with `@`, of targets or a list.
    Named,
    /// A number, and so the name of one.
    Number,
    /// A metric's name.
    Metric,
    /// An argument of an optimizer.
    Argument,
}

impl Continuations {
    /// What may follow `before`; `None` if something is wrong before its end. Comments in it are
    /// blank.
    pub(crate) fn after(before: &str) -> Option<Self> {
        let text = format!("{before}{NOTHING}");
        let error = Grammar::parse(Rule::alone, &text).err()?;
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let ErrorVariant::ParsingError { positives, .. } = error.variant else { return None };
        if at != before.len() {
            return None;
        }
        let mut all = Self::default();
        for possible in positives {
            all.add(possible);
        }
        if all.has(Kind::Path) && all.has(Kind::Named) {
            all.words(&SELECTORS);
            all.words(&["reversed"]);
        }
        Some(all)
    }

    /// Whether something of this kind may follow.
    pub(crate) fn has(&self, kind: ContinuationKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn words(&mut self, words: &[&'static str]) {
        for word in words {
            if !self.words.contains(word) {
                self.words.push(word);
            }
        }
    }

    fn add(&mut self, possible: Rule) {
        // A keyword's rule is named after its word.
        let name = format!("{possible:?}");
        if let Some(keyword) = name.strip_prefix("kw_") {
            let keyword = crate::vocabulary::keywords().find(|word| *word == keyword);
            self.words(keyword.as_slice());
            if FUNCTIONS.iter().any(|word| keyword == Some(word)) {
                self.kinds.push(Kind::Number);
            }
            return;
        }
        match possible {
            Rule::alone | Rule::opening | Rule::statement => {
                self.words(&STATEMENTS);
                self.words(&TRIGGERS);
            }
            Rule::for_head | Rule::for_action => self.words(&["for"]),
            Rule::track_head => self.words(&["track"]),
            Rule::repeat_head | Rule::repeat => self.words(&["repeat"]),
            Rule::model_item => self.words(&["model"]),
            Rule::run_item => self.words(&["run"]),
            Rule::default_item => self.words(&["default"]),
            Rule::let_item => self.words(&["let"]),
            Rule::rule | Rule::trigger | Rule::moment => self.words(&TRIGGERS),
            Rule::action => self.words(&ACTIONS),
            Rule::on_targets | Rule::verb => self.words(&["train", "unfreeze", "set", "freeze"]),
            Rule::reset => self.words(&["reset"]),
            Rule::restore => self.words(&["restore"]),
            Rule::keep_state => self.words(&["keep"]),
            Rule::option => self.words(&OPTIONS),
            Rule::lr => self.words(&["lr"]),
            Rule::weight_decay => self.words(&["weight_decay"]),
            Rule::anchor => self.words(&["anchor"]),
            Rule::optimizer => self.words(&["optimizer"]),
            Rule::stats => self.words(&["stats"]),
            Rule::stops => self.words(&["stops"]),
            Rule::unit => self.words(&["epochs", "steps", "epoch", "step"]),
            Rule::of_run => self.words(&["of"]),
            Rule::ramp | Rule::shape => self.words(&SHAPES),
            Rule::invsqrt => self.words(&["invsqrt"]),
            Rule::curve | Rule::piece => {
                self.words(&SHAPES);
                self.words(&["invsqrt"]);
                self.number();
            }
            Rule::duration => {
                self.words(&["rest"]);
                self.number();
            }
            Rule::number
            | Rule::staircase
            | Rule::literal
            | Rule::nested
            | Rule::count
            | Rule::bounds
            | Rule::exponent
            | Rule::len
            | Rule::least
            | Rule::most
            | Rule::rounded => self.number(),
            Rule::targets | Rule::selectors | Rule::selector | Rule::term | Rule::element => {
                self.kinds.extend([Kind::Path, Kind::Named]);
            }
            Rule::path | Rule::globs | Rule::special => self.kinds.push(Kind::Path),
            Rule::named | Rule::at => self.kinds.push(Kind::Named),
            Rule::list | Rule::listed | Rule::prefix => {
                self.words(&["first", "last", "reversed"]);
                self.kinds.push(Kind::Named);
            }
            Rule::sample => self.words(&["sample"]),
            Rule::rows => self.words(&["rows"]),
            Rule::metric | Rule::condition => {
                self.words(&["grad_norm"]);
                self.kinds.push(Kind::Metric);
            }
            Rule::grad_norm => self.words(&["grad_norm"]),
            Rule::argument => self.kinds.push(Kind::Argument),
            _ => {}
        }
    }

    fn number(&mut self) {
        self.words(&FUNCTIONS);
        self.kinds.push(Kind::Number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &str) -> Continuations {
        Continuations::after(before).unwrap_or_else(|| panic!("nothing may follow {before:?}"))
    }

    #[test]
    fn a_statement_begins_with_its_words() {
        let all = after("");
        assert!(all.words.contains(&"run") && all.words.contains(&"whenever"), "{all:?}");
        assert!(!all.has(Kind::Path) && !all.has(Kind::Number) && !all.words.contains(&"train"));
    }

    #[test]
    fn actions_follow_a_colon_and_paths_a_verb() {
        assert!(ACTIONS.iter().all(|word| after("epoch 3: ").words.contains(word)));
        let all = after("epoch 3: train ");
        assert!(
            all.has(Kind::Path) && all.has(Kind::Named) && all.words.contains(&"sample"),
            "{all:?}"
        );
        let all = after("epoch 3: train fc ");
        assert!(OPTIONS.iter().all(|word| all.words.contains(word)), "{all:?}");
        assert!(all.words.contains(&"in") && all.words.contains(&"except") && !all.has(Kind::Path));
    }

    #[test]
    fn curves_and_numbers() {
        let all = after("start: train fc lr ");
        assert!(
            all.has(Kind::Number)
                && all.words.contains(&"cosine")
                && all.words.contains(&"invsqrt")
        );
        let all = after("start: train fc lr linear 0 -> 1e-3 over 5 ");
        assert!(all.words.contains(&"epochs") && !all.has(Kind::Path), "{all:?}");
        let all = after("run ");
        assert!(all.has(Kind::Number) && all.words.contains(&"rest"), "{all:?}");
    }

    #[test]
    fn metrics_optimizers_and_their_arguments() {
        let all = after("when ");
        assert!(all.has(Kind::Metric) && all.words.contains(&"grad_norm"), "{all:?}");
        assert!(after("start: restore lowest ").has(Kind::Metric));
        assert!(after("default optimizer adamw(").has(Kind::Argument));
        assert!(after("default optimizer adamw(beta1 0.9, ").has(Kind::Argument));
    }

    #[test]
    fn rows_are_of_a_path_and_of_no_other_selector() {
        let all = after("start: train rows 0..3 of ");
        assert!(all.has(Kind::Path) && !all.has(Kind::Named) && all.words.is_empty(), "{all:?}");
    }

    #[test]
    fn after_a_mistake_nothing_is_known() {
        assert_eq!(Continuations::after("start train "), None);
        assert_eq!(Continuations::after("start: train fc epoch 3: "), None);
    }
}
