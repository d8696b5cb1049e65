//! Why a path selects nothing, and what was likely meant.

use super::tree::Place;
use super::{NameTree, PathSegment, ReadyMade};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, readable};
use crate::parse::is_reserved;
use crate::source::{Span, Spanned};

/// How many names a message lists.
const LISTED: usize = 12;

pub(super) fn nothing(
    buffer: Option<&str>,
    tree: &NameTree<'_>,
    path: &[Spanned<PathSegment<'_>>],
    span: Span,
    text: &str,
) -> Diagnostic {
    let written = readable(text.get(span.range()).unwrap_or_default());
    let finding =
        Diagnostic::new(Code::SelectsNothing, span, format!("`{written}` selects no parameter"));
    if let Some(buffer) = buffer {
        return finding.label("a buffer, not a parameter").note(format!(
            "`{buffer}` is kept by its module and never trained; it stands still while all \
             parameters of the module are frozen"
        ));
    }
    let (matched, places) = furthest(tree, path);
    let Some(failing) = path.get(matched) else {
        return finding.label("nothing in the model is called this");
    };
    let before = readable(prefix(text, span, failing.span));
    let finding = finding.label(if matched == 0 {
        "nothing in the model is called this".to_owned()
    } else {
        format!("nothing in `{before}` is called this")
    });
    let finding = Diagnostic { span: failing_span(span, failing.span, matched), ..finding };
    let after_any = path.iter().take(matched).any(|segment| segment.value == PathSegment::AnyDepth);
    if after_any && let PathSegment::Name(word) = &failing.value {
        // Anywhere below: any segment of any name may be meant.
        let names = tree.segments();
        let finding = finding.label("nothing in the model is called this");
        return match near(tree, path, matched, word, &names) {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `{near}`?"),
                failing.span,
                near,
            ),
            None => finding,
        };
    }
    let names = next_names(tree, &places);
    let holder = if matched == 0 { "the model".to_owned() } else { format!("`{before}`") };
    let listed = format!("{holder} has {}", list(&names));
    let numbered = names.iter().any(|name| name.parse::<u64>().is_ok());
    let word = match &failing.value {
        PathSegment::Name(word) => word,
        PathSegment::Index { start, .. } if numbered => {
            let near = nearest_index(*start, &names).filter(|_| is_written_out(failing, text));
            return out_of_range(finding).note(listed).guess(
                "take the nearest that is there",
                near.map(|index| (failing.span, format!("[{index}]"))),
            );
        }
        _ => return finding.note(listed),
    };
    if path.len() == 1 && ReadyMade::of(word).is_some() {
        return finding.suggest(
            Applicability::Maybe,
            format!("did you mean `@{word}`?"),
            failing.span,
            format!("@{word}"),
        );
    }
    if let Some(near) = near(tree, path, matched, word, &names) {
        return finding.suggest(
            Applicability::Maybe,
            format!("did you mean `{near}`? {listed}"),
            failing.span,
            near,
        );
    }
    match elsewhere(tree, path) {
        Some(deeper) => finding.note(listed).suggest(
            Applicability::Maybe,
            format!("a path begins at the root of the model: did you mean `{deeper}`?"),
            span,
            deeper,
        ),
        None => finding.note(listed),
    }
}

/// The finding of an index that is not there.
fn out_of_range(finding: Diagnostic) -> Diagnostic {
    let label = "there is no such index".to_owned();
    Diagnostic { code: Code::OutOfRange, label, suggestions: Vec::new(), ..finding }
}

/// The finding of a range that goes beyond the indices that are there.
pub(super) fn beyond(
    finding: Diagnostic,
    range: &Spanned<PathSegment<'_>>,
    names: &[&str],
    text: &str,
) -> Diagnostic {
    let finding = out_of_range(finding);
    let PathSegment::Index { start, end } = range.value else { return finding };
    let there = || indices(names).filter(|index| (start..end).contains(index));
    let ends = there().min().zip(there().max()).filter(|_| is_written_out(range, text));
    finding.guess(
        "take those that are there",
        ends.map(|(first, last)| (range.span, format!("[{first}..={last}]"))),
    )
}

