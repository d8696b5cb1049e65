//! The network: `DeepMoji`'s, which reads the lines of a digit like the words of a sentence.
//!
//! Felbo et al., <https://arxiv.org/abs/1708.00524>, section 3.2; the names are `torchMoji`'s.

use freeze_examples::digits::SIDE;
use tch::nn::{self, ModuleT, RNN};
use tch::{Kind, Tensor};

/// The classes of one stage: digits 0 to 4 first, then digits 5 to 9.
const CLASSES: i64 = 5;
/// The size of the embedding of a line.
const EMBEDDING: i64 = 16;
/// The size of the hidden state of each LSTM.
const HIDDEN: i64 = 32;

/// A recurrent network that classifies digits.
#[derive(Debug)]
pub(crate) struct Network {
    embed: nn::Linear,
    lstm_0: nn::LSTM,
    lstm_1: nn::LSTM,
    attention: Tensor,
    output: nn::Linear,
}

impl Network {
    /// A new network.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        // Attention reads the hidden states of both layers at each line, and the line itself.
        let seen = HIDDEN + HIDDEN + EMBEDDING;
        let linear = nn::LinearConfig::default();
        let rnn = nn::RNNConfig::default();
        Self {
            embed: nn::linear(vs / "embed", SIDE, EMBEDDING, linear),
            lstm_0: nn::lstm(&(vs / "lstm_0"), EMBEDDING, HIDDEN, rnn),
            lstm_1: nn::lstm(&(vs / "lstm_1"), HIDDEN, HIDDEN, rnn),
            attention: (vs / "attention_layer").randn("weight", &[seen, 1], 0.0, 0.1),
            output: nn::linear(vs / "output_layer", seen, CLASSES, linear),
        }
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, _train: bool) -> Tensor {
        let lines = images.squeeze_dim(1).apply(&self.embed).tanh();
        let (first, _) = self.lstm_0.seq(&lines);
        let (second, _) = self.lstm_1.seq(&first);
        // [batch, lines, numbers]; the attention weight is one number a line.
        let seen = Tensor::cat(&[second, first, lines], -1);
        let weights = seen.matmul(&self.attention).softmax(1, Kind::Float);
        (seen * weights).sum_dim_intlist(1, false, Kind::Float).apply(&self.output)
    }
}
