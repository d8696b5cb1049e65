//! Rows of several tensors as one.

use tch::{TchError, Tensor};

/// The rows of these tensors as one tensor, each at its position in it. The positions are all numbers
/// from 0 on, each once.
pub(super) fn in_order(parts: Vec<(Vec<i64>, Tensor)>) -> Result<Tensor, TchError> {
    let (positions, tensors): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let rows: Vec<i64> = positions.concat();
    let all = Tensor::f_cat(&tensors, 0)?;
    if rows.iter().copied().eq(0..) {
        return Ok(all);
    }
    let mut order: Vec<(i64, i64)> = rows.into_iter().zip(0..).collect();
    order.sort_unstable();
    let order: Vec<i64> = order.into_iter().map(|(_, row)| row).collect();
    select(&all, &order)
}

/// Some rows of a tensor.
pub(super) fn select(tensor: &Tensor, rows: &[i64]) -> Result<Tensor, TchError> {
    tensor.f_index_select(0, &Tensor::f_from_slice(rows)?.f_to_device(tensor.device())?)
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::{in_order, select};

    #[test]
    fn rows_lie_where_they_belong() {
        let tensor = Tensor::from_slice(&[10_i64, 11, 12, 13]).view([4, 1]);
        let parts = vec![
            (vec![3, 0], select(&tensor, &[3, 0]).unwrap()),
            (vec![1, 2], select(&tensor, &[1, 2]).unwrap()),
        ];
        assert_eq!(in_order(parts).unwrap(), tensor);
    }
}
