//! Tree to rules: names are looked up, loops unrolled, numbers evaluated, and every value
//! checked. With a model, selectors become selections of its parameters.

mod lists;
mod loops;
mod numbers;
mod options;
mod scope;
mod targets;
mod time;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ast::{self, Item, List, Text, Tree, Verb};
use crate::diagnostic::{Applicability, Code, Diagnostic, DiagnosticSink, readable, removal};
use crate::parse::lost_let;
use crate::policy::Length;
use crate::rule::{Action, Options, Rule};
use crate::select::{NameIndex, Selection};
use crate::source::{Source, Span, Spanned};
pub use loops::MAX_UNROLLED;
pub(crate) use loops::{Turns, in_turns};
use scope::{Meaning, Scope};

/// What a tree comes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unrolled {
    pub(crate) model: Option<Spanned<Text>>,
    pub(crate) run: Option<Spanned<Length>>,
    pub(crate) defaults: Options,
    pub(crate) rules: Vec<Rule>,
    /// Whether it is not known how many rules there are, for want of a model or of a number.
    pub(crate) is_open: bool,
}

/// Numbers that the program gives in place of the text's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Given {
    /// By the names of `let`.
    pub(crate) names: BTreeMap<Text, f64>,
    /// The values of Rust expressions, in the order in which they stand.
    pub(crate) rust: List<f64>,
    /// Whether Rust expressions may stand in the text: they are evaluated later.
    pub(crate) allows_rust: bool,
}

pub(crate) fn unroll(
    tree: &Tree,
    source: &Source,
    given: &Given,
    model: Option<&NameIndex<'_>>,
    found: &mut DiagnosticSink,
) -> Unrolled {
    let mut unroll = Unroll {
        text: source.text(),
        given,
        model,
        found: DiagnosticSink::default(),
        told: 0,
        told_in_turns: HashSet::new(),
        scope: Scope::default(),
        lets: lets(tree),
        turns: Turns::default(),
        names: HashMap::new(),
        defaulted: HashMap::new(),
        has_run: tree.items.iter().any(|item| matches!(item.value, Item::Run(_))),
        loops: HashSet::new(),
        turned: 0,
        weight: 0,
        regexes: HashMap::new(),
        out: Unrolled::default(),
    };
    // What could not be read is told, and its uses are no mistakes of their own.
    for name in found.iter().filter_map(|finding| lost_let(source.text(), finding)) {
        unroll.scope.define(&name, Meaning::Unknown);
        unroll.scope.get(&name.value, true);
    }
    // `run` and `let` may stand behind what needs them.
    for item in tree.items.iter() {
        unroll.heading(item);
    }
    unroll.items(&tree.items);
    let unused = unroll.scope.unused();
    for (name, place) in unused {
        let finding = Diagnostic::new(Code::UnusedLet, place, format!("nothing uses `{name}`"))
            .label("defined here");
        let index = tree.items.partition_point(|item| item.span.end <= place.start);
        let removal = tree.items.get(index).and_then(|item| unroll.statement(item.span));
        unroll.tell(match removal {
            Some(removal) => finding.suggest(Applicability::Safe, "leave it out", removal, ""),
            None => finding,
        });
    }
    found.extend(unroll.found.into_vec());
    unroll.out
}

/// Where the `let` of each name stands: a number's, or one written with `@`.
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

struct Unroll<'a, 'm> {
    text: &'a str,
    given: &'a Given,
    model: Option<&'a NameIndex<'m>>,
    found: DiagnosticSink,
    /// How many findings were told, whether or not they were kept.
    told: usize,
    /// What was told in turns of loops, where, and how it was said.
    told_in_turns: HashSet<(Code, Span, String)>,
    scope: Scope,
    /// Those of `lets`, for names that are used before they are defined.
    lets: HashMap<(Text, bool), Span>,
    /// The turns of the loops around what is unrolled.
    turns: Turns,
    /// The names of rules, and where they stand.
    names: HashMap<Text, Span>,
    /// The options that have a default, and where they stand.
    defaulted: HashMap<&'static str, Span>,
    /// Whether a `run` stands somewhere, be it right or wrong.
    has_run: bool,
    /// Where the loops stand whose names were looked at.
    loops: HashSet<Span>,
    /// How many turns of loops there were.
    turned: usize,
    /// How much was written out so far.
    weight: usize,
    /// What regular expressions select, so that each is compiled once.
    regexes: HashMap<Text, Selection>,
    out: Unrolled,
}

