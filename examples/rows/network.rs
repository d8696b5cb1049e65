//! The network: a small language model. One matrix embeds words and predicts the next word.

use freeze_examples::{Config, Transformer};
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

use crate::language::{LENGTH, PREDICTABLE};

/// The size of the embedding of a word.
pub(crate) const WIDTH: i64 = 32;
const DECODER: Config = Config { width: WIDTH, heads: 2, layers: 2, causal: true };

/// A language model that predicts the next word.
#[derive(Debug)]
pub(crate) struct Network {
    embed: nn::Embedding,
    position: Tensor,
    decoder: Transformer,
}

impl Network {
    /// A new network for this number of words.
    pub(crate) fn new(vs: &nn::Path, words: i64) -> Self {
        let normal = nn::Init::Randn { mean: 0.0, stdev: 0.2 };
        let config = nn::EmbeddingConfig { ws_init: normal, ..nn::EmbeddingConfig::default() };
        Self {
            embed: nn::embedding(vs / "embed", words, WIDTH, config),
            position: vs.var("position", &[LENGTH - 1, WIDTH], normal),
            decoder: Transformer::new(&(vs / "decoder"), DECODER),
        }
    }

    /// The embeddings: one row for each word.
    pub(crate) fn words(&self) -> Tensor {
        self.embed.ws.detach()
    }

    /// The loss of predicting each word of these sentences from the words before it.
    pub(crate) fn loss(&self, sentences: &Tensor) -> Tensor {
        let (read, next) = split(sentences);
        self.forward(&read).flatten(0, 1).cross_entropy_for_logits(&next.flatten(0, 1))
    }

    /// The share of correct predictions at one of the predictable places.
    pub(crate) fn accuracy(&self, sentences: &Tensor, place: i64) -> f64 {
        tch::no_grad(|| {
            let (read, next) = split(sentences);
            let predicted = self.forward(&read).argmax(-1, false);
            let right = predicted.eq_tensor(&next).select(1, place - 1);
            right.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
        })
    }

    /// The mean of that share over all predictable places.
    pub(crate) fn mean_accuracy(&self, sentences: &Tensor) -> f64 {
        let [first, second] = PREDICTABLE.map(|place| self.accuracy(sentences, place));
        f64::midpoint(first, second)
    }
}

/// The words that are read, and the next word of each.
fn split(sentences: &Tensor) -> (Tensor, Tensor) {
    (sentences.narrow(1, 0, LENGTH - 1), sentences.narrow(1, 1, LENGTH - 1))
}

/// From `[batch, words]` to the logits of the next word, `[batch, words, vocabulary]`.
impl Module for Network {
    fn forward(&self, words: &Tensor) -> Tensor {
        let tokens = words.apply(&self.embed) + &self.position;
        self.decoder.forward(&tokens).matmul(&self.embed.ws.tr())
    }
}
