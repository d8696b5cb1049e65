//! What is built and tried with the tools of editors: the extension for Visual Studio Code with npm,
//! and the language server and the colours with Neovim.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::program::{Program, cargo, root, target};

/// The extension's folder.
const EXTENSION: &str = "editors/vscode";

/// The folder of the grammar of tree-sitter.
const GRAMMAR: &str = "editors/tree-sitter-freeze";

/// Packages the extension for Visual Studio Code.
pub(crate) fn vscode() -> Result<(), Error> {
    let folder = root().join(EXTENSION);
    if !Program::new("npm").args(["--version"]).works() {
        return Err(Error::line(
            "npm was not found, which packages the extension (Debian and Ubuntu: apt install npm)",
        ));
    }
    Program::new("npm").args(["ci", "--no-audit", "--no-fund"]).in_folder(&folder).run()?;
    Program::new("npm").args(["run", "package"]).in_folder(&folder).run()?;
    println!("the package is in {EXTENSION}");
    Ok(())
}

/// Runs the language server with Neovim's own client, and looks at the colours of the grammar of
/// tree-sitter.
pub(crate) fn neovim() -> Result<(), Error> {
    if !Program::new("nvim").args(["--version"]).works() {
        return Err(Error::line(
            "Neovim was not found (`nvim`; Debian and Ubuntu: apt install neovim)",
        ));
    }
    cargo(&["build", "--package", "freeze-cli"]).run()?;
    let folder = std::env::temp_dir().join(format!("freeze-neovim-{}", std::process::id()));
    let result = prepare(&folder).and_then(|()| {
        session("test.lua", &folder)?;
        install_grammar(&folder)?;
        session("colours.lua", &folder)
    });
    // If this fails as well, the first error is the one to report.
    let _left = fs::remove_dir_all(&folder);
    result
}

/// A session of Neovim with a script.
fn session(script: &str, folder: &Path) -> Result<(), Error> {
    Program::new("nvim")
        .args(["--headless", "--clean", "-S"])
        .args([root().join("editors/neovim").join(script)])
        .env("FREEZE", target().join("debug/freeze"))
        .in_folder(folder)
        .run()
}

/// A folder with the policies of the sessions, and the model of one.
fn prepare(folder: &Path) -> Result<(), Error> {
    make(folder)?;
    copy("freeze-dsl/tests/models/resnet18.model.json", &folder.join("resnet18.model.json"))?;
    for policy in ["mistakes.freeze", "colours.freeze"] {
        copy(&format!("editors/neovim/{policy}"), &folder.join(policy))?;
    }
    Ok(())
}

/// Compiles the parser of tree-sitter and copies its queries, as the book says.
fn install_grammar(folder: &Path) -> Result<(), Error> {
    make(&folder.join("parser"))?;
    Program::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-Isrc", "src/parser.c", "src/scanner.c", "-o"])
        .args([folder.join("parser/freeze.so")])
        .in_folder(&root().join(GRAMMAR))
        .run()?;
    let queries = folder.join("queries/freeze");
    make(&queries)?;
    for query in ["highlights.scm", "injections.scm", "folds.scm"] {
        copy(&format!("{GRAMMAR}/queries/{query}"), &queries.join(query))?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

/// Copies a file of the checkout.
fn copy(from: &str, to: &Path) -> Result<(), Error> {
    fs::copy(root().join(from), to).map(|_| ()).map_err(|error| failed(to, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::line(format!("{}: {error}", path.display()))
}
