//! The modules of a crate, read from its source without the tests.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::error::Error;
use crate::program;

/// A module that is not compiled for tests alone.
pub(crate) struct Module {
    /// The names from the crate's root to it; none for the root itself.
    pub(crate) path: Vec<String>,
    file: PathBuf,
    /// The lines of its file; 0 for a module inside another's file.
    pub(crate) lines: usize,
    /// The first line of its file's documentation.
    pub(crate) title: Option<String>,
    /// Its items, without those for tests and without its modules.
    pub(crate) items: Vec<Item>,
}

/// An item of a module or of an `impl` block.
pub(crate) struct Item {
    /// Its first line in the file.
    pub(crate) line: usize,
    /// `struct`, `fn`, `impl` and so on.
    pub(crate) keyword: String,
    /// The identifier after the keyword, where there is one.
    pub(crate) name: Option<String>,
    /// Whether it is `pub` without a restriction.
    pub(crate) is_public: bool,
    attributes: Vec<TokenStream>,
    /// All its tokens but its attributes.
    pub(crate) tokens: Vec<TokenTree>,
}

/// All modules below a root file that are compiled without `cfg(test)`.
pub(crate) fn modules(root: &Path) -> Result<Vec<Module>, Error> {
    let mut modules = Vec::new();
    read_file(root, root.parent().unwrap_or(root), &[], &mut modules)?;
    Ok(modules)
}

/// Reads a file and the files of its modules, which lie in `dir`.
fn read_file(
    file: &Path,
    dir: &Path,
    path: &[String],
    modules: &mut Vec<Module>,
) -> Result<(), Error> {
    let cannot_read = |reason: &dyn std::fmt::Display| {
        Error::line(format!("{} cannot be read: {reason}", file.display()))
    };
    let text = fs::read_to_string(file).map_err(|error| cannot_read(&error))?;
    let tokens: TokenStream = text.parse().map_err(|error| cannot_read(&error))?;
    let title = text.lines().next().and_then(|line| line.strip_prefix("//! "));
    let index = modules.len();
    read_module(items(tokens), file, dir, path, modules)?;
    if let Some(module) = modules.get_mut(index) {
        module.lines = text.lines().count();
        module.title = title.map(ToOwned::to_owned);
    }
    Ok(())
}

fn read_module(
    items: Vec<Item>,
    file: &Path,
    dir: &Path,
    path: &[String],
    modules: &mut Vec<Module>,
) -> Result<(), Error> {
    let (inner, items): (Vec<Item>, Vec<Item>) =
        items.into_iter().filter(|item| !item.is_test()).partition(|item| item.keyword == "mod");
    let file = file.to_owned();
    modules.push(Module { path: path.to_vec(), file: file.clone(), lines: 0, title: None, items });
    for item in inner {
        let Some(name) = &item.name else { continue };
        let path = [path, std::slice::from_ref(name)].concat();
        let below = dir.join(name);
        if let Some(body) = item.body() {
            read_module(self::items(body.stream()), &file, &below, &path, modules)?;
        } else {
            let beside = dir.join(format!("{name}.rs"));
            let file = if beside.exists() { beside } else { below.join("mod.rs") };
            read_file(&file, &below, &path, modules)?;
        }
    }
    Ok(())
}

impl Module {
    /// A module of a made-up crate.
    #[cfg(test)]
    pub(crate) fn made_up(path: &[&str], text: &str) -> Self {
        Self {
            path: path.iter().map(ToString::to_string).collect(),
            file: PathBuf::from(format!("{}.rs", path.join("/"))),
            lines: 0,
            title: None,
            items: items(text.parse().expect("Rust"))
                .into_iter()
                .filter(|i| !i.is_test())
                .collect(),
        }
    }

    /// Its file, relative to the checkout.
    pub(crate) fn shown_file(&self) -> String {
        self.file.strip_prefix(program::root()).unwrap_or(&self.file).display().to_string()
    }
}

impl Item {
    /// The documentation, a line for each of its lines.
    pub(crate) fn documentation(&self) -> String {
        let lines = self.attributes.iter().map(ToString::to_string);
        lines.filter(|line| line.starts_with("doc =")).collect::<Vec<_>>().join("\n")
    }

