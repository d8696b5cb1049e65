//! Selects the parameters of a model that a policy's targets name.

mod bounds;
mod explain;
mod glob;
mod ready_made;
mod repair;
mod selection;
mod slice_table;
mod tree;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

pub(crate) use bounds::{Bound, BoundRange};
pub(crate) use ready_made::ReadyMade;
use ready_made::is_norm_name;
pub(crate) use selection::Selection;
pub(crate) use slice_table::SliceTable;
pub(crate) use tree::NameTree;

use crate::diagnostic::Diagnostic;
use crate::index::{IdSet, NameId, ids};
use crate::model::{Model, ParamId, Role, Tensor};
use crate::source::{Span, Spanned};

/// A set of names of a [`NameIndex`].
pub(crate) type NameSet = IdSet<NameId>;

/// One segment of a path whose numbers have been evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathSegment<'p> {
    /// This very segment.
    Name(&'p str),
    /// A segment with `*` in it, which matches any run of characters.
    Glob(&'p str),
    /// Any number of segments, none included.
    AnyDepth,
    /// A number in this range.
    Index(BoundRange),
    /// One of these.
    OneOf(Vec<Spanned<&'p str>>),
}

/// The names of a model's parameters, to select from. A selection is a set of names: tied
/// parameters are in it once per name, so that a check can find where they are treated differently.
pub(crate) struct NameIndex<'m> {
    model: &'m Model,
    /// Every name of every parameter, with the parameter: first names in the model's order,
    /// then the others.
    names: Vec<(&'m str, ParamId)>,
    tree: NameTree<'m>,
    /// The buffers, for messages.
    buffers: OnceCell<(Vec<&'m Tensor>, NameTree<'m>)>,
    /// The selections of paths that were looked up before.
    known: RefCell<HashMap<String, NameSet>>,
    /// The selections of ready-made names that were looked up before.
    ready_made: RefCell<HashMap<ReadyMade, NameSet>>,
}

impl<'m> NameIndex<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let all = || ids::<ParamId>(0..model.parameters().len());
        let parameters = || all().zip(model.parameters());
        let first = parameters().map(|(id, parameter)| (parameter.name.as_str(), id));
        let others = parameters().flat_map(|(id, parameter)| {
            parameter.aliases.iter().map(move |alias| (alias.as_str(), id))
        });
        let names: Vec<(&str, ParamId)> = first.chain(others).collect();
        let tree = NameTree::new(names.iter().map(|(name, _)| *name));
        let (known, ready_made) = (RefCell::default(), RefCell::default());
        Self { model, names, tree, buffers: OnceCell::new(), known, ready_made }
    }

    pub(crate) const fn model(&self) -> &'m Model {
        self.model
    }

    /// How many names all parameters have together.
    pub(crate) const fn len(&self) -> usize {
        self.names.len()
    }

    /// A name, with its parameter.
    pub(crate) fn name(&self, name: NameId) -> Option<(&'m str, ParamId)> {
        self.names.get(name.index()).copied()
    }

    /// The names at or under a path.
    pub(crate) fn path(&self, path: &[Spanned<PathSegment<'_>>]) -> NameSet {
        // Policies repeat paths, and `**` walks the whole tree.
        let key = key(path);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let selection = self.select(path);
        self.known.borrow_mut().insert(key, selection.clone());
        selection
    }

    fn select(&self, path: &[Spanned<PathSegment<'_>>]) -> NameSet {
        let mut selection = NameSet::with_capacity(self.names.len());
        self.tree.select(path, &mut selection);
        selection
    }

    /// The finding for a path that selects nothing.
    pub(crate) fn nothing(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        place: Span,
        text: &str,
    ) -> Diagnostic {
        explain::nothing(&self.buffers_at(path), self, path, place, text)
    }

    /// Findings for words of a set, and for ends of a range of indices, that select nothing while
    /// others of them do.
    pub(crate) fn idle_choices(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        whole: Span,
        text: &str,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (index, segment) in path.iter().enumerate() {
            let choices: Vec<Spanned<Cow<'_, str>>> = match &segment.value {
                PathSegment::OneOf(words) if words.len() > 1 => {
                    words.iter().map(|word| Spanned::new(word.value.into(), word.span)).collect()
                }
                PathSegment::Index(range) if !range.is_single() => {
                    found.extend(self.idle_parent(path, index, *range, text));
                    written_ends(*range)
                        .map(|index| Spanned::new(index.to_string().into(), segment.span))
                        .collect()
                }
                PathSegment::Index(range) => {
                    found.extend(self.idle_parent(path, index, *range, text));
                    continue;
                }
                _ => continue,
            };
            let mut one = path.to_vec();
            for choice in &choices {
                if let Some(segment) = one.get_mut(index) {
                    *segment = Spanned::new(PathSegment::Name(&choice.value), choice.span);
                }
                if self.path(&one).is_clear() {
                    let is_index = matches!(segment.value, PathSegment::Index(_));
                    let mut finding = explain::nothing(&[], self, &one, whole, text);
                    // The rest of the path does select something.
                    finding.message = format!("`{}` of {}", choice.value, finding.message);
                    found.push(if is_index {
                        let there = self.tree.next_names(path, index);
                        explain::beyond(finding, segment, &there, text)
                    } else {
                        finding
                    });
                    break;
                }
            }
        }
        found
    }

    /// The finding for a range of indices that counts from the largest one, where one of several
    /// modules has no index in it.
    fn idle_parent(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        index: usize,
        range: BoundRange,
        text: &str,
    ) -> Option<Diagnostic> {
        let place = path.get(index)?.span;
        let (module, largest) = self.tree.idle_parent(path, index, range)?;
        Some(explain::idle_parent(place, &module, largest, text))
    }

    /// The buffers at or under a path.
    fn buffers_at(&self, path: &[Spanned<PathSegment<'_>>]) -> Vec<&'m Tensor> {
        let (buffers, tree) = self.buffers.get_or_init(|| {
            let buffers = self.model.tensors().iter().filter(|t| t.role == Role::Buffer);
            let buffers: Vec<&Tensor> = buffers.collect();
            let tree = NameTree::new(buffers.iter().map(|tensor| tensor.name.as_str()));
            (buffers, tree)
        });
        let mut selection = NameSet::with_capacity(buffers.len());
        tree.select(path, &mut selection);
        selection.iter().filter_map(|name| buffers.get(name.index()).copied()).collect()
    }

    /// The finding for a condition that no parameter satisfies.
    pub(crate) fn nothing_matches(
        &self,
        finding: Diagnostic,
        fits: impl Fn(&str) -> bool,
    ) -> Diagnostic {
        let tensors = self.model.tensors().iter();
        let buffers: Vec<&Tensor> =
            tensors.filter(|tensor| tensor.role == Role::Buffer && fits(&tensor.name)).collect();
        match buffers.first() {
            Some(first) => explain::no_parameter(finding, first, &buffers),
            None => finding,
        }
    }

    /// A path with a `*` segment, once for each name that its last `*` matches, in natural order:
    /// the path with that name, and its selection.
    pub(crate) fn spread(&self, path: &[Spanned<PathSegment<'_>>]) -> Vec<(String, NameSet)> {
        let star = |segment: &Spanned<PathSegment>| segment.value == PathSegment::Glob("*");
        let Some(last) = path.iter().rposition(star) else { return Vec::new() };
        let mut names = self.tree.next_names(path, last);
        names.sort_by_cached_key(|name| natural(name));
        let mut one = path.to_vec();
        names
            .into_iter()
            .filter_map(|name| {
                one.get_mut(last)?.value = PathSegment::Name(name);
                // Each comes once, so that there is nothing to remember.
                let selection = self.select(&one);
                (!selection.is_clear()).then(|| (shown(&one), selection))
            })
            .collect()
    }

    /// The segments that may follow a path, each with the names under it: in the model's order, and
    /// numbers in theirs.
    pub(crate) fn children(&self, path: &[Spanned<PathSegment<'_>>]) -> Vec<(&'m str, NameSet)> {
        let mut names = self.tree.next_names(path, path.len());
        names.sort_by_cached_key(|name| name.parse::<u64>().ok());
        let mut longer = path.to_vec();
        names
            .into_iter()
            .map(|name| {
                longer.truncate(path.len());
                longer.push(Spanned::new(PathSegment::Name(name), Span::default()));
                (name, self.select(&longer))
            })
            .collect()
    }

    /// The segments at `place` of a path with which it selects something.
    fn spread_at(&self, path: &[Spanned<PathSegment<'_>>], place: usize) -> Vec<&'m str> {
        let mut names = self.tree.next_names(path, place);
        names.retain(|name| {
            let mut one = path.to_vec();
            if let Some(segment) = one.get_mut(place) {
                segment.value = PathSegment::Name(name);
            }
            !self.path(&one).is_clear()
        });
        names
    }

    /// The names that satisfy a condition.
    pub(crate) fn matching(&self, fits: impl Fn(&str) -> bool) -> NameSet {
        let mut selection = NameSet::with_capacity(self.names.len());
        for (id, (name, _)) in ids(0..self.names.len()).zip(&self.names) {
            selection.set(id, fits(name));
        }
        selection
    }

    /// The selection of a ready-made name.
    pub(crate) fn named(&self, named: ReadyMade) -> NameSet {
        if let Some(known) = self.ready_made.borrow().get(&named) {
            return known.clone();
        }
        let selects = named.selects(self.model);
        let mut selection = NameSet::with_capacity(self.names.len());
        for (id, (name, parameter)) in ids(0..self.names.len()).zip(&self.names) {
            selection.set(id, selects(name, *parameter));
        }
        self.ready_made.borrow_mut().insert(named, selection.clone());
        selection
    }

    /// How many rows the parameter of a name has; `None` if it has no dimension.
    pub(crate) fn rows(&self, name: NameId) -> Option<usize> {
        let (_, parameter) = self.name(name)?;
        self.model.parameters().get(parameter.index())?.shape.first().copied()
    }
}

/// A run of digits or of other characters, in natural order: fewer digits come first, so that `2`
/// is before `10`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Run<'s> {
    Number(usize, &'s str),
    Text(&'s str),
}

/// A sort key by which `2` is before `10`, and `block2` before `block10`.
fn natural(segment: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut rest = segment;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let length = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        let digits = run.trim_start_matches('0');
        runs.push(if is_number { Run::Number(digits.len(), digits) } else { Run::Text(run) });
        rest = after;
    }
    runs
}

/// A path as text, different for any two paths.
fn key(path: &[Spanned<PathSegment<'_>>]) -> String {
    let mut key = String::new();
    for segment in path {
        // No segment contains a `.`.
        match &segment.value {
            PathSegment::Name(name) => key.extend(["=", name]),
            PathSegment::Glob(pattern) => key.extend(["~", pattern]),
            PathSegment::AnyDepth => key.push('/'),
            PathSegment::Index(range) => {
                key.push('[');
                key.push_str(&written(*range));
            }
            PathSegment::OneOf(names) => {
                for name in names {
                    key.extend(["|", name.value]);
                }
            }
        }
        key.push('.');
    }
    key
}

/// A range of indices as it would be written.
fn written(BoundRange { start, end }: BoundRange) -> String {
    let bound = |bound| match bound {
        Bound::Open | Bound::FromEnd(0) => String::new(),
        Bound::At(number) => number.to_string(),
        Bound::FromEnd(number) => format!("-{number}"),
    };
    format!("{}..{}", bound(start), bound(end))
}

/// The first and the last number of a range, where they are written as numbers.
fn written_ends(range: BoundRange) -> impl Iterator<Item = u64> {
    let start = match range.start {
        Bound::At(start) => Some(start),
        _ => None,
    };
    let end = match range.end {
        Bound::At(end) => end.checked_sub(1),
        _ => None,
    };
    start.into_iter().chain(end)
}

/// A path as it would be written.
fn shown(path: &[Spanned<PathSegment<'_>>]) -> String {
    let segments: Vec<String> = path
        .iter()
        .map(|segment| match &segment.value {
            PathSegment::Name(name) | PathSegment::Glob(name) => (*name).to_owned(),
            PathSegment::AnyDepth => "**".to_owned(),
            PathSegment::Index(range) => format!("[{}]", written(*range)),
            PathSegment::OneOf(names) => {
                let names: Vec<&str> = names.iter().map(|name| name.value).collect();
                format!("{{{}}}", names.join(","))
            }
        })
        .collect();
    segments.join(".")
}
