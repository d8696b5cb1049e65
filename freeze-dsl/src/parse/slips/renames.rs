//! Names that are written with or without `@` in the rest of the policy.

use crate::diagnostic::Edit;
use crate::parse::lexeme::Lexeme;
use crate::source::Span;

/// A name whose other uses change with it.
pub(in crate::parse) struct Rename {
    name: String,
    gains_sign: bool,
}

impl Rename {
    /// `name` becomes `@name`.
    pub(super) fn with_sign(name: &str) -> Self {
        Self { name: name.to_owned(), gains_sign: true }
    }

    /// `@name` becomes `name`.
    pub(super) fn without_sign(name: &str) -> Self {
        Self { name: name.to_owned(), gains_sign: false }
    }

    /// The edits of its uses after the statement at `span`. A loop's name is used in the loop.
    pub(super) fn edits(&self, text: &str, span: Span) -> Vec<Edit> {
        let is_loop = text.get(..span.end).is_some_and(|before| before.ends_with('{'));
        let rest: Vec<Lexeme<'_>> = Lexeme::all(text, Span::new(span.end, text.len())).collect();
        let mut edits = Vec::new();
        let mut depth = 1_usize;
        for (index, lexeme) in rest.iter().enumerate() {
            match lexeme.text {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if is_loop && depth == 0 {
                break;
            }
            let before = index.checked_sub(1).and_then(|before| rest.get(before));
            let touches = |sign: &str| {
                before.is_some_and(|it| it.text == sign && it.span.end == lexeme.span.start)
            };
            let is_path = rest.get(index + 1).is_some_and(|next| {
                matches!(next.text, "." | "*" | "[") && next.span.start == lexeme.span.end
            });
            if lexeme.text != self.name || touches(".") || is_path {
                continue;
            }
            let start = lexeme.span.start;
            match (self.gains_sign, touches("@")) {
                (true, false) => {
                    edits.push(Edit { span: Span::new(start, start), text: "@".into() });
                }
                (false, true) => {
                    edits.push(Edit { span: Span::new(start - 1, start), text: String::new() });
                }
                _ => {}
            }
        }
        edits
    }
}
