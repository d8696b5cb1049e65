//! What every form of the picture shows: rows of cells, marks of rules, and the scale.

use std::collections::{BTreeMap, BTreeSet};

use freeze_dsl::picture::{Drawing, Picture, RowCell, RowLimits};
use freeze_dsl::plan::Plan;

use super::scale::{RateScale, counted};

/// A picture with its rows, in no form yet.
pub(crate) struct Figure {
    /// The policy, and the size of the model.
    pub(crate) title: String,
    pub(crate) picture: Picture,
    pub(crate) rows: Vec<FigureRow>,
    pub(crate) marks: Vec<RuleMark>,
    pub(crate) scale: Option<RateScale>,
}

/// A row of cells.
pub(crate) struct FigureRow {
    pub(crate) name: String,
    pub(crate) depth: usize,
    pub(crate) elements: usize,
    /// A cell a column; none for the head of other rows.
    pub(crate) cells: Vec<RowCell>,
}

/// A moment at which rules fire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuleMark {
    pub(crate) tick: u64,
    /// Its place in columns from the start.
    pub(crate) place: f64,
    /// The rules that fire for the first time, as indices of the picture's; none where rules only fire
    /// again.
    pub(crate) rules: Vec<usize>,
    /// Whether a metric can decide when they fire.
    pub(crate) is_by_metric: bool,
}

/// The policy, and the size of the model.
pub(crate) fn title(plan: &Plan, elements: usize) -> String {
    let parameters = plan.model().parameters().len();
    let s = if parameters == 1 { "" } else { "s" };
    let name = plan.policy().source().name();
    format!("{name}: {parameters} parameter{s}, {} numbers", counted(elements))
}

impl Figure {
    pub(crate) fn new(plan: &Plan, picture: Picture, limits: RowLimits) -> Self {
        let drawing = picture.drawing();
        let tree = picture.rows(&drawing, limits);
        let columns = picture.axis.columns();
        let rows: Vec<FigureRow> = tree
            .shown()
            .into_iter()
            .map(|row| FigureRow {
                name: row.name.clone(),
                depth: row.depth,
                elements: row.elements,
                cells: if row.is_open {
                    Vec::new()
                } else {
                    (0..columns).map(|column| picture.cell(&drawing, row, column)).collect()
                },
            })
            .collect();
        Self {
            title: title(plan, picture.elements),
            scale: RateScale::of_drawing(&picture, &drawing),
            marks: marks(&picture, &drawing),
            rows,
            picture,
        }
    }

    /// The names of the rules of a mark.
    pub(crate) fn names(&self, mark: &RuleMark) -> Vec<&str> {
        let names = mark.rules.iter().filter_map(|rule| self.picture.rules.get(*rule));
        names.map(|rule| rule.name.as_str()).collect()
    }

    /// The names of the rules that do not fire in the run.
    pub(crate) fn unfired(&self) -> Vec<&str> {
        let fired: BTreeSet<usize> =
            self.marks.iter().flat_map(|mark| mark.rules.iter().copied()).collect();
        let rules = self.picture.rules.iter().enumerate();
        rules.filter(|(rule, _)| !fired.contains(rule)).map(|(_, it)| it.name.as_str()).collect()
    }

    /// Whether some cell is as asked.
    pub(crate) fn has_cell(&self, is_asked: impl Fn(&RowCell) -> bool) -> bool {
        self.rows.iter().flat_map(|row| &row.cells).any(is_asked)
    }
}

/// The moments at which rules fire, in order.
fn marks(picture: &Picture, drawing: &Drawing) -> Vec<RuleMark> {
    let mut marks: BTreeMap<u64, RuleMark> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for firing in &drawing.firings {
        let (rule, tick) = (firing.rule.index(), firing.tick);
        let mark = marks.entry(tick).or_insert_with(|| RuleMark {
            tick,
            place: picture.axis.place_of(tick),
            rules: Vec::new(),
            is_by_metric: false,
        });
        mark.is_by_metric |= picture.rules.get(rule).is_some_and(|rule| rule.is_by_metric);
        if seen.insert(rule) {
            mark.rules.push(rule);
        }
    }
    marks.into_values().collect()
}

/// Ticks of the time axis: how many columns from the start, and what is written there.
pub(crate) fn axis_ticks(picture: &Picture, most: usize) -> (&'static str, Vec<(f64, String)>) {
    let axis = picture.axis;
    let epochs = axis.ticks.div_ceil(axis.ticks_per_epoch);
    let (unit, length, size) = if axis.is_in_steps && epochs < 2 {
        ("step", axis.ticks, 1)
    } else {
        ("epoch", epochs, axis.ticks_per_epoch)
    };
    let least = length.div_ceil(most.max(1) as u64).max(1);
    let mut apart = 1;
    while apart < least {
        let first = apart.to_string().starts_with('2');
        apart = if first { apart / 2 * 5 } else { apart * 2 };
    }
    let mut ticks = Vec::new();
    let mut at = 0;
    while at < length {
        ticks.push((axis.place_of(at * size), at.to_string()));
        at += apart;
    }
    (unit, ticks)
}
