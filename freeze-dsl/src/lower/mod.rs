//! Tree to policy: values, names and options are checked and put in their places.

mod options;
mod targets;
mod time;

use std::collections::HashMap;

use crate::ast::{self, Item, Tree, Verb};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Action, Length, Options, Parts, Rule, Text};
use crate::source::{Span, Spanned};

/// What the tree means. Where something is wrong it is told, and left out or put right as
/// well as can be, so that the checks behind this one have as much as possible to look at.
pub(crate) fn lower(tree: &Tree, found: &mut Vec<Diagnostic>) -> Parts {
    let mut lowering = Lowering {
        found,
        run: None,
        model: None,
        defaults: Options::default(),
        names: HashMap::new(),
    };
    // `run` may stand behind the rules that need it.
    for item in &tree.items {
        lowering.heading(item);
    }
    let rules = tree
        .items
        .iter()
        .filter_map(|item| match &item.value {
            Item::Rule(rule) => Some(Spanned::new(lowering.rule(rule), item.span)),
            Item::Model(_) | Item::Run(_) | Item::Default(_) => None,
        })
        .collect();
    Parts { model: lowering.model, run: lowering.run, defaults: lowering.defaults, rules }
}

struct Lowering<'f> {
    found: &'f mut Vec<Diagnostic>,
    run: Option<Spanned<Length>>,
    model: Option<Spanned<Text>>,
    defaults: Options,
    names: HashMap<String, Span>,
}

impl Lowering<'_> {
    fn heading(&mut self, item: &Spanned<Item>) {
        match &item.value {
            Item::Model(path) => match &self.model {
                Some(first) => self.twice("model", first.span, path.span),
                None => self.model = Some(Spanned::new(path.value.clone().into(), path.span)),
            },
            Item::Run(duration) => match &self.run {
                Some(first) => self.twice("run", first.span, duration.span),
                None => self.run = self.length_of_run(duration),
            },
            Item::Default(settings) => {
                let options = self.options(settings);
                self.defaults = self.defaults.updated(&options);
            }
            Item::Rule(_) => {}
        }
    }

    fn twice(&mut self, what: &str, first: Span, second: Span) {
        self.found.push(
            Diagnostic::new(Code::FRZ0203, second, format!("`{what}` stands twice"))
                .label("again here")
                .also(first, "first here"),
        );
    }

    fn rule(&mut self, rule: &ast::Rule) -> Rule {
        if let Some(name) = &rule.name {
            match self.names.get(&name.value) {
                Some(first) => {
                    let finding = Diagnostic::new(
                        Code::FRZ0203,
                        name.span,
                        format!("two rules are called `{}`", name.value),
                    )
                    .label("again here")
                    .also(*first, "first here");
                    self.found.push(finding);
                }
                None => {
                    self.names.insert(name.value.clone(), name.span);
                }
            }
        }
        let moments = rule
            .trigger
            .iter()
            .filter_map(|moment| Some(Spanned::new(self.moment(moment)?, moment.span)))
            .collect();
        Rule {
            name: rule.name.as_ref().map(|name| Spanned::new(name.value.clone().into(), name.span)),
            trigger: Spanned::new(moments, rule.trigger.span),
            actions: rule
                .actions
                .iter()
                .map(|action| Spanned::new(self.action(action), action.span))
                .collect(),
        }
    }

    fn action(&mut self, action: &Spanned<ast::Action>) -> Action {
        let (verb, written, settings) = match &action.value {
            ast::Action::Stop => return Action::Stop,
            ast::Action::On { verb, targets, settings } => (verb, targets, settings),
        };
        let targets = Spanned::new(self.targets(&written.value), written.span);
        if verb.value == Verb::Freeze {
            for setting in settings {
                self.found.push(does_not_fit_freeze(setting));
            }
            return Action::Freeze(targets);
        }
        let options = self.options(settings);
        match verb.value {
            Verb::Train => Action::Train(targets, options),
            Verb::Unfreeze => Action::Unfreeze(targets, options),
            Verb::Set | Verb::Freeze => {
                if settings.is_empty() {
                    self.found.push(
                        Diagnostic::new(Code::FRZ0403, action.span, "`set` without an option")
                            .label("expected `lr`, `weight_decay` or `optimizer` behind this"),
                    );
                }
                Action::Set(targets, options)
            }
        }
    }
}

fn does_not_fit_freeze(setting: &Spanned<ast::Setting>) -> Diagnostic {
    let word = options::word(setting);
    Diagnostic::new(Code::FRZ0403, setting.span, format!("`{word}` does not fit `freeze`"))
        .label("what is frozen does not train, so this would do nothing")
        .note(format!("to give `{word}` for later, use `set`"))
}
