//! The page of `freeze plan` in a real browser: its sliders are moved, and what it draws then is compared
//! with what `freeze simulate` says of metrics that let the rules fire at these moments.

mod cases;

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::program::{Program, cargo, root, target};
use cases::{CASES, PageCase, SliderSetting};

const CHECK: &str = include_str!("check.js");
const MODEL: &str = "freeze-dsl/tests/models/resnet18.model.json";
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Opens the pages of all cases.
pub(crate) fn check() -> Result<(), Error> {
    let is_there = |name: &&&str| Program::new(name).args(["--version"]).works();
    let Some(browser) = BROWSERS.iter().find(is_there) else {
        return Err(Error::line(
            "Chromium was not found: install it, as with `apt-get install chromium`",
        ));
    };
    cargo(&["build", "--package", "freeze-cli"]).run()?;
    let folder = std::env::temp_dir().join(format!("freeze-browser-{}", std::process::id()));
    make_folder(&folder)?;
    let page = PageFiles { browser, folder: &folder };
    let mut compared = 0;
    for case in CASES {
        for setting in case.settings {
            compared += page.check(case, setting)?;
        }
    }
    fs::remove_dir_all(&folder).map_err(|error| cannot("removed", &folder, &error))?;
    println!("{compared} cells are drawn as they are simulated");
    Ok(())
}

/// The files of one page.
struct PageFiles<'f> {
    browser: &'f str,
    folder: &'f Path,
}

impl PageFiles<'_> {
    /// Opens the page of a case with its sliders set; returns how many cells were compared.
    fn check(&self, case: &PageCase, setting: &SliderSetting) -> Result<usize, Error> {
        let (policy, metrics) = (self.write("case.freeze", case.policy)?, setting.metrics());
        let metrics = self.write("metrics.csv", &metrics)?;
        let model = root().join(MODEL);
        let freeze = |command: &str| {
            let freeze = Program::new(target().join("debug").join("freeze"));
            freeze.args([command]).args([&policy]).args(["--model"]).args([&model])
        };
        let page = freeze("plan").args(["--format", "html"]).output()?;
        let records = freeze("simulate").args(["--metrics"]).args([&metrics]).output()?;
        let sliders: Vec<String> = setting
            .moments
            .iter()
            .map(|(rule, firing, epoch)| format!("[{rule:?},{firing},{epoch}]"))
            .collect();
        let script = format!(
            "const hasMoved = {}, sliders = [{}], names = {}.tensors.filter((it) => it.role === \
             'parameter').map((it) => it.name), records = [{}];\n{CHECK}",
            setting.changes,
            sliders.join(","),
            read(&model)?,
            records.trim().replace('\n', ",\n"),
        );
        let page = page.replace("</body>", &format!("<script>{script}</script>\n</body>"));
        let page = self.write("page.html", &page)?;
        let flags = [
            "--headless",
            "--log-level=3",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=20000",
        ];
        let url = format!("file://{}", page.display());
        let dom = Program::new(self.browser).args(flags).args(["--dump-dom", &url]).output()?;
        let checked = dom
            .split_once("<pre id=\"check\">")
            .and_then(|(_, rest)| rest.split_once("</pre>").map(|(checked, _)| checked));
        let checked = checked.unwrap_or("the page has not run its check");
        match checked.strip_prefix("ok ").and_then(|count| count.parse().ok()) {
            Some(count) => Ok(count),
            None => Err(Error::line(format!(
                "{} with {:?}:\n{checked}\n(the page is {})",
                case.name,
                setting.moments,
                page.display()
            ))),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| cannot("written", &path, &error))?;
        Ok(path)
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| cannot("made", folder, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::line(format!("{} cannot be {what}: {error}", path.display()))
}
