//! The printer: one canonical form of a policy's text.
//!
//! It works on the words and signs that the parser found, not on the tree: what stands in a
//! policy is printed letter for letter, and white space alone is made anew. So numbers and
//! strings stay as they were written, and comments where they stood.
//!
//! A text becomes tokens, each with the comments before it (`tokens`); these become operations
//! (`printer`), in an order and with groups that the shape of each statement gives
//! (`statements`); and the operations become lines (`layout`).

mod layout;
mod printer;
mod statements;
mod tokens;

use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, Findings};
use crate::parse::{self, Parts};
use crate::source::{Source, Span};

/// The canonical form of a policy's text: the same policy, the same comments, spaced in one way.
/// To print what was printed changes nothing.
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
/// If the text does not parse: all that is wrong with its syntax. Whether the policy makes sense
/// is not asked.
pub fn format(source: Source) -> Result<String, Findings> {
    let (_, found) = parse::parse(source.text());
    if !found.is_empty() {
        return Err(Findings::new(source, found));
    }
    let readable = parse::readable(source.text(), &mut DiagnosticSink::default());
    let Ok(parts) = Parts::new(&readable).collect::<Result<Vec<_>, _>>() else {
        // What has no finding has parsed; were it not so, this would be told, not hidden.
        let whole = Span::new(0, source.text().len());
        let finding = Diagnostic::new(Code::Syntax, whole, "this cannot be read");
        return Err(Findings::new(source, vec![finding]));
    };
    Ok(layout::lines(&printer::operations(source.text(), parts)))
}