impl Unroll<'_, '_> {
    /// Tells a finding, with the turns of the loops around it.
    fn tell(&mut self, finding: Diagnostic) {
        self.told += 1;
        if self.found.is_full(finding.code) {
            return;
        }
        // The same text is wrong in the same way in every turn; once is enough.
        let told = || (finding.code, finding.span, finding.message.clone());
        if self.turns.is_empty() || self.told_in_turns.insert(told()) {
            self.found.push(in_turns(finding, &self.turns));
        }
    }

    /// Whether it is worth the time to look for what was likely meant: nobody reads more.
    fn explains(&self) -> bool {
        self.told < DiagnosticSink::MOST
    }

    /// What stands at a place, as messages show it.
    fn slice(&self, span: Span) -> String {
        readable(self.text.get(span.range()).unwrap_or_default())
    }

    fn heading(&mut self, item: &Spanned<Item>) {
        match &item.value {
            Item::Model(path) => match &self.out.model {
                Some(first) => self.twice("model", first.span, path.span, item.span),
                None => self.out.model = Some(path.clone()),
            },
            Item::Run(duration) => match &self.out.run {
                Some(first) => self.twice("run", first.span, duration.span, item.span),
                None => self.out.run = self.length_of_run(duration),
            },
            Item::LetNumber { .. } | Item::LetTargets { .. } | Item::LetList { .. } => {
                self.define(item);
            }
            Item::Default(_) | Item::For { .. } | Item::Rule(_) => {}
        }
    }

    fn twice(&mut self, what: &str, first: Span, second: Span, statement: Span) {
        self.tell(
            Diagnostic::new(Code::DefinedTwice, second, format!("`{what}` stands twice"))
                .label("again here")
                .also(first, "first here")
                .guess_without("leave out the second", self.statement(statement)),
        );
    }

    /// A statement with its `;`.
    fn statement(&self, statement: Span) -> Option<Span> {
        removal::of_statement(self.text, statement)
    }

    fn items(&mut self, items: &[Spanned<Item>]) {
        for item in items {
            match &item.value {
                Item::For { head, body } => self.each_turn(head, |unroll| unroll.items(body)),
                Item::Rule(rule) => self.rule(rule, item.span),
                _ if !self.turns.is_empty() => self.not_in_loop(item),
                Item::Default(settings) => {
                    let (options, keep) = self.options(settings);
                    if let Some(place) = keep {
                        self.does_not_fit(place, "keep state", "`default`");
                    }
                    self.check_defaults(settings, item.span);
                    self.out.defaults.update(&options);
                }
                _ => {}
            }
        }
    }

