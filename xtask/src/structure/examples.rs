//! Public items whose documentation must have an example.

use proc_macro2::TokenTree;

use super::source::{Item, Module, items};

/// The types of each crate whose public methods have an example.
const TYPES: [(&str, &[&str]); 2] = [
    ("freeze-dsl", &["Policy", "Model"]),
    ("freeze-runtime", &["Tuner", "TunerBuilder", "Model", "FeatureCache", "MissingSamples"]),
];

/// The module of each crate whose public items have an example.
const MODULES: [(&str, &str); 1] = [("freeze-runtime", "nn")];

/// A line for each item without an example.
pub(crate) fn findings(package: &str, modules: &[Module]) -> Vec<String> {
    let of_package = |types: &(&str, &'static [&'static str])| types.0 == package;
    let types = TYPES.into_iter().find(of_package).map_or(&[][..], |(_, types)| types);
    let module = MODULES.into_iter().find(|(of, _)| *of == package).map(|(_, module)| module);
    without_example(types, module, modules)
}

fn without_example(types: &[&str], module: Option<&str>, modules: &[Module]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in modules {
        let is_listed = module.is_some() && source.path.first().map(String::as_str) == module;
        let is_type =
            |item: &&Item| ["struct", "enum", "trait", "fn"].contains(&item.keyword.as_str());
        for item in source.items.iter().filter(is_type).filter(|_| is_listed) {
            findings.extend(finding(source, item, ""));
        }
        for item in &source.items {
            let Some(name) = type_of_impl(item).filter(|name| types.contains(&name.as_str()))
            else {
                continue;
            };
            let methods = item.body().map_or(Vec::new(), |body| items(body.stream()));
            for method in methods.iter().filter(|method| method.keyword == "fn") {
                findings.extend(finding(source, method, &format!("{name}::")));
            }
        }
    }
    findings
}

fn finding(module: &Module, item: &Item, of: &str) -> Option<String> {
    let name = item.name.as_deref()?;
    let lacks = item.is_public && !item.is_hidden() && !item.documentation().contains("```");
    let place = format!("{}:{}", module.shown_file(), item.line);
    lacks.then(|| format!("{place}: the documentation of `{of}{name}` has no example"))
}

/// The type whose own methods an `impl` block holds.
fn type_of_impl(item: &Item) -> Option<String> {
    let is = |token: &TokenTree, text: &str| token.to_string() == text;
    if item.keyword != "impl" || item.tokens.iter().any(|token| is(token, "for")) {
        return None;
    }
    // The type is the first name after `impl` and, where there are any, its parameters.
    let mut depth = 0;
    item.tokens.iter().skip_while(|token| !is(token, "impl")).skip(1).find_map(|token| {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Ident(name) if depth == 0 => return Some(name.to_string()),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_method_without_an_example_is_found() {
        let text = "impl<'t> Tuner<'t> {\n/// Steps.\n///\n/// ```\n/// tuner.step();\n/// ```\n\
                    pub fn step(&self) {}\n/// Observes.\npub fn observe(&self) {}\n\
                    #[doc(hidden)] pub fn inner(&self) {}\npub(crate) fn look(&self) {}\n\
                    fn own() {} }\n\
                    impl Drop for Tuner { fn drop(&mut self) {} }\nimpl Other { pub fn f() {} }";
        let module = Module::made_up(&["tuner"], text);
        assert_eq!(
            without_example(&["Tuner"], None, &[module]),
            ["tuner.rs:9: the documentation of `Tuner::observe` has no example"]
        );
    }

    #[test]
    fn a_public_item_of_a_listed_module_without_an_example_is_found() {
        let text = "/// Drops.\npub struct Dropout;\npub(crate) fn held() {}";
        let module = Module::made_up(&["nn", "dropout"], text);
        assert_eq!(
            without_example(&[], Some("nn"), &[module]),
            ["nn/dropout.rs:2: the documentation of `Dropout` has no example"]
        );
    }
}
