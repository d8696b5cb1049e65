//! Every policy of the project, right or wrong: the files, the code blocks of the pages, and the
//! string literals of the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use freeze_dsl::parse::parse;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The folders in which there is no policy of the project.
const OTHER: [&str; 3] = ["target", "node_modules", "dist"];

/// The folders of the code that has policies in string literals.
const CODE: [&str; 4] = ["freeze-dsl", "freeze-cli/tests", "freeze-runtime/src", "tests"];

/// A text of the project.
pub(crate) struct Sample {
    /// A file in which it is.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// What the parser of freeze finds first.
    pub(crate) finding: Option<String>,
}

/// Each text once.
pub(crate) static ALL: LazyLock<Vec<Sample>> = LazyLock::new(all);

fn all() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut files = Vec::new();
    add_files(root, &mut files);
    let (mut known, mut all) = (BTreeSet::new(), Vec::new());
    for path in files {
        // Seeds of fuzz targets and some bad examples are no text.
        let Ok(content) = fs::read_to_string(&path) else { continue };
        let path = path.strip_prefix(root).unwrap().to_owned();
        for text in texts(&path, content) {
            if known.insert(text.clone()) {
                let finding = first_finding(&text);
                all.push(Sample { path: path.clone(), text, finding });
            }
        }
    }
    all
}

/// The first syntax error of a text.
pub(crate) fn first_finding(text: &str) -> Option<String> {
    parse(text).1.into_iter().next().map(|finding| finding.message)
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() {
            files.push(path);
        } else if !name.starts_with('.') && !OTHER.contains(&name.as_str()) {
            add_files(&path, files);
        }
    }
}

/// The texts of a file.
fn texts(path: &Path, content: String) -> Vec<String> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("freeze") => vec![content],
        Some("md") => code_blocks(&content),
        Some("rs") if CODE.iter().any(|folder| path.starts_with(folder)) => {
            content.parse().map(literals).unwrap_or_default()
        }
        _ if path.starts_with("fuzz/seeds/policy") => vec![content],
        _ => Vec::new(),
    }
}

fn code_blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for event in Parser::new_ext(page, Options::all()) {
        match (event, &mut block) {
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))), _) => {
                block = kind.starts_with("freeze").then(String::new);
            }
            (Event::Text(text), Some(block)) => block.push_str(&text),
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(block.take()),
            _ => {}
        }
    }
    blocks
}

/// The string literals of Rust tokens that may be a policy: those with the sign of a rule or of the
/// end of a statement.
fn literals(tokens: TokenStream) -> Vec<String> {
    let mut all = Vec::new();
    for token in tokens {
        match token {
            // Not those of an attribute, which documentation is.
            TokenTree::Group(group) if !is_documentation(&group) => {
                all.extend(literals(group.stream()));
            }
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                let text = text.map(|text| text.value());
                all.extend(text.into_iter().filter(|text| text.contains([':', ';'])));
            }
            _ => {}
        }
    }
    all
}

/// Whether this is what a comment of documentation becomes, without its `#`.
fn is_documentation(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(word)) if word == "doc")
}
