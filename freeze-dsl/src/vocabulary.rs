//! Every word of the language, once.
//!
//! Messages, suggestions and the parser read the words from here. The grammar, the tree, the
//! ready-made names and the optimizers spell their own words out; tests hold them to these lists.

/// Words that begin a statement other than a rule.
pub const STATEMENTS: [&str; 7] = ["model", "run", "default", "let", "for", "track", "repeat"];

/// Words that begin a trigger, and so a rule.
pub const TRIGGERS: [&str; 8] =
    ["start", "epoch", "step", "at", "after", "every", "when", "whenever"];

/// Words that begin an action.
pub const ACTIONS: [&str; 8] =
    ["train", "unfreeze", "freeze", "set", "reset", "restore", "stop", "for"];

/// Actions that take targets and options.
pub const VERBS: [&str; 4] = ["train", "unfreeze", "set", "freeze"];

/// Words that begin an option.
pub const OPTIONS: [&str; 5] = ["lr", "weight_decay", "anchor", "optimizer", "stats"];

/// Words that may follow targets, besides the options.
pub const AFTER_TARGETS: [&str; 3] = ["keep", "except", "in"];

/// Shapes of a curve's ramp.
pub const SHAPES: [&str; 5] = ["linear", "cosine", "exp", "sqrt", "power"];

/// Words that begin a selector and are followed by a number.
pub const SELECTORS: [&str; 4] = ["first", "last", "sample", "rows"];

/// Functions in numbers.
pub const FUNCTIONS: [&str; 6] = ["len", "min", "max", "floor", "ceil", "round"];

/// Units of durations.
pub const UNITS: [&str; 4] = ["epoch", "epochs", "step", "steps"];

/// Words within a trigger, an action, an option, a curve or a selector.
pub const INNER: [&str; 24] = [
    "grad_norm",
    "and",
    "or",
    "as",
    "stops",
    "falling",
    "rising",
    "by",
    "rest",
    "of",
    "lowest",
    "highest",
    "state",
    "held",
    "live",
    "invsqrt",
    "over",
    "times",
    "to",
    "then",
    "repeat",
    "stretching",
    "seed",
    "reversed",
];

/// Names of selections that every policy has, without their `@`.
pub const READY_MADE: [&str; 7] =
    ["all", "biases", "vectors", "norms", "matrices", "trainable", "frozen"];

/// Arguments of optimizers that may be written without a number.
pub const FLAGS: [&str; 5] = ["nesterov", "amsgrad", "centered", "decoupled", "match_rms"];

/// Optimizers with their arguments.
pub const OPTIMIZERS: [(&str, &[&str]); 11] = [
    ("sgd", &["momentum", "dampening", "nesterov"]),
    ("adam", &["beta1", "beta2", "eps", "amsgrad"]),
    ("adamw", &["beta1", "beta2", "eps", "amsgrad"]),
    ("rmsprop", &["alpha", "eps", "momentum", "centered"]),
    ("adagrad", &["lr_decay", "initial", "eps"]),
    ("adamax", &["beta1", "beta2", "eps"]),
    ("nadam", &["beta1", "beta2", "eps", "momentum_decay", "decoupled"]),
    ("radam", &["beta1", "beta2", "eps", "decoupled"]),
    ("adafactor", &["beta2_decay", "eps1", "eps2", "d"]),
    ("muon", &["momentum", "nesterov", "eps", "steps", "match_rms"]),
    ("lion", &["beta1", "beta2"]),
];

/// Every keyword, some of them more than once.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    let lists: [&[&str]; 10] = [
        &STATEMENTS,
        &TRIGGERS,
        &ACTIONS,
        &OPTIONS,
        &AFTER_TARGETS,
        &SHAPES,
        &SELECTORS,
        &FUNCTIONS,
        &UNITS,
        &INNER,
    ];
    lists.into_iter().flatten().copied()
}

/// Whether a word cannot begin a path, because an action, an option or the rest of a selector
/// could begin with it. A module of that name is written in quotes.
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    ACTIONS.contains(&word) || OPTIONS.contains(&word) || AFTER_TARGETS.contains(&word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Optimizer;
    use crate::ast::{Action, Item, Setting, Verb};
    use crate::parse::{Rule, parse};
    use crate::select::ReadyMade;

    #[test]
    fn the_grammar_has_these_keywords() {
        let rules = Rule::all_rules().iter().map(|kind| format!("{kind:?}"));
        let grammar: BTreeSet<String> =
            rules.filter_map(|rule| rule.strip_prefix("kw_").map(str::to_owned)).collect();
        assert_eq!(grammar, keywords().map(str::to_owned).collect());
    }

    #[test]
    fn a_reserved_word_begins_no_path_and_any_other_keyword_does() {
        for word in keywords().filter(|word| !SELECTORS.contains(word) && *word != "reversed") {
            let (tree, findings) = parse(&format!("start: train {word};"));
            assert_eq!(findings.is_empty(), !is_reserved(word), "{word}");
            assert_eq!(tree.items.len(), usize::from(!is_reserved(word)), "{word}");
        }
    }

    #[test]
    fn verbs_and_options_are_written_as_here() {
        assert_eq!([Verb::Train, Verb::Unfreeze, Verb::Set, Verb::Freeze].map(Verb::word), VERBS);
        assert!(VERBS.iter().all(|verb| ACTIONS.contains(verb)));
        let (tree, _) = parse("default lr 1 weight_decay 1 anchor 1 optimizer sgd stats held;");
        let Some(Item::Default(settings)) = tree.items.first().map(|item| &item.value) else {
            panic!("one default");
        };
        let words: Vec<&str> = settings.iter().map(|setting| setting.word()).collect();
        assert_eq!(words, OPTIONS);
    }

    #[test]
    fn ready_made_names_are_written_as_here() {
        assert_eq!(ReadyMade::ALL.map(ReadyMade::word), READY_MADE);
    }

    #[test]
    fn optimizers_have_these_arguments() {
        for (mut optimizer, (name, arguments)) in Optimizer::ALL.into_iter().zip(OPTIMIZERS) {
            assert_eq!(optimizer.name(), name);
            let slots = optimizer.slots();
            let names: Vec<&str> = slots.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, arguments);
        }
        assert_eq!(Optimizer::ALL.len(), OPTIMIZERS.len());
    }

    #[test]
    fn only_a_flag_takes_no_name_as_its_number() {
        let arguments: BTreeSet<&str> =
            OPTIMIZERS.iter().flat_map(|(_, arguments)| arguments.iter().copied()).collect();
        for argument in arguments {
            let (tree, findings) = parse(&format!("start: set fc optimizer any({argument} base);"));
            assert_eq!(findings, []);
            let Some(Item::Rule(rule)) = tree.items.first().map(|item| &item.value) else {
                panic!("one rule");
            };
            let Action::On { settings, .. } = &rule.actions[0].value else { panic!("one action") };
            let Setting::Optimizer { arguments, .. } = &settings[0].value else {
                panic!("an optimizer");
            };
            assert_eq!(arguments.len() == 2, FLAGS.contains(&argument), "{argument}");
        }
    }
}
