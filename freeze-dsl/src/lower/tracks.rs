//! Tracks and `repeat`: sequences of rules, and what each of them owns.

use std::collections::HashSet;

use super::scope::Meaning;
use super::{Lowering, Within};
use crate::ast::{
    Element, Elements, Item, List, Listing, Loop, Selector, Targets, Term, Text, Tree,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{LoopTrace, LoweredRule, Ownership, Sequence};
use crate::select::{ReadyMade, Selection};
use crate::source::{Span, Spanned};

/// A sequence whose rules are not all lowered.
pub(super) struct OpenSequence {
    name: Option<String>,
    /// The place of its name, where that is written.
    name_place: Option<Span>,
    span: Span,
    ownership: Ownership,
    pub(super) rules: Vec<LoweredRule>,
    /// The index of the first rule of its `repeat`.
    repeat: Option<usize>,
    /// The `repeat` that ends it.
    end: Option<Span>,
    trace: LoopTrace,
}

/// The part of ready-made names, such as `@all`, that a sequence owns.
#[derive(Clone, Default)]
pub(super) enum Cut {
    /// All of them: no track owns anything, or the sequence owns nothing.
    #[default]
    Whole,
    /// Without what tracks own.
    Without(Selection),
    /// Within what a track owns.
    Within(Selection),
}

impl Cut {
    fn of(&self, selection: Selection) -> Selection {
        match self {
            Self::Whole => selection,
            Self::Without(taken) => selection.without(taken.clone()),
            Self::Within(own) => selection.within(own.clone()),
        }
    }
}

impl OpenSequence {
    /// The name of its track.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn main() -> Self {
        Self {
            name: None,
            name_place: None,
            span: Span::new(0, 0),
            ownership: Ownership::Rest,
            rules: Vec::new(),
            repeat: None,
            end: None,
            trace: LoopTrace::default(),
        }
    }
}

