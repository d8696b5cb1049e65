//! The optimizers that a promise is tried with, each with momentum and weight decay.

/// Each with weight decay and everything that carries a parameter on without a gradient, as a
/// policy's `default` writes it.
pub const OPTIMIZERS: [&str; 12] = [
    "lr 0.05 weight_decay 0.1 optimizer sgd(momentum 0.9)",
    "lr 0.05 weight_decay 0.1 optimizer sgd(momentum 0.9 nesterov)",
    "lr 0.01 weight_decay 0.1 optimizer adam",
    "lr 0.01 weight_decay 0.1 optimizer adamw",
    "lr 0.01 weight_decay 0.1 optimizer adamw(amsgrad)",
    "lr 0.01 weight_decay 0.1 optimizer rmsprop(momentum 0.9 centered)",
    "lr 0.05 weight_decay 0.1 optimizer adagrad(initial 0.1 lr_decay 0.01)",
    "lr 0.01 weight_decay 0.1 optimizer adamax",
    "lr 0.01 weight_decay 0.1 optimizer nadam(decoupled)",
    "lr 0.01 weight_decay 0.1 optimizer radam",
    "lr 0.01 weight_decay 0.1 optimizer adafactor",
    "lr 0.01 weight_decay 0.1 optimizer lion",
];

/// Whether an optimizer sees neighbouring rows that train alike as one matrix.
#[must_use]
pub fn joins_rows(optimizer: &str) -> bool {
    ["adafactor", "muon"].iter().any(|joining| optimizer.contains(joining))
}
