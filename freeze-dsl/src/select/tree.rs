//! The names of a model as a tree with one node per segment, so that a path is matched against all
//! names at once.

use std::collections::HashMap;
use std::ops::Range;

use fixedbitset::FixedBitSet;

use super::{BoundRange, NameSet, PathSegment, glob};
use crate::index::{NameId, NodeId};
use crate::source::Spanned;

pub(crate) struct NameTree<'m> {
    /// The root first; every node after its parent.
    nodes: Vec<Node<'m>>,
    /// The names in depth-first order, so that those under a node are contiguous.
    walk: Vec<NameId>,
    /// How many segments the longest name has.
    depth: usize,
}

struct Node<'m> {
    segment: &'m str,
    parent: NodeId,
    children: Vec<NodeId>,
    by_segment: HashMap<&'m str, NodeId>,
    name: Option<NameId>,
    under: Range<usize>,
}

impl<'m> Node<'m> {
    fn new(segment: &'m str, parent: NodeId) -> Self {
        Self {
            segment,
            parent,
            children: Vec::new(),
            by_segment: HashMap::new(),
            name: None,
            under: 0..0,
        }
    }
}

/// The node of no segment.
const ROOT: NodeId = NodeId::new(0);

impl<'m> NameTree<'m> {
    /// A tree of names, each with the id of its place among them.
    pub(crate) fn new(names: impl Iterator<Item = &'m str>) -> Self {
        let mut tree = Self { nodes: vec![Node::new("", ROOT)], walk: Vec::new(), depth: 0 };
        for (index, name) in names.enumerate() {
            tree.insert(name, NameId::new(index));
        }
        tree.number();
        tree
    }

    fn insert(&mut self, name: &'m str, id: NameId) {
        let mut at = ROOT;
        for (before, segment) in name.split('.').enumerate() {
            self.depth = self.depth.max(before + 1);
            let next = NodeId::new(self.nodes.len());
            let Some(node) = self.nodes.get_mut(at.index()) else { return };
            let child = *node.by_segment.entry(segment).or_insert(next);
            if child == next {
                node.children.push(next);
                self.nodes.push(Node::new(segment, at));
            }
            at = child;
        }
        if let Some(node) = self.nodes.get_mut(at.index()) {
            node.name = Some(id);
        }
    }

