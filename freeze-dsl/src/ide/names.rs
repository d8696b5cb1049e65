//! The names of a policy: where each is defined and used, and other names for them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::OpenPolicy;
use super::walk::{Part, walk};
use crate::ast::{Item, Loop, Text, Tree};
use crate::diagnostic::{Edit, applied};
use crate::parse;
use crate::source::{Span, Spanned};
use crate::vocabulary::{READY_MADE, keywords};

/// The names that a tree defines, in order.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) defined: Vec<DefinedName>,
    /// Each place that means a name, in order, with the index of the name.
    places: Vec<(Span, usize)>,
    /// How many uses there are of names that nothing defines.
    unknown: usize,
}

/// A name, with all places that mean it.
#[derive(Debug)]
pub(super) struct DefinedName {
    pub(super) name: Text,
    /// Where it is defined, without an `@`.
    pub(super) place: Span,
    /// Where it is used, without an `@`.
    pub(super) uses: Vec<Span>,
    pub(super) is_number: bool,
    /// Whether a loop defines it, not a `let`.
    pub(super) is_of_loop: bool,
    /// Where its meaning ends: at the end of its loop, or of the text.
    pub(super) end: usize,
}

/// Why a name cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// There is no name of a `let` or of a loop.
    #[error("only names that `let` or a loop defines can be renamed")]
    NoName,
    /// The new name is none.
    #[error("`{0}` is not a name: write letters, digits and `_`, and begin with no digit")]
    Invalid(String),
    /// With the new name, the text would mean something else.
    #[error("`{0}` already means something here")]
    Taken(String),
    /// A statement that does not parse may use the name.
    #[error("a statement that does not parse may use `{0}`: mend it first")]
    Unread(String),
}

impl OpenPolicy {
    /// Where the name at a byte is defined.
    #[must_use]
    pub fn definition(&self, byte: usize) -> Option<Span> {
        self.names().at(byte).map(|name| name.place)
    }

    /// The places of the name at a byte: its definition, then its uses.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let text = "let base = 1e-3; start: train fc lr base";
    /// let policy = OpenPolicy::new(Source::new(text));
    /// assert_eq!(policy.references(5).len(), 2);
    /// assert_eq!(policy.definition(text.len()), policy.references(5).first().copied());
    /// ```
    #[must_use]
    pub fn references(&self, byte: usize) -> Vec<Span> {
        self.names().at(byte).map(DefinedName::places).unwrap_or_default()
    }

    /// The place of the name at a byte that can be renamed.
    #[must_use]
    pub fn renamable(&self, byte: usize) -> Option<Span> {
        let name = self.names().at(byte)?;
        name.places().into_iter().find(|place| name.touches(*place, byte))
    }

    /// The edits that give the name at a byte another name, everywhere.
    ///
    /// # Errors
    /// If there is no name, if the new name is none or means something else, and if a statement that
    /// does not parse may use the name.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("let base = 1e-3; start: train fc lr base"));
    /// assert_eq!(policy.rename(5, "rate")?.len(), 2);
    /// assert!(policy.rename(5, "1st").is_err());
    /// # Ok::<(), freeze_dsl::ide::RenameError>(())
    /// ```
    pub fn rename(&self, byte: usize, new: &str) -> Result<Vec<Edit>, RenameError> {
        let known = self.names().at(byte).ok_or(RenameError::NoName)?;
        let bare = if known.is_number { new } else { new.strip_prefix('@').unwrap_or(new) };
        if !is_name(bare) {
            return Err(RenameError::Invalid(new.to_owned()));
        }
        if parse::is_outside(&known.name, self.readable(), self.tree()) {
            return Err(RenameError::Unread(known.name.to_string()));
        }
        let mut edits: Vec<Edit> =
            known.places().into_iter().map(|span| Edit { span, text: bare.to_owned() }).collect();
        edits.sort_by_key(|edit| edit.span.start);
        let is_ready_made = !known.is_number && READY_MADE.contains(&bare);
        if is_ready_made || !self.means_the_same_after(&edits, bare) {
            return Err(RenameError::Taken(new.to_owned()));
        }
        Ok(edits)
    }

    /// Whether each name is used as often as before once the edits are made, which all write `new`.
    fn means_the_same_after(&self, edits: &[Edit], new: &str) -> bool {
        let before = self.names();
        let after = if keywords().any(|word| word == new) {
            // It may make another statement of it.
            let renamed = self.clone().edited(applied(self.text(), edits));
            if self.tree().items.len() != renamed.tree().items.len() {
                return false;
            }
            Names::new(renamed.tree())
        } else {
            // All other names are alike to the parser, so that nothing has to be parsed again.
            let places: HashSet<Span> = edits.iter().map(|edit| edit.span).collect();
            Names::with(self.tree(), |place| places.contains(&place).then_some(new))
        };
        let uses = |names: &Names| names.defined.iter().map(|it| it.uses.len()).collect();
        let (old, new): (Vec<usize>, Vec<usize>) = (uses(before), uses(&after));
        let is_taken = after.has_duplicates() && !before.has_duplicates();
        old == new && before.unknown == after.unknown && !is_taken
    }
}

