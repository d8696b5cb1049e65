//! What may be written at a place.

use super::OpenPolicy;
use super::names::DefinedName;
use super::paths::WrittenPath;
use super::statement::{Beginning, beginning};
use super::walk::{Part, walk};
use super::words;
use crate::ast::Metric;
use crate::parse::{ContinuationKind, Continuations, Lexeme};
use crate::source::Span;
use crate::vocabulary::{OPTIMIZERS, READY_MADE, VERBS};

/// Something that may be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words about it.
    pub detail: String,
    /// More about it, as Markdown.
    pub documentation: String,
    /// The part of the text in whose place it is written.
    pub replace: Span,
    /// What is written.
    pub text: String,
}

/// The kinds of [`Completion`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// A module of the model.
    Module,
    /// A parameter of the model.
    Parameter,
    /// A name of targets or of a list.
    Targets,
    /// A name of a number.
    Number,
    /// An optimizer.
    Optimizer,
    /// An argument of an optimizer.
    Argument,
    /// A metric.
    Metric,
}

/// Words of statements that no block contains.
const OUTSIDE_OF_BLOCKS: [&str; 4] = ["model", "run", "default", "let"];

/// What is known of the place at which something is written.
struct Site<'t> {
    /// The statement up to the word.
    statement: &'t str,
    /// Where the word begins.
    word: usize,
    /// Where it ends, after the byte.
    end: usize,
    all: Continuations,
}

impl OpenPolicy {
    /// What may be written at a byte: words of the language, paths of the model, names, optimizers
    /// and their arguments. An editor leaves out what does not begin as the word there does.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("start: train fc l"));
    /// let all = policy.completions(17);
    /// assert!(all.iter().any(|it| it.label == "lr" && it.replace.start == 16));
    /// ```
    #[must_use]
    pub fn completions(&self, byte: usize) -> Vec<Completion> {
        let readable = self.readable();
        let byte = byte.min(readable.len());
        if !self.text().is_char_boundary(byte) || self.is_in_comment(byte) {
            return Vec::new();
        }
        let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let after = readable.get(byte..).unwrap_or_default();
        let end = byte + after.find(|sign| !is_word(sign)).unwrap_or(after.len());
        let beginning = beginning(readable, self.tree(), byte);
        let path = WrittenPath::ending_at(readable, byte);
        if path.start >= beginning.start
            && let Some(site) = self.site(readable, &beginning, path.start, end)
            && site.all.has(ContinuationKind::Path)
        {
            let mut all = self.paths(&path, readable, end);
            let is_alone =
                !readable.get(path.start..byte).unwrap_or_default().contains(['.', '[', '{']);
            if is_alone {
                all.extend(self.others(&site, byte));
            }
            return all;
        }
        let before = readable.get(..byte).unwrap_or_default();
        let word = before.len() - (before.len() - before.trim_end_matches(is_word).len());
        let word = word - usize::from(before.get(..word).is_some_and(|it| it.ends_with('@')));
        match self.site(readable, &beginning, word.max(beginning.start), end) {
            Some(site) => self.others(&site, byte),
            None => Vec::new(),
        }
    }

