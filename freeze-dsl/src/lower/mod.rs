//! From the tree to the intermediate representation: resolves names, unrolls loops, evaluates
//! numbers and checks every value. With a model, selectors become selections of its parameters.

mod actions;
mod curves;
mod lists;
mod loops;
mod numbers;
mod optimizers;
mod options;
mod recording;
mod rows;
mod scope;
mod shown;
mod targets;
mod tracks;
mod triggers;

use std::collections::{HashMap, HashSet};

use crate::ast::{self, Item, Text, Tree};
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, Reported, readable, removal};
use crate::ir::{LoopTrace, LoweredPolicy, LoweredRule, Overrides};
use crate::parse::{LostStatements, ScannedText};
use crate::select::{NameIndex, Selection};
use crate::source::{Source, Span, Spanned};
pub use loops::MAX_UNROLLED;
pub(crate) use recording::{Recorded, Recording, Values};
use scope::{Meaning, Scope};
use tracks::{Cut, OpenSequence};

/// Lowers a tree, with a model if there is one.
pub(crate) fn lower<'a>(
    tree: &'a Tree,
    source: &'a Source,
    overrides: &'a Overrides,
    model: Option<&'a NameIndex<'_>>,
    sink: &mut DiagnosticSink,
) -> LoweredPolicy {
    Lowering::new(tree, source, overrides, model, sink).run(tree, sink)
}

/// Lowers a tree to know what the parts of its text within a span mean. Whatever is wrong with it is
/// not reported.
pub(crate) fn record<'a>(
    tree: &'a Tree,
    source: &'a Source,
    overrides: &'a Overrides,
    model: Option<&'a NameIndex<'_>>,
    within: Span,
) -> Recording {
    let sink = DiagnosticSink::default();
    let mut lowering = Lowering::new(tree, source, overrides, model, &sink);
    lowering.recording = Some(Recording::new(within));
    // Nobody reads the findings, so that no suggestion is looked for.
    lowering.reports = DiagnosticSink::MOST;
    lowering.all(tree);
    lowering.recording.unwrap_or_default()
}

/// The definitions of targets and lists, by their names.
fn let_items(tree: &Tree) -> HashMap<&str, &Item> {
    let mut items = HashMap::new();
    for item in tree.items.iter() {
        if let Item::LetTargets { name, .. } | Item::LetList { name, .. } = &item.value {
            items.entry(&*name.value).or_insert(&item.value);
        }
    }
    items
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

/// What a statement is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Policy,
    /// A loop of the main sequence.
    Loop,
    Track,
    /// A `repeat`, or a loop in it or in a track.
    Rules,
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
    /// The definitions of targets and lists, by their names.
    let_items: HashMap<&'a str, &'a Item>,
    /// How many names the text that is being made has had replaced.
    names_shown: usize,
    /// The names of rules, each with the index of its sequence, and their places.
    names: HashMap<(usize, Text), Span>,
    /// The names of tracks, and their places.
    tracks: HashMap<String, Span>,
    /// The number of tracks without a name and a scope so far.
    unnamed_tracks: usize,
    /// The main sequence, and the tracks so far.
    sequences: Vec<OpenSequence>,
    /// The index of the sequence that is lowered.
    current: usize,
    /// Which part of the ready-made names it owns.
    cut: Cut,
    /// The definitions that use ready-made names.
    cut_lets: Vec<&'a Spanned<Item>>,
    /// The scope of the track that is lowered, as text.
    own_scope: String,
    /// The scopes of all tracks, as text.
    scope_texts: Vec<String>,
    /// Whether every statement could be parsed.
    is_whole: bool,
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
    /// What parts of the text mean, where that is asked for.
    recording: Option<Recording>,
    policy: LoweredPolicy,
}

impl<'a, 'm> Lowering<'a, 'm> {
    fn new(
        tree: &'a Tree,
        source: &'a Source,
        overrides: &'a Overrides,
        model: Option<&'a NameIndex<'m>>,
        sink: &DiagnosticSink,
    ) -> Self {
        Lowering {
            text: source.text(),
            overrides,
            model,
            sink: DiagnosticSink::default(),
            reported: None,
            reports: 0,
            scope: Scope::default(),
            lets: lets(tree),
            trace: LoopTrace::default(),
            let_items: let_items(tree),
            names_shown: 0,
            names: HashMap::new(),
            tracks: HashMap::new(),
            unnamed_tracks: 0,
            sequences: vec![OpenSequence::main()],
            current: 0,
            cut: Cut::default(),
            cut_lets: Vec::new(),
            own_scope: String::new(),
            scope_texts: Vec::new(),
            is_whole: !sink.iter().any(|finding| finding.code.leaves_unresolved()),
            defaulted: HashMap::new(),
            model_statement: None,
            has_run: tree.items.iter().any(|item| matches!(item.value, Item::Run(_))),
            checked_loops: HashSet::new(),
            turns: 0,
            weight: 0,
            is_forgiving: false,
            optional_names: HashSet::new(),
            regexes: HashMap::new(),
            recording: None,
            policy: LoweredPolicy::default(),
        }
    }

