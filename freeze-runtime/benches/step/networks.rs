//! What is trained: blocks of a transformer's shape, and parameters without a network.

use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

/// Blocks of two residual branches, each a normalisation and two linear layers.
pub(crate) fn blocks(count: usize, width: i64, device: Device) -> (nn::VarStore, nn::Sequential) {
    let vs = nn::VarStore::new(device);
    let mut net = nn::seq();
    for i in 0..count {
        let path = vs.root() / "blocks" / i;
        for (name, inner) in [("mix", width), ("mlp", 4 * width)] {
            let path = &path / name;
            let part = nn::seq()
                .add(nn::layer_norm(&path / "norm", vec![width], nn::LayerNormConfig::default()))
                .add(nn::linear(&path / "up", width, inner, nn::LinearConfig::default()))
                .add_fn(|x| x.gelu("none"))
                .add(nn::linear(&path / "down", inner, width, nn::LinearConfig::default()));
            net = net.add_fn(move |x| x + part.forward(x));
        }
    }
    (vs, net)
}

/// The shapes of a vision transformer's 194 tensors; of 87.5 million numbers where it is 768 wide.
pub(crate) fn transformer(width: i64) -> Vec<Vec<i64>> {
    let mut shapes = vec![vec![3000, width], vec![197, width]];
    for _ in 0..12 {
        shapes.extend([(); 4].map(|()| vec![width, width]));
        shapes.extend([(); 9].map(|()| vec![width]));
        shapes.extend([vec![4 * width, width], vec![4 * width], vec![width, 4 * width]]);
    }
    shapes
}

/// How many numbers tensors of these shapes have.
pub(crate) fn numbers(shapes: &[Vec<i64>]) -> i64 {
    shapes.iter().map(|shape| shape.iter().product::<i64>()).sum()
}

/// Parameters of these shapes, each with a gradient: one half in the module `lower`, the other in
/// `upper`.
pub(crate) fn with_gradients(shapes: &[Vec<i64>], device: Device) -> nn::VarStore {
    let vs = nn::VarStore::new(device);
    for (i, shape) in shapes.iter().enumerate() {
        let half = if 2 * i < shapes.len() { "lower" } else { "upper" };
        let _parameter = (vs.root() / half).randn(&format!("parameter{i}"), shape, 0.0, 0.02);
    }
    renew_gradients(&vs);
    vs
}

/// Gives every parameter a gradient.
pub(crate) fn renew_gradients(vs: &nn::VarStore) {
    for parameter in vs.trainable_variables().iter().filter(|one| one.requires_grad()) {
        parameter.square().sum(Kind::Float).backward();
    }
}

/// How large a model is, in words.
pub(crate) fn size(vs: &nn::VarStore) -> String {
    let parameters = vs.trainable_variables();
    let elements: usize = parameters.iter().map(Tensor::numel).sum();
    format!("{} tensors, {elements} parameters", parameters.len())
}
