//! Names in little room.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A name in at most so many columns of characters, with `…` in place of its middle where it is longer.
/// Control characters are replaced.
pub(crate) fn shortened(name: &str, room: usize) -> String {
    let clean = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    let name: String = name.chars().map(clean).collect();
    if name.width() <= room {
        return name;
    }
    let room = room.saturating_sub(1);
    let (left, right) = (room.div_ceil(2), room / 2);
    let taken = |characters: &mut dyn Iterator<Item = char>, room: usize| {
        let mut taken = Vec::new();
        let mut width = 0;
        for character in characters {
            width += character.width().unwrap_or_default();
            if width > room {
                break;
            }
            taken.push(character);
        }
        taken
    };
    let start: String = taken(&mut name.chars(), left).into_iter().collect();
    let end: String = taken(&mut name.chars().rev(), right).into_iter().rev().collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_name_is_left_out() {
        assert_eq!(shortened("encoder.layer.11", 16), "encoder.layer.11");
        assert_eq!(shortened("encoder.layer.11", 9), "enco…r.11");
        assert_eq!(shortened("編碼器編碼器", 7), "編…器");
        assert_eq!(shortened("a\u{1b}[31m", 9), "a\u{FFFD}[31m");
    }
}
