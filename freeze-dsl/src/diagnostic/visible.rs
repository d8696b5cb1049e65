//! Text that a terminal shows as it is.

use std::borrow::Cow;

/// The text with signs in place of characters that a terminal obeys: control characters, but for line
/// ends and tabs, and those that change the direction of writing. A file's author could otherwise make
/// the terminal show what is not there.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|one| sign(one).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|one| sign(one).unwrap_or(one)).collect())
}

/// The name of a file or a tensor in one line: as [`visible`], and line feeds and tabs are signs too.
#[must_use]
pub fn visible_name(name: &str) -> Cow<'_, str> {
    match visible(name) {
        shown if shown.contains(['\n', '\t']) => {
            Cow::Owned(shown.replace('\n', "␊").replace('\t', "␉"))
        }
        shown => shown,
    }
}

/// The sign for a character that is not printed.
fn sign(one: char) -> Option<char> {
    match one {
        '\n' | '\t' => None,
        // The pictures that Unicode has for them.
        '\0'..'\x20' => char::from_u32(0x2400 + u32::from(one)),
        '\x7F' => Some('␡'),
        '\u{80}'..='\u{9F}'
        | '\u{61C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{visible, visible_name};

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        assert_eq!(visible("a\x1b]0;b\x07\x7f\r"), "a␛]0;b␇␡␍");
        assert_eq!(visible("a\u{202E}b\u{9b}"), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(visible("é\n\t🦀"), "é\n\t🦀");
        assert_eq!(visible_name("é\n\t🦀\x1b"), "é␊␉🦀␛");
        assert_eq!(visible_name("a b.freeze"), "a b.freeze");
    }
}
