//! The network: three linear layers.

use tch::Tensor;
use tch::nn::{self, Module};

/// A network for images of 8 × 8 pixels and ten classes.
#[derive(Debug)]
pub(crate) struct Network {
    stem: nn::Linear,
    middle: nn::Linear,
    head: nn::Linear,
}

impl Network {
    /// A network with random weights.
    pub(crate) fn new(path: &nn::Path<'_>) -> Self {
        let linear = |name, inputs, outputs| {
            nn::linear(path / name, inputs, outputs, nn::LinearConfig::default())
        };
        Self {
            stem: linear("stem", 64, 256),
            middle: linear("middle", 256, 128),
            head: linear("head", 128, 10),
        }
    }
}

impl Module for Network {
    fn forward(&self, images: &Tensor) -> Tensor {
        let x = self.stem.forward(&images.flatten(1, -1)).relu();
        self.head.forward(&self.middle.forward(&x).relu())
    }
}
