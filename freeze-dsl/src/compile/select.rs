//! Selectors of the language outside of a policy.

use std::collections::HashMap;

use crate::ast::Item;
use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::index::{ParamId, ids};
use crate::model::{Model, Tensor};
use crate::policy::Policy;
use crate::source::{Source, Span};

/// What makes a selector a policy.
const BEFORE: &str = "start: train ";

impl Model {
    /// The parameters that a selector of the language can select, in the model's order: all elements of
    /// a `sample`, and for rows their whole parameter.
    ///
    /// # Errors
    /// Fails with all findings if the text is no selector, or if a part of it selects nothing.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, source::Source};
    /// let model = Model::from_json(r#"{"format":1,"tensors":[
    ///     {"name":"body.weight","shape":[8,8],"dtype":"f32","role":"parameter"},
    ///     {"name":"head.weight","shape":[2,8],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let selected = model.select(&Source::new("@all except head"))?;
    /// assert_eq!(selected.len(), 1);
    ///
    /// let findings = model.select(&Source::new("bodi")).unwrap_err();
    /// assert_eq!(findings.diagnostics()[0].suggestions[0].edits[0].text, "body");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select(&self, selector: &Source) -> Result<Vec<ParamId>, Findings> {
        let in_selector = |findings: &Findings| in_selector(findings, selector);
        let policy = Policy::parse(&format!("{BEFORE}{}", selector.text()));
        let policy = policy.map_err(|findings| in_selector(&findings))?;
        if !is_one_action(&policy) {
            let whole = Span::new(0, selector.text().len());
            let finding = Diagnostic::new(Code::Syntax, whole, "this is more than a selector")
                .label(
                    "expected parameters alone, as `layer4` or `layer3, layer4 except layer4.bn`",
                );
            return Err(Findings::new(selector.clone(), vec![finding]));
        }
        let plan = self
            .without_ties()
            .and_then(|model| policy.plan(&model).map_err(|findings| in_selector(&findings)));
        let plan = plan?;
        let bound = plan.bound();
        let actions = bound.rules.iter().flat_map(|rule| &rule.actions);
        let places: HashMap<&str, ParamId> = ids(0..self.parameters().len())
            .zip(self.parameters())
            .flat_map(|(id, parameter)| parameter.names().map(move |name| (name, id)))
            .collect();
        let mut selected: Vec<ParamId> = actions
            .filter_map(|action| action.value.targets())
            .flat_map(|targets| targets.value.reach(&bound.table).iter().collect::<Vec<_>>())
            .filter_map(|slice| places.get(bound.name(slice)).copied())
            .collect();
        selected.sort_unstable();
        selected.dedup();
        Ok(selected)
    }

    /// The same model with a parameter of its own for each name of a tied one, so that a selector may
    /// have one of them alone.
    fn without_ties(&self) -> Result<Self, Findings> {
        let tensors = self.tensors().iter();
        let tensors = tensors.map(|tensor| Tensor { same_as: None, ..tensor.clone() });
        // The names are those of a model, so they are those of this one too.
        Self::new(tensors.collect()).map_err(|error| {
            let finding = Diagnostic::new(Code::Syntax, Span::new(0, 0), error.to_string());
            Findings::new(Source::new(""), vec![finding])
        })
    }
}

fn is_one_action(policy: &Policy) -> bool {
    match &*policy.tree().items {
        [only] => matches!(&only.value, Item::Rule(rule) if rule.actions.len() == 1),
        _ => false,
    }
}

/// Findings about a policy, as those of the selector in it.
fn in_selector(findings: &Findings, selector: &Source) -> Findings {
    let place = |span: Span| {
        let byte = |at: usize| at.saturating_sub(BEFORE.len()).min(selector.text().len());
        Span::new(byte(span.start), byte(span.end))
    };
    let mut diagnostics = findings.diagnostics().to_vec();
    for diagnostic in &mut diagnostics {
        diagnostic.span = place(diagnostic.span);
        for label in &mut diagnostic.secondary {
            label.span = place(label.span);
        }
        for edit in diagnostic.suggestions.iter_mut().flat_map(|it| &mut it.edits) {
            edit.span = place(edit.span);
        }
    }
    Findings::new(selector.clone(), diagnostics)
}
