//! What came of each strategy, as a picture.

use freeze_examples::chart::{Axis, Colour, Line, LineChart, Mark, Point, Scale};
use freeze_examples::table::thousands;

use crate::Outcome;
use crate::train::{Phase, Run};

/// The colours of the strategies, in their order.
const COLOURS: [Colour; 3] = [Colour::Green, Colour::Blue, Colour::Vermillion];

/// The validation loss of the first run of each strategy over its epochs; the phases of
/// chain-thaw are marked. Where a run is over, its line goes on at the loss of the weights that it
/// keeps.
pub(crate) fn chart(outcomes: &[Outcome]) -> LineChart {
    let first = || outcomes.iter().filter_map(|outcome| Some((outcome, outcome.runs.first()?)));
    let longest = first().map(|(_, run)| run.epochs()).max().unwrap_or(0);
    let ticks = longest / TICK + 1;
    let line = |((outcome, run), colour): ((&Outcome, &Run), Colour)| Line {
        label: outcome.strategy.name.to_owned(),
        colour,
        points: points(run, ticks * TICK),
    };
    let marks = first().enumerate().flat_map(|(line, (_, run))| marks(line, run));
    LineChart {
        title: "Chain-thaw: one layer at a time, then all".to_owned(),
        subtitle:
            "The first run of each; at each later mark the best weights come back; a line is flat \
                   where its run is over"
                .to_owned(),
        x: Axis {
            label: "epochs".to_owned(),
            ticks: (0..=ticks).map(|tick| number(tick * TICK)).collect(),
            unit: "",
            scale: Scale::Linear,
            decimals: 0,
        },
        y: Axis {
            label: "loss on the validation samples".to_owned(),
            ticks: vec![0.1, 0.2, 0.5, 1.0, 2.0],
            unit: "",
            scale: Scale::Log,
            decimals: 2,
        },
        lines: first().zip(COLOURS).map(line).collect(),
        marks: marks.collect(),
    }
}

/// Epochs between two ticks.
const TICK: usize = 20;

fn points(run: &Run, epochs: usize) -> Vec<Point> {
    let at = |(epoch, loss): (usize, f64)| Point { x: number(epoch), y: loss, spread: 0.0 };
    let losses = run.losses.iter().copied().chain(std::iter::repeat(run.kept));
    losses.take(epochs + 1).enumerate().map(at).collect()
}

/// The phases of a run that has more than one.
fn marks(line: usize, run: &Run) -> Vec<Mark> {
    let mark = |phase: &Phase| Mark {
        x: f64::from(u32::try_from(phase.change.epoch).unwrap_or(u32::MAX)),
        line,
        title: format!("{}:", phase.change.fired.last().map_or("", String::as_str)),
        text: if phase.change.stopped {
            "training is over".to_owned()
        } else {
            format!("{} parameters train", thousands(phase.trained))
        },
    };
    if run.phases.len() > 2 { run.phases.iter().map(mark).collect() } else { Vec::new() }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
