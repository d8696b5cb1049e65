//! The consoles of the book show what the command prints.
//!
//! The blocks of a page are read in order, in a folder of the page's own: a block with
//! `file:resnet.freeze` in its fence is written to that file, and the lines after `$ ` in a block
//! `console` are run by a shell. A line `…` stands for any lines of the output. With `model:bert` in a
//! fence, `bert.model.json` lies in the folder, and with `weights:bert`, a `bert.safetensors` of zeros.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::page::{Page, model, pages, root};

#[test]
fn consoles_show_what_the_command_prints() {
    let mut wrong = Vec::new();
    let mut consoles = 0;
    for page in pages() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = page.text.clone();
        // From the end, so that a new output moves no other block.
        let run = run(&page, folder.path());
        consoles += run.len();
        for console in run.iter().rev().filter(|console| !console.is_as_shown()) {
            wrong.push(format!("{}:{}\n{}", page.name(), console.line, console.printed));
            text.replace_range(console.range.clone(), &console.printed);
        }
        if env::var("FREEZE_BOOK").is_ok_and(|value| value == "overwrite") {
            fs::write(root().join(&page.path), text).unwrap();
        }
    }
    assert!(consoles > 10, "{consoles}");
    wrong.reverse();
    assert!(wrong.is_empty(), "the command prints something else:\n\n{}", wrong.join("\n"));
}

/// A block `console`, and what it would be.
struct Console<'p> {
    shown: &'p str,
    printed: String,
    range: std::ops::Range<usize>,
    line: usize,
}

impl Console<'_> {
    fn is_as_shown(&self) -> bool {
        let (shown, printed): (Vec<_>, Vec<_>) =
            (self.shown.lines().collect(), self.printed.lines().collect());
        matches(&shown, &printed)
    }
}

/// Whether the lines are the same, where `…` in what is shown stands for any lines.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], []) | (["…"], _) => true,
        (["…", shown @ ..], printed) => {
            (0..=printed.len()).any(|start| matches(shown, &printed[start..]))
        }
        ([first, shown @ ..], [line, printed @ ..]) => first == line && matches(shown, printed),
        _ => false,
    }
}

fn run<'p>(page: &'p Page, folder: &Path) -> Vec<Console<'p>> {
    let mut consoles = Vec::new();
    for block in page.blocks() {
        if let Some(name) = block.tag("model") {
            fs::copy(model(name), folder.join(format!("{name}.model.json"))).unwrap();
        }
        if let Some(name) = block.tag("weights") {
            fs::write(folder.join(format!("{name}.safetensors")), weights(name)).unwrap();
        }
        if let Some(file) = block.tag("file") {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, block.content).unwrap();
        }
        if block.is("console") {
            let printed = session(block.content, folder);
            let (range, line) = (block.range.clone(), block.line);
            consoles.push(Console { shown: block.content, printed, range, line });
        }
    }
    consoles
}

/// A file with the tensors of a model, in the order in which PyTorch's `save_file` has them.
fn weights(name: &str) -> Vec<u8> {
    let model: serde_json::Value = serde_json::from_slice(&fs::read(model(name)).unwrap()).unwrap();
    let tensors = model["tensors"].as_array().unwrap();
    let size = |tensor: &serde_json::Value| if tensor["dtype"] == "i64" { 8 } else { 4 };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|tensor| (Reverse(size(tensor)), text(&tensor["name"])));
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for tensor in sorted {
        let shape = tensor["shape"].as_array().unwrap();
        let elements: u64 = shape.iter().map(|size| size.as_u64().unwrap()).product();
        let (start, dtype) = (end, text(&tensor["dtype"]).to_uppercase());
        end += elements * size(tensor);
        let entry =
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        header.insert(text(&tensor["name"]), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    file.extend(header);
    file.resize(file.len() + usize::try_from(end).unwrap(), 0);
    file
}

/// The lines after `$ `, each with what it prints.
fn session(shown: &str, folder: &Path) -> String {
    let commands = shown.lines().filter_map(|line| line.strip_prefix("$ "));
    let printed = commands.map(|command| format!("$ {command}\n{}", shell(command, folder)));
    format!("{}\n", printed.collect::<String>().trim_end())
}

/// What a line for the shell prints on standard output and standard error.
fn shell(line: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_freeze")).parent().unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = [binary.to_owned()].into_iter().chain(env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(folder);
    shell.env("PATH", env::join_paths(paths).unwrap()).env("NO_COLOR", "1");
    let output = shell.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_ellipsis_stands_for_any_lines() {
    assert!(matches(&["a", "…", "d"], &["a", "b", "c", "d"]));
    assert!(matches(&["…"], &[]));
    assert!(!matches(&["a", "…", "d"], &["a", "b", "c"]));
    assert!(!matches(&["a"], &["a", "b"]));
}
