//! The share of a rank in a data set.

use rand_mt::Mt;

/// The samples of a rank in an epoch: every `size`-th of a permutation, beginning at `rank`. The first
/// samples are repeated until each rank has as many.
///
/// These are the samples of `PyTorch`'s `DistributedSampler`, which shuffles in the same way.
pub(super) fn share(
    len: usize,
    seed: u64,
    (rank, size): (usize, usize),
) -> impl Iterator<Item = usize> + use<> {
    let order = permutation(len, seed);
    let each = len.div_ceil(size);
    let first = rank.min(len);
    (0..each).filter_map(move |index| {
        let place = index.checked_mul(size)?.checked_add(first)?;
        order.get(place.checked_rem(len)?).copied()
    })
}

/// The numbers below `len` in the order of `torch.randperm` with a generator of this seed.
fn permutation(len: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    #[expect(clippy::cast_possible_truncation, reason = "as PyTorch seeds it")]
    let mut random = Mt::new(seed as u32);
    for place in 0..len.saturating_sub(1) {
        let rest = len - place;
        let number = match u32::try_from(len) {
            Ok(_) => u64::from(random.next_u32()),
            Err(_) => random.next_u64(),
        };
        let further = number % u64::try_from(rest).unwrap_or(u64::MAX);
        order.swap(place, place + usize::try_from(further).unwrap_or_default());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(len: usize, size: usize) -> Vec<Vec<usize>> {
        (0..size).map(|rank| share(len, 3, (rank, size)).collect()).collect()
    }

    #[test]
    fn the_order_is_that_of_torch() {
        // torch.randperm(10, generator=torch.Generator().manual_seed(3))
        assert_eq!(permutation(10, 3), [6, 0, 3, 7, 8, 5, 1, 9, 2, 4]);
    }

    #[test]
    fn every_rank_has_as_many_and_together_they_have_all() {
        for len in 0..20 {
            for size in 1..6 {
                let shares = shares(len, size);
                assert!(shares.iter().all(|share| share.len() == len.div_ceil(size)));
                let mut all = shares.concat();
                all.sort_unstable();
                all.dedup();
                assert!(all.into_iter().eq(0..len), "{len} over {size}");
            }
        }
    }

    #[test]
    fn the_first_are_repeated() {
        // list(DistributedSampler(range(10), 4, rank, seed=3)) for each rank
        let expected = [vec![6, 8, 2], vec![0, 5, 4], vec![3, 1, 6], vec![7, 9, 0]];
        assert_eq!(shares(10, 4), expected);
        assert_eq!(shares(1, 3), [[0], [0], [0]]);
    }
}
