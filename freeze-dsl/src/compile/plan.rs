//! How plans are made.

use std::sync::Arc;

use super::check_all;
use crate::allow::{self, Knowledge};
use crate::diagnostic::{DiagnosticSink, Findings};
use crate::model::Model;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::select::NameIndex;

impl Policy {
    /// The effect of every rule on each parameter of a model.
    ///
    /// # Errors
    /// All findings, if the policy does not fit the model.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// let model = Model::load("resnet18.model.json")?;
    /// println!("{}", Policy::parse("start: train fc lr 1e-3")?.plan(&model)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan(&self, model: &Model) -> Result<Plan, Findings> {
        let mut sink = DiagnosticSink::default();
        let index = NameIndex::new(model);
        let bound =
            check_all(self.source(), self.tree(), self.overrides(), Some(&index), &mut sink);
        let found = allow::heeding(self.source(), self.tree(), sink.into_vec(), Knowledge::Model);
        let findings = Findings::new(self.source().clone(), found);
        match bound {
            Some((bound, rows)) => {
                let diagnostics = findings.diagnostics().to_vec();
                Ok(Plan::new(self.clone(), Arc::new(model.clone()), bound, rows, diagnostics))
            }
            None => Err(findings),
        }
    }
}
