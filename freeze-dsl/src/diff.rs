//! Unified diffs of texts.

use std::borrow::Cow;
use std::time::Duration;

use similar::TextDiff;

/// How long to search for the shortest diff; after that, a longer one is returned.
const LONGEST_SEARCH: Duration = Duration::from_secs(1);

/// The changes from `before` to `after` as a unified diff of the file `name`, as `diff -u` prints
/// them; empty if there are none.
#[must_use]
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let (before, after) = (lines(before), lines(after));
    let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
    let after: Vec<&str> = after.iter().map(AsRef::as_ref).collect();
    TextDiff::configure()
        .newline_terminated(false)
        .timeout(LONGEST_SEARCH)
        .diff_slices(&before, &after)
        .unified_diff()
        .header(name, name)
        .to_string()
}

/// The lines of a text as a diff has them. A line of the language ends with a line feed; those of
/// `similar` end at a lone carriage return too.
fn lines(text: &str) -> Vec<Cow<'_, str>> {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => Cow::Borrowed(line),
            None => Cow::Owned(format!("{line}\n\\ No newline at end of file")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line for each number.
    fn numbered(numbers: std::ops::RangeInclusive<usize>) -> String {
        let lines: Vec<String> = numbers.map(|number| number.to_string()).collect();
        lines.join("\n") + "\n"
    }

    #[test]
    fn texts_that_differ_much_are_replaced_whole() {
        let old = numbered(0..=1_999);
        let new = old.replace('\n', "\r\n");
        let diff = unified("a", &old, &new);
        assert!(diff.starts_with("--- a\n+++ a\n@@ -1,2000 +1,2000 @@\n-0\n-1\n"));
    }

    #[test]
    fn hunks_have_three_lines_around_them() {
        let old = numbered(1..=30);
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

    #[test]
    fn a_carriage_return_at_the_end_ends_no_line() {
        assert_eq!(
            unified("a", "x\ry\r", "x\ry\n"),
            "--- a\n+++ a\n@@ -1 +1 @@\n-x\ry\r\n\\ No newline at end of file\n+x\ry\n"
        );
    }
}