    /// Whether the documentation leaves it out.
    pub(crate) fn is_hidden(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.to_string().starts_with("doc (hidden"))
    }

    /// The group in braces with which it ends.
    pub(crate) fn body(&self) -> Option<&Group> {
        match self.tokens.last() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group),
            _ => None,
        }
    }

    fn is_test(&self) -> bool {
        self.attributes.iter().any(is_test)
    }

    fn new(attributes: Vec<TokenStream>, tokens: Vec<TokenTree>) -> Option<Self> {
        let line = tokens.first()?.span().start().line;
        let mut words = Vec::new();
        let mut is_public = false;
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = !matches!(tokens.get(index + 1), Some(TokenTree::Group(_)));
                }
                TokenTree::Ident(word) => words.push(word.to_string()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {}
                _ => break,
            }
        }
        let is_keyword = |word: &&String| {
            let function = ["const", "unsafe", "async", "extern"].contains(&word.as_str());
            !(function && words.iter().any(|word| word == "fn" || word == "impl"))
        };
        let mut words = words.iter().skip_while(|word| !is_keyword(word)).cloned();
        Some(Self {
            line,
            keyword: words.next().unwrap_or_default(),
            name: words.next(),
            is_public,
            attributes,
            tokens,
        })
    }
}

/// Whether an attribute keeps what it is on for tests.
pub(crate) fn is_test(attribute: &TokenStream) -> bool {
    let text = attribute.to_string();
    text == "test" || text.starts_with("cfg") && text.contains("test") && !text.contains("not")
}

/// Splits a module's or an `impl` block's tokens into its items.
pub(crate) fn items(stream: TokenStream) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut attributes, mut tokens) = (Vec::new(), Vec::new());
    let mut stream = stream.into_iter().peekable();
    while let Some(token) = stream.next() {
        if tokens.is_empty() && is_punct(&token, '#') {
            let is_inner = stream.next_if(|token| is_punct(token, '!')).is_some();
            if let Some(TokenTree::Group(group)) = stream.next()
                && !is_inner
            {
                attributes.push(group.stream());
            }
            continue;
        }
        let is_end = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => {
                group.delimiter() == Delimiter::Brace && !ends_with_semicolon(&tokens)
            }
            _ => false,
        };
        tokens.push(token);
        if is_end {
            items.extend(Item::new(std::mem::take(&mut attributes), std::mem::take(&mut tokens)));
        }
    }
    items
}

/// Whether an item that begins like this may contain braces before its end.
fn ends_with_semicolon(tokens: &[TokenTree]) -> bool {
    let words = || tokens.iter().take_while(|token| !is_punct(token, '=')).map(ToString::to_string);
    words().any(|word| ["use", "static", "const", "type"].contains(&word.as_str()))
        && !words().any(|word| ["fn", "impl", "trait", "struct", "enum"].contains(&word.as_str()))
}

pub(crate) fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_items_are_found() {
        let text = "//! Title.\nuse a::{b, c};\npub const fn f() -> u8 { 1 }\n#[derive(Debug)]\n\
                    pub(crate) struct S { x: u8 }\nconst C: S = S { x: 1 };\n\
                    #[cfg(test)]\nmod tests { struct T; }\nimpl S { pub fn g(&self) {} }\n";
        let module = Module::made_up(&["m"], text);
        let found: Vec<_> = module
            .items
            .iter()
            .map(|item| (item.line, item.keyword.as_str(), item.name.as_deref(), item.is_public))
            .collect();
        let expected = [
            (2, "use", Some("a"), false),
            (3, "fn", Some("f"), true),
            (5, "struct", Some("S"), false),
            (6, "const", Some("C"), false),
            (9, "impl", Some("S"), false),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_modules_of_this_package_are_found() {
        let modules = modules(&program::root().join("xtask/src/main.rs")).expect("source");
        let paths: Vec<_> = modules.iter().map(|module| module.path.join("::")).collect();
        assert!(paths.contains(&"structure::source".to_owned()), "{paths:?}");
        assert!(!paths.contains(&"fetch_tests".to_owned()), "{paths:?}");
    }
}
