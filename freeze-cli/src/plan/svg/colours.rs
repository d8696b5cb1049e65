//! The colours of pictures: cividis, whose lightness orders it for every eye and in grey.

use crate::plan::scale::LEVELS;

/// On white, the lowest rate first: the higher the rate, the darker. Cividis (Nuñez, Anderton and Renslow,
/// "Optimizing colormaps with consideration for color vision deficiency",
/// <https://doi.org/10.1371/journal.pone.0199239>), by the polynomials of d3-scale-chromatic.
pub(crate) const ON_LIGHT: [&str; LEVELS] = [
    "#f4db4e", "#e9d156", "#ddc75f", "#d0be67", "#c3b56d", "#b7ac73", "#aba376", "#a19a78",
    "#979278", "#8e8a78", "#868276", "#7d7a74", "#747272", "#6b6a70", "#60636f", "#555b6e",
    "#48546d", "#3b4c6e", "#2c456e", "#1e3d6e", "#11366c", "#052f68", "#002860", "#002051",
];

/// On black: the higher the rate, the lighter.
pub(crate) const ON_DARK: [&str; LEVELS] = [
    "#16396d", "#23406e", "#30476e", "#3d4d6e", "#49546d", "#555b6e", "#5f626e", "#696970",
    "#727071", "#7a7773", "#827e75", "#8a8677", "#928d78", "#9a9478", "#a39c78", "#ada476",
    "#b8ac72", "#c3b46e", "#cfbd68", "#dbc560", "#e6ce59", "#f0d751", "#f9e04a", "#fdea45",
];

/// What else has a colour: its class, the property, the colour on white and the colour on black.
const OTHERS: [(&str, &str, &str, &str); 10] = [
    ("bg", "fill", "#ffffff", "#14171c"),
    ("t", "fill", "#1a1d21", "#e6e8eb"),
    ("m", "fill", "#5f666e", "#9aa1a9"),
    ("f", "fill", "#c3c7cc", "#474d55"),
    ("p", "fill", "#6f8fb3", "#7f9fc3"),
    ("pd", "fill", "#ffffff", "#14171c"),
    ("h", "stroke", "#ffffff", "#14171c"),
    ("g", "stroke", "#d9dce0", "#343a42"),
    ("r", "stroke", "#b3261e", "#ff8a80"),
    ("o", "stroke", "#9aa1a9", "#6b727a"),
];

/// The rules of style for both schemes.
pub(crate) fn style() -> String {
    let rules = |of_level: &[&str; LEVELS], on_dark: bool| {
        let levels = of_level.iter().enumerate();
        let mut rules: Vec<String> =
            levels.map(|(level, colour)| format!(".l{level}{{fill:{colour}}}")).collect();
        rules.extend(OTHERS.iter().map(|(class, property, light, dark)| {
            format!(".{class}{{{property}:{}}}", if on_dark { dark } else { light })
        }));
        rules.concat()
    };
    format!(
        "{}@media (prefers-color-scheme:dark){{{}}}",
        rules(&ON_LIGHT, false),
        rules(&ON_DARK, true)
    )
}
