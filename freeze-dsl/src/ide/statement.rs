//! The beginning of the statement that is being written at a place.

use crate::ast::{Item, Tree};
use crate::parse::Lexeme;
use crate::source::{Span, Spanned};

/// The beginning of a statement.
pub(super) struct Beginning {
    /// Its first byte.
    pub(super) start: usize,
    /// Whether it is in a loop, a track or a `repeat`.
    pub(super) is_in_block: bool,
}

/// Where the statement begins that a byte is in. Comments in the text are blank.
pub(super) fn beginning(readable: &str, tree: &Tree, byte: usize) -> Beginning {
    let (mut start, mut depth) = (0, 0_usize);
    last_before(&tree.items, byte, 0, &mut start, &mut depth);
    // What follows the beginning of the last statement of the tree may not parse.
    let (mut has_colon, mut sets, mut before) = (false, 0_usize, "");
    for lexeme in Lexeme::all(readable, Span::new(start, byte)) {
        let is_block = || {
            let head = readable.get(start..lexeme.span.start).unwrap_or_default();
            !has_colon && !matches!(before, "." | "[" | "," | "(") && begins_block(head)
        };
        match lexeme.text {
            "{" if is_block() => {
                (start, depth) = (lexeme.span.end, depth + 1);
            }
            "{" => sets += 1,
            "}" if sets > 0 => sets -= 1,
            "}" | ";" => {
                (start, has_colon, sets) = (lexeme.span.end, false, 0);
                depth -= usize::from(lexeme.text == "}" && depth > 0);
            }
            ":" => has_colon = true,
            _ => {}
        }
        before = lexeme.text;
    }
    Beginning { start, is_in_block: depth > 0 }
}

/// Where the last statement begins that begins before a byte, and how many blocks it is in.
fn last_before(
    items: &[Spanned<Item>],
    byte: usize,
    around: usize,
    start: &mut usize,
    depth: &mut usize,
) {
    let count = items.partition_point(|item| item.span.start < byte);
    let Some(last) = count.checked_sub(1).and_then(|last| items.get(last)) else { return };
    (*start, *depth) = (last.span.start, around);
    if let Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } = &last.value {
        last_before(body, byte, around + 1, start, depth);
    }
}

/// Whether a text is the head of a block.
fn begins_block(text: &str) -> bool {
    let text = text.trim_start();
    ["for", "track", "repeat"].iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            !rest.starts_with(|sign: char| sign.is_ascii_alphanumeric() || sign == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    /// The statement before the bar, and whether it is in a block.
    fn before(text: &str) -> (String, bool) {
        let byte = text.find('|').unwrap();
        let text = text.replace('|', "");
        let (tree, _) = parse(&text);
        let Beginning { start, is_in_block } = beginning(&text, &tree, byte);
        (text[start..byte].trim_start().to_owned(), is_in_block)
    }

    #[test]
    fn a_statement_begins_after_the_one_before_it() {
        for (text, expected, is_in_block) in [
            ("|", "", false),
            ("run 9 epochs; sta|", "sta", false),
            ("run 9 epochs; start: train fc lr |; epoch 1: stop", "start: train fc lr ", false),
            ("trin x; start: |", "start: ", false),
            ("track a { start: | }", "start: ", true),
            ("track a { start: stop; epoch 1: tr|", "epoch 1: tr", true),
            ("track a { start: stop; } epoch 1: |", "epoch 1: ", false),
            ("for @l in [a] { start: train @l } |", "", false),
            ("start: train a.{b,c}.|", "start: train a.{b,c}.", false),
            ("start: for @l in [a] { train @l| }", "start: for @l in [a] { train @l", false),
            ("start: stop; // ;{\nepoch |", "epoch ", false),
        ] {
            let text = text.replace("// ;{\n", "      ");
            assert_eq!(before(&text), (expected.to_owned(), is_in_block), "{text}");
        }
    }
}
