//! A random model.

use std::collections::{BTreeMap, BTreeSet};

use freeze_runtime::Tuner;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tch::nn::{self, Module, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

use crate::bits::bits;
use crate::networks::values;

pub(super) const BATCH: i64 = 4;
pub(super) const LENGTH: i64 = 5;
pub(super) const WIDTH: i64 = 4;
pub(super) const TOKENS: i64 = 7;

/// A kind of layer, from `[BATCH, WIDTH, LENGTH]` to the same.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer {
    /// Over the last dimension.
    Linear,
    /// A convolution, `conv`, and its batch normalisation, `bn`.
    Convolution,
}

/// What a random model is made of: an `embed`, layers `l0`, `l1` and so on, and `fc`.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) embeds: Option<Sparse>,
    pub(super) layers: Vec<Layer>,
}

/// Whether an embedding's gradients are sparse, which only SGD takes.
pub(super) type Sparse = bool;

pub(super) struct Net {
    pub(super) vs: VarStore,
    pub(super) embed: Option<nn::Embedding>,
    pub(super) layers: nn::SequentialT,
}

impl Net {
    pub(super) fn new(shape: &Shape, device: Device) -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(device);
        let root = vs.root();
        let embed = shape.embeds.map(|sparse| {
            let config = nn::EmbeddingConfig { sparse, ..nn::EmbeddingConfig::default() };
            nn::embedding(&root / "embed", TOKENS, WIDTH, config)
        });
        let mut layers = nn::seq_t();
        for (i, layer) in shape.layers.iter().enumerate() {
            let path = &root / format!("l{i}");
            layers = match layer {
                Layer::Linear => {
                    layers.add(nn::linear(path, LENGTH, LENGTH, nn::LinearConfig::default()))
                }
                Layer::Convolution => {
                    let config = nn::ConvConfig { padding: 1, ..nn::ConvConfig::default() };
                    layers
                        .add(nn::conv1d(&path / "conv", WIDTH, WIDTH, 3, config))
                        .add(nn::batch_norm1d(&path / "bn", WIDTH, nn::BatchNormConfig::default()))
                }
            };
            layers = layers.add_fn(Tensor::tanh);
        }
        let layers = layers.add_fn(|xs| xs.mean_dim(-1, false, xs.kind())).add(nn::linear(
            &root / "fc",
            WIDTH,
            3,
            nn::LinearConfig::default(),
        ));
        let net = Self { vs, embed, layers };
        for (seed, (name, mut tensor)) in (0..).zip(BTreeMap::from_iter(net.vs.variables())) {
            if tensor.requires_grad() {
                let middle = if name.ends_with("bn.weight") { 1.0 } else { 0.0 };
                let start = values(&tensor.size(), seed) - 0.5 + middle;
                tch::no_grad(|| tensor.copy_(&start));
            }
        }
        net
    }

    pub(super) fn forward(&self, batch: i64, train: bool) -> Tensor {
        let device = self.vs.device();
        let xs = match &self.embed {
            Some(embed) => {
                let tokens = values(&[BATCH, LENGTH], batch) * TOKENS;
                embed.forward(&tokens.to_kind(Kind::Int64).to_device(device)).transpose(1, 2)
            }
            None => (values(&[BATCH, WIDTH, LENGTH], batch) * 2.0 - 1.0).to_device(device),
        };
        self.layers.forward_t(&xs, train)
    }

    pub(super) fn loss(&self, batch: i64) -> Tensor {
        let target = values(&[BATCH, 3], 1000 + batch).to_device(self.vs.device());
        (self.forward(batch, true) - target).square().mean(None)
    }

    /// The bits of each row of each variable.
    pub(super) fn rows(&self) -> BTreeMap<String, Vec<Vec<u8>>> {
        let rows = |tensor: &Tensor| -> Vec<Vec<u8>> {
            let bits = bits(tensor);
            let rows = usize::try_from(tensor.size()[0]).unwrap();
            bits.chunks(bits.len() / rows).map(<[u8]>::to_vec).collect()
        };
        self.vs.variables().iter().map(|(name, tensor)| (name.clone(), rows(tensor))).collect()
    }

    /// The rows that may move, by name: those that train, and statistics of modules of which
    /// something trains.
    pub(super) fn trained(&self, tuner: &Tuner) -> BTreeSet<(String, usize)> {
        let mut trained = BTreeSet::new();
        let count = |name: &str| usize::try_from(self.vs.variables()[name].size()[0]).unwrap();
        for name in tuner.trainable_names() {
            let (name, rows) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                None => (name.as_str(), 0..count(&name)),
                Some((name, rows)) => {
                    let (start, end) = rows.split_once("..").unwrap();
                    (name, start.parse().unwrap()..end.parse().unwrap())
                }
            };
            trained.extend(rows.map(|row| (name.to_owned(), row)));
            if let Some((module, _)) = name.rsplit_once('.').filter(|(of, _)| of.ends_with("bn")) {
                for statistic in ["running_mean", "running_var"] {
                    let name = format!("{module}.{statistic}");
                    trained.extend((0..count(&name)).map(|row| (name.clone(), row)));
                }
            }
        }
        trained
    }
}

pub(super) fn shape() -> impl Strategy<Value = Shape> {
    let layer = select(vec![Layer::Linear, Layer::Convolution]);
    (prop::option::of(any::<bool>()), vec(layer, 1..4))
        .prop_map(|(embeds, layers)| Shape { embeds, layers })
}
