//! The weights of a network: all parameters and running statistics.

use std::collections::BTreeMap;
use std::path::Path;

use tch::nn::VarStore;
use tch::{Kind, TchError, Tensor};

/// Copies of a network's tensors, by name.
#[derive(Debug, Default)]
pub struct Weights(BTreeMap<String, Tensor>);

impl Weights {
    /// The current weights of a network.
    #[must_use]
    pub fn of(store: &VarStore) -> Self {
        let named = store.variables().into_iter();
        Self(named.map(|(name, tensor)| (name, tensor.detach().copy())).collect())
    }

    /// The weights of a `.safetensors` file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(file: &Path) -> Result<Self, TchError> {
        Ok(Self(Tensor::read_safetensors(file)?.into_iter().collect()))
    }

    /// The weights of one part of the network.
    #[must_use]
    pub fn part(&self, part: &str) -> Self {
        self.chosen(|name| is_under(name, part))
    }

    /// The weights without those of one part.
    #[must_use]
    pub fn except(&self, part: &str) -> Self {
        self.chosen(|name| !is_under(name, part))
    }

    fn chosen(&self, is_chosen: impl Fn(&str) -> bool) -> Self {
        let chosen = self.0.iter().filter(|(name, _)| is_chosen(name));
        Self(chosen.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect())
    }

    /// Copies them into a network. Where the network has more rows of a tensor, the first rows are
    /// written. Its other weights are not changed.
    ///
    /// # Errors
    /// If the network has no tensor of a name, or one of another shape.
    pub fn put_into(&self, store: &VarStore) -> Result<(), TchError> {
        let variables = store.variables();
        for (name, tensor) in &self.0 {
            let missing = || TchError::TensorNameNotFound(name.clone(), "the network".to_owned());
            let variable = variables.get(name).ok_or_else(missing)?;
            let rows = tensor.size().first().copied().unwrap_or(0);
            tch::no_grad(|| variable.f_narrow(0, 0, rows)?.f_copy_(tensor))?;
        }
        Ok(())
    }

    /// The number of bits of all weights.
    #[must_use]
    pub fn bits(&self) -> u64 {
        let bytes = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        let bytes: usize = self.0.values().map(bytes).sum();
        8 * u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The number of bits that differ from weights of the same names and shapes; `None` where names
    /// or shapes differ.
    #[must_use]
    pub fn differing_bits(&self, other: &Self) -> Option<u64> {
        self.pairs(other)?.map(|(left, right)| differing_bits(left, right)).sum()
    }

    /// The distance from weights of the same names and shapes: the root of the mean square of the
    /// difference, and 0 only where no bit differs. `None` where names or shapes differ, or there are
    /// no weights.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Option<f64> {
        distance_of(self.pairs(other)?)
    }

    fn pairs<'w>(
        &'w self,
        other: &'w Self,
    ) -> Option<impl Iterator<Item = (&'w Tensor, &'w Tensor)>> {
        self.0.keys().eq(other.0.keys()).then(|| self.0.values().zip(other.0.values()))
    }
}

/// Whether a tensor is this part, or belongs to it.
fn is_under(name: &str, part: &str) -> bool {
    name.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The number of bits that differ between two tensors; `None` where dtypes or shapes differ.
#[must_use]
pub fn differing_bits(left: &Tensor, right: &Tensor) -> Option<u64> {
    if left.kind() != right.kind() || left.size() != right.size() {
        return None;
    }
    let bytes = |tensor: &Tensor| {
        let flat = tensor.detach().contiguous().flatten(0, -1).view_dtype(Kind::Uint8);
        Vec::<u8>::try_from(flat).ok()
    };
    let differing = |(left, right): (u8, u8)| u64::from((left ^ right).count_ones());
    Some(bytes(left)?.into_iter().zip(bytes(right)?).map(differing).sum())
}

/// The distance of two tensors of one dtype and shape: the root of the mean square of the
/// difference, and 0 only where no bit differs.
#[must_use]
pub fn distance(left: &Tensor, right: &Tensor) -> Option<f64> {
    distance_of(std::iter::once((left, right)))
}

fn distance_of<'t>(pairs: impl Iterator<Item = (&'t Tensor, &'t Tensor)>) -> Option<f64> {
    let (mut squares, mut count, mut bits) = (0.0, 0, 0);
    for (left, right) in pairs {
        bits += differing_bits(left, right)?;
        squares += (left - right).square().sum(Kind::Double).double_value(&[]);
        count += left.numel();
    }
    let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
    let distance = (squares / f64::from(count)).sqrt();
    Some(if bits == 0 { 0.0 } else { distance.max(f64::MIN_POSITIVE) })
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn};

    use super::*;

    fn store(rows: i64) -> VarStore {
        let store = VarStore::new(Device::Cpu);
        let _body = store.root().sub("body").var("weight", &[rows, 2], nn::Init::Const(1.0));
        let _head = store.root().sub("head").var("bias", &[2], nn::Init::Const(0.0));
        store
    }

    #[test]
    fn bits_that_differ_are_counted() {
        // -0.0 equals 0.0, and differs in the bit of its sign; 1.0 and 2.0 differ in eight.
        let (left, right) =
            (Tensor::from_slice(&[0.0_f32, 1.0]), Tensor::from_slice(&[-0.0_f32, 2.0]));
        assert_eq!(differing_bits(&left, &left), Some(0));
        assert_eq!(differing_bits(&left, &right), Some(1 + 8));
        assert_eq!(differing_bits(&left, &right.to_kind(Kind::Double)), None);
        assert_eq!(differing_bits(&left, &Tensor::from_slice(&[0.0_f32])), None);
        assert_eq!(distance(&left, &left), Some(0.0));
        assert_eq!(distance(&left, &right), Some(0.5_f64.sqrt()));
        assert!(distance(&left, &Tensor::from_slice(&[-0.0_f32, 1.0])) > Some(0.0));
    }

    #[test]
    fn distance_is_of_one_part() {
        let (left, right) = (store(2), store(2));
        let _filled = tch::no_grad(|| right.variables()["body.weight"].narrow(0, 0, 1).fill_(4.0));
        let (left, right) = (Weights::of(&left), Weights::of(&right));
        let distance = |part: &str| left.part(part).distance(&right.part(part));
        assert_eq!(distance("body"), Some((2.0_f64 * 9.0 / 4.0).sqrt()));
        assert_eq!(distance("head"), Some(0.0));
        assert_eq!(distance("bod"), None);
    }

    #[test]
    fn a_network_of_more_rows_takes_the_first() {
        let (small, grown) = (store(2), store(3));
        tch::no_grad(|| small.variables().values_mut().for_each(|tensor| drop(tensor.fill_(7.0))));
        Weights::of(&small).except("head").put_into(&grown).unwrap();
        let values =
            |name: &str| Vec::<f32>::try_from(grown.variables()[name].flatten(0, -1)).unwrap();
        assert_eq!(values("body.weight"), [7.0, 7.0, 7.0, 7.0, 1.0, 1.0]);
        assert_eq!(values("head.bias"), [0.0, 0.0]);
        assert!(Weights::of(&grown).put_into(&small).is_err());
        assert!(Weights::of(&grown).differing_bits(&Weights::of(&small)).is_none());
    }
}
