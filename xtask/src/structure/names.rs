//! Type names that a crate defines more than once.

use std::collections::BTreeMap;

use super::source::Module;

const KEYWORDS: [&str; 5] = ["struct", "enum", "union", "trait", "type"];

/// A line for each name, with the places of its definitions.
pub(crate) fn findings(modules: &[Module]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for module in modules {
        for item in &module.items {
            if let Some(name) = &item.name
                && KEYWORDS.contains(&item.keyword.as_str())
            {
                let place = format!("{}:{}", module.shown_file(), item.line);
                places.entry(name).or_default().push(place);
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    let line = |(name, places): (&str, Vec<String>)| {
        format!("the type name `{name}` is defined more than once: {}", places.join(", "))
    };
    places.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_defined_twice_is_found() {
        let first = "pub struct Row; enum Kind { A }\n#[cfg(test)] struct Table;";
        let second =
            "type Error = u8;\nimpl Iterator for A { type Item = u8; }\nstruct Row { x: u8 }";
        let third = "struct Table; impl Iterator for B { type Item = u8; }";
        let modules = [("a", first), ("b", second), ("c", third)]
            .map(|(name, text)| Module::made_up(&[name], text));
        assert_eq!(
            findings(&modules),
            ["the type name `Row` is defined more than once: a.rs:1, b.rs:3"]
        );
    }
}
