//! The book in `docs/`, rendered by mdBook.

use crate::error::Error;
use crate::program::{Program, root, target};

/// The version for which `docs/book.toml` and `docs/freeze.js` are written.
const VERSION: &str = "^0.5";

/// Renders the book and prints the path of its first page.
pub(crate) fn render() -> Result<(), Error> {
    if !Program::new("mdbook").args(["--version"]).works() {
        let install = format!("cargo install mdbook --version {VERSION} --locked");
        return Err(Error::line(format!("mdbook is not installed: use `{install}`")));
    }
    let folder = target().join("book");
    let docs = root().join("docs");
    Program::new("mdbook").args(["build", "--dest-dir"]).args([&folder, &docs]).run()?;
    println!("{}", folder.join("index.html").display());
    Ok(())
}