    /// What may be written from a byte on, if what is before it in its statement is right.
    fn site<'t>(
        &self,
        readable: &'t str,
        beginning: &Beginning,
        word: usize,
        end: usize,
    ) -> Option<Site<'t>> {
        let known = |start: usize| {
            let statement = readable.get(start..word)?;
            Some((statement, Continuations::after(statement)?))
        };
        // A statement without its `;` may be before it: then this line is looked at alone.
        let line = || self.text().get(beginning.start..word)?.rfind('\n');
        let (statement, mut all) =
            known(beginning.start).or_else(|| known(beginning.start + line()? + 1))?;
        let mut words = statement.rsplit(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        match words.find(|word| VERBS.contains(word)) {
            Some("freeze") => {
                let unfit = ["lr", "weight_decay", "anchor", "optimizer"];
                all.words.retain(|word| !unfit.contains(word));
            }
            Some(_) => all.words.retain(|word| *word != "keep"),
            None => {}
        }
        if beginning.is_in_block {
            all.words.retain(|word| !OUTSIDE_OF_BLOCKS.contains(word));
        }
        Some(Site { statement, word, end, all })
    }

    /// Whether a byte is in a comment, which reads as spaces.
    fn is_in_comment(&self, byte: usize) -> bool {
        let before = self.readable().get(..byte).unwrap_or_default();
        let blank = self.text().get(before.trim_end_matches(' ').len()..byte);
        let blank = blank.unwrap_or_default();
        let line = blank.rsplit('\n').next().unwrap_or_default();
        line.contains("//") || blank.matches("/*").count() > blank.matches("*/").count()
    }

    fn paths(&self, path: &WrittenPath<'_>, readable: &str, end: usize) -> Vec<Completion> {
        let Some(model) = self.model.as_deref() else { return Vec::new() };
        path.completions(model, readable, end)
    }

    /// Everything but paths.
    fn others(&self, site: &Site<'_>, byte: usize) -> Vec<Completion> {
        let mut completions = Vec::new();
        let words: Vec<Lexeme<'_>> =
            Lexeme::all(site.statement, Span::new(0, site.statement.len())).collect();
        let last = words.last().map_or("", |word| word.text);
        if is_new_name(&words) {
            return Vec::new();
        }
        if last == "optimizer" {
            let optimizers = OPTIMIZERS.iter().map(|(name, arguments)| {
                let documentation = words::optimizer(name).unwrap_or_default();
                site.of(CompletionKind::Optimizer, name, &arguments.join(", "), documentation)
            });
            completions.extend(optimizers);
            return completions;
        }
        if site.all.has(ContinuationKind::Argument) {
            completions.extend(arguments(site, &words));
        }
        if site.all.has(ContinuationKind::Named) {
            completions.extend(self.target_names(site, byte));
        }
        if site.all.has(ContinuationKind::Number) {
            completions.extend(self.number_names(site, byte, &words));
        }
        if site.all.has(ContinuationKind::Metric) {
            completions.extend(self.metrics().into_iter().map(|metric| {
                site.of(CompletionKind::Metric, &metric, "a metric of the program", String::new())
            }));
        }
        let keywords = site.all.words.iter().map(|word| {
            site.of(CompletionKind::Keyword, word, "", words::keyword(word).unwrap_or_default())
        });
        completions.extend(keywords);
        completions
    }

    fn target_names(&self, site: &Site<'_>, byte: usize) -> Vec<Completion> {
        let own =
            self.names_at(byte, false).into_iter().map(|(name, line)| (name, String::new(), line));
        let ready = READY_MADE.iter().map(|name| {
            let meaning = words::ready_made(name).unwrap_or_default();
            ((*name).to_owned(), meaning.to_owned(), String::new())
        });
        own.chain(ready)
            .map(|(name, detail, documentation)| {
                site.of(CompletionKind::Targets, &format!("@{name}"), &detail, documentation)
            })
            .collect()
    }

    fn number_names(&self, site: &Site<'_>, byte: usize, words: &[Lexeme<'_>]) -> Vec<Completion> {
        let mut names = self.names_at(byte, true);
        names.extend(loop_numbers(words).map(|name| (name.to_owned(), String::new())));
        names.dedup_by(|one, other| one.0 == other.0);
        let of = |(name, line): (String, String)| site.of(CompletionKind::Number, &name, "", line);
        names.into_iter().map(of).collect()
    }

    /// The names in scope at a byte, each with the line that defines it.
    fn names_at(&self, byte: usize, is_number: bool) -> Vec<(String, String)> {
        let (names, blocks) = (self.names(), self.blocks());
        // The body of a loop is the first block after its names.
        let is_in_body = |head: usize| {
            let body = blocks.get(blocks.partition_point(|block| block.start < head));
            body.is_some_and(|body| body.start < byte && byte <= body.end)
        };
        let is_in_scope = |name: &&DefinedName| {
            name.is_number == is_number && (!name.is_of_loop || is_in_body(name.place.end))
        };
        let text = self.text();
        let line = |place: Span| {
            let rest = text.get(place.end..).unwrap_or_default();
            let end = place.end + rest.find([';', '{', '\n']).unwrap_or(rest.len());
            let line = text.get(place.start..end).unwrap_or_default();
            format!("```freeze\n{}\n```", line.trim())
        };
        let known = names.defined.iter().filter(is_in_scope);
        known.map(|name| (name.name.to_string(), line(name.place))).collect()
    }

    /// The metrics that the policy names.
    fn metrics(&self) -> Vec<String> {
        let mut metrics = Vec::new();
        walk(self.tree(), |part| {
            if let Part::Metric(metric) = part
                && let Metric::Named(name) = &metric.value
                && !metrics.iter().any(|known| known == name)
            {
                metrics.push(name.to_string());
            }
        });
        metrics
    }
}

impl Site<'_> {
    fn of(
        &self,
        kind: CompletionKind,
        text: &str,
        detail: &str,
        documentation: String,
    ) -> Completion {
        Completion {
            label: text.to_owned(),
            kind,
            detail: detail.to_owned(),
            documentation,
            replace: Span::new(self.word, self.end),
            text: text.to_owned(),
        }
    }
}

/// Whether what follows is a name that is defined there.
fn is_new_name(words: &[Lexeme<'_>]) -> bool {
    let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
    matches!(texts.as_slice(), [.., "let" | "for" | "as"] | [.., "for", _, ","])
}

/// The arguments that an optimizer has and that are not written yet.
fn arguments(site: &Site<'_>, words: &[Lexeme<'_>]) -> Vec<Completion> {
    let Some(open) = words.iter().rposition(|word| word.text == "optimizer") else {
        return Vec::new();
    };
    let written = words.get(open + 1..).unwrap_or_default();
    let name = written.first().map_or("", |word| word.text);
    let known = OPTIMIZERS.iter().find(|(known, _)| *known == name);
    let arguments = known.map_or(&[][..], |(_, arguments)| arguments).iter();
    let is_new = |argument: &&&str| !written.iter().any(|word| word.text == **argument);
    arguments
        .filter(is_new)
        .map(|argument| {
            let meaning = words::argument(argument).unwrap_or_default();
            site.of(CompletionKind::Argument, argument, meaning, String::new())
        })
        .collect()
}

/// The numbers of the loops of a rule that is being written, as in `for i, @stage in`.
fn loop_numbers<'t>(words: &'t [Lexeme<'t>]) -> impl Iterator<Item = &'t str> {
    words.windows(3).filter_map(|window| match window {
        [word, name, next] if word.text == "for" && name.is_word() => {
            matches!(next.text, "," | "in").then_some(name.text)
        }
        _ => None,
    })
}
