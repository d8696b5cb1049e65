//! The names of a policy: where each is defined and used, and other names for them.

use std::collections::HashMap;
use std::ops::Range;

use super::OpenPolicy;
use super::walk::{Part, walk};
use crate::ast::{Loop, Text, Tree};
use crate::diagnostic::Edit;
use crate::parse::{self, words_outside};
use crate::source::{Span, Spanned};
use crate::vocabulary::READY_MADE;

/// The names that a tree defines, in order.
pub(super) struct Names<'t> {
    pub(super) defined: Vec<DefinedName<'t>>,
    /// Uses of names that nothing defines.
    unknown: Vec<Span>,
}

/// A name, with all places that mean it.
pub(super) struct DefinedName<'t> {
    pub(super) name: &'t str,
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
        let names = Names::new(self.draft().tree());
        names.at(byte).map(|name| name.place)
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
        let names = Names::new(self.draft().tree());
        names.at(byte).map(DefinedName::places).unwrap_or_default()
    }

    /// The place of the name at a byte that can be renamed.
    #[must_use]
    pub fn renamable(&self, byte: usize) -> Option<Span> {
        let names = Names::new(self.draft().tree());
        let name = names.at(byte)?;
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
        let names = Names::new(self.draft().tree());
        let known = names.at(byte).ok_or(RenameError::NoName)?;
        let bare = if known.is_number { new } else { new.strip_prefix('@').unwrap_or(new) };
        if !is_name(bare) {
            return Err(RenameError::Invalid(new.to_owned()));
        }
        if words_outside(self.source.text(), self.draft().tree()).iter().any(|it| it == known.name)
        {
            return Err(RenameError::Unread(known.name.to_owned()));
        }
        let mut edits: Vec<Edit> =
            known.places().into_iter().map(|span| Edit { span, text: bare.to_owned() }).collect();
        edits.sort_by_key(|edit| edit.span.start);
        let is_ready_made = !known.is_number && READY_MADE.contains(&bare);
        if is_ready_made || !self.means_the_same(&names, &edits) {
            return Err(RenameError::Taken(new.to_owned()));
        }
        Ok(edits)
    }

    /// Whether each name is used as often as before once the edits are made.
    fn means_the_same(&self, names: &Names<'_>, edits: &[Edit]) -> bool {
        let mut text = self.source.text().to_owned();
        for edit in edits.iter().rev() {
            text.replace_range(edit.span.range(), &edit.text);
        }
        let (before, after) = (self.draft().tree(), parse::parse(&text).0);
        let renamed = Names::new(&after);
        let uses = |names: &Names<'_>| names.defined.iter().map(|it| it.uses.len()).collect();
        let (old, new): (Vec<usize>, Vec<usize>) = (uses(names), uses(&renamed));
        let is_taken = renamed.has_duplicates() && !names.has_duplicates();
        before.items.len() == after.items.len()
            && old == new
            && names.unknown.len() == renamed.unknown.len()
            && !is_taken
    }
}

impl<'t> Names<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        let mut names = Self { defined: Vec::new(), unknown: Vec::new() };
        // The names of `let`s first, since they may be used above: the finding for that is another.
        let mut lets: HashMap<(&str, bool), usize> = HashMap::new();
        walk(tree, |part| {
            if let Part::Let(name, is_number) = part {
                lets.entry((&*name.value, is_number)).or_insert(names.defined.len());
                names.define(name, is_number, false);
            }
        });
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
                    names.define(name, is_number, true);
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
                let fits = |index: &usize| {
                    let known = names.defined.get(*index);
                    known.is_some_and(|it| it.name == name && it.is_number == is_number)
                };
                let of_loop = loops.iter().rev().flat_map(Clone::clone).find(fits);
                let index = of_loop.or_else(|| lets.get(&(name, is_number)).copied());
                match index.and_then(|index| names.defined.get_mut(index)) {
                    Some(known) => known.uses.push(place),
                    None if !is_number && READY_MADE.contains(&name) => {}
                    None => names.unknown.push(place),
                }
            }
            _ => {}
        });
        names
    }

    fn define(&mut self, name: &'t Spanned<Text>, is_number: bool, is_of_loop: bool) {
        self.defined.push(DefinedName {
            name: &name.value,
            place: bare(name.span, &name.value),
            uses: Vec::new(),
            is_number,
            is_of_loop,
            end: usize::MAX,
        });
    }

    /// The name that is defined or used at a byte.
    pub(super) fn at(&self, byte: usize) -> Option<&DefinedName<'t>> {
        let is_at = |name: &&DefinedName<'_>| {
            name.places().into_iter().any(|place| name.touches(place, byte))
        };
        self.defined.iter().find(is_at)
    }

    /// Whether a name is defined while it means something already.
    fn has_duplicates(&self) -> bool {
        self.defined.iter().enumerate().any(|(index, name)| {
            let before = self.defined.get(..index).unwrap_or_default();
            before.iter().any(|other| {
                other.name == name.name
                    && other.is_number == name.is_number
                    && (other.place.start..other.end).contains(&name.place.start)
            })
        })
    }
}

impl DefinedName<'_> {
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
