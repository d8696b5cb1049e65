//! The shortest paths that select given parameters of a model and no others.

use std::collections::{BTreeMap, BTreeSet};

use freeze_dsl::model::{Model, ParamId};
use freeze_dsl::source::Source;

/// Targets that select these parameters and no others.
pub(super) fn targets(model: &Model, wanted: &BTreeSet<ParamId>) -> String {
    if wanted.len() == model.parameters().len() {
        return "@all".to_owned();
    }
    let mut root = NameBranch::default();
    for (id, parameter) in ids(model) {
        for name in parameter.names() {
            root.add(name, wanted.contains(&id));
        }
    }
    let paths = root.paths().join(", ");
    let selected = model.select(&Source::new(paths.clone())).unwrap_or_default();
    if selected.into_iter().collect::<BTreeSet<_>>() == *wanted {
        return paths;
    }
    // A segment that is no word of a path, or that begins something else.
    let names = ids(model).filter(|(id, _)| wanted.contains(id));
    let names: Vec<String> = names
        .flat_map(|(_, parameter)| {
            parameter.names().map(|name| format!("{name:?}")).collect::<Vec<_>>()
        })
        .collect();
    names.join(", ")
}

/// The parameters of a model with their ids.
pub(super) fn ids(model: &Model) -> impl Iterator<Item = (ParamId, &freeze_dsl::model::Parameter)> {
    model.parameters().iter().enumerate().map(|(index, it)| (ParamId::new(index), it))
}

/// A segment of names, and what is below it.
#[derive(Default)]
struct NameBranch {
    /// How many names are at or below it, and how many of those are wanted.
    names: usize,
    wanted: usize,
    below: BTreeMap<Segment, NameBranch>,
}

/// A segment, numbers in their order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Number(usize),
    Word(String),
}

impl NameBranch {
    fn add(&mut self, name: &str, is_wanted: bool) {
        let mut branch = self;
        branch.count(is_wanted);
        for segment in name.split('.') {
            let is_canonical = segment == "0" || !segment.starts_with('0');
            let segment = match segment.parse() {
                Ok(number) if is_canonical => Segment::Number(number),
                _ => Segment::Word(segment.to_owned()),
            };
            branch = branch.below.entry(segment).or_default();
            branch.count(is_wanted);
        }
    }

    fn count(&mut self, is_wanted: bool) {
        self.names += 1;
        self.wanted += usize::from(is_wanted);
    }

    /// The paths below it that select what is wanted. An empty path is the branch itself.
    fn paths(&self) -> Vec<String> {
        // Segments below which the same paths are wanted are written as one.
        let mut alike: Vec<(Vec<String>, Vec<&Segment>)> = Vec::new();
        for (segment, branch) in self.below.iter().filter(|(_, branch)| branch.wanted > 0) {
            let paths =
                if branch.wanted == branch.names { vec![String::new()] } else { branch.paths() };
            let is_word = matches!(segment, Segment::Word(_));
            let same = alike.iter_mut().find(|(known, segments)| {
                *known == paths
                    && segments.iter().all(|it| is_word == matches!(it, Segment::Word(_)))
            });
            match same {
                Some((_, segments)) => segments.push(segment),
                None => alike.push((paths, vec![segment])),
            }
        }
        let mut all = Vec::new();
        for (paths, segments) in alike {
            for segment in written(&segments) {
                all.extend(paths.iter().map(|path| joined(&segment, path)));
            }
        }
        all
    }
}

/// Segments as a path has them: words in braces, and runs of numbers as a range.
fn written(segments: &[&Segment]) -> Vec<String> {
    let words: Vec<&str> = segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Word(word) => Some(word.as_str()),
            Segment::Number(_) => None,
        })
        .collect();
    match words.as_slice() {
        [] => {}
        [word] => return vec![(*word).to_owned()],
        words => return vec![format!("{{{}}}", words.join(","))],
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for segment in segments {
        let Segment::Number(number) = segment else { continue };
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs.into_iter()
        .map(
            |(first, last)| {
                if first == last { first.to_string() } else { format!("[{first}..={last}]") }
            },
        )
        .collect()
}

/// `layer` and `[0..=3].norm` are `layer[0..=3].norm`.
fn joined(segment: &str, path: &str) -> String {
    // A range follows a word, or is alone.
    let is_word = !segment.ends_with([']', '}']);
    let sign = if path.is_empty() || path.starts_with('[') && is_word { "" } else { "." };
    format!("{segment}{sign}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Model {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policies");
        Model::load(format!("{folder}/{name}.model.json")).unwrap()
    }

    fn of(model: &Model, is_wanted: impl Fn(&str) -> bool) -> String {
        let wanted = ids(model).filter(|(_, it)| is_wanted(&it.name)).map(|(id, _)| id).collect();
        targets(model, &wanted)
    }

    #[test]
    fn paths_are_short() {
        let bert = model("bert");
        for (expected, is_wanted) in [
            ("@all", (|_| true) as fn(&str) -> bool),
            ("classifier", |name| name.starts_with("classifier")),
            ("bert.encoder.layer[0..=11].{attention,intermediate}", |name| {
                name.contains(".attention.") || name.contains(".intermediate.")
            }),
            ("bert.pooler.dense.bias, classifier.bias", |name| {
                ["bert.pooler.dense.bias", "classifier.bias"].contains(&name)
            }),
            ("bert.encoder.layer[10..=11]", |name| {
                name.contains("layer.10.") || name.contains("layer.11.")
            }),
        ] {
            assert_eq!(of(&bert, is_wanted), expected);
        }
    }

    #[test]
    fn a_reserved_word_is_in_quotes() {
        let tensor = |name: &str| serde_json::json!({ "name": name, "shape": [2], "dtype": "f32", "role": "parameter" });
        let names = ["train.weight", "a-b.weight", "body.weight"];
        let text = serde_json::json!({ "format": 1, "tensors": names.map(tensor) }).to_string();
        let model = Model::from_json(&text).unwrap();
        let shown = of(&model, |name| name != "body.weight");
        assert_eq!(shown, "\"train.weight\", \"a-b.weight\"");
    }

    /// Any parameters of any model are selected, and no others.
    #[test]
    fn whatever_is_wanted_is_selected() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for name in ["bert", "resnet18", "gpt", "llama", "faster_rcnn"] {
            let model = model(name);
            for _ in 0..4 {
                let part = draw(8) + 1;
                let wanted: BTreeSet<ParamId> =
                    ids(&model).filter(|_| draw(8) < part).map(|(id, _)| id).collect();
                let text = targets(&model, &wanted);
                let selected = model.select(&Source::new(text.clone())).unwrap();
                assert_eq!(selected.into_iter().collect::<BTreeSet<_>>(), wanted, "{text}");
            }
        }
    }
}
