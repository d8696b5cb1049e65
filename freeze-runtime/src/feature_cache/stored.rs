//! Features of one type, in the order in which they came.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use super::Place;
use super::disk::DiskRows;
use super::memory::MemoryRows;
use crate::{CacheError, Error, FeatureType};

/// Features of one type.
#[derive(Debug)]
pub(super) struct StoredFeatures {
    like: FeatureType,
    /// The dimensions of a batch by their strides, largest first; the samples' own comes first.
    order: Vec<i64>,
    rows: FeatureRows,
    row_of: HashMap<i64, i64>,
    row_bytes: u64,
    /// How many rows the budget has room for.
    most: u64,
    /// Whether storing has failed.
    is_closed: bool,
}

#[derive(Debug)]
enum FeatureRows {
    Memory(MemoryRows),
    Disk(DiskRows),
}

impl StoredFeatures {
    /// An empty store for features like these.
    pub(super) fn new(
        place: &Place,
        budget: u64,
        kind: Option<Kind>,
        features: &Tensor,
    ) -> Result<Self, Error> {
        let like = FeatureType::of(features)?;
        let kind = kind.unwrap_or(like.kind);
        let order = order(features);
        let laid_out = features.f_permute(&order)?;
        let shape = laid_out.size().split_off(1);
        let numbers: i64 = shape.iter().product();
        let row_bytes = numbers.unsigned_abs() * kind.elt_size_in_bytes() as u64;
        let (rows, overhead) = match place {
            Place::Device => (FeatureRows::Memory(MemoryRows::new(shape, kind, like.device)), 0),
            Place::Host => (FeatureRows::Memory(MemoryRows::new(shape, kind, Device::Cpu)), 0),
            Place::Disk(folder) => {
                (FeatureRows::Disk(DiskRows::new(folder, shape, kind, row_bytes)), DiskRows::HEADER)
            }
        };
        let most = budget.saturating_sub(overhead) / row_bytes.max(1);
        Ok(Self { like, order, rows, row_of: HashMap::new(), row_bytes, most, is_closed: false })
    }

    /// Fails unless features are of the type of the stored ones.
    pub(super) fn require_like(&self, features: &Tensor) -> Result<(), Error> {
        let found = FeatureType::of(features)?;
        if found == self.like {
            return Ok(());
        }
        Err(CacheError::Mismatch { first: self.like.clone(), found }.into())
    }

    pub(super) fn row(&self, id: i64) -> Option<i64> {
        self.row_of.get(&id).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.row_of.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        match &self.rows {
            FeatureRows::Memory(rows) => rows.allocated() * self.row_bytes,
            FeatureRows::Disk(rows) => rows.bytes(),
        }
    }

    /// Adds as many of these features as there is room for.
    pub(super) fn add(&mut self, ids: &[i64], features: &Tensor) -> Result<(), Error> {
        let first = self.len();
        let room = usize::try_from(self.most).unwrap_or(usize::MAX).saturating_sub(first);
        let count = if self.is_closed { 0 } else { ids.len().min(room) };
        if count == 0 {
            return Ok(());
        }
        let rows = i64::try_from(count).unwrap_or(i64::MAX);
        let laid_out = features.f_narrow(0, 0, rows)?.f_permute(&self.order)?;
        let added = match &mut self.rows {
            FeatureRows::Memory(rows) => rows.add(&laid_out, self.most).map_err(Error::from),
            FeatureRows::Disk(rows) => rows.add(&laid_out),
        };
        self.is_closed = added.is_err();
        added?;
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        self.row_of.extend(ids.iter().copied().take(count).zip(first..));
        Ok(())
    }

    /// Some rows, in the type and memory layout in which they were computed.
    pub(super) fn get(&self, rows: &[i64]) -> Result<Tensor, Error> {
        let rows = match &self.rows {
            FeatureRows::Memory(stored) => stored.get(rows)?,
            FeatureRows::Disk(stored) => stored.get(rows)?,
        };
        let FeatureType { kind, device, .. } = self.like;
        let features = rows.f_to_device_(device, kind, false, false)?;
        let mut places: Vec<(i64, i64)> = self.order.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let places: Vec<i64> = places.into_iter().map(|(_, place)| place).collect();
        Ok(features.f_permute(&places)?)
    }
}

impl FeatureType {
    fn of(features: &Tensor) -> Result<Self, Error> {
        let shape = features.size().get(1..).unwrap_or_default().to_vec();
        Ok(Self { kind: features.f_kind()?, shape, device: features.device() })
    }
}

/// The dimensions of a tensor by their strides, largest first, but the first one before all others: so
/// that features in another memory format, such as channels last, are returned in it.
fn order(features: &Tensor) -> Vec<i64> {
    let mut dimensions: Vec<(i64, i64)> = features.stride().into_iter().zip(0..).skip(1).collect();
    dimensions.sort_by_key(|(stride, _)| std::cmp::Reverse(*stride));
    std::iter::once(0).chain(dimensions.into_iter().map(|(_, dimension)| dimension)).collect()
}
