//! The bytes and the time of a training step on many GPUs, from published formulas.

/// The GPUs of a node.
pub(crate) const GPUS_PER_NODE: f64 = 8.0;
/// The bytes of a parameter's gradient: bfloat16.
const GRADIENT_BYTES: f64 = 2.0;
/// The tokens that a GPU takes in a step.
const TOKENS: f64 = 8192.0;
/// The operations of an H100 SXM in a second, in bfloat16 without sparsity
/// (<https://www.nvidia.com/en-us/data-center/h100/>).
const PEAK_OPERATIONS: f64 = 989e12;
/// The part of the peak that a training reaches: between 0.38 and 0.43 for Llama 3
/// (<https://arxiv.org/abs/2407.21783>, table 4).
const UTILIZATION: f64 = 0.4;
/// The bytes in a second between the GPUs of a node, in one direction: half of the 900 GB/s of the
/// fourth generation of `NVLink`.
const NVLINK_BYTES: f64 = 450e9;

/// How the nodes are connected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    /// What a reader calls it.
    pub(crate) name: &'static str,
    /// The bytes in a second that leave a node, by all its adapters.
    pub(crate) node_bytes: f64,
}

/// A model, and the part of it that is frozen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Training {
    /// The number of GPUs; each has the whole model.
    pub(crate) gpus: f64,
    /// The number of parameters.
    pub(crate) parameters: f64,
    /// The share of the parameters that is frozen, counted from the input of the network.
    pub(crate) frozen: f64,
}

/// Which gradients are reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduced {
    /// Those of trainable parameters.
    Trainable,
    /// Those of all parameters with which the training began. `DistributedDataParallel` reduces these with
    /// `find_unused_parameters=True`, if parameters are frozen after it was made.
    All,
}

/// What a step takes of each GPU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepCost {
    /// The bytes that a GPU sends.
    pub(crate) bytes: f64,
    /// The seconds of the reduction alone.
    pub(crate) reduction: f64,
    /// The seconds of the step.
    pub(crate) step: f64,
}

impl Training {
    /// The cost of a step.
    ///
    /// A ring all-reduce of S bytes sends 2 (n - 1) / n S bytes from each of n GPUs, and no algorithm
    /// sends fewer (Patarasuk and Yuan 2009, <https://doi.org/10.1016/j.jpdc.2008.09.002>). Its time is
    /// that by the bandwidth of the slowest link
    /// (<https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md>). A forward pass takes 2
    /// operations for each parameter and token, and a backward pass 4 (Kaplan and others 2020,
    /// <https://arxiv.org/abs/2001.08361>, section 2.1); the backward pass ends where the frozen prefix
    /// begins. The reduction runs beside the backward pass, so the longer of the two counts.
    pub(crate) fn cost(&self, reduced: Reduced, network: Network) -> StepCost {
        let trainable = self.parameters * (1.0 - self.frozen);
        let gradients = match reduced {
            Reduced::Trainable => trainable,
            Reduced::All => self.parameters,
        };
        let bytes = 2.0 * (self.gpus - 1.0) / self.gpus * gradients * GRADIENT_BYTES;
        let is_one_node = self.gpus <= GPUS_PER_NODE;
        let reduction = bytes / if is_one_node { NVLINK_BYTES } else { network.node_bytes };
        let seconds = |operations: f64| operations * TOKENS / (PEAK_OPERATIONS * UTILIZATION);
        let forward = seconds(2.0 * self.parameters);
        let backward = seconds(4.0 * trainable);
        StepCost { bytes, reduction, step: forward + backward.max(reduction) }
    }
}
