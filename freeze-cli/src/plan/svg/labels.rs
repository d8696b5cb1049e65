//! Where the names of rules are above a picture, so that no two of them overlap.

/// A name above a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarkLabel {
    /// Where it begins, which is a little right of the line of its first rule.
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) text: String,
    /// Its lane: 0 is the nearest to the picture.
    pub(crate) lane: usize,
    /// The places of the lines that it names; the first one leads up to it.
    pub(crate) lines: Vec<f64>,
}

/// So many lanes there are.
const LANES: usize = 9;

/// Puts labels into lanes. `names` are in order of their places: each with its place and its text.
///
/// A label is in a higher lane than those that begin under it, so no line of a rule crosses the name of
/// another one. Where there is no room for all, neighbours have one label, from the first to the last.
pub(crate) fn in_lanes(
    names: Vec<(f64, String)>,
    width_of: impl Fn(&str) -> f64,
) -> Vec<MarkLabel> {
    const APART: f64 = 3.0;
    let mut labels: Vec<(Vec<f64>, Vec<String>)> =
        names.into_iter().map(|(place, name)| (vec![place], vec![name])).collect();
    loop {
        let mut laid: Vec<MarkLabel> = Vec::new();
        for (lines, names) in labels.iter().rev() {
            let text = match names.as_slice() {
                [first, _, .., last] => format!("{first} … {last}"),
                few => few.join(", "),
            };
            let x = lines.first().copied().unwrap_or_default() + APART;
            let width = width_of(&text);
            let under = laid.iter().filter(|label| label.x < x + width + 2.0 * APART);
            let lane = under.map(|label| label.lane + 1).max().unwrap_or(0);
            laid.push(MarkLabel { x, width, text, lane, lines: lines.clone() });
        }
        laid.reverse();
        if labels.len() < 2 || laid.iter().all(|label| label.lane < LANES) {
            return laid;
        }
        // The closest neighbours have one label from now on.
        let gap = |pair: usize| {
            let end = labels.get(pair).and_then(|(lines, _)| lines.last().copied());
            let start = labels.get(pair + 1).and_then(|(lines, _)| lines.first().copied());
            start.unwrap_or(f64::MAX) - end.unwrap_or_default()
        };
        let closest = (0..labels.len() - 1).min_by(|one, other| gap(*one).total_cmp(&gap(*other)));
        let Some(closest) = closest else { return laid };
        let (lines, names) = labels.remove(closest + 1);
        if let Some(label) = labels.get_mut(closest) {
            label.0.extend(lines);
            label.1.extend(names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_precision_loss, reason = "a short text")]
    fn width_of(text: &str) -> f64 {
        text.chars().count() as f64 * 6.0
    }

    #[test]
    fn no_line_crosses_a_name_and_no_names_overlap() {
        for apart in [1.0, 4.0, 30.0, 200.0] {
            for count in [1_u32, 2, 9, 40, 300] {
                let names =
                    (0..count).map(|index| (f64::from(index) * apart, format!("rule {index}")));
                let labels = in_lanes(names.collect(), width_of);
                for (index, label) in labels.iter().enumerate() {
                    assert!(label.lane < LANES);
                    for later in labels.iter().skip(index + 1) {
                        let is_under = later.lines[0] < label.x + label.width;
                        assert!(!is_under || later.lane < label.lane, "{label:?} {later:?}");
                    }
                }
                let lines: usize = labels.iter().map(|label| label.lines.len()).sum();
                assert_eq!(lines, count as usize);
            }
        }
    }

    #[test]
    fn neighbours_share_a_label_from_the_first_to_the_last() {
        let names = (0..40).map(|index| (f64::from(index), format!("rule {index}")));
        let labels = in_lanes(names.collect(), width_of);
        assert!(labels.len() <= LANES);
        assert!(labels.iter().any(|label| label.text.contains(" … ")), "{labels:?}");
    }
}
