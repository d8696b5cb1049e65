//! What is built and tried with the tools of editors: the extension for Visual Studio Code with npm,
//! and the language server with Neovim.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::program::{Program, cargo, root, target};

/// The extension's folder.
const EXTENSION: &str = "editors/vscode";

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

/// Runs the language server with Neovim's own client.
pub(crate) fn neovim() -> Result<(), Error> {
    if !Program::new("nvim").args(["--version"]).works() {
        return Err(Error::line(
            "Neovim was not found (`nvim`; Debian and Ubuntu: apt install neovim)",
        ));
    }
    cargo(&["build", "--package", "freeze-cli"]).run()?;
    let folder = std::env::temp_dir().join(format!("freeze-neovim-{}", std::process::id()));
    let result = prepare(&folder).and_then(|()| {
        Program::new("nvim")
            .args(["--headless", "--clean", "-S"])
            .args([root().join("editors/neovim/test.lua")])
            .env("FREEZE", target().join("debug/freeze"))
            .in_folder(&folder)
            .run()
    });
    // If this fails as well, the first error is the one to report.
    let _left = fs::remove_dir_all(&folder);
    result
}

/// A folder with a policy that has mistakes, and its model.
fn prepare(folder: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::line(format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    let model = root().join("freeze-dsl/tests/models/resnet18.model.json");
    fs::copy(model, folder.join("resnet18.model.json")).map_err(failed)?;
    let policy = root().join("editors/neovim/mistakes.freeze");
    fs::copy(policy, folder.join("mistakes.freeze")).map_err(failed)?;
    Ok(())
}