impl Names {
    pub(super) fn new(tree: &Tree) -> Self {
        Self::with(tree, |_| None)
    }

    /// The names of a tree in which `other` is written at some places.
    fn with<'t>(tree: &'t Tree, other: impl Fn(Span) -> Option<&'t str>) -> Self {
        let read = |name: &'t Spanned<Text>| {
            let place = bare(name.span, &name.value);
            (place, other(place).unwrap_or(&name.value))
        };
        let mut names = Self { defined: Vec::new(), places: Vec::new(), unknown: 0 };
        // The names of `let`s first, since they may be used above: the finding for that is another.
        let mut lets: HashMap<(&str, bool), usize> = HashMap::new();
        for item in tree.items.iter() {
            let (name, is_number) = match &item.value {
                Item::LetNumber { name, .. } => (name, true),
                Item::LetTargets { name, .. } | Item::LetList { name, .. } => (name, false),
                _ => continue,
            };
            let (place, name) = read(name);
            lets.entry((name, is_number)).or_insert(names.defined.len());
            names.define(name, place, is_number, false);
        }
        let mut loops: Vec<Range<usize>> = Vec::new();
        let mut last = 0;
        walk(tree, |part| match part {
            Part::LoopStart(head) => {
                let first = names.defined.len();
                let (index, element) = match head {
                    Loop::Each { index, element, .. } => (index.as_ref(), Some(element)),
                    Loop::Range { index, .. } => (Some(index), None),
                };
                for (name, is_number) in
                    index.map(|it| (it, true)).into_iter().chain(element.map(|it| (it, false)))
                {
                    last = last.max(name.span.end);
                    let (place, name) = read(name);
                    names.define(name, place, is_number, true);
                }
                loops.push(first..names.defined.len());
            }
            Part::LoopEnd => {
                let closed = loops.pop().unwrap_or_default();
                for name in names.defined.get_mut(closed).unwrap_or_default() {
                    name.end = last;
                }
            }
            Part::Use(name, place, is_number) => {
                last = place.end;
                let place = bare(place, name);
                let name = other(place).unwrap_or(name);
                let fits = |index: &usize| {
                    let known = names.defined.get(*index);
                    known.is_some_and(|it| it.name == name && it.is_number == is_number)
                };
                let of_loop = loops.iter().rev().flat_map(Clone::clone).find(fits);
                let index = of_loop.or_else(|| lets.get(&(name, is_number)).copied());
                names.add_use(index, name, place, is_number);
            }
            _ => {}
        });
        names.places.sort_unstable();
        names
    }

    fn add_use(&mut self, index: Option<usize>, name: &str, place: Span, is_number: bool) {
        match index.and_then(|index| Some((index, self.defined.get_mut(index)?))) {
            Some((index, known)) => {
                known.uses.push(place);
                self.places.push((place, index));
            }
            None if !is_number && READY_MADE.contains(&name) => {}
            None => self.unknown += 1,
        }
    }

    fn define(&mut self, name: &str, place: Span, is_number: bool, is_of_loop: bool) {
        self.places.push((place, self.defined.len()));
        self.defined.push(DefinedName {
            name: name.to_owned().into(),
            place,
            uses: Vec::new(),
            is_number,
            is_of_loop,
            end: usize::MAX,
        });
    }

    /// The name that is defined or used at a byte.
    pub(super) fn at(&self, byte: usize) -> Option<&DefinedName> {
        // The place that begins last before it, or at its `@`.
        let begun = self.places.partition_point(|(place, _)| place.start <= byte + 1);
        let near = self.places.get(begun.saturating_sub(2)..begun).unwrap_or_default();
        near.iter().find_map(|(place, index)| {
            self.defined.get(*index).filter(|name| name.touches(*place, byte))
        })
    }

    /// Whether a name is defined while it means something already.
    fn has_duplicates(&self) -> bool {
        let mut before: HashMap<(&str, bool), Vec<&DefinedName>> = HashMap::new();
        self.defined.iter().any(|name| {
            let others = before.entry((&name.name, name.is_number)).or_default();
            let is_taken =
                others.iter().any(|it| (it.place.start..it.end).contains(&name.place.start));
            others.push(name);
            is_taken
        })
    }
}

impl DefinedName {
    fn places(&self) -> Vec<Span> {
        std::iter::once(self.place).chain(self.uses.iter().copied()).collect()
    }

    /// Whether a byte is in one of its places, at its `@`, or directly after it.
    const fn touches(&self, place: Span, byte: usize) -> bool {
        let sign = if self.is_number { 0 } else { 1 };
        place.start <= byte + sign && byte <= place.end
    }
}

/// The place of a name without its `@`.
const fn bare(place: Span, name: &str) -> Span {
    Span::new(place.end - name.len(), place.end)
}

/// Whether a text is a name.
fn is_name(text: &str) -> bool {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    text.chars().all(is_word)
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}
