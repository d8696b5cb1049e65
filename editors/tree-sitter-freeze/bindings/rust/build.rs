//! Compiles the generated parser and its scanner.

use std::path::Path;

fn main() {
    let src = Path::new("src");
    let files = ["parser.c", "scanner.c"].map(|name| src.join(name));
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    cc::Build::new().std("c11").include(src).files(&files).compile("tree-sitter-freeze");
}
