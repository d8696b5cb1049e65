//! Texts with words and signs removed, doubled, exchanged, or replaced by others.

use freeze_dsl::vocabulary::{FLAGS, keywords};

const SIGNS: [&str; 32] = [
    ";", ":", ",", ".", "..", "..=", "(", ")", "[", "]", "{", "}", "@", "~", "?", "%", "*", "**",
    "-", "->", "+", "/", "^", "<", ">=", "=", "3", "1e-3", "0.5", "x", "x1", "\"a\"",
];

/// A generator of numbers that are the same in each run.
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*, by Vigna.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % end.max(1)
    }
}

/// The text with one to three changes, which are a function of the text and the number.
pub(crate) fn changed(text: &str, number: u64) -> String {
    let mut random = Random(hash(text) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut tokens = tokens(text);
    let words: Vec<&str> = keywords().chain(FLAGS).chain(SIGNS).collect();
    for _ in 0..=random.below(3) {
        // What is written, and not the space between.
        let places: Vec<usize> =
            (0..tokens.len()).filter(|at| !tokens[*at].trim().is_empty()).collect();
        if places.is_empty() {
            break;
        }
        let any = |random: &mut Random| places[random.below(places.len())];
        let at = any(&mut random);
        match random.below(6) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[at].clone()),
            2 => {
                let other = any(&mut random);
                tokens.swap(at, other);
            }
            3 => words[random.below(words.len())].clone_into(&mut tokens[at]),
            4 => tokens.insert(at, format!(" {} ", words[random.below(words.len())])),
            _ => tokens[at].retain(|_| random.below(4) > 0),
        }
    }
    tokens.concat()
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

/// The words, numbers, strings and signs of a text, and the space between them.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let kind = |sign: char| match sign {
        _ if sign.is_alphanumeric() || sign == '_' => 1,
        _ if sign.is_whitespace() => 2,
        _ => 3,
    };
    let mut before = 0;
    for sign in text.chars() {
        let kind = kind(sign);
        match tokens.last_mut() {
            Some(last) if kind == before && kind < 3 => last.push(sign),
            _ => tokens.push(sign.into()),
        }
        before = kind;
    }
    tokens
}
