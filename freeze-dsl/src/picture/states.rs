//! The states that atoms have in columns.

use std::collections::HashMap;

use crate::clock::SliceGroup;
use crate::index::StateId;

/// What an atom does in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnState {
    /// Training is over.
    Over,
    /// It is frozen.
    Frozen,
    /// It trains.
    Trains(TrainingState),
}

impl ColumnState {
    /// The learning rate with which it trains, if that is not the program's.
    #[must_use]
    pub fn lr(&self) -> Option<f64> {
        match self {
            Self::Trains(training) => training.lr,
            Self::Over | Self::Frozen => None,
        }
    }
}

/// How an atom trains in a column, at the first tick at which it does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingState {
    /// Its learning rate; `None` for the program's.
    pub lr: Option<f64>,
    /// Its weight decay; `None` for the program's.
    pub weight_decay: Option<f64>,
    /// The name of its optimizer; `None` for the program's.
    pub optimizer: Option<&'static str>,
    /// Whether it trains because a `sample` drew it.
    pub is_drawn: bool,
    /// Whether it is frozen in another part of the column.
    pub is_part_of_time: bool,
}

/// A state, compared by its bits.
type StateKey = (Option<u64>, Option<u64>, Option<&'static str>, bool, bool);

/// All states, each once.
#[derive(Debug, Clone)]
pub(super) struct StateTable {
    states: Vec<ColumnState>,
    known: HashMap<StateKey, StateId>,
}

pub(super) const OVER: StateId = StateId::new(0);
pub(super) const FROZEN: StateId = StateId::new(1);

impl StateTable {
    pub(super) fn new() -> Self {
        Self { states: vec![ColumnState::Over, ColumnState::Frozen], known: HashMap::new() }
    }

    pub(super) fn into_states(self) -> Vec<ColumnState> {
        self.states
    }

    /// The state of what trains with a group now; that of frozen parameters for none.
    pub(super) fn of_group(&mut self, group: Option<&SliceGroup>, is_drawn: bool) -> StateId {
        let Some(group) = group else { return FROZEN };
        self.of(TrainingState {
            lr: group.lr,
            weight_decay: group.weight_decay,
            optimizer: group.optimizer.map(|optimizer| optimizer.name()),
            is_drawn,
            is_part_of_time: false,
        })
    }

    /// The same state for a part of the time.
    pub(super) fn part_of_time(&mut self, state: StateId) -> StateId {
        match self.states.get(state.index()) {
            Some(ColumnState::Trains(state)) => {
                self.of(TrainingState { is_part_of_time: true, ..*state })
            }
            _ => state,
        }
    }

    fn of(&mut self, state: TrainingState) -> StateId {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        let TrainingState { lr, weight_decay, optimizer, is_drawn, is_part_of_time } = state;
        let key = (bits(lr), bits(weight_decay), optimizer, is_drawn, is_part_of_time);
        *self.known.entry(key).or_insert_with(|| {
            self.states.push(ColumnState::Trains(state));
            StateId::new(self.states.len() - 1)
        })
    }
}
