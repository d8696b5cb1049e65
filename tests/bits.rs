//! The bits of every variable of a network: what is promised not to move is compared by these.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// The bits of every variable of a store, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits(BTreeMap<String, Vec<u8>>);

impl Bits {
    /// The bits that a store's variables have now.
    #[must_use]
    pub fn of(store: &VarStore) -> Self {
        let named = store.variables();
        Self(named.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect())
    }

    /// A number that is the same for the same bits.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// The names of the variables that have other bits in `later`, in alphabetical order.
    #[must_use]
    pub fn moved<'a>(&'a self, later: &Self) -> Vec<&'a str> {
        let moved = self.0.iter().filter(|(name, bits)| later.0.get(*name) != Some(bits));
        moved.map(|(name, _)| name.as_str()).collect()
    }
}

/// The bits of one tensor. Zero and minus zero are not the same; a NaN is the same as itself.
#[must_use]
pub fn bits(tensor: &Tensor) -> Vec<u8> {
    let bytes =
        tensor.detach().to_device(Device::Cpu).contiguous().view(-1).view_dtype(Kind::Uint8);
    let mut bits = vec![0; bytes.numel()];
    bytes.copy_data_u8(&mut bits, bytes.numel());
    bits
}
