//! The order of modules: each uses only itself and modules above it in the table of its crate.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source::{Module, is_punct, is_test};

/// The top-level modules of a crate, a layer a line: a module may use the layers above and the
/// modules to its left.
type Layers = &'static [&'static [&'static str]];

const FREEZE_DSL: Layers = &[
    &["source", "text_file", "vocabulary", "index", "json", "diff"],
    &["diagnostic"],
    &["ast", "parse", "format", "allow"],
    &["model", "select"],
    &["ir"],
    &["policy"],
    &["lower"],
    &["time"],
    &["plan"],
    &["clock"],
    &["check"],
    &["compile"],
    &["simulate", "ide"],
    &["picture"],
];

const FREEZE_RUNTIME: Layers = &[
    &["error"],
    &["ffi"],
    &["store", "optim", "group", "nn", "device", "precision"],
    &["param_group", "transition", "grad_norm"],
    &["log"],
    &["checkpoint", "weights"],
    &["tuner"],
    &["feature_cache"],
    &["macros"],
];

/// The uses that go down, and the modules that are not in the table.
pub(crate) fn findings(package: &str, modules: &[Module]) -> Vec<String> {
    match package {
        "freeze-dsl" => in_order(FREEZE_DSL, modules),
        "freeze-runtime" => in_order(FREEZE_RUNTIME, modules),
        _ => Vec::new(),
    }
}

fn in_order(layers: Layers, modules: &[Module]) -> Vec<String> {
    let order: Vec<&str> = layers.concat();
    let place = |name: &str| order.iter().position(|module| *module == name);
    let exports = exports(modules);
    let mut findings = Vec::new();
    for module in modules {
        let Some(user) = module.path.first() else { continue };
        let Some(user_place) = place(user) else {
            if let [name] = module.path.as_slice() {
                let file = module.shown_file();
                findings.push(format!("{file}: `{name}` is not in the table of xtask's layers"));
            }
            continue;
        };
        for item in &module.items {
            for (line, name) in uses(item.tokens.iter().cloned(), module.path.len()) {
                let target = exports.get(&name).unwrap_or(&name);
                if place(target).is_some_and(|place| place > user_place) {
                    let file = module.shown_file();
                    findings
                        .push(format!("{file}:{line}: `{user}` uses `{target}`, a later layer"));
                }
            }
        }
    }
    findings
}

/// The names that the crate's root exports again, and the module that each is from.
fn exports(modules: &[Module]) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    let root = modules.iter().filter(|module| module.path.is_empty());
    for item in root.flat_map(|module| &module.items).filter(|item| item.keyword == "use") {
        let Some(from) = &item.name else { continue };
        for name in names(item.tokens.iter().cloned().collect()) {
            if name != *from {
                exports.insert(name, from.clone());
            }
        }
    }
    exports
}

/// All identifiers of a stream.
fn names(stream: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in stream {
        match token {
            TokenTree::Ident(name) => found.push(name.to_string()),
            TokenTree::Group(group) => found.extend(names(group.stream())),
            _ => {}
        }
    }
    found
}

/// The names directly below the crate's root in paths of `crate` or of enough `super`s, each with
/// its line.
fn uses(tokens: impl Iterator<Item = TokenTree>, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut tokens = tokens.peekable();
    // How many steps below the root the next name is; `None` outside of such a path.
    let mut below: Option<usize> = None;
    while let Some(token) = tokens.next() {
        let is_path = tokens.peek().is_some_and(|token| is_punct(token, ':'));
        match token {
            TokenTree::Ident(word) if word == "crate" && is_path => below = Some(0),
            TokenTree::Ident(word) if word == "super" && is_path => {
                below = below.unwrap_or(depth).checked_sub(1);
            }
            TokenTree::Ident(word) => {
                if below.take() == Some(0) {
                    found.push((word.span().start().line, word.to_string()));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                below = None;
                if let Some(TokenTree::Group(attribute)) = tokens.peek()
                    && is_test(&attribute.stream())
                {
                    skip_item(&mut tokens);
                }
            }
            TokenTree::Group(group) => {
                if below.take() == Some(0) && group.delimiter() == Delimiter::Brace {
                    found.extend(firsts(group.stream()));
                }
                found.extend(uses(group.stream().into_iter(), depth));
            }
            _ => below = None,
        }
    }
    found
}

/// The first name of each path in the braces of a `use`.
fn firsts(stream: TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_first = true;
    for token in stream {
        match token {
            TokenTree::Ident(name) if is_first => {
                found.push((name.span().start().line, name.to_string()));
                is_first = false;
            }
            token => is_first = is_punct(&token, ','),
        }
    }
    found
}

/// Passes over an attribute and the item that it is on.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        let is_end = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            token => is_punct(token, ';'),
        };
        if is_end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: Layers = &[&["source"], &["ast", "parse"], &["plan"]];

    fn findings_in(path: &[&str], text: &str) -> Vec<String> {
        let root = Module::made_up(&[], "mod plan; pub use plan::{Plan, Row};");
        in_order(LAYERS, &[root, Module::made_up(path, text)])
    }

    #[test]
    fn uses_of_earlier_modules_are_in_order() {
        let text = "use crate::source::Span; use crate::{ast::Tree, parse}; use super::ast;\n\
                    fn f(x: crate::ast::Tree) { crate::source::g(x) }";
        assert_eq!(findings_in(&["parse"], text), Vec::<String>::new());
    }

    #[test]
    fn a_use_of_a_later_module_is_found() {
        for (text, line) in [
            ("\nuse crate::plan::Plan;", 2),
            ("use crate::{\n    ast::Tree,\n    plan::{Plan, Row},\n};", 3),
            ("use crate::Plan;", 1),
            ("fn f() {\n    crate::plan::g()\n}", 2),
            ("use super::plan;", 1),
            ("impl S { fn f(&self) -> u8 { if true { super::plan::g() } else { 0 } } }", 1),
            ("macro_rules! m { () => { $crate::plan::g() } }", 1),
        ] {
            let finding = format!("parse.rs:{line}: `parse` uses `plan`, a later layer");
            assert_eq!(findings_in(&["parse"], text), [finding], "{text}");
        }
        let finding = "parse/deep.rs:1: `parse` uses `plan`, a later layer";
        assert_eq!(findings_in(&["parse", "deep"], "use super::super::plan::Plan;"), [finding]);
    }

    #[test]
    fn tests_may_use_any_module() {
        let text = "#[cfg(test)]\nmod tests { use crate::plan::Plan; }\n\
                    impl S { #[cfg(test)] fn f() { crate::plan::g() } }";
        assert_eq!(findings_in(&["parse"], text), Vec::<String>::new());
    }

    #[test]
    fn the_right_module_of_a_layer_may_use_the_left_and_not_the_reverse() {
        assert_eq!(findings_in(&["parse"], "use crate::ast::Tree;"), Vec::<String>::new());
        assert_eq!(findings_in(&["ast"], "use crate::parse::parse;").len(), 1);
        assert_eq!(findings_in(&["ast"], "use super::super::x;"), Vec::<String>::new());
    }

    #[test]
    fn a_module_that_has_no_layer_is_found() {
        let finding = "new.rs: `new` is not in the table of xtask's layers";
        assert_eq!(findings_in(&["new"], ""), [finding]);
    }
}
