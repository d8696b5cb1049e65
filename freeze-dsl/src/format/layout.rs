//! Lines from operations: what stands in one line, and where a longer one is broken.
//!
//! A group is printed in one line where it fits, and broken at all of its own breaks where it
//! does not, those aside that fill lines as text does. A line end that a comment needs breaks
//! every group around it; so a break that was made is never taken back when the output is
//! printed again.

/// How wide a line should be at most, in characters.
const WIDTH: usize = 100;
/// By how much a line is indented more than the one that it belongs to.
const INDENT: usize = 4;

/// A step of printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'t> {
    /// Text that stands as it is.
    Text(&'t str),
    /// A comment; what is too long by a comment alone is not broken.
    Comment(&'t str),
    /// A place where a line may end.
    Break(Break),
    /// So many line ends.
    LineEnds(usize),
    /// A group begins.
    Open,
    /// A group ends.
    Close,
    /// Lines from here on are indented more.
    Indent,
    /// Lines from here on are indented less.
    Dedent,
}

/// A place where a line may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    /// Whether there is a space where the line goes on.
    pub(super) is_space: bool,
    /// Whether the line ends only where what follows does not fit, even if the group is broken.
    pub(super) fills: bool,
}

/// Prints.
pub(super) fn lines(operations: &[Operation<'_>]) -> String {
    let mut page = Page { text: String::new(), column: 0, indent: 0, line_ends: 0 };
    // Whether each group around the operation is broken.
    let mut groups: Vec<bool> = Vec::new();
    let mut rest = operations;
    while let Some((operation, behind)) = rest.split_first() {
        match *operation {
            Operation::Text(text) | Operation::Comment(text) => page.write(text),
            Operation::Break(place) => {
                let is_broken = groups.last().is_none_or(|is_broken| *is_broken);
                if is_broken && !(place.fills && page.fits(rest)) {
                    page.end_line(1);
                } else if place.is_space {
                    page.write(" ");
                }
            }
            Operation::LineEnds(count) => page.end_line(count),
            Operation::Open => {
                let is_broken = groups.last().is_none_or(|is_broken| *is_broken);
                groups.push(is_broken && !page.fits(rest));
            }
            Operation::Close => {
                groups.pop();
            }
            Operation::Indent => page.indent += INDENT,
            Operation::Dedent => page.indent = page.indent.saturating_sub(INDENT),
        }
        rest = behind;
    }
    if !page.text.is_empty() {
        page.text.push('\n');
    }
    page.text
}

struct Page {
    text: String,
    column: usize,
    indent: usize,
    /// Line ends that are written once text follows, so that no line ends in spaces.
    line_ends: usize,
}

impl Page {
    fn write(&mut self, text: &str) {
        // The end of the text is a token without text.
        if text.is_empty() {
            return;
        }
        if self.line_ends > 0 {
            if !self.text.is_empty() {
                self.text.extend(std::iter::repeat_n('\n', self.line_ends));
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

    /// Whether the group that begins `operations`, or what follows the break that does, fits in
    /// the line up to the next place where it can end. Looks no further than a line is wide.
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
