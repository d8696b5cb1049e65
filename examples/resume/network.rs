//! The network: three blocks of a convolution and its batch norm, and a head after a dropout.

use freeze_examples::digits::SIDE;
use freeze_runtime::nn::{BatchNorm, Dropout, batch_norm2d, dropout};
use tch::Tensor;
use tch::nn::{self, ModuleT};

const CLASSES: i64 = 10;
const CHANNELS: [i64; 4] = [1, 8, 16, 16];

/// A small convolutional network for images of 8 × 8 pixels.
#[derive(Debug)]
pub(crate) struct Network {
    blocks: [Block; 3],
    dropout: Dropout,
    head: nn::Linear,
}

#[derive(Debug)]
struct Block {
    conv: nn::Conv2D,
    bn: BatchNorm,
}

impl Network {
    /// A new network.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        let [image, first, second, third] = CHANNELS;
        let pixels = (SIDE / 4) * (SIDE / 4);
        let blocks = [
            Block::new(&(vs / "block1"), image, first),
            Block::new(&(vs / "block2"), first, second),
            Block::new(&(vs / "block3"), second, third),
        ];
        let head = nn::linear(vs / "head", third * pixels, CLASSES, nn::LinearConfig::default());
        Self { blocks, dropout: dropout(0.2, [&head.ws]), head }
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let [block1, block2, block3] = &self.blocks;
        let images = images.apply_t(block1, train).apply_t(block2, train).max_pool2d_default(2);
        let images = images.apply_t(block3, train).max_pool2d_default(2);
        images.flatten(1, -1).apply_t(&self.dropout, train).apply(&self.head)
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