impl<'a> Lowering<'a, '_> {
    /// Lowers the rules of all sequences.
    pub(super) fn sequences(&mut self, tree: &'a Tree) {
        if has_scopes(&tree.items) {
            let ((scopes, texts), _) = self.silently(|lowering| {
                let (mut scopes, mut texts) = (Vec::new(), Vec::new());
                lowering.scopes(&tree.items, &mut scopes, &mut texts);
                (scopes, texts)
            });
            self.scope_texts = texts;
            self.cut_lets = sensitive_lets(&tree.items);
            let taken = Selection::union(scopes);
            let cut = if taken == Selection::Absent { Cut::Whole } else { Cut::Without(taken) };
            self.owning(cut, |lowering| lowering.items(&tree.items, Within::Policy));
        } else {
            self.items(&tree.items, Within::Policy);
        }
        let mut rules = Vec::new();
        let sequences = std::mem::take(&mut self.sequences);
        for open in sequences {
            let start = rules.len();
            rules.extend(open.rules);
            self.policy.sequences.push(Sequence {
                name: open.name,
                span: open.span,
                ownership: open.ownership,
                rules: start..rules.len(),
                repeat: open.repeat.map(|first| start + first),
                trace: open.trace,
            });
        }
        self.policy.rules = rules;
    }

    /// Lowers with the findings thrown away, since the same text is lowered again; returns as well
    /// whether one of them was an error.
    fn silently<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let sink = std::mem::take(&mut self.sink);
        let checked = self.checked_loops.clone();
        let before = (self.reports, self.turns, self.weight, self.reported, self.policy.is_open);
        let value = lower(self);
        (self.reports, self.turns, self.weight, self.reported, self.policy.is_open) = before;
        self.checked_loops = checked;
        let silenced = std::mem::replace(&mut self.sink, sink);
        (value, silenced.iter().any(Diagnostic::is_error))
    }

    /// Adds the scopes of all tracks, and their texts.
    fn scopes(
        &mut self,
        items: &[Spanned<Item>],
        scopes: &mut Vec<Selection>,
        texts: &mut Vec<String>,
    ) {
        for item in items {
            match &item.value {
                Item::For { head, body } if has_scopes(body) => {
                    self.each_turn(head, |lowering| lowering.scopes(body, scopes, texts));
                }
                Item::Track { scope: Some(scope), .. } => {
                    scopes.push(self.targets(scope).value);
                    texts.push(self.shown(scope));
                }
                _ => {}
            }
        }
    }

    /// Lowers what a sequence does, with the ready-made names cut to what it owns, wherever a `let`
    /// uses them too.
    fn owning<T>(&mut self, cut: Cut, lower: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.cut, cut);
        let mark = self.scope.mark();
        let lets = self.cut_lets.clone();
        for item in &lets {
            let (name, (meaning, is_wrong)) = match &item.value {
                Item::LetTargets { name, targets } => {
                    let targets = |own: &mut Self| Meaning::Targets(own.targets(targets).value);
                    (name, self.silently(targets))
                }
                Item::LetList { name, list } => (name, self.silently(|own| own.meaning(list))),
                _ => continue,
            };
            // With its whole meaning, a use of it is outside of what the sequence owns.
            if !is_wrong {
                self.scope.define_again(name, meaning);
            }
        }
        let value = lower(self);
        self.scope.reset(mark);
        self.cut = outer;
        value
    }

    /// The turns of a loop around tracks: its list has what may become a scope, so nothing is cut of it.
    pub(super) fn turns_around_tracks(
        &mut self,
        head: &Spanned<Loop>,
        mut body: impl FnMut(&mut Self),
    ) {
        let own = self.cut.clone();
        self.owning(Cut::Whole, |lowering| {
            lowering.each_turn(head, |lowering| {
                lowering.owning(own.clone(), |lowering| body(lowering));
            });
        });
    }

    /// The part of a ready-made name that the sequence owns.
    pub(super) fn own_part(&self, selection: Selection) -> Selection {
        self.cut.of(selection)
    }

    /// What is left out of ready-made names here, as text to follow them.
    pub(super) fn shown_cut(&self) -> Option<String> {
        match &self.cut {
            Cut::Whole => None,
            Cut::Without(_) => Some(format!("except {}", self.scope_texts.join(", "))),
            Cut::Within(_) => {
                let scope = &self.own_scope;
                let is_one = !scope.contains([',', ' ']);
                Some(if is_one { format!("in {scope}") } else { format!("in ({scope})") })
            }
        }
    }

    /// Why a ready-made name selects nothing.
    pub(super) const fn nothing_of(&self) -> &'static str {
        match self.cut {
            Cut::Whole => "the model has none",
            Cut::Without(_) => "tracks own all of it",
            Cut::Within(_) => "this track owns none",
        }
    }

    pub(super) fn track(
        &mut self,
        name: Option<&Spanned<Text>>,
        scope: Option<&Spanned<Targets>>,
        body: &[Spanned<Item>],
        place: Span,
    ) {
        // Nothing is cut of what a track owns.
        let (owned, shown) = match scope {
            Some(scope) => self.owning(Cut::Whole, |lowering| {
                (Some(lowering.targets(scope)), lowering.shown(scope))
            }),
            None => (None, String::new()),
        };
        if let Some(owned) = owned.as_ref().filter(|owned| owned.value == Selection::Absent) {
            let message = format!("`{}` selects nothing here", self.slice(owned.span));
            self.report(
                Diagnostic::new(Code::AbsentTargets, owned.span, message)
                    .label("its `?` allows that, so this track is left out"),
            );
            return;
        }
        if let Some(owned) = owned.as_ref().filter(|owned| owned.value.changes()) {
            let message = "what a track owns must be the same at every moment";
            self.report(
                Diagnostic::new(Code::NotOwned, owned.span, message)
                    .label("`sample`, `@trainable` and `@frozen` change while training runs"),
            );
            return;
        }
        let name_place = name.map(|name| name.span);
        let name = self.track_name(name, &shown, place);
        let cut = owned.as_ref().map_or(Cut::Whole, |owned| Cut::Within(owned.value.clone()));
        let ownership = owned.map_or(Ownership::Nothing, Ownership::Scope);
        self.sequences.push(OpenSequence {
            name: Some(name),
            name_place,
            span: place,
            ownership,
            rules: Vec::new(),
            repeat: None,
            end: None,
            trace: self.trace.clone(),
        });
        let outer = std::mem::replace(&mut self.current, self.sequences.len() - 1);
        let outer_scope = std::mem::replace(&mut self.own_scope, shown);
        self.owning(cut, |lowering| lowering.items(body, Within::Track));
        self.own_scope = outer_scope;
        self.needs_rules("a track", 0, place);
        self.current = outer;
    }

    /// Whether a track without a scope is lowered.
    pub(super) fn is_in_ownerless_track(&self) -> bool {
        let own = self.sequences.get(self.current);
        own.is_some_and(|own| own.ownership == Ownership::Nothing)
    }

    /// Whether the rules of a `repeat` are lowered.
    pub(super) fn is_in_repeat(&self) -> bool {
        self.sequences.get(self.current).is_some_and(|own| own.repeat.is_some())
    }

    /// The name of the track that is lowered, and its place, where it is written and not in a loop.
    pub(super) fn written_track_name(&self) -> Option<(&str, Span)> {
        let own = self.sequences.get(self.current).filter(|_| self.trace.is_empty())?;
        own.name.as_deref().zip(own.name_place)
    }

    /// The name of a track; reports one that is taken.
    fn track_name(&mut self, written: Option<&Spanned<Text>>, scope: &str, place: Span) -> String {
        let (name, place) = match written {
            Some(written) => (self.name_in_turn(&written.value).into_owned(), written.span),
            None if scope.is_empty() => {
                self.unnamed_tracks += 1;
                (format!("track {}", self.unnamed_tracks), place)
            }
            None => (scope.to_owned(), place),
        };
        if let Some(first) = self.tracks.insert(name.clone(), place) {
            let finding = Diagnostic::new(
                Code::DefinedTwice,
                place,
                format!("two tracks are called `{name}`"),
            );
            let finding = if first == place {
                finding.label("the same in every turn of the loop")
            } else {
                let free = (written.is_some() && self.trace.is_empty() && self.explains())
                    .then(|| (place, self.free_name(&name)));
                let finding = finding
                    .label("again here")
                    .also(first, "first here")
                    .guess("call it something else", free);
                if written.is_some() {
                    finding
                } else {
                    finding.note(
                        "a track without a name is called by its scope; write the rules of both \
                         in one track",
                    )
                }
            };
            self.report(finding);
        }
        name
    }

    pub(super) fn repeat(&mut self, body: &[Spanned<Item>], place: Span) {
        if self.is_over(place) {
            return;
        }
        let Some(own) = self.sequences.get_mut(self.current) else { return };
        let first = own.rules.len();
        own.repeat = Some(first);
        self.items(body, Within::Rules);
        self.needs_rules("a `repeat`", first, place);
        if let Some(own) = self.sequences.get_mut(self.current) {
            own.end = Some(place);
        }
    }

    /// Reports a sequence or a `repeat` that has no rule.
    fn needs_rules(&mut self, what: &str, first: usize, place: Span) {
        let count = self.sequences.get(self.current).map_or(0, |own| own.rules.len());
        // A statement that could not be parsed, or a loop that was reported, may have had some.
        if count == first && self.is_whole && !self.policy.is_open && self.reports == 0 {
            self.report(
                Diagnostic::new(Code::Syntax, place, format!("{what} has at least one rule"))
                    .label("expected a rule in its braces"),
            );
        }
    }

    /// Whether a `repeat` has ended the sequence, so that what follows is reported.
    pub(super) fn is_over(&mut self, place: Span) -> bool {
        let end = self.sequences.get(self.current).and_then(|own| own.end);
        let Some(end) = end else { return false };
        self.report(
            Diagnostic::new(Code::NeverFires, place, "nothing may follow `repeat`")
                .label("this can never happen")
                .also(end, "this goes on to the end of training"),
        );
        true
    }
}

