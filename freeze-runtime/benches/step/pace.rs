//! Two ways to do a thing in turns, each turn many times with one wait for the device at its end.

use std::error::Error;
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long one repetition took in the turns of one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) min: Duration,
    pub(crate) median: Duration,
    pub(crate) max: Duration,
}

/// How long the ways are warmed up and measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The time that each way is run before anything is measured.
    pub(crate) warm_up: Duration,
    /// About how long a turn takes.
    pub(crate) turn: Duration,
    /// How many turns each way has.
    pub(crate) turns: u32,
}

/// Something that does a thing a number of times and returns the time for all of them.
pub(crate) type Way<'w> = &'w mut dyn FnMut(u32) -> Outcome<Duration>;

/// Measures ways in turns.
///
/// # Errors
/// What a way says.
pub(crate) fn in_turns<const N: usize>(
    patience: &Patience,
    mut ways: [Way<'_>; N],
) -> Outcome<[Pace; N]> {
    let mut counts = [1; N];
    for (way, count) in ways.iter_mut().zip(&mut counts) {
        let mut once = way(1)?;
        let start = Instant::now();
        while start.elapsed() < patience.warm_up {
            once = way(8)? / 8;
        }
        let fits = patience.turn.as_secs_f64() / once.as_secs_f64().max(1e-9);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped"
        )]
        let fits = fits.clamp(1.0, 100_000.0) as u32;
        *count = fits;
    }
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..patience.turns {
        for ((way, count), times) in ways.iter_mut().zip(counts).zip(&mut times) {
            times.push(way(count)? / count);
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        Pace { min: at(0), median: at(times.len() / 2), max: at(times.len().saturating_sub(1)) }
    }))
}

/// Does a thing a number of times, then waits for the device.
///
/// # Errors
/// What the thing says.
pub(crate) fn repeated(
    device: Device,
    count: u32,
    mut thing: impl FnMut() -> Outcome<()>,
) -> Outcome<Duration> {
    wait(device);
    let start = Instant::now();
    for _ in 0..count {
        thing()?;
    }
    wait(device);
    Ok(start.elapsed())
}

fn wait(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(i64::try_from(index).unwrap_or(0));
    }
}
