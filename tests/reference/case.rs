//! What was written down of a run in PyTorch, as `training.py` describes it.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;

use freeze_runtime::{Policy, Tuner};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Kind, TchError, Tensor};

/// A policy, and a run by hand of which it is to have the numbers.
pub(super) struct Case {
    pub(super) policy: Policy,
    /// How gradients are clipped before a step.
    pub(super) clip: Clip,
    /// Parameters and running statistics: at first, then after each epoch.
    pub(super) weights: BTreeMap<String, Tensor>,
    /// The epochs and the steps of each.
    pub(super) epochs: i64,
    pub(super) steps: i64,
    /// Whether a rule ends the training when these epochs are over.
    pub(super) ends: bool,
    /// By epoch and step.
    x: Tensor,
    y: Tensor,
    rates: BTreeMap<String, Tensor>,
    metrics: BTreeMap<String, Tensor>,
}

/// The bound that gradients are clipped to.
#[derive(Clone, Copy)]
pub(super) enum Clip {
    No,
    Norm(f64),
    Value(f64),
}

impl Case {
    /// Reads a policy and the tensors of a `.safetensors` file.
    pub(super) fn read(policy: &str, tensors: &[u8]) -> Result<Self, Box<dyn Error>> {
        let policy = Policy::parse(policy)?;
        let mut tensors = read_tensors(tensors)?;
        let mut under = |prefix: &str| -> BTreeMap<String, Tensor> {
            let is_under = |name: &String, _: &mut Tensor| name.starts_with(prefix);
            let found = tensors.extract_if(.., is_under);
            found.map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect()
        };
        let (weights, rates) = (under("weights."), under("lr."));
        let (metrics, clip) = (under("metrics."), under("clip."));
        let clip = match (clip.get("norm"), clip.get("value")) {
            (None, None) => Clip::No,
            (Some(norm), None) => Clip::Norm(norm.f_double_value(&[])?),
            (_, Some(value)) => Clip::Value(value.f_double_value(&[])?),
        };
        let mut take = |name: &str| tensors.remove(name).ok_or(format!("no tensor `{name}`"));
        let (x, y, ends) = (take("x")?, take("y")?, take("ends")?.f_int64_value(&[])? != 0);
        let (epochs, steps) = match x.size().as_slice() {
            [epochs, steps, ..] => (*epochs, *steps),
            size => return Err(format!("batches of shape {size:?}").into()),
        };
        Ok(Self { policy, clip, weights, epochs, steps, ends, x, y, rates, metrics })
    }

    pub(super) fn batch(&self, epoch: i64, step: i64) -> Result<(Tensor, Tensor), TchError> {
        let of = |all: &Tensor| all.f_get(epoch)?.f_get(step);
        Ok((of(&self.x)?, of(&self.y)?))
    }

    /// What is observed at the end of an epoch.
    pub(super) fn metrics(&self, epoch: i64) -> impl Iterator<Item = (&str, f64)> {
        let of = move |values: &Tensor| values.double_value(&[epoch]);
        self.metrics.iter().map(move |(name, values)| (name.as_str(), of(values)))
    }

    /// The learning rate of every row of everything that trains at a step.
    pub(super) fn rates(&self, epoch: i64, step: i64) -> Rates {
        let rates = self.rates.iter().map(|(name, all)| (name, all.double_value(&[epoch, step])));
        let training = rates.filter(|(_, rate)| !rate.is_nan());
        let rows = training.map(|(called, rate)| (self.rows(called), rate));
        rows.flat_map(|((name, rows), rate)| each(name, rows, rate)).collect()
    }

    /// The learning rate that a tuner has for every row of everything that trains, under each of
    /// its names.
    pub(super) fn rates_of(&self, tuner: &Tuner) -> Rates {
        let parameters = tuner.plan().model().parameters();
        let mut rates = Rates::new();
        for group in tuner.param_groups() {
            for called in &group.params {
                let (name, rows) = self.rows(called);
                let parameter = parameters.iter().find(|parameter| parameter.name == name);
                for name in parameter.iter().flat_map(|parameter| parameter.names()) {
                    rates.extend(each(name, rows.clone(), group.lr));
                }
            }
        }
        rates
    }

    /// The rows that a name such as `embed.weight` or `embed.weight[0..4]` means: groups may
    /// call neighbours by one name.
    fn rows<'n>(&self, called: &'n str) -> (&'n str, Range<i64>) {
        let stretch = || {
            let (name, rows) = called.strip_suffix(']')?.split_once('[')?;
            let (first, past) = rows.split_once("..")?;
            Some((name, first.parse().ok()?..past.parse().ok()?))
        };
        let count = || self.weights.get(called).and_then(|all| all.size().get(1).copied());
        stretch().unwrap_or_else(|| (called, 0..count().unwrap_or_default()))
    }
}

/// The tensors of a `.safetensors` file.
fn read_tensors(file: &[u8]) -> Result<BTreeMap<String, Tensor>, Box<dyn Error>> {
    let read = SafeTensors::deserialize(file)?;
    let tensor = |(name, view): (String, TensorView<'_>)| {
        let shape = view.shape().iter().map(|size| i64::try_from(*size));
        let shape = shape.collect::<Result<Vec<_>, _>>()?;
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            Dtype::I64 => Kind::Int64,
            Dtype::BOOL => Kind::Bool,
            other => return Err(format!("`{name}` is of {other:?}").into()),
        };
        Ok((name, Tensor::f_from_data_size(view.data(), &shape, kind)?))
    };
    read.tensors().into_iter().map(tensor).collect()
}

/// Learning rates, by names and rows.
pub(super) type Rates = BTreeMap<(String, i64), f64>;

fn each(name: &str, rows: Range<i64>, rate: f64) -> impl Iterator<Item = ((String, i64), f64)> {
    rows.map(move |row| ((name.to_owned(), row), rate))
}

/// Whether two tensors have the same bits: row by row, or as a whole where they are vectors.
pub(super) fn same_bits(one: &Tensor, other: &Tensor) -> Result<Tensor, TchError> {
    let same = one.f_view_dtype(Kind::Int)?.f_eq_tensor(&other.f_view_dtype(Kind::Int)?)?;
    if same.dim() < 2 { same.f_all() } else { same.f_flatten(1, -1)?.f_all_dim(1, false) }
}
