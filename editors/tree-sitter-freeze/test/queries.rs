//! The queries: what is shown in colour in the files in `highlight/`, and that all of them can be
//! used.
//!
//! In a comment below a line, `^` points at what must have the name after it, and `<-` at what the
//! comment begins below. Later patterns win over earlier ones, and inner nodes over outer ones, as in
//! editors.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tree_sitter::{Language, Parser, Query, QueryCursor, StreamingIterator};

fn language() -> Language {
    tree_sitter_freeze::LANGUAGE.into()
}

fn folder(name: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    files.collect()
}

/// The name for each byte of a text.
fn highlights(query: &Query, text: &str) -> Vec<Option<String>> {
    let mut parser = Parser::new();
    parser.set_language(&language()).unwrap();
    let tree = parser.parse(text, None).unwrap();
    assert!(!tree.root_node().has_error(), "{}", tree.root_node().to_sexp());
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
    let mut captures = Vec::new();
    while let Some(found) = matches.next() {
        for capture in found.captures() {
            let name = query.capture_names()[capture.index as usize];
            // Which words are spelled is no colour.
            if name == "spell" {
                continue;
            }
            let range = capture.node.byte_range();
            captures.push((Reverse(range.len()), range.start, found.pattern_index, name));
        }
    }
    captures.sort_unstable();
    let mut names = vec![None; text.len()];
    for (Reverse(length), start, _, name) in captures {
        names[start..start + length].fill(Some(name.to_owned()));
    }
    names
}

/// What the comments of a file demand: a line and a column, from 0, and a name.
fn demands(text: &str) -> Vec<(usize, usize, String)> {
    let mut demands = Vec::new();
    let mut above = 0;
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("//").map(str::trim);
        if let Some(name) = comment.and_then(|it| it.strip_prefix("<- ")) {
            demands.push((above, line.find('/').unwrap(), name.to_owned()));
        } else if let Some(comment) = comment.filter(|it| it.starts_with('^')) {
            let name = comment.trim_start_matches('^').trim().to_owned();
            demands
                .extend(line.match_indices('^').map(|(column, _)| (above, column, name.clone())));
        } else {
            above = index;
        }
    }
    demands
}

#[test]
fn these_places_have_these_colours() {
    let query = Query::new(&language(), tree_sitter_freeze::HIGHLIGHTS_QUERY).unwrap();
    let (mut demanded, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, text) in folder("test/highlight") {
        let names = highlights(&query, &text);
        let starts: Vec<usize> =
            [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let demands = demands(&text);
        assert!(!demands.is_empty(), "{file}");
        for (line, column, name) in demands {
            let found = names[starts[line] + column].as_deref();
            if found != Some(name.as_str()) {
                let place = format!("{file}:{}:{}", line + 1, column + 1);
                wrong.push(format!("{place} is {found:?} and not {name}"));
            }
            demanded.insert(name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    demanded.insert("spell".to_owned());
    let names = query.capture_names().iter().filter(|name| !demanded.contains(**name));
    assert_eq!(names.collect::<Vec<_>>(), Vec::<&&str>::new(), "no file demands these");
}

#[test]
fn each_query_fits_the_grammar() {
    let files = folder("queries");
    assert!(files.len() >= 5);
    for (file, text) in files {
        Query::new(&language(), &text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}
