//! Explains why a path selects nothing, and suggests what was probably meant.

use super::repair::{EmptyPath, Repair, is_plain};
use super::{Bound, BoundRange, NameIndex, NameTree, PathSegment};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of, readable};
use crate::index::NodeId;
use crate::model::{Tensor, can_train, is_number};
use crate::source::{Span, Spanned};

/// How many names a message lists.
const LISTED: usize = 12;

pub(super) fn nothing(
    buffers: &[&Tensor],
    index: &NameIndex<'_>,
    path: &[Spanned<PathSegment<'_>>],
    span: Span,
    text: &str,
) -> Diagnostic {
    let tree = &index.tree;
    let finding = of_nothing(span, text);
    if let Some(first) = buffers.first() {
        return no_parameter(finding, first, buffers);
    }
    if let Some((place, option)) = rate_for_path(text, span) {
        let message = format!("write `{}` for a factor of the learning rate", option.trim());
        return finding.suggest(Applicability::Maybe, message, place, option);
    }
    let (matched, nodes) = furthest(tree, path);
    let Some(failing) = path.get(matched) else {
        return finding.label("nothing in the model has this name");
    };
    let before = readable(prefix(text, span, failing.span));
    let finding = finding.label(if matched == 0 {
        "nothing in the model has this name".to_owned()
    } else {
        format!("nothing in `{before}` has this name")
    });
    let finding = Diagnostic { span: failing_span(span, failing.span, matched), ..finding };
    let after_any = path.iter().take(matched).any(|segment| segment.value == PathSegment::AnyDepth);
    if after_any && let PathSegment::Name(word) = &failing.value {
        // At any depth: any segment of any name may be meant.
        let names = tree.segments();
        let finding = finding.label("nothing in the model has this name");
        return match near(tree, path, matched, word, &names) {
            Some(Near::Selecting(near)) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `{near}`?"),
                failing.span,
                near,
            ),
            Some(Near::Other(_)) | None => finding,
        };
    }
    let names = next_names(tree, &nodes);
    let holder = if matched == 0 { "the model".to_owned() } else { format!("`{before}`") };
    let listed = format!("{holder} has {}", list(&names));
    let numbered = names.iter().any(|name| name.parse::<u64>().is_ok());
    let empty = EmptyPath { index, path, failing: matched, span, text };
    let repaired = |finding: Diagnostic, Repair { message, span, text }: Repair| {
        finding.suggest(Applicability::Maybe, message, span, text)
    };
    let word = match &failing.value {
        PathSegment::Name(word) if numbered && is_number(word) => {
            let near = word.parse().ok().and_then(|index| nearest_index(index, &names));
            return finding.note(listed).guess(
                "use the nearest index that exists",
                near.map(|index| (failing.span, index.to_string())),
            );
        }
        PathSegment::Name(word) => word,
        PathSegment::Index(BoundRange { start, end }) if numbered => {
            let single = match (start, end) {
                (Bound::At(start), Bound::At(end)) if start.checked_add(1) == Some(*end) => {
                    Some(*start)
                }
                _ => None,
            };
            let near = single
                .and_then(|index| nearest_index(index, &names))
                .filter(|_| is_written_out(failing, text));
            return out_of_range(finding).note(listed).guess(
                "use the nearest index that exists",
                near.map(|index| (failing.span, format!("[{index}]"))),
            );
        }
        _ => {
            let finding = finding.note(listed);
            return match (empty.repair(), empty.choices()) {
                (Some(repair), _) => repaired(finding, repair),
                (None, Some(choices)) => finding.note(choices),
                (None, None) => finding,
            };
        }
    };
    if let Some(repair) = empty.repair() {
        return repaired(finding.note(listed), repair);
    }
    if let Some(loop_over) = empty.numbered_names(&names) {
        return finding.note(listed).note(loop_over);
    }
    let near = near(tree, path, matched, word, &names);
    if let Some(Near::Selecting(near)) = near {
        return finding.suggest(
            Applicability::Maybe,
            format!("did you mean `{near}`? {listed}"),
            failing.span,
            near,
        );
    }
    match (near, empty.choices()) {
        (_, Some(choices)) => finding.note(listed).note(choices),
        (Some(Near::Selecting(near) | Near::Other(near)), _) => {
            finding.note(format!("`{near}` is spelt alike; {listed}"))
        }
        (None, None) => match empty.dropped() {
            Some(repair) => repaired(finding.note(listed), repair),
            None => finding.note(listed),
        },
    }
}

/// The finding that a path selects no parameter.
fn of_nothing(span: Span, text: &str) -> Diagnostic {
    let written = readable(text.get(span.range()).unwrap_or_default());
    Diagnostic::new(Code::SelectsNothing, span, format!("`{written}` selects no parameter"))
}

/// The option that was meant by a path `lr*0.5`, with the place that it takes.
fn rate_for_path(text: &str, path: Span) -> Option<(Span, String)> {
    let factor = text.get(path.range())?.strip_prefix("lr*")?;
    factor.parse::<f64>().ok().filter(|factor| factor.is_finite())?;
    let before = text.get(..path.start)?.trim_end();
    if let Some(targets) = before.strip_suffix(',') {
        let start = targets.trim_end().len();
        return Some((Span::new(start, path.end), format!(" lr * {factor}")));
    }
    // After `in` or `except`, targets are already named.
    if before.ends_with(" in") || before.ends_with(" except") {
        return None;
    }
    Some((path, format!("@trainable lr * {factor}")))
}

