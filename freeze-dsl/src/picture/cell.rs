//! What is seen in one cell of a picture.

use std::collections::HashMap;

use super::{ColumnState, Drawing, ModuleRow, Picture};
use crate::index::StateId;

/// What is seen in the cell of a row and a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowCell {
    /// Training is over.
    Over,
    /// All of it is frozen.
    Frozen,
    /// Some of it trains.
    Trains(RowTraining),
}

/// How a row trains in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowTraining {
    /// The learning rate of most of the numbers that train; `None` for the program's.
    pub lr: Option<f64>,
    /// Their lowest and their highest learning rate, as far as the policy sets it.
    pub rates: Option<(f64, f64)>,
    /// How many numbers train.
    pub elements: usize,
    /// Whether that is a part: not all of the numbers, not all of the time, or a `sample`.
    pub is_part: bool,
}

impl Picture {
    /// The learning rates of each atom, one a column in which it trains with one of the policy's.
    pub fn rates<'p>(&'p self, drawing: &'p Drawing) -> impl Iterator<Item = Vec<f64>> + 'p {
        let rate = |state: &StateId| self.states.get(state.index())?.lr();
        drawing.states.iter().map(move |atom| atom.iter().filter_map(rate).collect())
    }

    /// What is seen in the cell of a row and a column.
    #[must_use]
    pub fn cell(&self, drawing: &Drawing, row: &ModuleRow, column: usize) -> RowCell {
        let mut by_rate: HashMap<Option<u64>, usize> = HashMap::new();
        let mut rates: Option<(f64, f64)> = None;
        let (mut trained, mut is_part, mut is_over) = (0, false, true);
        for (atom, elements) in &row.atoms {
            match self.states.get(drawing.state(*atom, column).index()) {
                Some(ColumnState::Trains(state)) => {
                    trained += elements;
                    is_part |= state.is_drawn || state.is_part_of_time;
                    *by_rate.entry(state.lr.map(f64::to_bits)).or_default() += elements;
                    if let Some(lr) = state.lr {
                        let (lowest, highest) = rates.unwrap_or((lr, lr));
                        rates = Some((lowest.min(lr), highest.max(lr)));
                    }
                    is_over = false;
                }
                Some(ColumnState::Frozen) => is_over = false,
                Some(ColumnState::Over) | None => {}
            }
        }
        let most = by_rate.into_iter().max_by_key(|(rate, elements)| (*elements, *rate));
        match most {
            Some((rate, _)) => RowCell::Trains(RowTraining {
                lr: rate.map(f64::from_bits),
                rates,
                elements: trained,
                is_part: is_part || trained < row.elements,
            }),
            None if is_over => RowCell::Over,
            None => RowCell::Frozen,
        }
    }
}
