//! Which layers trained when, as a picture.

use freeze_examples::chart::{HeatMap, Row};

use crate::train::{PARTS, Run, WINDOW};

/// One row for each part of the network, one column for each window of steps.
pub(crate) fn picture(run: &Run) -> HeatMap {
    let row = |(index, part): (usize, &str)| {
        let moved: Vec<f64> =
            run.moved.iter().filter_map(|parts| parts.get(index).copied()).collect();
        let trained = moved.iter().filter(|moved| **moved > 0.0).count();
        Row {
            label: part.to_owned(),
            note: format!("{trained} of {} windows", moved.len()),
            values: moved,
        }
    };
    let steps = WINDOW * u64::try_from(run.moved.len()).unwrap_or(0);
    HeatMap {
        title: "LISA: two layers of six, drawn anew every ten steps".to_owned(),
        subtitle: "How far the weights of each part moved in ten steps; the first of the runs"
            .to_owned(),
        x: "optimizer steps".to_owned(),
        column: WINDOW,
        ticks: (0..=steps).step_by(20).collect(),
        values: "the root mean square of the change".to_owned(),
        zero: "frozen: not one bit changed".to_owned(),
        rows: PARTS.into_iter().enumerate().map(row).collect(),
    }
}
