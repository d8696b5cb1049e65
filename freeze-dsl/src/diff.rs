//! What is different between two texts, line by line, as `diff -u` shows it.

use std::fmt::Write;

/// How many equal lines stand around what differs.
const CONTEXT: usize = 3;
/// How many lines may differ before they are shown as one stretch: to pair up more takes long.
const MOST_EDITS: usize = 1_000;

/// Equal lines, or lines of one text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit<'t> {
    Keep(&'t str),
    Remove(&'t str),
    Add(&'t str),
}

/// The difference between the text before and after, as a unified diff of the file `name`;
/// empty where there is none.
#[must_use]
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let edits = edits(&old, &new);
    let mut out = String::new();
    let (mut old_line, mut new_line) = (1, 1);
    let mut rest = edits.as_slice();
    while let Some(first) = rest.iter().position(|edit| !is_kept(edit)) {
        let skipped = first.saturating_sub(CONTEXT);
        old_line += skipped;
        new_line += skipped;
        rest = rest.get(skipped..).unwrap_or_default();
        let (hunk, behind) = rest.split_at(hunk_length(rest));
        if out.is_empty() {
            let _ = writeln!(out, "--- {name}\n+++ {name}");
        }
        let removed = hunk.iter().filter(|edit| !matches!(edit, Edit::Add(_))).count();
        let added = hunk.iter().filter(|edit| !matches!(edit, Edit::Remove(_))).count();
        let _ = writeln!(out, "@@ -{} +{} @@", place(old_line, removed), place(new_line, added));
        for edit in hunk {
            write_line(&mut out, *edit);
        }
        old_line += removed;
        new_line += added;
        rest = behind;
    }
    out
}

fn is_kept(edit: &Edit<'_>) -> bool {
    matches!(edit, Edit::Keep(_))
}

/// How many edits belong together: up to where twice as many lines as are shown are equal.
fn hunk_length(edits: &[Edit<'_>]) -> usize {
    let mut end = 0;
    let mut kept = 0;
    for (index, edit) in edits.iter().enumerate() {
        if is_kept(edit) {
            kept += 1;
            if kept > 2 * CONTEXT && end > 0 {
                break;
            }
        } else {
            kept = 0;
            end = index + 1;
        }
    }
    (end + CONTEXT).min(edits.len())
}

/// A hunk's first line and how many it has; one without lines stands behind the line before.
fn place(line: usize, count: usize) -> String {
    match count {
        0 => format!("{},0", line - 1),
        1 => line.to_string(),
        _ => format!("{line},{count}"),
    }
}

fn write_line(out: &mut String, edit: Edit<'_>) {
    let (sign, line) = match edit {
        Edit::Keep(line) => (' ', line),
        Edit::Remove(line) => ('-', line),
        Edit::Add(line) => ('+', line),
    };
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// The edits that make the new lines of the old ones.
fn edits<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Edit<'t>> {
    let same = |(one, other): &(&&str, &&str)| one == other;
    let head = old.iter().zip(new).take_while(same).count();
    let (start, old) = old.split_at(head);
    let (_, new) = new.split_at(head);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, end) = old.split_at(old.len() - tail);
    let (new, _) = new.split_at(new.len() - tail);
    let mut edits: Vec<Edit<'_>> = start.iter().copied().map(Edit::Keep).collect();
    edits.extend(shortest(old, new).unwrap_or_else(|| {
        let removed = old.iter().copied().map(Edit::Remove);
        removed.chain(new.iter().copied().map(Edit::Add)).collect()
    }));
    edits.extend(end.iter().copied().map(Edit::Keep));
    // Between two equal lines, what goes stands before what comes.
    for stretch in edits.chunk_by_mut(|one, next| is_kept(one) == is_kept(next)) {
        stretch.sort_by_key(|edit| matches!(edit, Edit::Add(_)));
    }
    edits
}

/// The fewest edits, as Myers' greedy search finds them, unless they are too many.
fn shortest<'t>(old: &[&'t str], new: &[&'t str]) -> Option<Vec<Edit<'t>>> {
    // For each number of edits, and of removals among them, how many old lines are done at most.
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=(old.len() + new.len()).min(MOST_EDITS) {
        let mut round = Vec::with_capacity(edits + 1);
        let mut is_done = None;
        for removals in 0..=edits {
            let mut done = came_from(&rounds, edits, removals).map_or(0, |(done, _)| done);
            while let Some(line) = old.get(done)
                && new.get(beside(done, edits, removals)) == Some(line)
            {
                done += 1;
            }
            round.push(done);
            if done >= old.len() && beside(done, edits, removals) >= new.len() {
                is_done = Some(removals);
                break;
            }
        }
        rounds.push(round);
        if let Some(removals) = is_done {
            return walk_back(old, new, &rounds, removals);
        }
    }
    None
}

/// How many new lines are done where so many old ones are.
fn beside(done: usize, edits: usize, removals: usize) -> usize {
    (done + edits).saturating_sub(2 * removals)
}

/// How many old lines are done right behind the last of these edits, and whether that edit is a
/// removal; nothing where there is no edit.
fn came_from(rounds: &[Vec<usize>], edits: usize, removals: usize) -> Option<(usize, bool)> {
    let before = rounds.get(edits.checked_sub(1)?)?;
    let removed = removals.checked_sub(1).and_then(|fewer| before.get(fewer));
    let removed = removed.map(|done| (done + 1, true));
    removed.max(before.get(removals).map(|done| (*done, false)))
}

/// The edits that led to the end of both texts.
fn walk_back<'t>(
    old: &[&'t str],
    new: &[&'t str],
    rounds: &[Vec<usize>],
    mut removals: usize,
) -> Option<Vec<Edit<'t>>> {
    let mut backwards = Vec::new();
    let mut end = old.len();
    for edits in (0..rounds.len()).rev() {
        let last = came_from(rounds, edits, removals);
        let start = last.map_or(0, |(start, _)| start);
        backwards.extend(old.get(start..end)?.iter().rev().copied().map(Edit::Keep));
        end = start;
        match last {
            Some((_, true)) => {
                end -= 1;
                removals -= 1;
                backwards.push(Edit::Remove(old.get(end)?));
            }
            Some((_, false)) => {
                let added = beside(start, edits, removals).checked_sub(1)?;
                backwards.push(Edit::Add(new.get(added)?));
            }
            None => {}
        }
    }
    backwards.reverse();
    Some(backwards)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a diff's edits make of the old text, and of which text they are.
    fn both(edits: &[Edit<'_>]) -> (String, String) {
        let (mut old, mut new) = (String::new(), String::new());
        for edit in edits {
            if let Edit::Keep(line) | Edit::Remove(line) = edit {
                old.push_str(line);
            }
            if let Edit::Keep(line) | Edit::Add(line) = edit {
                new.push_str(line);
            }
        }
        (old, new)
    }

    #[test]
    fn edits_lead_from_one_text_to_the_other_and_are_few() {
        let texts = ["", "a", "ab", "abcabba", "cbabac", "xaxbxcx", "zzz", "abcabbaxyz"];
        for (one, other) in texts.iter().flat_map(|one| texts.map(|other| (*one, other))) {
            let split = |text: &'static str| text.split_inclusive(|_| true).collect::<Vec<_>>();
            let edits = edits(&split(one), &split(other));
            assert_eq!(both(&edits), (one.to_owned(), other.to_owned()));
            let longest = one.len().max(other.len());
            assert!(edits.len() <= one.len() + other.len() && edits.len() >= longest);
        }
        let few = edits(&["a", "b", "c", "a", "b", "b", "a"], &["c", "b", "a", "b", "a", "c"]);
        assert_eq!(few.iter().filter(|edit| !is_kept(edit)).count(), 5);
    }

    /// A line for each number.
    fn lines(numbers: std::ops::RangeInclusive<usize>) -> String {
        let lines: Vec<String> = numbers.map(|number| number.to_string()).collect();
        lines.join("\n") + "\n"
    }

    #[test]
    fn texts_that_differ_much_are_replaced_whole() {
        let old = lines(0..=1_999);
        let new = old.replace('\n', "\r\n");
        let diff = unified("a", &old, &new);
        assert!(diff.starts_with("--- a\n+++ a\n@@ -1,2000 +1,2000 @@\n-0\n-1\n"));
    }

    #[test]
    fn hunks_have_three_lines_around_them() {
        let old = lines(1..=30);
        let new = old.replace("\n10\n", "\nten\n").replace("\n25\n", "\n25\nmore\n");
        assert_eq!(
            unified("a", &old, &new),
            "--- a\n+++ a\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n\
             @@ -23,6 +23,7 @@\n 23\n 24\n 25\n+more\n 26\n 27\n 28\n"
        );
        assert_eq!(unified("a", &old, &old), "");
        assert_eq!(
            unified("a", "x", "y\n"),
            "--- a\n+++ a\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n"
        );
        assert_eq!(unified("a", "", "y\n"), "--- a\n+++ a\n@@ -0,0 +1 @@\n+y\n");
    }
}
