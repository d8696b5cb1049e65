//! Which parameters of a model a policy's targets are.

mod explain;
mod glob;
mod tree;

use fixedbitset::FixedBitSet;

pub(crate) use tree::NameTree;

use crate::diagnostic::{Code, Diagnostic};
use crate::model::Model;
use crate::policy::{List, Named, Selector, Targets, Term};
use crate::source::{Span, Spanned};

/// Selects parameters of one model, and tells what selects none.
pub(crate) struct Selecting<'m> {
    model: &'m Model,
    tree: NameTree<'m>,
}

impl<'m> Selecting<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let names = model
            .parameters()
            .iter()
            .enumerate()
            .flat_map(|(index, parameter)| parameter.names().map(move |name| (name, index)));
        Self { model, tree: NameTree::new(names) }
    }

    /// The parameters that the targets are, as indices of the model's parameters.
    pub(crate) fn targets(
        &self,
        targets: &Spanned<Targets>,
        text: &str,
        found: &mut Vec<Diagnostic>,
    ) -> FixedBitSet {
        let before = found.len();
        let selection = self.difference(targets, text, found);
        // Without selectors it was unreadable, and that is told already.
        let readable = !targets.selectors.is_empty();
        if selection.is_clear() && found.len() == before && readable {
            found.push(
                Diagnostic::new(
                    Code::FRZ0201,
                    targets.span,
                    format!("`{}` selects no parameter", slice(text, targets.span)),
                )
                .label("`except` takes away everything that stands before it"),
            );
        }
        selection
    }

    fn difference(
        &self,
        targets: &Targets,
        text: &str,
        found: &mut Vec<Diagnostic>,
    ) -> FixedBitSet {
        let mut selection = self.union(&targets.selectors, text, found);
        for selector in targets.except.iter() {
            let before = found.len();
            let away = self.selector(selector, text, found);
            if found.len() == before && away.is_disjoint(&selection) && !selection.is_clear() {
                found.push(
                    Diagnostic::new(
                        Code::FRZ0201,
                        selector.span,
                        format!("`{}` takes nothing away", slice(text, selector.span)),
                    )
                    .label("none of this is selected before `except`"),
                );
            }
            selection.difference_with(&away);
        }
        selection
    }

    fn union(
        &self,
        selectors: &List<Spanned<Selector>>,
        text: &str,
        found: &mut Vec<Diagnostic>,
    ) -> FixedBitSet {
        let mut selection = self.none();
        for selector in selectors.iter() {
            selection.union_with(&self.selector(selector, text, found));
        }
        selection
    }

    fn selector(
        &self,
        selector: &Spanned<Selector>,
        text: &str,
        found: &mut Vec<Diagnostic>,
    ) -> FixedBitSet {
        let mut selection = self.term(&selector.term, text, found);
        let Some(within) = &selector.within else {
            return selection;
        };
        let around = self.term(within, text, found);
        let both = !selection.is_clear() && !around.is_clear();
        selection.intersect_with(&around);
        if both && selection.is_clear() {
            found.push(
                Diagnostic::new(
                    Code::FRZ0201,
                    selector.span,
                    format!("`{}` selects no parameter", slice(text, selector.span)),
                )
                .label(format!(
                    "nothing of `{}` lies in `{}`",
                    slice(text, selector.term.span),
                    slice(text, within.span)
                )),
            );
        }
        selection
    }

    fn term(&self, term: &Spanned<Term>, text: &str, found: &mut Vec<Diagnostic>) -> FixedBitSet {
        match &term.value {
            Term::Path(path) => {
                let mut selection = self.none();
                self.tree.select(path, &mut selection);
                if selection.is_clear() {
                    found.push(explain::nothing(self.model, &self.tree, path, term.span, text));
                }
                selection
            }
            Term::Named(named) => {
                let selection = self.named(*named);
                if selection.is_clear() {
                    found.push(
                        Diagnostic::new(
                            Code::FRZ0201,
                            term.span,
                            format!("`@{}` selects no parameter", named.word()),
                        )
                        .label("the model has none"),
                    );
                }
                selection
            }
            Term::Group(targets) => {
                self.targets(&Spanned::new(targets.clone(), term.span), text, found)
            }
        }
    }

    fn named(&self, named: Named) -> FixedBitSet {
        let mut selection = self.none();
        for (index, parameter) in self.model.parameters().iter().enumerate() {
            let selected = match named {
                Named::All => true,
                Named::Biases => {
                    parameter.names().any(|name| name.rsplit('.').next() == Some("bias"))
                }
                Named::Vectors => parameter.shape.len() <= 1,
            };
            selection.set(index, selected);
        }
        selection
    }

    fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.model.parameters().len())
    }
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.range()).unwrap_or_default()
}
