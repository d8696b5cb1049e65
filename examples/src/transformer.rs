//! A small transformer.

use tch::Tensor;
use tch::nn::{self, Module};

/// The dimensions of a transformer.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The size of a token between layers.
    pub width: i64,
    /// The heads of each attention, which divide the width.
    pub heads: i64,
    /// The number of layers.
    pub layers: i64,
    /// Whether a token attends only to itself and earlier tokens.
    pub causal: bool,
}

/// Layers of attention and of a perceptron, each after its norm, after Xiong et al., "On Layer
/// Normalization in the Transformer Architecture", <https://arxiv.org/abs/2002.04745>.
///
/// Its parameters are named `layer.0.attention.…`, `layer.0.mlp.…` and so on, and `norm`.
#[derive(Debug)]
pub struct Transformer {
    layers: Vec<Layer>,
    norm: nn::LayerNorm,
}

#[derive(Debug)]
struct Layer {
    attention: Attention,
    mlp: Mlp,
}

#[derive(Debug)]
struct Attention {
    norm: nn::LayerNorm,
    qkv: nn::Linear,
    output: nn::Linear,
    heads: i64,
    causal: bool,
}

#[derive(Debug)]
struct Mlp {
    norm: nn::LayerNorm,
    up: nn::Linear,
    down: nn::Linear,
}

impl Transformer {
    /// A new transformer.
    #[must_use]
    pub fn new(vs: &nn::Path, config: Config) -> Self {
        let layer = |number| Layer::new(&(vs / "layer" / number), config);
        Self { layers: (0..config.layers).map(layer).collect(), norm: norm(vs, config.width) }
    }
}

/// From `[batch, tokens, width]` to the same.
impl Module for Transformer {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let tokens = self.layers.iter().fold(tokens.shallow_clone(), |tokens, layer| {
            let tokens = &tokens + layer.attention.forward(&tokens);
            &tokens + layer.mlp.forward(&tokens)
        });
        tokens.apply(&self.norm)
    }
}

impl Layer {
    fn new(vs: &nn::Path, config: Config) -> Self {
        let Config { width, heads, causal, .. } = config;
        let (attention, mlp) = (vs / "attention", vs / "mlp");
        Self {
            attention: Attention {
                norm: norm(&attention, width),
                qkv: linear(&attention / "qkv", width, 3 * width),
                output: linear(&attention / "output", width, width),
                heads,
                causal,
            },
            mlp: Mlp {
                norm: norm(&mlp, width),
                up: linear(&mlp / "up", width, 4 * width),
                down: linear(&mlp / "down", 4 * width, width),
            },
        }
    }
}

impl Module for Attention {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let qkv = tokens.apply(&self.norm).apply(&self.qkv);
        // [batch, tokens, 3 × width] to three times [batch, heads, tokens, width / heads].
        let parts = qkv.unflatten(-1, [3, self.heads, -1]).permute([2, 0, 3, 1, 4]);
        let part = |index| parts.select(0, index);
        let no_mask: Option<Tensor> = None;
        let mixed = Tensor::scaled_dot_product_attention(
            &part(0),
            &part(1),
            &part(2),
            no_mask,
            0.0,
            self.causal,
            None,
            false,
        );
        mixed.transpose(1, 2).flatten(-2, -1).apply(&self.output)
    }
}

impl Module for Mlp {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        tokens.apply(&self.norm).apply(&self.up).gelu("none").apply(&self.down)
    }
}

fn norm(vs: &nn::Path, width: i64) -> nn::LayerNorm {
    nn::layer_norm(vs / "norm", vec![width], nn::LayerNormConfig::default())
}

fn linear(vs: nn::Path, from: i64, to: i64) -> nn::Linear {
    nn::linear(vs, from, to, nn::LinearConfig::default())
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    const CONFIG: Config = Config { width: 8, heads: 2, layers: 2, causal: true };

    /// Whether the output for the first of three tokens is independent of the last token.
    fn first_ignores_last(config: Config) -> bool {
        tch::manual_seed(0);
        let vs = nn::VarStore::new(Device::Cpu);
        let transformer = Transformer::new(&vs.root(), config);
        let tokens = Tensor::randn([1, 3, config.width], (Kind::Float, Device::Cpu));
        let other = tokens.copy();
        let _turned = other.select(1, 2).neg_();
        let first = |tokens: &Tensor| transformer.forward(tokens).select(1, 0);
        first(&tokens).allclose(&first(&other), 1e-5, 1e-6, false)
    }

    #[test]
    fn a_causal_one_does_not_look_ahead() {
        assert!(first_ignores_last(CONFIG));
        assert!(!first_ignores_last(Config { causal: false, ..CONFIG }));
    }
}
