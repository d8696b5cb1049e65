//! YAML as a value whose keys have an order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DeserializeError, NonFiniteFloatPolicy, options};

/// A value of a YAML file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Reads a text with one document.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        // Numbers that are not finite matter where a number is read.
        let options = options! { non_finite_float_policy: NonFiniteFloatPolicy::PassThrough };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| format!("not YAML: {}", fault(&error)))
    }

    /// The texts of a key's list, each as it is written.
    ///
    /// # Errors
    /// If the key is missing, if it has no list, if it is empty, or if an item is a list or a map itself.
    pub(super) fn list_of(&self, key: &str) -> Result<Vec<String>, String> {
        let value = self.get(key).ok_or_else(|| format!("it has no `{key}`"))?;
        let Self::List(items) = value else {
            let written = value.text().unwrap_or_else(|| "…".to_owned());
            return Err(format!("`{key}` is not a list: write `{key}: [{written}]`"));
        };
        if items.is_empty() {
            return Err(format!("`{key}` is empty"));
        }
        let texts: Option<Vec<String>> = items.iter().map(Self::text).collect();
        texts.ok_or_else(|| format!("an item of `{key}` is not a text"))
    }

    /// The value of a key that is there and is not null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let (_, value) = entries.iter().find(|(name, _)| name == key)?;
        (*value != Self::Null).then_some(value)
    }

    /// Whether a key is there without a value.
    pub(super) fn has_null(&self, key: &str) -> bool {
        self.entries().iter().any(|(name, value)| name == key && *value == Self::Null)
    }

    /// The value below several keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries().iter().map(|(key, _)| key.as_str())
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// A text; a number or a truth value as it is written.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// A number. Python's YAML reads `1e-5` as a text, and the tools convert it.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A truth value, as YAML 1.1 writes it too.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A list of texts: a list, or one text with commas.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().filter_map(Self::text).collect(),
            Self::Text(text) => text
                .split(',')
                .map(|part| part.trim().to_owned())
                .filter(|it| !it.is_empty())
                .collect(),
            other => other.text().into_iter().collect(),
        }
    }

    /// The number of a key.
    ///
    /// # Errors
    /// If there is a value that is no number.
    pub(super) fn number_of(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.number().map(Some).ok_or_else(|| format!("`{key}` is not a number"))
    }

    /// The whole number of a key.
    ///
    /// # Errors
    /// If there is a value that is no whole number.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    pub(super) fn whole_of(&self, key: &str) -> Result<Option<i64>, String> {
        let Some(number) = self.number_of(key)? else { return Ok(None) };
        if number.fract() == 0.0 && number.abs() < 1e15 {
            Ok(Some(number as i64))
        } else {
            Err(format!("`{key}` is not a whole number"))
        }
    }

    /// Whether a key says yes.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Self::truth).unwrap_or(default)
    }
}

/// The place and the problem of an error; its other lines are an excerpt of the text.
fn fault(error: &DeserializeError) -> String {
    let text = error.to_string();
    let own = match error.without_snippet() {
        DeserializeError::DuplicateMappingKey { key: Some(key), .. } => {
            Some(format!("the key `{key}` is there twice"))
        }
        DeserializeError::RecursiveReferencesRequireWeakTypes { .. } => {
            Some("a value contains itself".to_owned())
        }
        _ => None,
    };
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((place, problem)) if place.starts_with("line ") => {
            let problem = own.as_deref().unwrap_or(problem);
            format!("{}: {problem}", place.replace(" column", ", column"))
        }
        _ => line.to_owned(),
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "options of trainings are small")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "options of trainings are small")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = from.next_entry::<Yaml, Yaml>()? {
            let key = key.text().ok_or_else(|| A::Error::custom("a key that is no text"))?;
            entries.push((key, value));
        }
        Ok(Yaml::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_python_makes_of_them() {
        let yaml =
            Yaml::parse("0:\n  lr: 1e-5\n  b: 1.0e-05\n  c: [1, yes, ~]\n1: 'no'\n").unwrap();
        assert_eq!(yaml.keys().collect::<Vec<_>>(), ["0", "1"]);
        let phase = yaml.get("0").unwrap();
        assert_eq!(phase.number_of("lr"), Ok(Some(1e-5)));
        assert_eq!(phase.number_of("b"), Ok(Some(1e-5)));
        let items = phase.get("c").unwrap().items();
        assert_eq!((items.len(), items[0].number(), items[1].truth()), (3, Some(1.0), Some(true)));
        assert_eq!(yaml.get("1").unwrap().truth(), Some(false));
        assert_eq!(yaml.at(&["0", "d"]), None);
        assert_eq!(phase.whole_of("lr"), Err("`lr` is not a whole number".to_owned()));
    }

    #[test]
    fn anchors_and_merges_are_resolved_and_a_key_occurs_once() {
        let yaml = Yaml::parse("a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n").unwrap();
        assert_eq!(yaml.at(&["b", "x"]), Some(&Yaml::Number(1.0)));
        let twice = "not YAML: line 2, column 1: the key `a` is there twice";
        assert_eq!(Yaml::parse("a: 1\na: 2\n"), Err(twice.to_owned()));
        let within = "not YAML: line 1, column 8: a value contains itself";
        assert_eq!(Yaml::parse("x: &a [*a]\n"), Err(within.to_owned()));
        let infinite = Yaml::parse("a: .inf\n").unwrap();
        assert!(infinite.get("a").is_some() && infinite.number_of("a").is_err());
        assert!(Yaml::parse("a: [").is_err());
    }
}
