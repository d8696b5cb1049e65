//! Characters that look like those of the language: “quotes”, a minus that is none, full-width
//! letters. Editors and web pages put them in.

/// Signs, each with the ASCII sign that it looks like.
const SIGNS: [(char, &str); 35] = [
    ('\u{2212}', "-"),
    ('\u{2010}', "-"),
    ('\u{2011}', "-"),
    ('\u{2012}', "-"),
    ('\u{2013}', "-"),
    ('\u{2014}', "-"),
    ('\u{FE63}', "-"),
    ('\u{37E}', ";"),
    ('\u{2192}', "->"),
    ('\u{27F6}', "->"),
    ('\u{21D2}', "->"),
    ('\u{2794}', "->"),
    ('\u{2265}', ">="),
    ('\u{2A7E}', ">="),
    ('\u{2264}', "<="),
    ('\u{2A7D}', "<="),
    ('\u{D7}', "*"),
    ('\u{2217}', "*"),
    ('\u{22C5}', "*"),
    ('\u{B7}', "."),
    ('\u{F7}', "/"),
    ('\u{2215}', "/"),
    ('\u{2044}', "/"),
    ('\u{2026}', ".."),
    ('\u{2236}', ":"),
    ('\u{3001}', ","),
    ('\u{3002}', "."),
    ('\u{201A}', ","),
    ('\u{FE55}', ":"),
    ('\u{FE54}', ";"),
    ('\u{FE50}', ","),
    ('\u{223C}', "~"),
    ('\u{2038}', "^"),
    ('\u{3010}', "["),
    ('\u{3011}', "]"),
];

/// Characters that take no room.
const INVISIBLE: [char; 6] = ['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{AD}', '\u{180E}'];

/// The ASCII text that a character looks like, if it looks like some.
pub(super) fn ascii_of(character: char) -> Option<String> {
    if INVISIBLE.contains(&character) {
        return Some(String::new());
    }
    let sign = SIGNS.iter().find(|(sign, _)| *sign == character);
    sign.map(|(_, ascii)| (*ascii).to_owned()).or_else(|| full_width(character).map(String::from))
}

/// The ASCII character that a full-width one is a wide form of.
pub(super) fn full_width(character: char) -> Option<char> {
    let code = u32::from(character);
    (0xFF01..=0xFF5E).contains(&code).then(|| char::from_u32(code - 0xFEE0)).flatten()
}

/// Whether a character is one of the many minus signs and dashes.
pub(super) fn is_minus(character: char) -> bool {
    SIGNS.iter().any(|(sign, ascii)| *sign == character && *ascii == "-")
}

/// Whether a character is a quotation mark other than `"`.
pub(super) const fn is_quote(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '\u{AB}' | '\u{BB}' | '\u{2018}'
            ..='\u{201F}' | '\u{2039}' | '\u{203A}' | '\u{FF02}' | '\u{FF07}'
    )
}

/// A character as messages show it, with its code point unless it is ASCII.
pub(super) fn shown(character: char) -> String {
    if character.is_ascii() {
        format!("`{character}`")
    } else if INVISIBLE.contains(&character) {
        format!("an invisible character (U+{:04X})", u32::from(character))
    } else {
        format!("`{character}` (U+{:04X})", u32::from(character))
    }
}