    /// An option that an earlier `default` gave already.
    fn check_defaults(&mut self, settings: &[Spanned<ast::Setting>], statement: Span) {
        for setting in settings {
            let word = setting.value.word();
            // What stands twice in one statement is told as such.
            let first = self.defaulted.insert(word, setting.span);
            if let Some(first) = first.filter(|first| first.start < statement.start) {
                self.tell(
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
        self.tell(
            Diagnostic::new(Code::Syntax, item.span, "a loop holds rules and loops, nothing else")
                .label("write this outside of the loop"),
        );
    }

    fn rule(&mut self, rule: &ast::Rule, place: Span) {
        self.weigh_in_turn(rule.trigger.span, false);
        if self.is_too_heavy() {
            return;
        }
        let called = match &rule.name {
            Some(name) => {
                let called = self.turned(&name.value);
                if let Some(first) = self.names.insert(called.clone(), name.span) {
                    let mut finding = Diagnostic::new(
                        Code::DefinedTwice,
                        name.span,
                        format!("two rules are called `{called}`"),
                    );
                    if first == name.span {
                        finding = finding.label("the same in every turn of the loop");
                    } else {
                        let helps = self.turns.is_empty() && self.explains();
                        let free = helps.then(|| (name.span, self.free(&called)));
                        finding = finding
                            .label("again here")
                            .also(first, "first here")
                            .guess("call it something else", free);
                    }
                    self.tell(finding);
                }
                called.into_owned()
            }
            None => format!("rule {}", self.out.rules.len() + 1),
        };
        let mut moments = Vec::with_capacity(rule.trigger.len());
        for moment in rule.trigger.iter() {
            moments.extend(self.moment(moment).map(|known| Spanned::new(known, moment.span)));
        }
        let mut actions = Vec::with_capacity(rule.actions.len());
        self.actions(&rule.actions, &mut actions);
        self.out.rules.push(Rule {
            called,
            span: place,
            trigger: Spanned::new(moments, rule.trigger.span),
            actions,
            is_written_once: self.turns.is_empty()
                && !rule.actions.iter().any(|it| matches!(it.value, ast::Action::For { .. })),
            turns: self.turns.clone(),
        });
    }

    /// A name like this one that stands nowhere in the text.
    fn free(&self, name: &str) -> String {
        let mut names = (2_u64..).map(|number| format!("{name}{number}"));
        names.find(|name| !self.text.contains(name.as_str())).unwrap_or_default()
    }

    fn actions(&mut self, actions: &[Spanned<ast::Action>], out: &mut Vec<Spanned<Action>>) {
        for action in actions {
            if let ast::Action::For { head, body } = &action.value {
                self.each_turn(head, |unroll| unroll.actions(body, out));
                continue;
            }
            self.weigh_in_turn(action.span, true);
            if self.is_too_heavy() {
                return;
            }
            if let Some(done) = self.action(action) {
                out.push(Spanned::new(done, action.span));
            }
        }
    }

    fn action(&mut self, action: &Spanned<ast::Action>) -> Option<Action> {
        Some(match &action.value {
            ast::Action::Stop => Action::Stop,
            ast::Action::Reset(targets) => Action::Reset(self.targets(targets)),
            ast::Action::Restore { best, metric } => {
                Action::Restore { best: *best, metric: metric.value.clone() }
            }
            ast::Action::On { verb, targets, settings } => {
                let targets = self.targets(targets);
                let (told, kept) = (self.told, self.found.len());
                let (options, keep) = self.options(settings);
                self.check_fit(verb.value, action.span, settings);
                self.suggest_freeze(kept, action, verb.value, targets.span, settings);
                let is_sure = self.told == told;
                let keep_state = keep.is_some();
                Action::On { verb: verb.value, targets, options, keep_state, is_sure }
            }
            ast::Action::For { .. } => return None,
        })
    }

    /// Suggests `freeze` where a learning rate of zero is all that an action gives.
    fn suggest_freeze(
        &mut self,
        kept: usize,
        action: &Spanned<ast::Action>,
        verb: Verb,
        targets: Span,
        settings: &[Spanned<ast::Setting>],
    ) {
        let is_constant = |setting: &ast::Setting| matches!(setting, ast::Setting::Lr(lr) if lr.pieces.len() == 1 && !lr.then_freeze);
        let (Verb::Unfreeze | Verb::Set, [only], true) = (verb, settings, self.turns.is_empty())
        else {
            return;
        };
        let zero = self.found.since(kept).iter_mut();
        let zero = zero.filter(|finding| finding.code == Code::ZeroLearningRate);
        for finding in zero.filter(|_| is_constant(only)) {
            let written = self.text.get(targets.range()).unwrap_or_default();
            let freeze = format!("{} {written}", Verb::Freeze.word());
            *finding = finding.clone().guess("freeze it", Some((action.span, freeze)));
        }
    }

    fn check_fit(&mut self, verb: Verb, place: Span, settings: &[Spanned<ast::Setting>]) {
        for setting in settings {
            match (verb, &setting.value) {
                (Verb::Freeze, ast::Setting::Stats(_) | ast::Setting::KeepState) => {}
                (Verb::Freeze, _) => {
                    let word = setting.value.word();
                    self.tell(
                        Diagnostic::new(
                            Code::MisplacedOption,
                            setting.span,
                            format!("`{word}` does not fit `freeze`"),
                        )
                        .label("what is frozen does not train, so this would do nothing")
                        .note(format!("to give `{word}` for later, use `set`"))
                        .guess_without(
                            "leave it out",
                            Some(removal::of_appendix(self.text, setting.span)),
                        ),
                    );
                }
                (_, ast::Setting::KeepState) => {
                    self.does_not_fit(setting.span, "keep state", &format!("`{}`", verb.word()));
                }
                _ => {}
            }
        }
        if verb == Verb::Set && settings.is_empty() {
            self.tell(
                Diagnostic::new(Code::MisplacedOption, place, "`set` without an option")
                    .label("expected `lr`, `weight_decay`, `optimizer` or `stats` behind this")
                    .guess_without("leave it out", removal::of_element(self.text, place)),
            );
        }
    }

    fn does_not_fit(&mut self, place: Span, what: &str, action: &str) {
        self.tell(
            Diagnostic::new(
                Code::MisplacedOption,
                place,
                format!("`{what}` does not fit {action}"),
            )
            .label("this fits `freeze` alone")
            .guess_without("leave it out", Some(removal::of_appendix(self.text, place))),
        );
    }
}