    fn run(mut self, tree: &'a Tree, sink: &mut DiagnosticSink) -> LoweredPolicy {
        // A `let` that could not be parsed is reported already; uses of its name are no mistakes.
        if !self.is_whole {
            let lost = LostStatements::new(&ScannedText::quietly(self.text).readable, tree);
            self.has_run |= lost.has_run;
            for name in lost.names {
                self.scope.define(&name, Meaning::Unknown);
                self.scope.get(&name.value, true);
            }
        }
        self.all(tree);
        // A statement that could not be parsed, or a turn that is not known yet, may use any name.
        let unresolved = |finding: &Diagnostic| finding.code.leaves_unresolved();
        if !(self.policy.is_open || sink.iter().chain(self.sink.iter()).any(unresolved)) {
            self.unused_lets(tree);
        }
        sink.extend(self.sink.into_vec());
        self.policy
    }

    /// Lowers all statements.
    fn all(&mut self, tree: &'a Tree) {
        // `run` and `let` may follow the statements that use them.
        for item in tree.items.iter() {
            self.heading(item);
        }
        self.sequences(tree);
    }
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
            Item::Default(_)
            | Item::For { .. }
            | Item::Track { .. }
            | Item::Repeat { .. }
            | Item::Rule(_) => {}
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
            // That its use was forgotten is as likely.
            self.report(finding.guess_without("leave it out", removal));
        }
    }

    /// A statement with its `;`.
    fn statement(&self, statement: Span) -> Option<Span> {
        removal::of_statement(self.text, statement)
    }

    fn items(&mut self, items: &[Spanned<Item>], within: Within) {
        for item in items {
            match (&item.value, within) {
                (Item::For { head, body }, _) => {
                    let inner = match within {
                        Within::Policy | Within::Loop => Within::Loop,
                        Within::Track | Within::Rules => Within::Rules,
                    };
                    if inner == Within::Loop && tracks::has_scopes(body) {
                        self.turns_around_tracks(head, |lowering| lowering.items(body, inner));
                    } else {
                        self.each_turn(head, |lowering| lowering.items(body, inner));
                    }
                }
                (Item::Rule(_), _) if !self.is_wanted(item.span) => {}
                (Item::Rule(rule), _) => self.rule(rule, item.span),
                (Item::Track { name, scope, body }, Within::Policy | Within::Loop) => {
                    self.track(name.as_ref(), scope.as_ref(), body, item.span);
                }
                (Item::Repeat { body }, Within::Policy | Within::Track) => {
                    self.repeat(body, item.span);
                }
                (_, Within::Loop | Within::Track | Within::Rules) => {
                    self.misplaced(item, within);
                }
                (Item::Default(settings), Within::Policy) => {
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

    /// Reports a statement that does not belong in a block.
    fn misplaced(&mut self, item: &Spanned<Item>, within: Within) {
        let (message, label) = match (&item.value, within) {
            (Item::Track { .. }, Within::Track | Within::Rules) if self.current > 0 => {
                ("a track holds no other track", "write this outside of the track")
            }
            (_, Within::Loop) => (
                "a loop holds rules, loops and tracks, nothing else",
                "write this outside of the loop",
            ),
            (_, Within::Track) => (
                "a track holds rules, loops and a `repeat` at its end, nothing else",
                "write this outside of the track",
            ),
            _ => ("this holds rules and loops, nothing else", "write this outside of it"),
        };
        self.report(Diagnostic::new(Code::Syntax, item.span, message).label(label));
    }

    fn rule(&mut self, rule: &ast::Rule, place: Span) {
        self.weigh_in_turn(rule.trigger.span, false);
        if self.is_too_heavy() {
            return;
        }
        if self.is_over(rule.trigger.span) {
            return;
        }
        let name = if let Some(name) = &rule.name {
            self.rule_name(name)
        } else {
            let before = self.sequences.get(self.current).map_or(0, |own| own.rules.len());
            format!("rule {}", before + 1)
        };
        let name = match self.sequences.get(self.current).and_then(OpenSequence::name) {
            Some(track) => format!("{track}: {name}"),
            None => name,
        };
        let mut moments = Vec::with_capacity(rule.trigger.len());
        for moment in rule.trigger.iter() {
            moments.extend(self.moment(moment).map(|known| Spanned::new(known, moment.span)));
        }
        let mut actions = Vec::with_capacity(rule.actions.len());
        self.actions(&rule.actions, &mut actions);
        let lowered = LoweredRule {
            name,
            span: place,
            trigger: Spanned::new(moments, rule.trigger.span),
            actions,
            is_written_once: self.trace.is_empty()
                && !rule.actions.iter().any(|it| matches!(it.value, ast::Action::For { .. })),
            trace: self.trace.clone(),
        };
        if let Some(own) = self.sequences.get_mut(self.current) {
            own.rules.push(lowered);
        }
    }

    /// The name of a rule in this turn of its loops; reports a name that is taken.
    fn rule_name(&mut self, written: &Spanned<Text>) -> String {
        let name = self.name_in_turn(&written.value);
        if let Some(first) = self.names.insert((self.current, name.clone()), written.span) {
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
