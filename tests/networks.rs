//! Small networks whose weights and batches are functions of nothing but their names and numbers.

use tch::nn;
use tch::{Device, Kind, Tensor};

/// The parameters of `layer1` in [`Net::convolutions`].
pub const LAYER1: [&str; 3] = ["layer1.bn.bias", "layer1.bn.weight", "layer1.conv.weight"];
/// Its running statistics.
pub const STATISTICS1: [&str; 2] = ["layer1.bn.running_mean", "layer1.bn.running_var"];
/// The parameters of `layer2`.
pub const LAYER2: [&str; 3] = ["layer2.bn.bias", "layer2.bn.weight", "layer2.conv.weight"];
/// Its running statistics.
pub const STATISTICS2: [&str; 2] = ["layer2.bn.running_mean", "layer2.bn.running_var"];
/// The parameters of `fc`.
pub const FC: [&str; 2] = ["fc.bias", "fc.weight"];

/// The number that tch's own optimizers call `layer4` by in [`Net::four_layers`].
pub const LAYER4_GROUP: usize = 1;

/// A network, its variables and its task.
#[derive(Debug)]
pub struct Net {
    /// Its variables.
    pub vs: nn::VarStore,
    layers: nn::SequentialT,
    shape: &'static [i64],
}

impl Net {
    /// Two layers of a convolution and a batch normalisation, `layer1` and `layer2`, then `fc`.
    #[must_use]
    pub fn convolutions(device: Device) -> Self {
        Self::new(device, &[6, 3, 5, 5], |root| {
            nn::seq_t()
                .add(layer(&(root / "layer1"), 3, 4))
                .add(layer(&(root / "layer2"), 4, 5))
                .add_fn(|xs| xs.mean_dim([2i64, 3].as_slice(), false, xs.kind()))
                .add(nn::linear(root / "fc", 5, 3, nn::LinearConfig::default()))
        })
    }

    /// Three linear layers, `a`, `b` and `c`.
    #[must_use]
    pub fn linear() -> Self {
        Self::new(Device::Cpu, &[6, 5], |root| {
            nn::seq_t()
                .add(nn::linear(root / "a", 5, 8, nn::LinearConfig::default()))
                .add_fn(Tensor::tanh)
                .add(nn::linear(root / "b", 8, 8, nn::LinearConfig::default()))
                .add_fn(Tensor::tanh)
                .add(nn::linear(root / "c", 8, 3, nn::LinearConfig::default()))
        })
    }

    /// A stem and four layers that are called as those of a `ResNet` are, then `fc`. For tch's own
    /// optimizers, `layer4` is a group.
    #[must_use]
    pub fn four_layers() -> Self {
        Self::new(Device::Cpu, &[6, 3, 5, 5], |root| {
            nn::seq_t()
                .add(convolution(&(root / "conv1"), 3, 4))
                .add(nn::batch_norm2d(root / "bn1", 4, nn::BatchNormConfig::default()))
                .add_fn(Tensor::relu)
                .add(layer(&(root / "layer1"), 4, 4))
                .add(layer(&(root / "layer2"), 4, 4))
                .add(layer(&(root / "layer3"), 4, 4))
                .add(layer(&(root / "layer4").set_group(LAYER4_GROUP), 4, 4))
                .add_fn(|xs| xs.mean_dim([2i64, 3].as_slice(), false, xs.kind()))
                .add(nn::linear(root / "fc", 4, 3, nn::LinearConfig::default()))
        })
    }

