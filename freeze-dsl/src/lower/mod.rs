//! From the tree to the intermediate representation: resolves names, unrolls loops, evaluates
//! numbers and checks every value. With a model, selectors become selections of its parameters.

mod actions;
mod curves;
mod lists;
mod loops;
mod numbers;
mod optimizers;
mod options;
mod rows;
mod scope;
mod targets;
mod triggers;

use std::collections::{HashMap, HashSet};

use crate::ast::{self, Item, Text, Tree};
use crate::diagnostic::{
    Applicability, Code, Diagnostic, DiagnosticSink, Reported, readable, removal,
};
use crate::ir::{LoopTrace, LoweredPolicy, LoweredRule, Overrides};
use crate::parse::{self, LostStatements};
use crate::select::{NameIndex, Selection};
use crate::source::{Source, Span, Spanned};
pub use loops::MAX_UNROLLED;
use scope::{Meaning, Scope};

/// Lowers a tree, with a model if there is one.
pub(crate) fn lower(
    tree: &Tree,
    source: &Source,
    overrides: &Overrides,
    model: Option<&NameIndex<'_>>,
    sink: &mut DiagnosticSink,
) -> LoweredPolicy {
    let mut lowering = Lowering {
        text: source.text(),
        overrides,
        model,
        sink: DiagnosticSink::default(),
        reported: None,
        reports: 0,
        scope: Scope::default(),
        lets: lets(tree),
        trace: LoopTrace::default(),
        names: HashMap::new(),
        defaulted: HashMap::new(),
        model_statement: None,
        has_run: tree.items.iter().any(|item| matches!(item.value, Item::Run(_))),
        checked_loops: HashSet::new(),
        turns: 0,
        weight: 0,
        is_forgiving: false,
        optional_names: HashSet::new(),
        regexes: HashMap::new(),
        policy: LoweredPolicy::default(),
    };
    // A `let` that could not be parsed is reported already; uses of its name are no mistakes.
    if sink.iter().any(|finding| finding.code.leaves_unresolved()) {
        let readable = parse::readable(source.text(), &mut DiagnosticSink::default());
        let lost = LostStatements::new(&readable, tree);
        lowering.has_run |= lost.has_run;
        for name in lost.names {
            lowering.scope.define(&name, Meaning::Unknown);
            lowering.scope.get(&name.value, true);
        }
    }
    // `run` and `let` may follow the statements that use them.
    for item in tree.items.iter() {
        lowering.heading(item);
    }
    lowering.items(&tree.items);
    // A statement that could not be parsed, or a turn that is not known yet, may use any name.
    let unresolved = |finding: &Diagnostic| finding.code.leaves_unresolved();
    if !(lowering.policy.is_open || sink.iter().chain(lowering.sink.iter()).any(unresolved)) {
        lowering.unused_lets(tree);
    }
    sink.extend(lowering.sink.into_vec());
    lowering.policy
}

/// The place of each name that a `let` defines: of a number, or of a name written with `@`.
fn lets(tree: &Tree) -> HashMap<(Text, bool), Span> {
    let name = |item: &Spanned<Item>| match &item.value {
        Item::LetNumber { name, .. } => Some(((name.value.clone(), true), name.span)),
        Item::LetTargets { name, .. } | Item::LetList { name, .. } => {
            Some(((name.value.clone(), false), name.span))
        }
        _ => None,
    };
    tree.items.iter().filter_map(name).collect()
}

struct Lowering<'a, 'm> {
    text: &'a str,
    overrides: &'a Overrides,
    model: Option<&'a NameIndex<'m>>,
    sink: DiagnosticSink,
    /// A finding that was reported since the innermost `watch` began.
    reported: Option<Reported>,
    /// The number of findings, including those that the sink dropped.
    reports: usize,
    scope: Scope,
    /// The places of all `let`s, for names that are used before they are defined.
    lets: HashMap<(Text, bool), Span>,
    /// The loop turns around the current statement.
    trace: LoopTrace,
    /// The names of rules, and their places.
    names: HashMap<Text, Span>,
    /// The options that have a default, and their places.
    defaulted: HashMap<&'static str, Span>,
    /// The place of the first `model`.
    model_statement: Option<Span>,
    /// Whether the policy has a `run`, valid or not.
    has_run: bool,
    /// The loops whose names are checked already.
    checked_loops: HashSet<Span>,
    /// The number of loop turns so far.
    turns: usize,
    /// The amount of text that was unrolled so far.
    weight: usize,
    /// Whether a `?` allows what is lowered to select nothing.
    is_forgiving: bool,
    /// The names of targets that may select nothing, since each of their selectors has a `?`.
    optional_names: HashSet<Text>,
    /// The selections of regular expressions, so that each is compiled once.
    regexes: HashMap<Text, Selection>,
    policy: LoweredPolicy,
}

impl Lowering<'_, '_> {
    /// Reports a finding, with the loop turns around it.
    fn report(&mut self, finding: Diagnostic) -> Reported {
        self.reports += 1;
        let reported = self.trace.report(finding, &mut self.sink);
        self.reported = Some(reported);
        reported
    }

    /// Calls `lower`, and returns as well whether it reported a finding.
    fn watch<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (T, Option<Reported>) {
        let before = self.reported.take();
        let value = lower(self);
        let reported = self.reported;
        self.reported = reported.or(before);
        (value, reported)
    }

    /// Whether a finding may still be read, so that looking for a suggestion is worth the time.
    const fn explains(&self) -> bool {
        self.reports < DiagnosticSink::MOST
    }

