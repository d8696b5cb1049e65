//! From operations to lines: what fits in one line, and where a longer line is broken.
//!
//! A group is printed in one line if it fits. Otherwise it is broken at all of its own breaks, except
//! for those that fill lines. A line end that a comment requires breaks every group around it, so
//! that printing the output again makes the same breaks.

/// The largest width of a line, in characters.
const WIDTH: usize = 100;
/// The width of one level of indentation.
const INDENT: usize = 4;

/// A step of printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'t> {
    /// Text to print as it is.
    Text(&'t str),
    /// A comment; a line that is too long only because of its comment is not broken.
    Comment(&'t str),
    /// A place where a line may end.
    Break(Break),
    /// This many line ends.
    LineEnds(usize),
    /// A group begins.
    Open,
    /// A group ends.
    Close,
    /// The following lines have one more level of indentation.
    Indent,
    /// The following lines have one level of indentation less.
    Dedent,
}

/// A place where a line may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    /// Whether a space is printed if the line does not end here.
    pub(super) is_space: bool,
    /// Whether the line ends only if what follows does not fit, even in a broken group.
    pub(super) fills: bool,
}

/// How lines end: as the first line of `text` does.
pub(super) fn line_end(text: &str) -> &'static str {
    let is_crlf = text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    if is_crlf { "\r\n" } else { "\n" }
}

/// Prints the operations, in lines that end with `line_end`.
pub(super) fn lines(operations: &[Operation<'_>], line_end: &'static str) -> String {
    let mut writer =
        LineWriter { text: String::new(), column: 0, indent: 0, line_ends: 0, line_end };
    // Whether each group around the operation is broken.
    let mut groups: Vec<bool> = Vec::new();
    let mut rest = operations;
    while let Some((operation, after)) = rest.split_first() {
        match *operation {
            Operation::Comment(text) if text.contains('\n') => {
                writer.write(&text.replace("\r\n", "\n").replace('\n', line_end));
            }
            Operation::Text(text) | Operation::Comment(text) => writer.write(text),
            Operation::Break(place) => {
                let is_broken = groups.last().is_none_or(|is_broken| *is_broken);
                if is_broken && !(place.fills && writer.fits(rest)) {
                    writer.end_line(1);
                } else if place.is_space {
                    writer.write(" ");
                }
            }
            Operation::LineEnds(count) => writer.end_line(count),
            Operation::Open => {
                let is_broken = groups.last().is_none_or(|is_broken| *is_broken);
                groups.push(is_broken && !writer.fits(rest));
            }
            Operation::Close => {
                groups.pop();
            }
            Operation::Indent => writer.indent += INDENT,
            Operation::Dedent => writer.indent = writer.indent.saturating_sub(INDENT),
        }
        rest = after;
    }
    if !writer.text.is_empty() {
        writer.text.push_str(line_end);
    }
    writer.text
}

struct LineWriter {
    text: String,
    column: usize,
    indent: usize,
    /// Line ends to write before the next text, so that no line ends with spaces.
    line_ends: usize,
    line_end: &'static str,
}

impl LineWriter {
    fn write(&mut self, text: &str) {
        // The end of the text is an empty token.
        if text.is_empty() {
            return;
        }
        if self.line_ends > 0 {
            if !self.text.is_empty() {
                self.text.extend(std::iter::repeat_n(self.line_end, self.line_ends));
            }
            self.text.extend(std::iter::repeat_n(' ', self.column));
            self.line_ends = 0;
        }
        self.text.push_str(text);
        self.column += width(text);
        if let Some(last_line) = text.rsplit('\n').next().filter(|last| last.len() < text.len()) {
            self.column = width(last_line);
        }
    }

    fn end_line(&mut self, count: usize) {
        self.line_ends = self.line_ends.max(count);
        self.column = self.indent;
    }

    /// Whether the group at the start of `operations`, or what follows the break there, fits in the
    /// line up to the next place where the line can end. Looks no further than one line.
    fn fits(&self, operations: &[Operation<'_>]) -> bool {
        let is_group = operations.first() == Some(&Operation::Open);
        let mut room = WIDTH.saturating_sub(self.column);
        let mut depth = 0_usize;
        let mut is_outside = false;
        for (index, operation) in operations.iter().enumerate() {
            let taken = match operation {
                Operation::Comment(_) if is_outside || depth == 0 => return true,
                Operation::Text(text) | Operation::Comment(text) => width(text),
                Operation::Break(_) if is_outside || (depth == 0 && index > 0) => return true,
                Operation::Break(place) => usize::from(place.is_space),
                Operation::LineEnds(_) => return is_outside || depth == 0,
                Operation::Open => {
                    depth += 1;
                    0
                }
                Operation::Close => {
                    is_outside |= depth <= usize::from(is_group);
                    depth = depth.saturating_sub(1);
                    0
                }
                Operation::Indent | Operation::Dedent => 0,
            };
            let Some(left) = room.checked_sub(taken) else { return false };
            room = left;
        }
        true
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
