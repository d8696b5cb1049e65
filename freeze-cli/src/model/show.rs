//! `freeze model show`: a model as a tree.

use std::path::PathBuf;

use freeze_dsl::diagnostic::visible_name;
use freeze_dsl::model::Model;

use super::OutputFormat;
use super::tree::{ModelTree, Node};
use crate::Outcome;
use crate::reporter::{Options, Reporter, Stream};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  freeze model show bert --depth 3\n\n\
                        A row is a module or a tensor: how many numbers its parameters have, the \
                        share of the model's that is, and the shapes of its tensors. Buffers and \
                        the other names of tied parameters do not count. Modules that are numbered \
                        and alike, as `layer.0 … 11`, are one row, and its numbers are those of all.")]
pub(crate) struct ShowArgs {
    /// A `.safetensors`, `.safetensors.index.json` or `.model.json` file, or a folder with such
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// How many levels of the tree to show; all by default
    #[arg(long, value_name = "N", value_parser = levels)]
    depth: Option<usize>,
    /// How to print the tree
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    format: OutputFormat,
}

/// A number of levels.
fn levels(written: &str) -> Result<usize, String> {
    written.parse().ok().filter(|levels| *levels > 0).ok_or_else(|| "expected 1 or more".to_owned())
}

/// Prints the tree on standard output.
pub(crate) fn run(arguments: &ShowArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    match Model::load(&arguments.model) {
        Err(error) => reporter.fail(&format!("cannot read the model: {error}")),
        Ok(model) => {
            let tree = ModelTree::new(&model, arguments.depth);
            match arguments.format {
                OutputFormat::Human => {
                    let title = arguments.model.display().to_string();
                    reporter.print(&human(&tree, &title));
                }
                OutputFormat::Json => reporter.print_with(|out| {
                    serde_json::to_writer_pretty(&mut *out, &tree)?;
                    out.write_all(b"\n")
                }),
            }
        }
    }
    reporter.conclude()
}

/// A line of the table.
struct Line {
    name: String,
    numbers: String,
    share: String,
    content: String,
}

fn human(tree: &ModelTree, title: &str) -> String {
    let mut lines = vec![Line {
        name: title.to_owned(),
        numbers: grouped(tree.numbers),
        share: String::new(),
        content: counts(tree),
    }];
    add_lines(&tree.modules, tree.numbers, "", &mut lines);
    let width = |of: fn(&Line) -> &String| {
        lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0)
    };
    let (name, numbers) = (width(|line| &line.name), width(|line| &line.numbers));
    lines.iter().fold(String::new(), |text, line| {
        let Line { name: own, numbers: count, share, content } = line;
        let row = format!("{own:name$}  {count:>numbers$}  {share:>7}  {content}");
        text + &visible_name(row.trim_end()) + "\n"
    })
}

fn counts(tree: &ModelTree) -> String {
    let plural =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut counts = vec![plural(tree.parameters, "parameter")];
    if tree.buffers > 0 {
        counts.push(plural(tree.buffers, "buffer"));
    }
    counts.join(", ")
}

fn add_lines(nodes: &[Node], total: usize, indent: &str, lines: &mut Vec<Line>) {
    for (index, node) in nodes.iter().enumerate() {
        let is_last = index + 1 == nodes.len();
        lines.push(Line {
            name: format!("{indent}{} {}", if is_last { "└─" } else { "├─" }, node.title()),
            numbers: if node.is_counted() { grouped(node.numbers) } else { String::new() },
            share: if node.is_counted() { share(node.numbers, total) } else { String::new() },
            content: content(node),
        });
        let below = format!("{indent}{}", if is_last { "   " } else { "│  " });
        add_lines(&node.modules, total, &below, lines);
    }
}

/// The tensors of a row, and how often it is there.
fn content(node: &Node) -> String {
    let mut parts = Vec::new();
    if node.repeats > 1 {
        parts.push(format!("{} × {}", node.repeats, grouped(node.numbers / node.repeats)));
    }
    parts.extend(node.tensors.iter().map(|tensor| {
        let mut text = if tensor.name == node.name {
            format!("{:?}", tensor.shape)
        } else {
            format!("{} {:?}", tensor.name, tensor.shape)
        };
        if tensor.dtype != "f32" {
            text.push(' ');
            text.push_str(&tensor.dtype);
        }
        if tensor.is_buffer() {
            text.push_str(" buffer");
        }
        if let Some(first) = &tensor.same_as {
            text.push_str(" = ");
            text.push_str(first);
        }
        text
    }));
    if node.hidden > 0 {
        parts.push(format!("… {} tensors below", node.hidden));
    }
    parts.join(", ")
}

/// A share in percent, with a digit more where it is small.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with three digits")]
fn share(part: usize, total: usize) -> String {
    let percent = if total == 0 { 0.0 } else { part as f64 * 100.0 / total as f64 };
    match percent {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.01 => "<0.01 %".to_owned(),
        percent if percent < 1.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// A count with a comma after every three digits.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
