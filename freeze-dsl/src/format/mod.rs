//! The printer: one canonical form of a policy's text.
//!
//! It works on the parser's tokens, not on the tree: it prints every token as it was written and
//! changes only white space. So numbers and strings keep their spelling, and comments their place.
//!
//! The text becomes tokens, each with the comments before it (`tokens`). The tokens become operations
//! (`printer`), with groups that depend on the kind of statement (`statements`). The operations
//! become lines (`layout`).

mod layout;
mod printer;
mod statements;
mod tokens;

use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::parse::{self, Chunks, ScannedText};
use crate::source::{Source, Span};

/// The canonical form of a policy's text: the same policy and the same comments, with canonical
/// white space. Lines end as the first line does, with `\n` or `\r\n`. Formatting is idempotent.
///
/// ```
/// use freeze_dsl::{format::format, source::Source};
///
/// let text = "run 9 epochs ; start:train fc lr 1e-3 // the head";
/// let printed = format(Source::new(text))?;
/// assert_eq!(printed, "run 9 epochs;\nstart: train fc lr 1e-3; // the head\n");
/// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
/// ```
///
/// # Errors
/// If the text does not parse: its syntax errors. The policy is not checked otherwise.
pub fn format(source: Source) -> Result<String, Findings> {
    let (_, found) = parse::parse(source.text());
    if !found.is_empty() {
        return Err(Findings::new(source, found));
    }
    canonical(source.text(), &ScannedText::quietly(source.text())).ok_or_else(|| {
        // A text without findings has parsed, so this does not happen.
        let whole = Span::new(0, source.text().len());
        let finding = Diagnostic::new(Code::Syntax, whole, "this cannot be parsed");
        Findings::new(source, vec![finding])
    })
}

/// The canonical form of a text that parses; `None` if it does not.
pub(crate) fn canonical(text: &str, scanned: &ScannedText) -> Option<String> {
    let operations = printer::operations(text, Chunks::new(scanned))?;
    Some(layout::lines(&operations, layout::line_end(text)))
}