    fn new(
        device: Device,
        shape: &'static [i64],
        layers: impl FnOnce(&nn::Path<'_>) -> nn::SequentialT,
    ) -> Self {
        // The tests of a binary are threads themselves, and these tensors are small.
        tch::set_num_threads(1);
        let vs = nn::VarStore::new(device);
        let layers = layers(&vs.root());
        let net = Self { vs, layers, shape };
        net.start_over();
        net
    }

    /// In double precision, where rounding hides nothing.
    #[must_use]
    pub fn in_double(mut self) -> Self {
        self.vs.double();
        self.start_over();
        self
    }

    /// Sets every parameter to the value that it starts from.
    fn start_over(&self) {
        for (name, mut tensor) in self.vs.variables() {
            if tensor.requires_grad() {
                let middle =
                    if name.contains("bn") && name.ends_with("weight") { 1.0 } else { 0.0 };
                let start = values(&tensor.size(), seed(&name)) - 0.5 + middle;
                tch::no_grad(|| tensor.copy_(&start));
            }
        }
    }

    /// What comes out of each layer for a batch, in training.
    #[must_use]
    pub fn activations(&self, batch: i64) -> Vec<Tensor> {
        self.layers.forward_all_t(&self.input(batch), true, None)
    }

    /// What comes out before the last layer for the first batch, not in training.
    ///
    /// # Panics
    /// Never: every network has several layers.
    #[expect(clippy::expect_used, reason = "every network here has several layers")]
    pub fn features(&self) -> Tensor {
        let mut layers = self.layers.forward_all_t(&self.input(0), false, None);
        let _output = layers.pop();
        layers.pop().expect("a network has several layers")
    }

    /// The loss of a batch, in training.
    ///
    /// # Panics
    /// Never: every network has a layer.
    #[expect(clippy::expect_used, reason = "every network here has a layer")]
    pub fn loss(&self, batch: i64) -> Tensor {
        let output = self.activations(batch).pop().expect("a network has a layer");
        (output - self.placed(&values(&[6, 3], 1000 + batch))).square().mean(None)
    }

    /// Whether a variable has a gradient.
    ///
    /// # Panics
    /// If there is no such variable.
    #[must_use]
    pub fn has_gradient(&self, name: &str) -> bool {
        self.variable(name).grad().defined()
    }

    /// A variable by its name.
    ///
    /// # Panics
    /// If there is none.
    #[expect(clippy::panic, reason = "a test's own network")]
    pub fn variable(&self, name: &str) -> Tensor {
        self.vs.variables().remove(name).unwrap_or_else(|| panic!("no variable `{name}`"))
    }

    /// The inputs of a batch.
    pub fn input(&self, batch: i64) -> Tensor {
        self.placed(&(values(self.shape, 100 + batch) * 2.0 - 1.0))
    }

    /// In the network's precision, on its device.
    fn placed(&self, numbers: &Tensor) -> Tensor {
        let kind = self.vs.trainable_variables().first().map_or(Kind::Float, Tensor::kind);
        numbers.to_kind(kind).to_device(self.vs.device())
    }
}

fn layer(path: &nn::Path<'_>, inputs: i64, outputs: i64) -> nn::SequentialT {
    nn::seq_t()
        .add(convolution(&(path / "conv"), inputs, outputs))
        .add(nn::batch_norm2d(path / "bn", outputs, nn::BatchNormConfig::default()))
        .add_fn(Tensor::relu)
}

/// Without a bias, which a batch normalisation would take away again: its gradient is nothing
/// but rounding, and Adam makes steps of any gradient.
fn convolution(path: &nn::Path<'_>, inputs: i64, outputs: i64) -> nn::Conv2D {
    let config = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
    nn::conv2d(path, inputs, outputs, 3, config)
}

/// Numbers in `[0, 1)` without a pattern, the same at every run.
pub fn values(shape: &[i64], seed: i64) -> Tensor {
    let count = shape.iter().product::<i64>();
    let indices = Tensor::arange(count, (Kind::Double, Device::Cpu)) * 1.7 + seed * 31;
    (indices.sin() * 43_758.545_3).frac().abs().to_kind(Kind::Float).view(shape)
}

fn seed(name: &str) -> i64 {
    name.bytes().fold(7, |seed, byte| (seed * 31 + i64::from(byte)) % 1009)
}
