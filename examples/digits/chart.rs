//! What came of each strategy, as a picture.

use freeze_examples::Spread;
use freeze_examples::chart::{Axis, Colour, Line, LineChart, Mark, Point, Scale};
use freeze_examples::table::thousands;

use crate::Outcome;
use crate::train::EPOCHS;

/// The colours of the strategies, in their order.
const COLOURS: [Colour; 4] = [Colour::Grey, Colour::Blue, Colour::Green, Colour::Vermillion];

/// Accuracy over epochs, a line a strategy; the rules of the gradual one are marked.
pub(crate) fn chart(outcomes: &[Outcome], draws: i64) -> LineChart {
    LineChart {
        title: "Ten samples a digit: what to unfreeze, and when".to_owned(),
        subtitle: format!(
            "Digits 5 to 9, told by a network that had learnt 0 to 4; mean ± standard deviation of \
             {draws} draws of the samples",
        ),
        x: Axis {
            label: "epochs".to_owned(),
            ticks: (0..=EPOCHS).step_by(2).map(number).collect(),
            unit: "",
            scale: Scale::Linear,
            decimals: 0,
        },
        y: Axis {
            label: "digits told right, stretched towards 100 %".to_owned(),
            ticks: vec![20.0, 40.0, 60.0, 80.0, 90.0, 95.0, 98.0],
            unit: " %",
            scale: Scale::Towards(100.0),
            decimals: 1,
        },
        lines: outcomes.iter().zip(COLOURS).map(line).collect(),
        marks: outcomes.iter().enumerate().flat_map(|(at, outcome)| marks(at, outcome)).collect(),
    }
}

fn line((outcome, colour): (&Outcome, Colour)) -> Line {
    let points = (0..=EPOCHS).filter_map(|epoch| {
        let at = usize::try_from(epoch).ok()?;
        let values = outcome.runs.iter().filter_map(|run| run.accuracy.get(at));
        let spread = Spread::of(values.map(|accuracy| 100.0 * accuracy));
        Some(Point { x: number(epoch), y: spread.mean, spread: spread.deviation })
    });
    Line { label: outcome.strategy.name.to_owned(), colour, points: points.collect() }
}

/// The moments of a strategy's rules, where it has several.
fn marks(line: usize, outcome: &Outcome) -> Vec<Mark> {
    let fired = outcome.runs.first().map_or(&[][..], |run| &run.fired);
    if fired.len() < 2 {
        return Vec::new();
    }
    let mark = |fired: &crate::train::Fired| Mark {
        x: number(fired.epoch),
        line,
        title: format!("rule {}:", fired.rule),
        text: format!("{} parameters train", thousands(fired.trained)),
    };
    fired.iter().map(mark).collect()
}

fn number(epochs: u64) -> f64 {
    f64::from(u32::try_from(epochs).unwrap_or(u32::MAX))
}
