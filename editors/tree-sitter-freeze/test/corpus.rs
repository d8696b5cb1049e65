//! The trees of the texts in `corpus/`, in the format of tree-sitter's own tests.
//!
//! After a change of the grammar, `FREEZE_GRAMMAR=overwrite` writes the new trees; `README.md` says how.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tree_sitter::{Parser, TreeCursor};

/// The line around a title, and the one before a tree.
const TITLE: &str = "==================";
const TREE: &str = "---";

struct Case {
    title: String,
    text: String,
    tree: String,
}

fn cases(file: &str) -> Vec<Case> {
    let line = format!("{TITLE}\n");
    let mut parts = file.split(&line).skip(1);
    let mut all = Vec::new();
    while let (Some(title), Some(content)) = (parts.next(), parts.next()) {
        let (text, tree) = content.split_once(&format!("\n{TREE}\n")).unwrap();
        let [title, text, tree] = [title, text, tree].map(|it| it.trim_matches('\n').to_owned());
        all.push(Case { title, text, tree });
    }
    all
}

fn written(cases: &[Case]) -> String {
    let cases = cases.iter().map(|Case { title, text, tree }| {
        format!("{TITLE}\n{title}\n{TITLE}\n\n{text}\n\n{TREE}\n\n{tree}\n\n")
    });
    cases.collect::<String>().trim_end().to_owned() + "\n"
}

/// The named nodes of a text with their fields, a line each.
fn tree(parser: &mut Parser, text: &str) -> String {
    let tree = parser.parse(text, None).unwrap();
    let mut lines = String::new();
    add_node(&mut tree.walk(), 0, &mut lines);
    lines.trim_start().to_owned()
}

fn add_node(cursor: &mut TreeCursor<'_>, depth: usize, lines: &mut String) {
    let node = cursor.node();
    if node.is_named() || node.is_missing() {
        write!(lines, "\n{:1$}", "", 2 * depth).unwrap();
        if let Some(field) = cursor.field_name() {
            write!(lines, "{field}: ").unwrap();
        }
        let missing = if node.is_missing() { "MISSING " } else { "" };
        write!(lines, "({missing}{}", node.kind()).unwrap();
    }
    if cursor.goto_first_child() {
        add_node(cursor, depth + 1, lines);
        while cursor.goto_next_sibling() {
            add_node(cursor, depth + 1, lines);
        }
        cursor.goto_parent();
    }
    if node.is_named() || node.is_missing() {
        lines.push(')');
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/corpus");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn texts_have_these_trees() {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_freeze::LANGUAGE.into()).unwrap();
    let overwrites = env::var("FREEZE_GRAMMAR").is_ok_and(|value| value == "overwrite");
    let mut wrong = Vec::new();
    for path in files() {
        let mut cases = cases(&fs::read_to_string(&path).unwrap());
        assert!(!cases.is_empty(), "{}", path.display());
        for case in &mut cases {
            let tree = tree(&mut parser, &case.text);
            if tree != case.tree {
                wrong.push(format!("{}\n{tree}\nand not\n{}", case.title, case.tree));
                case.tree = tree;
            }
        }
        if overwrites {
            fs::write(&path, written(&cases)).unwrap();
        }
    }
    assert!(overwrites || wrong.is_empty(), "{}", wrong.join("\n\n"));
}
