//! Did you mean: the nearest of some names, if it is near.

/// The candidate nearest to `word`, where at most a third of its characters are wrong.
/// Among equally near ones, the one whose first other character is closest: `layer4`
/// for `layer5`, not `layer1`.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        // One character of one or two is not a slip but another word.
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, candidate)| (*distance, first_gap(word, candidate)))
        .map(|(_, candidate)| candidate)
}

/// How far apart the first characters lie in which the two words differ.
fn first_gap(left: &str, right: &str) -> u32 {
    left.chars()
        .zip(right.chars())
        .find(|(left, right)| left != right)
        .map_or(0, |(left, right)| u32::from(left).abs_diff(u32::from(right)))
}

/// `a`, `b` or `c`, from names that are quoted already.
pub(crate) fn one_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let words = ["layer1", "layer4", "fc"];
        assert_eq!(nearest("layr4", words), Some("layer4"));
        assert_eq!(nearest("layer5", words), Some("layer4"));
        assert_eq!(nearest("decoder", words), None);
        assert_eq!(nearest("x", words), None);
    }
}
