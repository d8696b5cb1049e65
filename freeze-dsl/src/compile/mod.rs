//! The driver: from a text to a [`Draft`], from a draft to a [`Policy`], and with a model to a
//! [`Plan`].

mod draft;
mod migrate;
mod plan;
mod policy;
mod select;

pub(crate) use draft::CheckedDraft;
pub use draft::{Checked, Draft};
pub use policy::{LoadError, OverrideError};

use crate::ast::Tree;
use crate::check;
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink};
use crate::ir::Overrides;
use crate::lower::lower;
use crate::parse;
use crate::plan::{BoundPolicy, Row, RowBuilder};
use crate::select::NameIndex;
use crate::source::Source;

/// Reports everything that is wrong with a policy; returns it bound to the model, if there is one
/// and nothing is wrong.
fn check_all(
    source: &Source,
    tree: &Tree,
    overrides: &Overrides,
    model: Option<&NameIndex<'_>>,
    sink: &mut DiagnosticSink,
) -> Option<(BoundPolicy, Vec<Row>)> {
    let text = source.text();
    let lowered = lower(tree, source, overrides, model, sink);
    // The targets of rules are known whatever is wrong with their numbers.
    let is_resolved = !sink.iter().any(|finding| finding.code.leaves_unresolved());
    if lowered.rules.is_empty() && is_resolved && !lowered.is_open {
        sink.push(
            Diagnostic::new(
                Code::Syntax,
                parse::last_character(text),
                "a policy has at least one rule",
            )
            .label("expected a rule such as `start: train fc`"),
        );
    }
    check::schedule(&lowered, text, sink);
    let model = model?;
    let mut targets =
        lowered.rules.iter().flat_map(|rule| &rule.actions).filter_map(|it| it.value.targets());
    let is_known = targets.all(|targets| targets.value.is_known());
    let are_owners_known = lowered.sequences.iter().all(|of| of.ownership.is_known());
    let bound = BoundPolicy::new(lowered, model);
    if !is_resolved || !is_known {
        if are_owners_known {
            check::ownership(&bound, text, sink);
        }
        return None;
    }
    let mut rows = RowBuilder::new(&bound);
    check::effects(&bound, text, sink, |rule, applied| rows.add(rule, applied));
    let rows = rows.into_rows();
    (!sink.iter().any(Diagnostic::is_error)).then_some((bound, rows))
}