    /// The text at a place, as messages show it.
    fn slice(&self, span: Span) -> String {
        readable(self.text.get(span.range()).unwrap_or_default())
    }

    fn heading(&mut self, item: &Spanned<Item>) {
        match &item.value {
            Item::Model(path) => match self.model_statement {
                Some(first) => self.twice("model", first, path.span, item.span),
                None => self.model_statement = Some(path.span),
            },
            Item::Run(duration) => match &self.policy.run {
                Some(first) => self.twice("run", first.span, duration.span, item.span),
                None => self.policy.run = self.run_length(duration),
            },
            Item::LetNumber { .. } | Item::LetTargets { .. } | Item::LetList { .. } => {
                self.define(item);
            }
            Item::Default(_) | Item::For { .. } | Item::Rule(_) => {}
        }
    }

    fn twice(&mut self, what: &str, first: Span, second: Span, statement: Span) {
        self.report(
            Diagnostic::new(Code::DefinedTwice, second, format!("`{what}` is defined twice"))
                .label("again here")
                .also(first, "first here")
                .guess_without("leave out the second", self.statement(statement)),
        );
    }

    fn unused_lets(&mut self, tree: &Tree) {
        for (name, place) in self.scope.unused() {
            let finding = Diagnostic::new(Code::UnusedLet, place, format!("nothing uses `{name}`"))
                .label("defined here");
            let index = tree.items.partition_point(|item| item.span.end <= place.start);
            let removal = tree.items.get(index).and_then(|item| self.statement(item.span));
            self.report(match removal {
                Some(removal) => finding.suggest(Applicability::Safe, "leave it out", removal, ""),
                None => finding,
            });
        }
    }

    /// A statement with its `;`.
    fn statement(&self, statement: Span) -> Option<Span> {
        removal::of_statement(self.text, statement)
    }

    fn items(&mut self, items: &[Spanned<Item>]) {
        for item in items {
            match &item.value {
                Item::For { head, body } => self.each_turn(head, |lowering| lowering.items(body)),
                Item::Rule(rule) => self.rule(rule, item.span),
                _ if !self.trace.is_empty() => self.not_in_loop(item),
                Item::Default(settings) => {
                    let (mut options, keep) = self.options(settings);
                    self.check_zero_lr(settings, &options, None);
                    self.check_default_rate(settings, &mut options);
                    if let Some(place) = keep {
                        self.does_not_fit(place, "keep state", "`default`");
                    }
                    self.check_defaults(settings, item.span);
                    self.policy.defaults.update(&options);
                }
                _ => {}
            }
        }
    }

    /// Reports an option that an earlier `default` sets already.
    fn check_defaults(&mut self, settings: &[Spanned<ast::Setting>], statement: Span) {
        for setting in settings {
            let word = setting.value.word();
            // An option that is repeated in one statement has a finding of its own.
            let first = self.defaulted.insert(word, setting.span);
            if let Some(first) = first.filter(|first| first.start < statement.start) {
                self.report(
                    Diagnostic::new(
                        Code::DefinedTwice,
                        setting.span,
                        format!("`{word}` has two defaults"),
                    )
                    .label("again here")
                    .also(first, "first here")
                    .guess_without(
                        "leave out the second",
                        match settings {
                            [_] => self.statement(statement),
                            _ => Some(removal::of_appendix(self.text, setting.span)),
                        },
                    ),
                );
            }
        }
    }

    fn not_in_loop(&mut self, item: &Spanned<Item>) {
        self.report(
            Diagnostic::new(Code::Syntax, item.span, "a loop holds rules and loops, nothing else")
                .label("write this outside of the loop"),
        );
    }

    fn rule(&mut self, rule: &ast::Rule, place: Span) {
        self.weigh_in_turn(rule.trigger.span, false);
        if self.is_too_heavy() {
            return;
        }
        let name = match &rule.name {
            Some(name) => self.rule_name(name),
            None => format!("rule {}", self.policy.rules.len() + 1),
        };
        let mut moments = Vec::with_capacity(rule.trigger.len());
        for moment in rule.trigger.iter() {
            moments.extend(self.moment(moment).map(|known| Spanned::new(known, moment.span)));
        }
        let mut actions = Vec::with_capacity(rule.actions.len());
        self.actions(&rule.actions, &mut actions);
        self.policy.rules.push(LoweredRule {
            name,
            span: place,
            trigger: Spanned::new(moments, rule.trigger.span),
            actions,
            is_written_once: self.trace.is_empty()
                && !rule.actions.iter().any(|it| matches!(it.value, ast::Action::For { .. })),
            trace: self.trace.clone(),
        });
    }

    /// The name of a rule in this turn of its loops; reports a name that is taken.
    fn rule_name(&mut self, written: &Spanned<Text>) -> String {
        let name = self.name_in_turn(&written.value);
        if let Some(first) = self.names.insert(name.clone(), written.span) {
            let finding = Diagnostic::new(
                Code::DefinedTwice,
                written.span,
                format!("two rules are called `{name}`"),
            );
            let finding = if first == written.span {
                finding.label("the same in every turn of the loop")
            } else {
                let helps = self.trace.is_empty() && self.explains();
                let free = helps.then(|| (written.span, self.free_name(&name)));
                finding
                    .label("again here")
                    .also(first, "first here")
                    .guess("call it something else", free)
            };
            self.report(finding);
        }
        name.into_owned()
    }

    /// A similar name that is not in the text.
    fn free_name(&self, name: &str) -> String {
        let mut names = (2_u64..).map(|number| format!("{name}{number}"));
        names.find(|name| !self.text.contains(name.as_str())).unwrap_or_default()
    }
}
