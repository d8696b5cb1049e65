//! "Did you mean": the nearest of some names, and names as messages show them.

use super::visible;

/// The candidate nearest to `word`: one that differs in case, one that begins with `word`, or one
/// with at most a third of the characters different; a word of one or two letters, only in case. Among equally near ones, the one whose first
/// different character is closest: `layer4` for `layer5`, not `layer1`.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 100;
    let length = word.chars().count();
    if length >= LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        // A word of two letters with one different is another word, not a misspelling.
        .filter(|candidate| length > 2 || candidate.to_lowercase() == lower)
        .filter(|candidate| *candidate != word && candidate.len() < LONGEST)
        .map(|candidate| {
            let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
            let begins = candidate.starts_with(word) && distance <= length;
            (if begins { distance.min(length / 3) } else { distance }, candidate)
        })
        .filter(|(distance, _)| *distance <= length / 3)
        .min_by_key(|(distance, candidate)| (*distance, first_gap(word, candidate)))
        .map(|(_, candidate)| candidate)
}

/// The distance between the first two characters in which the words differ.
fn first_gap(left: &str, right: &str) -> u32 {
    left.chars()
        .zip(right.chars())
        .find(|(left, right)| left != right)
        .map_or(0, |(left, right)| u32::from(left).abs_diff(u32::from(right)))
}

/// A word in backticks, as messages show it.
pub(crate) fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// "`a`, `b` or `c`", from names that are quoted already.
pub(crate) fn one_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A computed number without the digits that come from rounding alone: `0.3` for `0.1 * 3`.
#[must_use]
pub fn short_number(value: f64) -> f64 {
    let is_counted = value.fract() == 0.0;
    if is_counted { value } else { format!("{value:.12e}").parse().unwrap_or(value) }
}

/// A number as a message shows it: with an exponent where it would have many zeros.
pub(crate) fn shown_number(value: f64) -> String {
    let value = short_number(value);
    let is_plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

/// The user's own text as a message shows it: one short line, with signs for control characters.
pub(crate) fn readable(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = visible(&line);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_short() {
        let shown = [0.0, -0.5, 2e-5, 3e-6, 1e14, 1e308, -1e-300].map(shown_number);
        assert_eq!(shown, ["0", "-0.5", "0.00002", "3e-6", "100000000000000", "1e308", "-1e-300"]);
        let shown = [0.1 * 3.0, 1e-3 * 0.1, 1.0 / 3.0, 1e-6 * 1.1, f64::NAN].map(shown_number);
        assert_eq!(shown, ["0.3", "0.0001", "0.3333333333333", "1.1e-6", "NaN"]);
        let counted = [123_456_789_012_345.0, f64::INFINITY].map(shown_number);
        assert_eq!(counted, ["123456789012345", "inf"]);
    }

    #[test]
    fn a_misspelling_is_near_and_another_word_is_not() {
        let words = ["layer1", "layer4", "fc", "biases", "Layer"];
        assert_eq!(nearest("layr4", words), Some("layer4"));
        assert_eq!(nearest("layer5", words), Some("layer4"));
        assert_eq!(nearest("bias", words), Some("biases"));
        assert_eq!(nearest("LAYER4", words), Some("layer4"));
        assert_eq!(nearest("decoder", words), None);
        assert_eq!(nearest("fd", words), None);
        assert_eq!(nearest("FC", words), Some("fc"));
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn readable_text_is_short_and_has_no_control_characters() {
        assert_eq!(readable("a\n  b"), "a b");
        assert_eq!(readable("\u{1b}[31m\0"), "␛[31m␀");
        assert_eq!(readable(&"x".repeat(1_000)).chars().count(), 61);
    }
}
