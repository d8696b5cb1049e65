//! Text files: UTF-8, and what is said of files that are not.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The text of a file, which must be UTF-8.
///
/// # Errors
/// If the file cannot be read. If it is not UTF-8, the error names the encoding or the place.
pub fn read(path: impl AsRef<Path>) -> Result<String> {
    decode(std::fs::read(path)?)
}

/// The text of bytes, which must be UTF-8.
///
/// # Errors
/// If they are not UTF-8; the error names the encoding or the place.
pub fn decode(bytes: Vec<u8>) -> Result<String> {
    if is_utf16(&bytes) {
        return Err(Error::new(ErrorKind::InvalidData, "this is UTF-16; save the file as UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let valid = String::from_utf8_lossy(valid);
        let (line, column) = crate::source::position(&valid);
        let byte = rest.first().copied().unwrap_or_default();
        let message = format!(
            "line {line}, column {column}: the byte {byte:#04X} is not UTF-8{}; save the file as UTF-8",
            latin_1(byte)
        );
        Error::new(ErrorKind::InvalidData, message)
    })
}

/// Whether the bytes begin as UTF-16 does: with its byte order mark, or with an ASCII character in
/// two bytes.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

/// The character that the byte is in Latin-1, if it is a printable one.
fn latin_1(byte: u8) -> String {
    if byte < 0xA0 {
        return String::new();
    }
    format!(" (in Latin-1 it is `{}`)", char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        decode(bytes.to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn utf_8_is_read_as_it_is() {
        for text in ["", "a", "é🦀", "\u{FEFF}start: stop;\r\n", "\0\0"] {
            assert_eq!(decode(text.into()).unwrap(), text);
        }
    }

    #[test]
    fn utf_16_is_named() {
        let text: Vec<u16> = "start: stop;".encode_utf16().collect();
        let little: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = text.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (mark, bytes) in [([0xFF, 0xFE], &little), ([0xFE, 0xFF], &big)] {
            assert!(error(bytes).contains("UTF-16"));
            assert!(error(&[&mark, bytes.as_slice()].concat()).contains("UTF-16"));
        }
    }

    #[test]
    fn a_byte_that_is_not_utf_8_is_named_with_its_place() {
        assert_eq!(
            error(b"// a\n// \xC3\xA9t\xE9\nstart: stop;"),
            "line 2, column 6: the byte 0xE9 is not UTF-8 (in Latin-1 it is `é`); save the file as \
             UTF-8"
        );
        let torn = "line 1, column 1: the byte 0x80 is not UTF-8; save the file as UTF-8";
        assert_eq!(error(b"\x80"), torn);
    }
}
