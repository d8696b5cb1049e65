//! The network: a transformer that reads an image of a digit as 16 patches of 2 × 2 pixels.

use freeze_examples::digits::SIDE;
use freeze_examples::{Config, Transformer};
use tch::Tensor;
use tch::nn::{self, Module, ModuleT};

/// The classes of one stage: digits 0 to 4 first, then digits 5 to 9.
const CLASSES: i64 = 5;
/// The side of a patch in pixels.
const PATCH: i64 = 2;
const PATCHES: i64 = (SIDE / PATCH) * (SIDE / PATCH);
const ENCODER: Config = Config { width: 32, heads: 4, layers: 6, causal: false };

/// A transformer that classifies digits by their patches.
#[derive(Debug)]
pub(crate) struct Network {
    embeddings: Embeddings,
    encoder: Transformer,
    head: nn::Linear,
}

/// The embeddings of a patch: of its pixels and of its position.
#[derive(Debug)]
struct Embeddings {
    patch: nn::Linear,
    position: Tensor,
}

impl Network {
    /// A new network.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        let embeddings = vs / "embeddings";
        let linear = nn::LinearConfig::default();
        let width = ENCODER.width;
        Self {
            embeddings: Embeddings {
                patch: nn::linear(&embeddings / "patch", PATCH * PATCH, width, linear),
                position: embeddings.randn("position", &[PATCHES, width], 0.0, 0.1),
            },
            encoder: Transformer::new(&(vs / "encoder"), ENCODER),
            head: nn::linear(vs / "head", width, CLASSES, linear),
        }
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, _train: bool) -> Tensor {
        // [batch, 1, side, side] to [batch, patches, pixels of a patch].
        let patches = images.im2col([PATCH, PATCH], [1, 1], [0, 0], [PATCH, PATCH]).transpose(1, 2);
        let tokens = patches.apply(&self.embeddings.patch) + &self.embeddings.position;
        let no_kind = None;
        self.encoder.forward(&tokens).mean_dim(1, false, no_kind).apply(&self.head)
    }
}
