//! Rows in the memory of a device.

use tch::{Device, Kind, TchError, Tensor};

use super::rows::{in_order, select};

/// Rows in blocks, each larger than those before it, so that none is ever copied to a larger one.
#[derive(Debug)]
pub(super) struct MemoryRows {
    shape: Vec<i64>,
    kind: Kind,
    device: Device,
    blocks: Vec<RowBlock>,
    /// How many rows are used.
    used: i64,
}

#[derive(Debug)]
struct RowBlock {
    /// The number of its first row.
    first: i64,
    count: i64,
    rows: Tensor,
}

impl MemoryRows {
    pub(super) fn new(shape: Vec<i64>, kind: Kind, device: Device) -> Self {
        Self { shape, kind, device, blocks: Vec::new(), used: 0 }
    }

    fn end(&self) -> i64 {
        self.blocks.last().map_or(0, |block| block.first + block.count)
    }

    /// How many rows there is memory for.
    pub(super) fn allocated(&self) -> u64 {
        self.end().unsigned_abs()
    }

    /// Adds rows, in memory for at most `most` of them.
    pub(super) fn add(&mut self, rows: &Tensor, most: u64) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        let count = rows.size().first().copied().unwrap_or_default();
        let (first, past) = (self.used, self.used + count);
        if past > self.end() {
            let room = i64::try_from(most).unwrap_or(i64::MAX) - self.end();
            let count = (past - self.end()).max(self.end() / 2).min(room);
            let size: Vec<i64> = std::iter::once(count).chain(self.shape.iter().copied()).collect();
            let rows = Tensor::f_empty(&size, (self.kind, self.device))?;
            self.blocks.push(RowBlock { first: self.end(), count, rows });
        }
        for block in &self.blocks {
            let start = first.max(block.first);
            let length = past.min(block.first + block.count) - start;
            if length > 0 {
                let to = &mut block.rows.f_narrow(0, start - block.first, length)?;
                to.f_copy_(&rows.f_narrow(0, start - first, length)?)?;
            }
        }
        self.used = past;
        Ok(())
    }

    /// Some rows, on the device of the store.
    pub(super) fn get(&self, rows: &[i64]) -> Result<Tensor, TchError> {
        if let [only] = self.blocks.as_slice() {
            return select(&only.rows, rows);
        }
        let mut parts: Vec<(Vec<i64>, Vec<i64>)> = vec![Default::default(); self.blocks.len()];
        for (position, row) in (0..).zip(rows) {
            let index = self.blocks.partition_point(|block| block.first <= *row) - 1;
            if let (Some((positions, own)), Some(block)) =
                (parts.get_mut(index), self.blocks.get(index))
            {
                positions.push(position);
                own.push(row - block.first);
            }
        }
        let parts = parts.into_iter().zip(&self.blocks).filter(|((of, _), _)| !of.is_empty());
        let parts =
            parts.map(|((positions, own), block)| Ok((positions, select(&block.rows, &own)?)));
        in_order(parts.collect::<Result<_, TchError>>()?)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::MemoryRows;

    #[test]
    fn rows_come_back_from_any_block_within_the_budget() {
        let mut store = MemoryRows::new(vec![2], Kind::Float, Device::Cpu);
        let all = Tensor::arange(40, (Kind::Float, Device::Cpu)).view([20, 2]);
        for (first, count) in [(0, 4), (4, 1), (5, 1), (6, 8), (14, 6)] {
            store.add(&all.narrow(0, first, count), 20).unwrap();
        }
        assert_eq!(store.allocated(), 20);
        assert!(store.blocks.len() > 2);
        let rows = [19, 0, 7, 4, 5, 13, 1];
        let expected = all.index_select(0, &Tensor::from_slice(&rows));
        assert_eq!(store.get(&rows).unwrap(), expected);
    }
}
