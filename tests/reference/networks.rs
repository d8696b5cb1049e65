//! The three networks of `networks.py`, under the same names.

use std::convert::Infallible;

use freeze_runtime::{Error, Group, nn::batch_norm2d};
use tch::nn::{self, Module, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

/// A network and its task.
pub(super) struct Network {
    pub(super) vs: VarStore,
    pub(super) loss: Box<Loss>,
}

/// The loss of a batch, in training.
type Loss = dyn Fn(&Tensor, &Tensor) -> Tensor;

/// Four linear layers, of which two share a weight.
pub(super) fn tied(device: Device) -> Network {
    let vs = VarStore::new(device);
    let root = vs.root();
    let linear = |name, inputs, outputs| nn::linear(&root / name, inputs, outputs, config(true));
    let enter = linear("enter", 5, 6);
    let middle = linear("middle", 6, 6);
    let weight = (&root / "again").add("weight", middle.ws.shallow_clone(), true);
    let again = nn::Linear {
        ws: weight,
        bs: Some((&root / "again").var("bias", &[6], nn::Init::Const(0.))),
    };
    let leave = linear("leave", 6, 3);
    let loss = move |x: &Tensor, y: &Tensor| {
        let hidden = [&enter, &middle, &again];
        let x = hidden.iter().fold(x.shallow_clone(), |x, layer| layer.forward(&x).tanh());
        leave.forward(&x).mse_loss(y, tch::Reduction::Mean)
    };
    Network { vs, loss: Box::new(loss) }
}

/// A stem and three residual blocks with batch normalisations, and a linear layer.
pub(super) fn convolutional(device: Device) -> Network {
    let norm = |path: &nn::Path<'_>, channels| {
        Ok(nn::batch_norm2d(path, channels, nn::BatchNormConfig::default()))
    };
    with_norms(device, norm).unwrap_or_else(|never: Infallible| match never {})
}

/// The same with normalisations of this project, over the ranks of a group if there is one.
pub(super) fn convolutional_over(group: Option<&Group>) -> Result<Network, Error> {
    with_norms(Device::Cpu, |path, channels| {
        let norm = batch_norm2d(path, channels, nn::BatchNormConfig::default());
        match group {
            Some(group) => norm.over(group),
            None => Ok(norm),
        }
    })
}

fn with_norms<N: ModuleT + 'static, E>(
    device: Device,
    norm: impl Fn(&nn::Path<'_>, i64) -> Result<N, E>,
) -> Result<Network, E> {
    let vs = VarStore::new(device);
    let root = vs.root();
    let layer = |path: nn::Path<'_>, inputs, outputs| {
        let config = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
        let conv = nn::seq_t().add(nn::conv2d(&path / "conv", inputs, outputs, 3, config));
        Ok(conv.add(norm(&(&path / "bn"), outputs)?).add_fn(Tensor::tanh))
    };
    let stem = layer(&root / "stem", 2, 4)?;
    let blocks = (0..3).map(|block| layer(&root / "blocks" / block, 4, 4));
    let blocks = blocks.collect::<Result<Vec<_>, E>>()?;
    let fc = nn::linear(&root / "fc", 4, 3, config(true));
    let loss = move |x: &Tensor, y: &Tensor| {
        let mut x = stem.forward_t(x, true);
        for block in &blocks {
            x = &x + block.forward_t(&x, true);
        }
        fc.forward(&x.mean_dim([2i64, 3].as_slice(), false, x.kind())).cross_entropy_for_logits(y)
    };
    Ok(Network { vs, loss: Box::new(loss) })
}

/// An embedding, one block of a transformer with one head, and a linear layer.
pub(super) fn attention(device: Device) -> Network {
    let vs = VarStore::new(device);
    let root = vs.root();
    let embed = nn::embedding(&root / "embed", 12, 6, nn::EmbeddingConfig::default());
    let norm = |name| nn::layer_norm(&root / name, vec![6], nn::LayerNormConfig::default());
    let linear = |name, part, inputs, outputs| {
        nn::linear(&root / name / part, inputs, outputs, config(part != "key"))
    };
    let attention_norm = norm("attention_norm");
    let [query, key, value, output] =
        ["query", "key", "value", "output"].map(|part| linear("attention", part, 6, 6));
    let mlp_norm = norm("mlp_norm");
    let up = linear("mlp", "up", 6, 10);
    let down = linear("mlp", "down", 10, 6);
    let head = nn::linear(&root / "head", 6, 4, config(true));
    let loss = move |tokens: &Tensor, y: &Tensor| {
        let x = embed.forward(tokens);
        let normed = attention_norm.forward(&x);
        let [query, key, value] = [&query, &key, &value].map(|layer| layer.forward(&normed));
        let weights = (query.matmul(&key.transpose(1, 2)) / 6f64.sqrt()).softmax(-1, Kind::Float);
        let x = x + output.forward(&weights.matmul(&value));
        let x = &x + down.forward(&up.forward(&mlp_norm.forward(&x)).tanh());
        head.forward(&x.mean_dim(1, false, Kind::Float)).cross_entropy_for_logits(y)
    };
    Network { vs, loss: Box::new(loss) }
}

fn config(bias: bool) -> nn::LinearConfig {
    nn::LinearConfig { bias, ..nn::LinearConfig::default() }
}