/// Whether a track among these statements has a scope.
pub(super) fn has_scopes(items: &[Spanned<Item>]) -> bool {
    items.iter().any(|item| match &item.value {
        Item::For { body, .. } => has_scopes(body),
        Item::Track { scope, .. } => scope.is_some(),
        _ => false,
    })
}

/// The definitions whose meaning depends on which part of the ready-made names is meant, in order.
fn sensitive_lets(items: &[Spanned<Item>]) -> Vec<&Spanned<Item>> {
    let mut names: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for item in items {
        let is_sensitive = |name: &str| ReadyMade::of(name).is_some() || names.contains(name);
        let (name, uses) = match &item.value {
            Item::LetTargets { name, targets } => (name, targets_use(targets, &is_sensitive)),
            Item::LetList { name, list } => (name, list_uses(list, &is_sensitive)),
            _ => continue,
        };
        if uses {
            names.insert(&name.value);
            found.push(item);
        }
    }
    found
}

/// Whether targets use a name for which this holds.
pub(super) fn targets_use(targets: &Targets, is_meant: &impl Fn(&str) -> bool) -> bool {
    let uses = |selectors: &List<Spanned<Selector>>| {
        selectors.iter().any(|selector| {
            let within = selector.within.as_ref().map(|term| &term.value);
            std::iter::once(&selector.term.value)
                .chain(within)
                .any(|term| term_uses(term, is_meant))
        })
    };
    uses(&targets.selectors) || uses(&targets.except)
}

fn term_uses(term: &Term, is_meant: &impl Fn(&str) -> bool) -> bool {
    match term {
        Term::Named(name) => is_meant(name),
        Term::Listing(list) => list_uses(list, is_meant),
        Term::Sample(sample) => list_uses(&sample.list.value, is_meant),
        Term::Group(targets) => targets_use(targets, is_meant),
        Term::Path(_) | Term::Regex(_) | Term::Rows(_) => false,
    }
}

fn list_uses(list: &Listing, is_meant: &impl Fn(&str) -> bool) -> bool {
    match &list.base.value {
        Elements::Named(name) => is_meant(name),
        Elements::These(elements) => {
            elements.iter().any(|Element { term, .. }| term_uses(&term.value, is_meant))
        }
    }
}