    /// Walks the tree without recursion: names may have any number of segments.
    fn number(&mut self) {
        enum Visit {
            Enter(NodeId),
            Leave(NodeId),
        }
        let mut stack = vec![Visit::Enter(ROOT)];
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Enter(at) => {
                    let Some(node) = self.nodes.get_mut(at.index()) else { continue };
                    node.under.start = self.walk.len();
                    self.walk.extend(node.name);
                    stack.push(Visit::Leave(at));
                    stack.extend(node.children.iter().rev().map(|child| Visit::Enter(*child)));
                }
                Visit::Leave(at) => {
                    if let Some(node) = self.nodes.get_mut(at.index()) {
                        node.under.end = self.walk.len();
                    }
                }
            }
        }
    }

    /// Adds every name at or under the nodes that match `path`.
    pub(super) fn select(&self, path: &[Spanned<PathSegment<'_>>], selection: &mut NameSet) {
        self.walk_path(path, |node, matched| {
            if matched == path.len() {
                selection.extend(self.under(node));
            }
        });
    }

    /// Calls `reached` for each node and number of segments such that the node matches that many
    /// first segments of `path`; once for each such pair.
    pub(super) fn walk_path(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        mut reached: impl FnMut(NodeId, usize),
    ) {
        // At most, a path matches each segment of a name, with a `**` before and after each.
        let width = path.len().min(2 * self.depth + 1) + 1;
        let mut seen = FixedBitSet::with_capacity(
            if path.iter().any(|segment| segment.value == PathSegment::AnyDepth) {
                self.nodes.len() * width
            } else {
                0
            },
        );
        let mut stack = vec![(ROOT, 0)];
        while let Some((at, matched)) = stack.pop() {
            if !seen.is_empty() && seen.put(at.index() * width + matched) {
                continue;
            }
            reached(at, matched);
            let (Some(node), Some(segment)) = (self.nodes.get(at.index()), path.get(matched))
            else {
                continue;
            };
            match &segment.value {
                PathSegment::AnyDepth => {
                    stack.push((at, matched + 1));
                    stack.extend(node.children.iter().map(|child| (*child, matched)));
                }
                PathSegment::Name(name) => {
                    stack.extend(node.by_segment.get(name).map(|at| (*at, matched + 1)));
                }
                PathSegment::OneOf(names) => stack.extend(
                    names
                        .iter()
                        .filter_map(|name| node.by_segment.get(name.value))
                        .map(|at| (*at, matched + 1)),
                ),
                PathSegment::Glob(pattern) => stack.extend(
                    self.children_of(node)
                        .filter(|(_, child)| glob::matches(pattern, child.segment))
                        .map(|(id, _)| (id, matched + 1)),
                ),
                PathSegment::Index(range) => {
                    let indices = || self.indices(node);
                    let past = if range.depends_on_last() {
                        indices().map(|(_, index)| index.saturating_add(1)).max().unwrap_or(0)
                    } else {
                        0
                    };
                    let within = range.within(past);
                    let inside = indices().filter(|(_, index)| within.contains(index));
                    stack.extend(inside.map(|(id, _)| (id, matched + 1)));
                }
            }
        }
    }

    fn children_of<'t>(
        &'t self,
        node: &'t Node<'m>,
    ) -> impl Iterator<Item = (NodeId, &'t Node<'m>)> {
        node.children.iter().filter_map(|child| Some((*child, self.nodes.get(child.index())?)))
    }

    /// The children of a node that are numbers.
    fn indices<'t>(&'t self, node: &'t Node<'m>) -> impl Iterator<Item = (NodeId, u64)> {
        self.children_of(node).filter_map(|(id, child)| {
            let is_canonical = child.segment == "0" || !child.segment.starts_with(['0', '+']);
            Some((id, child.segment.parse().ok().filter(|_| is_canonical)?))
        })
    }

    /// A node before the index at `place` of a path that has indices, but none in this range, which
    /// depends on the largest: its path, and its largest index.
    pub(super) fn idle_parent(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        place: usize,
        range: BoundRange,
    ) -> Option<(String, u64)> {
        if !range.depends_on_last() {
            return None;
        }
        let mut idle: Option<(NodeId, u64)> = None;
        self.walk_path(path, |id, matched| {
            let Some(node) = self.nodes.get(id.index()).filter(|_| matched == place) else {
                return;
            };
            let Some(largest) = self.indices(node).map(|(_, index)| index).max() else { return };
            let within = range.within(largest.saturating_add(1));
            let is_idle = !self.indices(node).any(|(_, index)| within.contains(&index));
            if is_idle && idle.is_none_or(|(known, _)| id < known) {
                idle = Some((id, largest));
            }
        });
        idle.map(|(id, largest)| (self.path_to(id), largest))
    }

    fn under(&self, at: NodeId) -> impl Iterator<Item = NameId> {
        let under = self.nodes.get(at.index()).map_or(0..0, |node| node.under.clone());
        self.walk.get(under).unwrap_or_default().iter().copied()
    }

    /// The segments that come next where the first `matched` segments of `path` match.
    pub(super) fn next_names(
        &self,
        path: &[Spanned<PathSegment<'_>>],
        matched: usize,
    ) -> Vec<&'m str> {
        let mut names = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.walk_path(path, |node, so_far| {
            if so_far == matched {
                names.extend(self.children(node).filter(|name| seen.insert(*name)));
            }
        });
        names
    }

    /// Every segment of every name, each once.
    pub(super) fn segments(&self) -> Vec<&'m str> {
        let mut seen = std::collections::HashSet::new();
        self.nodes.iter().map(|node| node.segment).filter(|name| seen.insert(*name)).collect()
    }

    /// The paths of all modules, but for the model itself, that have a segment like this one.
    pub(super) fn parents_of(&self, first: &Spanned<PathSegment<'_>>) -> Vec<String> {
        let anywhere = [Spanned::new(PathSegment::AnyDepth, first.span), first.clone()];
        let mut parents = Vec::new();
        self.walk_path(&anywhere, |node, matched| {
            if matched == anywhere.len() {
                parents.extend(self.nodes.get(node.index()).map(|node| node.parent));
            }
        });
        parents.sort_unstable();
        parents.dedup();
        parents.retain(|parent| *parent != ROOT);
        parents.into_iter().map(|parent| self.path_to(parent)).collect()
    }

    /// The whole path of a node that matches `path`, the first in the model's order.
    pub(super) fn path_of_first(&self, path: &[Spanned<PathSegment<'_>>]) -> Option<String> {
        let mut first: Option<NodeId> = None;
        self.walk_path(path, |node, matched| {
            if matched == path.len() {
                first = Some(first.map_or(node, |known| known.min(node)));
            }
        });
        first.map(|node| self.path_to(node))
    }

    /// The whole path of a node.
    pub(super) fn path_to(&self, mut at: NodeId) -> String {
        let mut segments = Vec::new();
        while let Some(node) = self.nodes.get(at.index()).filter(|_| at != ROOT) {
            segments.push(node.segment);
            at = node.parent;
        }
        segments.reverse();
        segments.join(".")
    }

    /// The segments that come next at a node, in the model's order.
    pub(super) fn children(&self, at: NodeId) -> impl Iterator<Item = &'m str> {
        let children = self.nodes.get(at.index()).map_or(&[][..], |node| &node.children);
        children.iter().filter_map(|child| Some(self.nodes.get(child.index())?.segment))
    }
}
