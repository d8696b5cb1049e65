//! The pages of the book and their code blocks.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page of the book, or another Markdown file of the checkout.
pub(crate) struct Page {
    /// Its path, relative to the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A fenced code block.
pub(crate) struct Block<'p> {
    /// What follows the fence, split at its commas.
    tags: Vec<&'p str>,
    pub(crate) content: &'p str,
    /// Where the content lies in the page.
    pub(crate) range: Range<usize>,
    /// The line of its fence, counted from 1.
    pub(crate) line: usize,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        Self { path: path.to_owned(), text }
    }

    /// The name by which it is shown in a failure.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The file of which this page of the book consists, as the reader sees it.
    pub(crate) fn included(&self) -> Option<Self> {
        let path = self.text.trim().strip_prefix("{{#include ")?.strip_suffix("}}")?;
        let folder = self.path.parent().unwrap();
        let target = normal(&folder.join(path));
        Some(Self { text: Self::read(&target).text, path: self.path.clone() })
    }

    /// Its fenced code blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<(String, usize, Option<Range<usize>>)> = None;
        for (event, range) in self.events() {
            match (event, &mut open) {
                (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))), _) => {
                    open = Some((info.to_string(), range.start, None));
                }
                (Event::Text(_), Some((_, _, content))) => {
                    let start = content.as_ref().map_or(range.start, |content| content.start);
                    *content = Some(start..range.end);
                }
                (Event::End(TagEnd::CodeBlock), _) => {
                    if let Some((_, start, content)) = open.take() {
                        blocks.push(self.block(start, content));
                    }
                }
                _ => {}
            }
        }
        blocks
    }

    fn block(&self, start: usize, content: Option<Range<usize>>) -> Block<'_> {
        let fence = self.text[start..].lines().next().unwrap();
        let info = fence.trim_matches(['`', ' ']);
        let range = content.unwrap_or_else(|| {
            let end = start + fence.len() + 1;
            end..end
        });
        Block {
            tags: info.split(',').map(str::trim).collect(),
            content: &self.text[range.clone()],
            range,
            line: self.text[..start].lines().count() + 1,
        }
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }
}

impl Block<'_> {
    /// Whether the block is of a language.
    pub(crate) fn is(&self, language: &str) -> bool {
        self.tags.first() == Some(&language)
    }

    /// What is after `name:` in the fence.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix(name)?.strip_prefix(':'))
    }

    /// The codes of findings in the fence.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.tags.iter().copied().filter(|tag| tag.starts_with("FRZ")).collect()
    }
}

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    normal(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

/// The pages of the book, its summary aside.
pub(crate) fn pages() -> Vec<Page> {
    let paths = files(Path::new("docs/src"));
    let pages = paths.iter().filter(|path| !path.ends_with("SUMMARY.md"));
    pages.map(|path| Page::read(path)).collect()
}

/// The Markdown files in a folder of the checkout, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if root().join(&path).is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The model that a page names: `resnet18` has the shapes of the real one.
pub(crate) fn model(name: &str) -> PathBuf {
    let folder = if name == "resnet18" { "freeze-dsl/tests/models" } else { "examples/policies" };
    root().join(folder).join(format!("{name}.model.json"))
}

/// The path without `.` and `..`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            std::path::Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}