fn nearest_index(index: u64, names: &[&str]) -> Option<u64> {
    indices(names).min_by_key(|known| known.abs_diff(index))
}

fn indices(names: &[&str]) -> impl Iterator<Item = u64> {
    names.iter().filter_map(|name| name.parse().ok())
}

/// Whether an index is no expression, which may come to another one elsewhere.
fn is_written_out(index: &Spanned<PathSegment<'_>>, text: &str) -> bool {
    let written = text.get(index.span.range()).unwrap_or_default();
    written.chars().all(|sign| sign.is_ascii_digit() || "[].= ".contains(sign))
}

/// The name that was likely meant: the nearest of those with which the path selects something.
fn near<'m>(
    tree: &NameTree<'_>,
    path: &[Spanned<PathSegment<'_>>],
    failing: usize,
    word: &str,
    names: &[&'m str],
) -> Option<&'m str> {
    /// How many names are tried: for each, the whole tree may be gone through.
    const TRIED: usize = 8;
    let mut mended = path.to_vec();
    let mut selects = |name: &'m str| {
        if let Some(segment) = mended.get_mut(failing) {
            segment.value = PathSegment::Name(name);
        }
        tree.path_of_first(&mended).is_some()
    };
    let mut left: Vec<&str> = names.iter().copied().filter(|name| is_plain(name)).collect();
    let mut tried = Vec::new();
    while let Some(name) = nearest(word, left.iter().copied()).filter(|_| tried.len() < TRIED) {
        if selects(name) {
            return Some(name);
        }
        left.retain(|other| *other != name);
        tried.push(name);
    }
    // A plain path may have another slip further on; a pattern that still selects nothing was
    // not meant.
    let pattern = path.iter().any(|segment| !matches!(segment.value, PathSegment::Name(_)));
    tried.first().copied().filter(|_| !pattern)
}

/// The segment that fails, where it has a place of its own behind the path's first one.
fn failing_span(path: Span, segment: Span, matched: usize) -> Span {
    if matched == 0 { path } else { segment }
}

/// What was written before the segment that fails.
fn prefix(text: &str, path: Span, failing: Span) -> &str {
    let before = text.get(path.start..failing.start).unwrap_or_default();
    // A word of a set lies behind what stands before the set.
    let before = match before.rsplit_once('{') {
        Some((outside, inside)) if !inside.contains('}') => outside,
        _ => before,
    };
    before.trim_start_matches('"').trim_end_matches(['.', ' '])
}

/// How many segments match somewhere, and where.
fn furthest(tree: &NameTree<'_>, path: &[Spanned<PathSegment<'_>>]) -> (usize, Vec<Place>) {
    let mut furthest = (0, Vec::new());
    tree.walk_path(path, |place, matched| {
        if matched > furthest.0 {
            furthest = (matched, Vec::new());
        }
        if matched == furthest.0 {
            furthest.1.push(place);
        }
    });
    furthest
}

fn next_names<'m>(tree: &NameTree<'m>, places: &[Place]) -> Vec<&'m str> {
    let mut names = Vec::new();
    for place in places.iter().take(LISTED) {
        for name in tree.children(*place) {
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

/// Whether a segment can stand in a path as it is.
fn is_plain(segment: &str) -> bool {
    !is_reserved(segment)
        && segment.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The first place at which the whole path lies deeper in the model: `model.fc` for `fc`.
fn elsewhere(tree: &NameTree<'_>, path: &[Spanned<PathSegment<'_>>]) -> Option<String> {
    let first = path.first()?;
    if path.iter().any(|segment| !matches!(segment.value, PathSegment::Name(_))) {
        return None;
    }
    let mut deeper = vec![Spanned::new(PathSegment::AnyDepth, first.span)];
    deeper.extend(path.iter().cloned());
    tree.path_of_first(&deeper).filter(|path| path.split('.').all(is_plain))
}
