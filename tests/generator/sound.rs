//! Policies that pass the checks that require no model.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::grammar::{NAMES, action, called, giving, head, item, maybe, moment};
use crate::{Words, spaced, written};

/// A rule that may follow any other.
const END: &str = "after 1 step : stop";

/// A policy that `is_sound`: of many statements, moments and actions those are kept with which it
/// is. It names no model, since there is none.
pub fn sound(is_sound: fn(&str) -> bool) -> impl Strategy<Value = Words> {
    let definitions = NAMES.iter().flat_map(|name| {
        [format!("let {name} = 2 ;"), format!("let @ {name} = [ fc , layer4 . 0 , conv1 ] ;")]
    });
    let known: Vec<Words> =
        std::iter::once("run 20 epochs ;".to_owned()).chain(definitions).map(written).collect();
    let count = known.len() / 2..=known.len();
    let actions = prop_oneof![2 => action(2), 1 => giving()];
    let rule = (vec(moment(), 1..4), called(), vec(actions, 4..12), maybe(head()));
    let rule = rule.prop_map(|(moments, name, actions, head)| Statement::Rule {
        moments,
        name,
        actions,
        head,
    });
    let statement = prop_oneof![2 => item(1).prop_map(Statement::Whole), 3 => rule];
    (subsequence(known, count), vec(statement, 1..12)).prop_map(move |(known, statements)| {
        let mut growing = Growing { policy: known.concat(), is_sound };
        for statement in statements {
            match statement {
                Statement::Rule { moments, name, actions, head } => {
                    growing.rule(&moments, &name, &actions, &head);
                }
                Statement::Whole(words) if words.first().is_some_and(|word| word == "model") => {}
                Statement::Whole(words) => {
                    growing.statement(&words);
                }
            }
        }
        [growing.policy, written(END)].concat()
    })
}

/// A statement to add.
#[derive(Debug, Clone)]
enum Statement {
    /// All of it, or nothing.
    Whole(Words),
    /// A part of it; the head of the loop around it may be empty.
    Rule { moments: Vec<Words>, name: Words, actions: Vec<Words>, head: Words },
}

/// A policy that stays sound while it grows.
struct Growing {
    policy: Words,
    is_sound: fn(&str) -> bool,
}

impl Growing {
    /// Whether it would be sound with this statement as well.
    fn accepts(&self, statement: &[String]) -> bool {
        let longer = [&*self.policy, statement, &*written(END)].concat();
        (self.is_sound)(&spaced(&longer))
    }

    /// Adds a statement if possible; returns whether it did.
    fn statement(&mut self, statement: &[String]) -> bool {
        let is_accepted = self.accepts(statement);
        if is_accepted {
            self.policy.extend_from_slice(statement);
        }
        is_accepted
    }

    /// Adds a rule of those moments and actions that keep the policy sound, in a loop if possible.
    fn rule(&mut self, moments: &[Words], name: &[String], actions: &[Words], head: &[String]) {
        let mut trigger = Words::new();
        for moment in moments {
            let longer = joined(&trigger, "or", moment);
            if self.accepts(&[&*longer, &*written(": train fc ;")].concat()) {
                trigger = longer;
            }
        }
        if trigger.is_empty() {
            trigger = written("after 1 epoch");
        }
        let before = [&*trigger, name, &*written(":")].concat();
        let rule = |actions: &[String]| [&*before, actions, &*written(";")].concat();
        let mut all = Words::new();
        for action in actions {
            let longer = joined(&all, ",", action);
            if self.accepts(&rule(&longer)) {
                all = longer;
            }
        }
        let rule = rule(&all);
        let looped = [head, &*written("{"), &*rule, &*written("}")].concat();
        if head.is_empty() || !self.statement(&looped) {
            self.statement(&rule);
        }
    }
}

/// Words followed by others, with a sign between the two.
fn joined(words: &[String], sign: &str, more: &[String]) -> Words {
    let sign = if words.is_empty() { Words::new() } else { written(sign) };
    [words, &*sign, more].concat()
}
