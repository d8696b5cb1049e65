//! Labelled samples.

use std::ops::Range;

use tch::data::Iter2;
use tch::nn::ModuleT;
use tch::{Kind, Tensor};

/// Inputs and the class of each.
#[derive(Debug)]
pub struct Dataset {
    /// The inputs, along the first dimension.
    pub inputs: Tensor,
    /// Their classes, counted from 0.
    pub labels: Tensor,
}

impl Dataset {
    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.labels.numel().try_into().unwrap_or(i64::MAX)
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples of some classes, whose labels start at 0 again.
    #[must_use]
    pub fn classes(&self, classes: Range<i64>) -> Self {
        let chosen = self.labels.ge(classes.start).logical_and(&self.labels.lt(classes.end));
        let samples = self.samples(&chosen.nonzero().flatten(0, -1));
        Self { labels: samples.labels - classes.start, ..samples }
    }

    /// Draws a number of samples of each class with tch's generator. Returns these and all others.
    #[must_use]
    pub fn draw(&self, per_class: i64) -> (Self, Self) {
        let order = Tensor::randperm(self.len(), (Kind::Int64, self.labels.device()));
        let labels = self.labels.index_select(0, &order);
        // A sample is drawn if it is among the first of its class in this order.
        let of_class = labels.one_hot(-1);
        let place = (of_class.cumsum(0, None) * &of_class).sum_dim_intlist(1, false, None);
        let drawn = place.le(per_class);
        let at = |chosen: &Tensor| order.masked_select(chosen);
        (self.samples(&at(&drawn)), self.samples(&at(&drawn.logical_not())))
    }

    /// The samples in batches, in an order drawn with tch's generator. An incomplete last batch is
    /// dropped.
    #[must_use]
    pub fn batches(&self, size: i64) -> Iter2 {
        let mut batches = Iter2::new(&self.inputs, &self.labels, size);
        batches.shuffle();
        batches
    }

    /// The share of the samples that a network classifies correctly.
    #[must_use]
    pub fn accuracy(&self, network: &impl ModuleT) -> f64 {
        tch::no_grad(|| {
            let logits = network.forward_t(&self.inputs, false);
            logits.accuracy_for_logits(&self.labels).double_value(&[])
        })
    }

    fn samples(&self, indices: &Tensor) -> Self {
        Self {
            inputs: self.inputs.index_select(0, indices),
            labels: self.labels.index_select(0, indices),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Dataset {
        let labels = Tensor::from_slice(&[0_i64, 1, 2, 2, 1, 0, 2, 1]);
        Dataset { inputs: labels.to_kind(Kind::Float).unsqueeze(1), labels }
    }

    fn numbers(tensor: &Tensor) -> Vec<i64> {
        Vec::try_from(tensor.to_kind(Kind::Int64).flatten(0, -1)).unwrap()
    }

    #[test]
    fn classes_are_counted_from_zero() {
        let some = dataset().classes(1..3);
        assert_eq!(numbers(&some.labels), [0, 1, 1, 0, 1, 0]);
        assert_eq!(numbers(&some.inputs), [1, 2, 2, 1, 2, 1]);
    }

    #[test]
    fn a_draw_takes_as_many_of_each_class() {
        tch::manual_seed(0);
        let (drawn, others) = dataset().draw(2);
        let mut labels = numbers(&drawn.labels);
        labels.sort_unstable();
        assert_eq!(labels, [0, 0, 1, 1, 2, 2]);
        assert_eq!(numbers(&drawn.inputs), numbers(&drawn.labels));
        assert_eq!(others.len(), 2);
    }
}
