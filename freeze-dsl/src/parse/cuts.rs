//! Where a text is cut into parts that are parsed one by one: statements, heads of blocks, and their
//! closing braces.

use crate::vocabulary::SELECTORS;

/// Finds the cuts while a text is scanned. Nothing that the grammar accepts reaches over one.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// The byte after each part, in order.
    ends: Vec<usize>,
    open: Vec<OpenBrace>,
    /// Whether a statement begins here.
    begins: bool,
    /// Whether the statement may be the head of a block.
    is_head: bool,
    /// Whether the last part ends directly before.
    is_cut: bool,
    before: BeforeBrace,
}

/// A brace that is not closed yet.
#[derive(Debug)]
struct OpenBrace {
    is_block: bool,
    /// How many cuts are before it.
    cuts: usize,
    is_head: bool,
}

/// What the word or sign before a brace makes of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum BeforeBrace {
    /// After a `.`, it is a set of a path.
    Dot,
    /// After the end of a head, it opens a block.
    HeadEnd,
    /// A Rust expression.
    #[default]
    Other,
}

impl Cuts {
    pub(super) fn new() -> Self {
        Self { begins: true, ..Self::default() }
    }

    /// Takes note of the next word, string or sign, which ends at a byte.
    pub(super) fn add(&mut self, token: &[u8], end: usize) {
        // A `;` continues other `;`, and a brace may belong to a head that has one.
        if self.is_cut && matches!(token, b";" | b"{") {
            self.ends.pop();
        }
        self.is_cut = false;
        match token {
            b";" => {
                self.cut(end);
                self.is_cut = true;
            }
            b"{" => self.open(end),
            b"}" => self.close(end),
            word => {
                if self.begins {
                    self.is_head = matches!(word, b"for" | b"track" | b"repeat");
                }
                self.begins = false;
            }
        }
        self.before = match token {
            b"in" | b"of" | b"except" | b"seed" | [.., b'.', b'.'] => BeforeBrace::Other,
            // A module may be called so as well; not to cut is always right.
            word if SELECTORS.iter().any(|selector| selector.as_bytes() == word) => {
                BeforeBrace::Other
            }
            [.., b'.'] => BeforeBrace::Dot,
            [.., b')' | b']' | b'}' | b'"' | b'?' | b'#' | b'_'] => BeforeBrace::HeadEnd,
            [.., sign] if sign.is_ascii_alphanumeric() => BeforeBrace::HeadEnd,
            _ => BeforeBrace::Other,
        };
    }

    /// The byte after each part, in order; the last part ends with the text.
    pub(super) fn into_ends(self) -> Vec<usize> {
        self.ends
    }

    fn cut(&mut self, end: usize) {
        self.ends.push(end);
        (self.begins, self.is_head) = (true, false);
    }

    fn open(&mut self, end: usize) {
        let is_block = self.is_head && self.before == BeforeBrace::HeadEnd;
        let is_head = self.is_head && self.before == BeforeBrace::Dot;
        self.open.push(OpenBrace { is_block, cuts: self.ends.len(), is_head });
        if is_block {
            self.cut(end);
        }
    }

    fn close(&mut self, end: usize) {
        (self.begins, self.is_head) = (false, false);
        match self.open.pop() {
            Some(OpenBrace { is_block: true, .. }) => {
                self.cut(end);
                self.is_cut = true;
            }
            Some(OpenBrace { is_block: false, cuts, is_head }) => {
                // What is in other braces belongs to its statement.
                self.ends.truncate(cuts);
                self.is_head = is_head;
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse;

    #[test]
    fn braces_within_a_head_open_no_block() {
        for head in [
            "for i in {a}..{b}",
            "for @x in last {n} of @a",
            "for @x in first {n} * 2 of [{a,b}, c]",
            "for @x in [sample {n} of @a seed {s}, {a,b}.c]",
            "track in last {n} of @a",
            "track in sample {n}% of @a seed {s}",
            "track in rows {n}.. of a",
            "track in rows 0..3 of {a,b}.weight",
            "track in @all except {a,b}",
            "track t in {a,b}",
            "track in last",
            "track in a.last",
            "repeat",
        ] {
            let text = format!("start: train c; {head} {{ epoch 1: stop; }} epoch 2: stop; ");
            let (tree, findings) = parse(&text);
            assert_eq!(findings, [], "{text}");
            assert_eq!(tree.items.len(), 3, "{text}");
        }
    }
}