/// The finding for a selector that selects buffers alone.
pub(super) fn no_parameter(finding: Diagnostic, first: &Tensor, all: &[&Tensor]) -> Diagnostic {
    if all.iter().any(|tensor| can_train(&tensor.dtype)) {
        let name = &first.name;
        return finding.label("a buffer, not a parameter").note(format!(
            "`{name}` belongs to its module and is never trained; its value stays the same while \
             all parameters of the module are frozen"
        ));
    }
    let mut dtypes: Vec<String> = all.iter().map(|tensor| format!("`{}`", tensor.dtype)).collect();
    dtypes.sort_unstable();
    dtypes.dedup();
    finding
        .label(format!("of type {}, which cannot train", one_of(&dtypes)))
        .note("only floating-point tensors of 16 bits and more can train")
}

/// The finding for an index that does not exist.
fn out_of_range(finding: Diagnostic) -> Diagnostic {
    let label = "this index does not exist".to_owned();
    Diagnostic { code: Code::OutOfRange, label, suggestions: Vec::new(), ..finding }
}

/// The finding for a range beyond the indices that exist.
pub(super) fn beyond(
    finding: Diagnostic,
    range: &Spanned<PathSegment<'_>>,
    names: &[&str],
    text: &str,
) -> Diagnostic {
    let finding = out_of_range(finding);
    let PathSegment::Index(bounds) = range.value else { return finding };
    let past = indices(names).max().map_or(0, |largest| largest.saturating_add(1));
    let within = bounds.within(past);
    let there = || indices(names).filter(|index| within.contains(index));
    let ends = there().min().zip(there().max()).filter(|_| is_written_out(range, text));
    finding.guess(
        "use the indices that exist",
        ends.map(|(first, last)| (range.span, format!("[{first}..={last}]"))),
    )
}

/// The finding for indices that count from the largest one and reach beyond the first in a module.
pub(super) fn idle_parent(place: Span, module: &str, largest: u64, text: &str) -> Diagnostic {
    let written = readable(text.get(place.range()).unwrap_or_default());
    let message = format!("`{written}` selects nothing in `{module}`");
    Diagnostic::new(Code::OutOfRange, place, message)
        .label(format!("the largest index there is {largest}"))
}

fn nearest_index(index: u64, names: &[&str]) -> Option<u64> {
    indices(names).min_by_key(|known| known.abs_diff(index))
}

fn indices(names: &[&str]) -> impl Iterator<Item = u64> {
    names.iter().filter_map(|name| name.parse().ok())
}

/// Whether an index is a literal: an expression may have another value in another turn of a loop.
pub(super) fn is_written_out(index: &Spanned<PathSegment<'_>>, text: &str) -> bool {
    let written = text.get(index.span.range()).unwrap_or_default();
    written.chars().all(|sign| sign.is_ascii_digit() || "[].= ".contains(sign))
}

/// A name that is spelt alike.
#[derive(Clone, Copy)]
enum Near<'m> {
    /// With it the path selects something.
    Selecting(&'m str),
    /// With it the path may have another mistake further on.
    Other(&'m str),
}

/// The name that was probably meant: the nearest one with which the path selects something.
fn near<'m>(
    tree: &NameTree<'_>,
    path: &[Spanned<PathSegment<'_>>],
    failing: usize,
    word: &str,
    names: &[&'m str],
) -> Option<Near<'m>> {
    /// How many names to try: each may take a walk over the whole tree.
    const TRIED: usize = 8;
    let mut edited = path.to_vec();
    let mut selects = |name: &'m str| {
        if let Some(segment) = edited.get_mut(failing) {
            segment.value = PathSegment::Name(name);
        }
        tree.path_of_first(&edited).is_some()
    };
    let mut left: Vec<&str> = names.iter().copied().filter(|name| is_plain(name)).collect();
    let mut tried = Vec::new();
    while let Some(name) = nearest(word, left.iter().copied()).filter(|_| tried.len() < TRIED) {
        if selects(name) {
            return Some(Near::Selecting(name));
        }
        left.retain(|other| *other != name);
        tried.push(name);
    }
    // A plain path may have a second mistake further on, but a pattern that still selects nothing
    // is not what was meant.
    let pattern = path.iter().any(|segment| !matches!(segment.value, PathSegment::Name(_)));
    tried.first().copied().filter(|_| !pattern).map(Near::Other)
}

/// The span of the segment that does not match, or of the whole path if it is the first one.
fn failing_span(path: Span, segment: Span, matched: usize) -> Span {
    if matched == 0 { path } else { segment }
}

/// The text before the segment that does not match.
fn prefix(text: &str, path: Span, failing: Span) -> &str {
    let before = text.get(path.start..failing.start).unwrap_or_default();
    // For a word of a set, the text before the set.
    let before = match before.rsplit_once('{') {
        Some((outside, inside)) if !inside.contains('}') => outside,
        _ => before,
    };
    before.trim_start_matches('"').trim_end_matches(['.', ' '])
}

/// The largest number of segments that match, and the nodes where they do.
pub(super) fn furthest(
    tree: &NameTree<'_>,
    path: &[Spanned<PathSegment<'_>>],
) -> (usize, Vec<NodeId>) {
    let mut furthest = (0, Vec::new());
    tree.walk_path(path, |node, matched| {
        if matched > furthest.0 {
            furthest = (matched, Vec::new());
        }
        if matched == furthest.0 {
            furthest.1.push(node);
        }
    });
    furthest
}

fn next_names<'m>(tree: &NameTree<'m>, nodes: &[NodeId]) -> Vec<&'m str> {
    let mut names = Vec::new();
    for node in nodes.iter().take(LISTED) {
        for name in tree.children(*node) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "nothing under it".to_owned();
    }
    let mut listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        listed.push_str(", …");
    }
    listed
}
