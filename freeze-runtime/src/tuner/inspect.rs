//! What a program asks a tuner: groups, trainable parameters, the progress of the training, findings.

use freeze_dsl::diagnostic::Diagnostic;
use freeze_dsl::plan::Plan;
use tch::Tensor;

use super::{Tuner, hyper_params};
use crate::ParamGroup;
use crate::optim::{HyperParams, ParamState};

impl Tuner {
    /// The parameter groups now, in the order of their first parameters.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let groups = tuner.param_groups();
    /// assert_eq!(groups.len(), 1);
    /// assert_eq!(groups[0].params, ["fc.weight"]);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn param_groups(&self) -> Vec<ParamGroup> {
        let groups = self.clock.groups().iter();
        groups
            .filter_map(|group| {
                let HyperParams { lr, weight_decay, optimizer } = hyper_params(group)?;
                let params = self.plan().names(group.slices.iter().copied());
                Some(ParamGroup { params, lr, weight_decay, anchor: group.anchor, optimizer })
            })
            .collect()
    }

    /// The names of the trainable parameters, in the model's order; a row slice as
    /// `embed.weight[0..32000]`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.trainable_names(), ["fc.weight"]);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn trainable_names(&self) -> Vec<String> {
        self.plan().names(self.clock.trainable())
    }

    /// The trainable parameters as tensors, in the model's order. A parameter of which some rows are
    /// trained is included as a whole.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.trainable_variables(), [fc.ws.shallow_clone()]);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn trainable_variables(&self) -> Vec<Tensor> {
        self.slices.trainable(&self.clock).into_iter().map(Tensor::shallow_clone).collect()
    }

    /// The number of epochs that have started. A loop `for epoch in tuner.epochs_started()..10` ends
    /// after ten epochs, numbered from 0 as in the policy, resumed or not. Epochs are counted on once
    /// training is over.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.epochs_started(), 1);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub const fn epochs_started(&self) -> u64 {
        self.clock.epochs_started()
    }

    /// The number of optimizer steps: calls of [`Tuner::step`] once training is over, and steps that a
    /// loss scale skipped, included.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.global_step(), 0);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub const fn global_step(&self) -> u64 {
        self.clock.steps()
    }

    /// The number of rules that have fired of each sequence: those outside of tracks first, then those
    /// of each track in the order of the text. In a `repeat`, each round counts anew.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.rules_fired(), [1]);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn rules_fired(&self) -> Vec<usize> {
        self.clock.rules_fired()
    }

    /// Whether a rule has ended training: no parameter changes any more, and no rule fires. Epochs and
    /// steps are counted on.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert!(!tuner.is_stopped());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.clock.is_stopped()
    }

    /// The memory of optimizer state and master weights now, in bytes; of this rank's part, where the ranks
    /// divide them.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.optimizer_bytes(), 0);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn optimizer_bytes(&self) -> usize {
        let states = self.states.iter().flatten().map(ParamState::bytes).sum::<usize>();
        states + self.masters.bytes()
    }

    /// The effect of every rule on each parameter.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert_eq!(tuner.plan().rows().len(), 1);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.clock.plan()
    }

    /// The warnings and notes about the policy and this model: problems that do not prevent training.
    /// Among them is `FRZ0511`, for parameters of half precision whose updates would round to nothing,
    /// by their values at [`TunerBuilder::attach`](crate::TunerBuilder::attach).
    /// [`Diagnostic::severity`] distinguishes them.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// for finding in tuner.diagnostics() {
    ///     println!("{}", finding.code);
    /// }
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let coarse = self.plan().coarse_curves(self.clock.program().steps_per_epoch);
        let of_numbers = self.lost_updates.iter().cloned();
        self.plan().diagnostics().iter().cloned().chain(coarse).chain(of_numbers).collect()
    }
}
