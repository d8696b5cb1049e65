//! Checks of the source's structure: the order of modules, type names, documentation examples.

mod examples;
mod layers;
mod names;
mod source;

use crate::error::Error;
use crate::program;
use source::Module;

/// The crates that are checked, and the root modules of each.
const CRATES: [(&str, &[&str]); 5] = [
    ("freeze-dsl", &["src/lib.rs"]),
    ("freeze-macros", &["src/lib.rs"]),
    ("freeze-runtime", &["src/lib.rs"]),
    ("freeze-cli", &["src/main.rs"]),
    ("xtask", &["src/main.rs"]),
];

/// A file of more lines is listed, with the first line of its documentation.
const LONG: usize = 400;

/// Lists the long files, and fails with all findings of the checks.
pub(crate) fn check() -> Result<(), Error> {
    let mut findings = Vec::new();
    for (package, roots) in CRATES {
        let mut modules = Vec::new();
        for root in roots {
            modules.extend(source::modules(&program::root().join(package).join(root))?);
        }
        list_long_files(&modules);
        findings.extend(layers::findings(package, &modules));
        findings.extend(names::findings(&modules));
        findings.extend(examples::findings(package, &modules));
    }
    if findings.is_empty() {
        println!("modules, type names and documentation examples are in order");
        return Ok(());
    }
    Err(Error::line(format!("{} findings\n{}", findings.len(), findings.join("\n"))))
}

fn list_long_files(modules: &[Module]) {
    for module in modules.iter().filter(|module| module.lines > LONG) {
        let title = module.title.as_deref().unwrap_or("");
        println!("{}: {} lines: {title}", module.shown_file(), module.lines);
    }
}
