//! Simulates a policy of `examples/policies`, and compares with what it should be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::path::Path;

use freeze_dsl::Draft;
use freeze_dsl::Optimizer;
use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::Severity;
use freeze_dsl::model::Model;
use freeze_dsl::plan::Plan;
use freeze_dsl::simulate::{Per, Record, Setup, Table, simulate};
use freeze_dsl::source::Source;

/// How a parameter trains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct How {
    pub(crate) lr: Option<f64>,
    pub(crate) weight_decay: Option<f64>,
    pub(crate) optimizer: Option<Optimizer>,
}

/// A policy on its model.
pub(crate) struct Schedule {
    plan: Plan,
    setup: Setup,
}

impl Schedule {
    /// Loads a policy with the model that it names; it must check clean, notes aside.
    pub(crate) fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.starts_with("// "), "{name} says where it comes from");
        let draft = Draft::read(Source::named(name.to_owned(), text));
        let model = Model::load(folder.join(&*draft.model().unwrap().value)).unwrap();
        let checked = draft.check_against(&model);
        let mut found = checked.findings.diagnostics().iter();
        assert!(found.all(|found| found.severity() == Severity::Note), "{}", checked.findings);
        let plan = checked.policy.unwrap().plan(&model).unwrap();
        Self { plan, setup: Setup::default() }
    }

    pub(crate) fn epochs(mut self, epochs: u64) -> Self {
        self.setup.epochs = Some(epochs);
        self
    }

    /// How many optimizer steps an epoch has.
    pub(crate) fn steps(mut self, steps: u64) -> Self {
        self.setup.program = Program { steps_per_epoch: Some(steps), ..Program::default() };
        self
    }

    /// A record for each step.
    pub(crate) fn each_step(mut self) -> Self {
        self.setup.per = Per::Step;
        self
    }

    /// The validation loss that is observed at the end of each epoch.
    pub(crate) fn val_loss(mut self, values: &[f64]) -> Self {
        let rows: Vec<String> =
            values.iter().enumerate().map(|(epoch, loss)| format!("{epoch},{loss}\n")).collect();
        self.setup.metrics =
            Table::from_csv(&format!("epoch,val_loss\n{}", rows.concat())).unwrap();
        self
    }

    /// The metrics that are observed.
    pub(crate) fn metrics(mut self, metrics: Table) -> Self {
        self.setup.metrics = metrics;
        self
    }

    /// The model that the policy names.
    pub(crate) fn model(&self) -> &Model {
        self.plan.model()
    }

    pub(crate) fn run(self) -> (Model, Vec<Record>) {
        let model = self.plan.model().clone();
        let records = simulate(self.plan, self.setup).unwrap().collect();
        (model, records)
    }
}

/// Compares a record: how each parameter trains, if it does, and whose statistics are live.
pub(crate) fn compare(
    model: &Model,
    record: &Record,
    expected: impl Fn(&str) -> Option<How>,
    live: impl Fn(&str) -> bool,
) {
    let at = format!("epoch {}, step {:?}", record.epoch, record.step);
    let names = model.parameters().iter().map(|parameter| parameter.name.as_str());
    let trainable: Vec<&str> = names.filter(|name| expected(name).is_some()).collect();
    assert_eq!(record.trainable, trainable, "{at}");

    let grouped: Vec<&String> = record.groups.iter().flat_map(|group| &group.params).collect();
    assert_eq!(grouped.len(), trainable.len(), "{at}");
    for group in &record.groups {
        for name in &group.params {
            let how = expected(name).unwrap_or_else(|| panic!("{at}: {name} trains"));
            assert_eq!(
                (group.weight_decay, group.optimizer),
                (how.weight_decay, how.optimizer),
                "{at}: {name}"
            );
            match (group.lr, how.lr) {
                (Some(lr), Some(should)) => assert!(
                    (lr - should).abs() <= 1e-12 * should.abs(),
                    "{at}: {name} has {lr:e} and should have {should:e}"
                ),
                (lr, should) => assert_eq!(lr, should, "{at}: {name}"),
            }
        }
    }
    let modules = model.normalisations().iter().map(|module| module.module.as_str());
    let modules: Vec<&str> = modules.filter(|module| live(module)).collect();
    assert_eq!(record.live_stats, modules, "{at}");
}

/// A number between two dots of a name, after this beginning: `layer.` of `layer.3.weight`.
pub(crate) fn number_after(name: &str, beginning: &str) -> Option<i32> {
    name.strip_prefix(beginning)?.split('.').next()?.parse().ok()
}

/// A number of steps as a float.
pub(crate) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Half a cosine from `from` to `to`, as `torch.optim.lr_scheduler.CosineAnnealingLR` has it.
pub(crate) fn half_cosine(from: f64, to: f64, progress: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0
}

/// Warm restarts, each round twice as long as the one before, as
/// `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts` has them: round k begins at
/// `first * (2^k - 1)` and lasts `first * 2^k`.
pub(crate) fn restarts(from: f64, to: f64, first: f64, passed: f64) -> f64 {
    let round = (passed / first + 1.0).log2().floor();
    let length = first * round.exp2();
    half_cosine(from, to, (passed - (length - first)) / length)
}
