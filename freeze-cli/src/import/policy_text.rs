//! The text of a policy while it is written, with what it does otherwise than the tool.

use freeze_dsl::diagnostic::short_number;
use freeze_dsl::format::format;
use freeze_dsl::source::Source;

/// The width of comments.
const WIDTH: usize = 96;

/// The statements of a policy, and notes on them.
pub(super) struct PolicyText {
    title: String,
    notes: Vec<String>,
    statements: Vec<String>,
}

impl PolicyText {
    pub(super) fn new(file: &str) -> Self {
        let title = format!("Imported from {file} by `freeze import`.");
        Self { title, notes: Vec::new(), statements: Vec::new() }
    }

    /// Says in the policy's head what is otherwise than in the tool, or what to look at.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds a statement, without its `;`.
    pub(super) fn statement(&mut self, statement: impl Into<String>) {
        self.statements.push(statement.into());
    }

    /// Adds a comment on the next statement.
    pub(super) fn comment(&mut self, comment: &str) {
        self.statements.push(comment_lines(comment, "", ""));
    }

    /// The formatted text.
    ///
    /// # Errors
    /// If a statement does not parse.
    pub(super) fn finish(self) -> Result<String, String> {
        let mut text = comment_lines(&self.title, "", "");
        if !self.notes.is_empty() {
            text.push_str("//\n// What differs, and what to look at:\n");
            for note in &self.notes {
                text.push_str(&comment_lines(note, "- ", "  "));
            }
        }
        text.push('\n');
        for statement in &self.statements {
            text.push_str(statement);
            if !statement.starts_with("//") {
                text.push_str(";\n");
            }
        }
        format(Source::named("imported", text)).map_err(|findings| {
            format!("the policy that was made of it does not parse:\n{findings}")
        })
    }
}

/// The lines of a comment: the first begins with `first`, the others with `next`.
fn comment_lines(text: &str, first: &str, next: &str) -> String {
    // Text of the file must not end the comment.
    let text: String =
        text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let mut lines: Vec<String> = Vec::new();
    let mut line = format!("// {first}");
    let mut is_new = true;
    for word in text.split_whitespace() {
        if !is_new && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("// {next}")));
            is_new = true;
        }
        if !is_new {
            line.push(' ');
        }
        line.push_str(word);
        is_new = false;
    }
    lines.push(line);
    lines.join("\n") + "\n"
}

/// A number as a policy writes it.
pub(super) fn number(value: f64) -> String {
    let value = short_number(value);
    if value == 0.0 || (1e-2..1e6).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// A metric as a policy writes it.
pub(super) fn metric(name: &str) -> String {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    if name.chars().all(is_word) && !name.starts_with(|sign: char| sign.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

/// `3 epochs`
pub(super) fn duration(count: f64, unit: &str) -> String {
    #[expect(clippy::float_cmp, reason = "one is written exactly")]
    let is_one = count == 1.0;
    format!("{} {unit}{}", number(count), if is_one { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (1e-5, "1e-5"),
            (0.07 * 100.0, "7"),
            (0.1, "0.1"),
            (2e-3, "2e-3"),
            (0.0, "0"),
            (32000.0, "32000"),
            (1.0 / 3.0, "0.3333333333333"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_note_ends_no_comment_and_is_broken_between_words() {
        let mut text = PolicyText::new("a\nb: train c");
        text.note("word ".repeat(40));
        text.statement("start: train fc");
        let text = text.finish().unwrap();
        assert!(text.lines().all(|line| line.len() < 100), "{text}");
        assert!(text.starts_with("// Imported from a b: train c by"), "{text}");
        assert!(text.ends_with("\nstart: train fc;\n"), "{text}");
    }
}
