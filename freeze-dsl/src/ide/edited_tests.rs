//! A policy that is edited again and again is the same as one that is read anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::OpenPolicy;
use crate::model::Model;
use crate::source::Source;

/// What is written at random places: what opens, closes and ends parts of a text, and statements.
const PIECES: [&str; 32] = [
    ";",
    "{",
    "}",
    "(",
    "]",
    ":",
    ",",
    "\"",
    "'",
    "//",
    "/*",
    "*/",
    "\n",
    "  ",
    "#",
    "é🦀",
    "．",
    "r#\"",
    ";;",
    "; {",
    "}.{a;b}",
    "start: train fc lr 1e-3;",
    "epoch 3; unfreeze fc;",
    "start: train fc lr 1e-3 epoch 1: stop;",
    "for @l in [fc, layer4] {",
    "track a in layer4 {",
    "repeat { after 1 epoch: reset fc; }",
    "for i in {n}..3 { start: stop; }",
    "start: for @l in [fc] { train @l };",
    "let x = { 1; 2 };",
    "train",
    "lr = 1e-3",
];

/// Numbers that are the same in each run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn place(&mut self, text: &str) -> usize {
        let mut byte = self.below(text.len() + 1);
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }

    /// A text after an edit.
    fn edit(&mut self, text: &str) -> String {
        let (one, other) = (self.place(text), self.place(text));
        let mut near = text.len().min(one + self.below(12));
        while !text.is_char_boundary(near) {
            near -= 1;
        }
        let mut edited = text.to_owned();
        match self.below(8) {
            0 => edited.replace_range(one..near, ""),
            1 => edited.replace_range(one.min(other)..one.max(other), ""),
            2 => {
                // Lines that are there already.
                let copied = text[one.min(other)..one.max(other)].to_owned();
                let at = self.place(text);
                edited.insert_str(at, &copied);
            }
            3 => edited.replace_range(one..near, PIECES[self.below(PIECES.len())]),
            _ => edited.insert_str(one, PIECES[self.below(PIECES.len())]),
        }
        edited
    }
}

/// Everything that is known of a policy, with all places.
fn shown(policy: &OpenPolicy) -> [String; 6] {
    [
        format!("{:#?} {:?}", policy.tree(), policy.memo),
        format!("{:#?}", policy.findings().diagnostics()),
        format!("{:?}", policy.checked().bound.as_ref().map(|(_, rows)| rows)),
        format!("{:?} {:?}", policy.symbols(), policy.folds()),
        format!("{:?}", policy.formatting()),
        format!("{:?}", policy.names()),
    ]
}

#[test]
fn a_policy_that_is_edited_is_as_one_that_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = Model::load(root.join("tests/models/resnet18.model.json")).unwrap();
    let model = Some(Arc::new(model));
    let folder = fs::read_dir(root.join("../examples/policies")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "freeze"));
    files.sort();
    files.push(root.join("tests/policies/resnet.freeze"));
    assert!(files.len() > 20);
    for (seed, file) in (1..).zip(&files) {
        let text = fs::read_to_string(file).unwrap();
        let open = |text: &str| OpenPolicy::new(Source::new(text.to_owned()));
        let mut random = Seeded(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let mut edited = open(&text).with_model(model.clone());
        for round in 0..20 {
            // Texts get worse and worse: begin again.
            let next = if round == 10 { text.clone() } else { random.edit(edited.text()) };
            edited = edited.edited(next.clone());
            let anew = open(&next).with_model(model.clone());
            for (edited, anew) in shown(&edited).iter().zip(shown(&anew)) {
                assert_eq!(edited, &anew, "{}, edit {round}:\n{next}", file.display());
            }
        }
    }
}
