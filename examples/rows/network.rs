//! The network: a small language model. One matrix says what words mean and tells which comes next.

use freeze_examples::{Config, Transformer};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use crate::language::{LENGTH, PREDICTABLE};

/// Numbers that a word becomes.
pub(crate) const WIDTH: i64 = 32;
const DECODER: Config = Config { width: WIDTH, heads: 2, layers: 2, causal: true };

/// What reads words and tells the next one.
#[derive(Debug)]
pub(crate) struct Network {
    embed: nn::Embedding,
    position: Tensor,
    decoder: Transformer,
}

impl Network {
    /// A network for so many words that has learnt nothing yet.
    pub(crate) fn new(vs: &nn::Path, words: i64) -> Self {
        let normal = nn::Init::Randn { mean: 0.0, stdev: 0.2 };
        let config = nn::EmbeddingConfig { ws_init: normal, ..nn::EmbeddingConfig::default() };
        Self {
            embed: nn::embedding(vs / "embed", words, WIDTH, config),
            position: vs.var("position", &[LENGTH - 1, WIDTH], normal),
            decoder: Transformer::new(&(vs / "decoder"), DECODER),
        }
    }

    /// What words mean: a row a word.
    pub(crate) fn words(&self) -> Tensor {
        self.embed.ws.detach()
    }

    /// The loss of telling each word of these sentences from those before it.
    pub(crate) fn loss(&self, sentences: &Tensor) -> Tensor {
        let (read, next) = split(sentences);
        self.forward(&read).flatten(0, 1).cross_entropy_for_logits(&next.flatten(0, 1))
    }

    /// The share of the words that it tells right at one of the predictable places.
    pub(crate) fn accuracy(&self, sentences: &Tensor, place: i64) -> f64 {
        tch::no_grad(|| {
            let (read, next) = split(sentences);
            let told = self.forward(&read).argmax(-1, false);
            let right = told.eq_tensor(&next).select(1, place - 1);
            right.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
        })
    }

    /// That share over all of the predictable places.
    pub(crate) fn mean_accuracy(&self, sentences: &Tensor) -> f64 {
        let [first, second] = PREDICTABLE.map(|place| self.accuracy(sentences, place));
        f64::midpoint(first, second)
    }
}

/// What is read, and what comes next.
fn split(sentences: &Tensor) -> (Tensor, Tensor) {
    (sentences.narrow(1, 0, LENGTH - 1), sentences.narrow(1, 1, LENGTH - 1))
}

/// From `[batch, words]` to how likely each word comes next, as `[batch, words, vocabulary]`.
impl Module for Network {
    fn forward(&self, words: &Tensor) -> Tensor {
        let tokens = words.apply(&self.embed) + &self.position;
        self.decoder.forward(&tokens).matmul(&self.embed.ws.tr())
    }
}
