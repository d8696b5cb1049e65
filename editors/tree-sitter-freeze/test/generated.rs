//! What is generated is what the grammar says: `src/grammar.json` and `src/parser.c`.
//!
//! `FREEZE_GRAMMAR=overwrite` generates both anew, with Node.js; `README.md` says how.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tree_sitter_generate::{OptLevel, generate_parser_in_directory};

/// The newest version of the format of parsers that Neovim 0.7 and Emacs 29 read.
const ABI: usize = 14;

/// The files that are generated.
const FILES: [&str; 6] = [
    "grammar.json",
    "node-types.json",
    "parser.c",
    "tree_sitter/alloc.h",
    "tree_sitter/array.h",
    "tree_sitter/parser.h",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Generates a parser from a grammar into a folder.
fn generate(grammar: PathBuf, out: &Path) {
    let mut found = Vec::new();
    generate_parser_in_directory(
        root(),
        Some(out),
        Some(grammar),
        ABI,
        None,
        Some("node"),
        true,
        OptLevel::default(),
        &mut found,
    )
    .unwrap_or_else(|error| panic!("{error}"));
    assert!(found.is_empty(), "{found:?}");
}

/// Whether there is Node.js, which runs `grammar.js`. If not, the test is counted as skipped.
fn has_node(test: &str) -> bool {
    let has = Command::new("node").arg("--version").output().is_ok_and(|it| it.status.success());
    if !has && let Some(path) = env::var_os("FREEZE_SKIPPED") {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{test}: there is no Node.js\n").as_bytes()).unwrap();
    }
    has
}

#[test]
fn the_parser_is_what_the_grammar_says() {
    let src = root().join("src");
    if env::var("FREEZE_GRAMMAR").is_ok_and(|value| value == "overwrite") {
        return generate(root().join("grammar.js"), &src);
    }
    let (grammar, files) = if has_node("the_parser_is_what_the_grammar_says") {
        (root().join("grammar.js"), &FILES[..])
    } else {
        (src.join("grammar.json"), &FILES[1..])
    };
    let folder = tempfile::tempdir().unwrap();
    generate(grammar, folder.path());
    for file in files {
        let [known, new] =
            [&src, folder.path()].map(|it| fs::read_to_string(it.join(file)).unwrap());
        assert!(
            known == new,
            "src/{file} is not what grammar.js says; README.md says how it is generated"
        );
    }
}
