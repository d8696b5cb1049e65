//! The network: `DeepMoji`'s, which reads a digit line by line as it would a sentence word by word.
//!
//! Felbo et al., <https://arxiv.org/abs/1708.00524>, section 3.2; the names are `torchMoji`'s.

use freeze_examples::digits::SIDE;
use tch::nn::{self, ModuleT, RNN};
use tch::{Kind, Tensor};

/// Half of the digits: the network learns 0 to 4 first, and then 5 to 9.
const CLASSES: i64 = 5;
/// Numbers that a line becomes.
const EMBEDDING: i64 = 16;
/// Numbers that each reading layer remembers.
const HIDDEN: i64 = 32;

/// What reads digits and tells them.
#[derive(Debug)]
pub(crate) struct Network {
    embed: nn::Linear,
    lstm_0: nn::LSTM,
    lstm_1: nn::LSTM,
    attention: Tensor,
    output: nn::Linear,
}

impl Network {
    /// A network that has learnt nothing yet.
    pub(crate) fn new(vs: &nn::Path) -> Self {
        // Attention sees what both layers remember at each line, and the line itself.
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
        // [batch, lines, numbers]; how much each line counts is a number a line.
        let seen = Tensor::cat(&[second, first, lines], -1);
        let weights = seen.matmul(&self.attention).softmax(1, Kind::Float);
        (seen * weights).sum_dim_intlist(1, false, Kind::Float).apply(&self.output)
    }
}
