//! The network: a stem and three layers, of which the lower ones compute features, and a head.

use freeze_runtime::nn::{BatchNorm, batch_norm2d};
use tch::Tensor;
use tch::nn::{self, ModuleT};

/// The modules of [`Network::features`], as a policy selects them.
pub(crate) const FEATURES: [&str; 3] = ["stem", "layer1", "layer2"];
const CLASSES: i64 = 5;

/// A small convolutional network for images of 8 × 8 pixels.
#[derive(Debug)]
pub(crate) struct Network {
    lower: [Block; 3],
    upper: Block,
    head: nn::Linear,
}

/// A convolution of 3 × 3, its batch norm, and a `ReLU`. A frozen batch norm uses its running
/// statistics, so that the features of an image do not depend on the batch.
#[derive(Debug)]
struct Block {
    conv: nn::Conv2D,
    bn: BatchNorm,
}

impl Network {
    /// A new network.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        Self {
            lower: [
                Block::new(&(vs / "stem"), 1, 16),
                Block::new(&(vs / "layer1"), 16, 32),
                Block::new(&(vs / "layer2"), 32, 32),
            ],
            upper: Block::new(&(vs / "layer3"), 32, 32),
            head: nn::linear(vs / "head", 32, CLASSES, nn::LinearConfig::default()),
        }
    }

    /// What the lower layers compute of images.
    pub(crate) fn features(&self, images: &Tensor, train: bool) -> Tensor {
        let [stem, layer1, layer2] = &self.lower;
        images
            .apply_t(stem, train)
            .apply_t(layer1, train)
            .apply_t(layer2, train)
            .max_pool2d_default(2)
    }

    /// What the upper layers compute of features.
    pub(crate) fn classify(&self, features: &Tensor, train: bool) -> Tensor {
        let features = features.apply_t(&self.upper, train);
        features.adaptive_avg_pool2d([1, 1]).flatten(1, -1).apply(&self.head)
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        self.classify(&self.features(images, train), train)
    }
}

impl Block {
    fn new(vs: &nn::Path, channels_in: i64, channels: i64) -> Self {
        // The batch norm subtracts the mean, and any bias with it.
        let conv = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
        // PyTorch's initial values; tch draws these weights.
        let bn = nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
        Self {
            conv: nn::conv2d(vs / "conv", channels_in, channels, 3, conv),
            bn: batch_norm2d(vs / "bn", channels, bn),
        }
    }
}

impl ModuleT for Block {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply(&self.conv).apply_t(&self.bn, train).relu()
    }
}
