//! The network: a stem, three layers of two convolutions each, and a head.

use freeze_runtime::nn::{BatchNorm, batch_norm2d};
use tch::nn::{self, Module, ModuleT};
use tch::{Device, Tensor};

/// The classes of one stage: digits 0 to 4 first, then digits 5 to 9.
pub(crate) const CLASSES: i64 = 5;
const FEATURES: i64 = 32;

/// A small convolutional network for images of 8 × 8 pixels.
#[derive(Debug)]
pub(crate) struct Network {
    stem: Convolution,
    layers: [[Convolution; 2]; 3],
    head: nn::Linear,
}

/// A convolution of 3 × 3, its batch norm, and a `ReLU`. A frozen batch norm uses its running
/// statistics, as in evaluation, and not those of the batch.
#[derive(Debug)]
struct Convolution {
    conv: nn::Conv2D,
    bn: BatchNorm,
}

impl Network {
    /// A new network.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        Self {
            stem: Convolution::new(&(vs / "stem"), "", 1, 8),
            layers: [
                layer(&(vs / "layer1"), 8, 16),
                layer(&(vs / "layer2"), 16, 32),
                layer(&(vs / "layer3"), 32, FEATURES),
            ],
            head: head(vs),
        }
    }

    /// Initializes the head again.
    pub(crate) fn renew_head(&mut self) {
        let fresh = head(&nn::VarStore::new(Device::Cpu).root());
        tch::no_grad(|| {
            self.head.ws.copy_(&fresh.ws);
            if let (Some(bias), Some(fresh)) = (&mut self.head.bs, &fresh.bs) {
                bias.copy_(fresh);
            }
        });
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let [layer1, layer2, layer3] = &self.layers;
        let images = self.stem.forward_t(images, train);
        let images = apply(layer1, &images, train).max_pool2d_default(2);
        let images = apply(layer2, &images, train).max_pool2d_default(2);
        let images = apply(layer3, &images, train);
        self.head.forward(&images.adaptive_avg_pool2d([1, 1]).flatten(1, -1))
    }
}

fn layer(vs: &nn::Path, channels_in: i64, channels: i64) -> [Convolution; 2] {
    [
        Convolution::new(vs, "1", channels_in, channels),
        Convolution::new(vs, "2", channels, channels),
    ]
}

fn apply(layer: &[Convolution], images: &Tensor, train: bool) -> Tensor {
    layer.iter().fold(images.shallow_clone(), |images, conv| conv.forward_t(&images, train))
}

fn head(vs: &nn::Path) -> nn::Linear {
    nn::linear(vs / "head", FEATURES, CLASSES, nn::LinearConfig::default())
}

impl Convolution {
    fn new(vs: &nn::Path, number: &str, channels_in: i64, channels_out: i64) -> Self {
        // The batch norm subtracts the mean, and any bias with it.
        let conv = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
        // PyTorch's beginning; tch draws these weights.
        let bn = nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
        Self {
            conv: nn::conv2d(vs / format!("conv{number}"), channels_in, channels_out, 3, conv),
            bn: batch_norm2d(vs / format!("bn{number}"), channels_out, bn),
        }
    }
}

impl ModuleT for Convolution {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply(&self.conv).apply_t(&self.bn, train).relu()
    }
}
