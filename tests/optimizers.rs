//! The optimizers that a promise is tried with, each with momentum and weight decay.

/// Each with weight decay and everything that carries a parameter on without a gradient, as a
/// policy's `default` writes it.
pub const OPTIMIZERS: [&str; 6] = [
    "lr 0.05 weight_decay 0.1 optimizer sgd(momentum 0.9)",
    "lr 0.05 weight_decay 0.1 optimizer sgd(momentum 0.9 nesterov)",
    "lr 0.01 weight_decay 0.1 optimizer adam",
    "lr 0.01 weight_decay 0.1 optimizer adamw",
    "lr 0.01 weight_decay 0.1 optimizer adamw(amsgrad)",
    "lr 0.01 weight_decay 0.1 optimizer rmsprop(momentum 0.9 centered)",
];
