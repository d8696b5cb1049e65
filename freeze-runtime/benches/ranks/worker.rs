//! One process of our side.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use freeze_runtime::{Group, Policy, Tuner};
use serde::Deserialize;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::networks::blocks;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What this process is asked. Other arguments are for the other side.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    Join,
    MakeTraining { width: i64, rows: i64, frozen: usize, finds_unused: bool },
    Run { count: u32, late: bool },
    Transitions { count: u32, ordinary: u32 },
    Drop,
}

/// Answers until the input ends.
///
/// # Errors
/// If the output is closed.
pub(crate) fn answer_requests() -> Result<(), Box<dyn Error>> {
    tch::set_num_threads(1);
    let mut group = None;
    let mut training = None;
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, &mut group, &mut training);
        let answer = answer.unwrap_or_else(|error| format!("error: {error}").replace('\n', " "));
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn answer(
    line: &str,
    group: &mut Option<Group>,
    training: &mut Option<Training>,
) -> Outcome<String> {
    let request = serde_json::from_str(line)?;
    if matches!(request, Request::Join) {
        *group = Some(Group::from_env()?);
        return Ok("joined".to_owned());
    }
    let group = group.as_ref().ok_or("there is no group yet")?;
    if let Request::MakeTraining { width, rows, frozen, finds_unused } = request {
        *training = Some(Training::new(group, [width, rows], frozen, finds_unused)?);
        return Ok("made".to_owned());
    }
    let made = training.as_mut().ok_or("nothing was made yet")?;
    match request {
        Request::Run { count, late } => {
            if made.is_late != late {
                // It makes buckets anew.
                made.step(late)?;
            }
            let start = Instant::now();
            for _ in 0..count {
                made.step(late)?;
            }
            Ok(start.elapsed().as_secs_f64().to_string())
        }
        Request::Transitions { count, ordinary } => made.transitions(count, ordinary),
        Request::Drop => {
            *training = None;
            Ok("dropped".to_owned())
        }
        Request::Join | Request::MakeTraining { .. } => Err("it was answered".into()),
    }
}

/// A network of 12 blocks that trains.
struct Training {
    net: nn::Sequential,
    x: Tensor,
    tuner: Tuner,
    /// Whether the last step has averaged after the backward pass.
    is_late: bool,
}

impl Training {
    /// The first `frozen` blocks are frozen; each epoch after the first freezes or unfreezes six.
    fn new(
        group: &Group,
        [width, rows]: [i64; 2],
        frozen: usize,
        finds_unused: bool,
    ) -> Outcome<Self> {
        let (vs, net) = blocks(12, width, Device::Cpu);
        let policy = Policy::parse(&format!(
            "default lr 1e-3 optimizer adamw; start: train blocks[{frozen}..12]; for i in 0..10_000 {{
                after 1 epoch: freeze blocks[0..6]; after 1 epoch: unfreeze blocks[0..6]; }}"
        ))?;
        let builder = Tuner::builder(&policy).group(group).all_used(!finds_unused);
        let mut tuner = builder.attach(&vs)?;
        tuner.start_epoch()?;
        let x = Tensor::randn([rows, width], (Kind::Float, Device::Cpu));
        Ok(Self { net, x, tuner, is_late: false })
    }

    fn step(&mut self, late: bool) -> Outcome<()> {
        self.tuner.zero_grad()?;
        let loss = self.net.forward(&self.x).square().mean(Kind::Float);
        if late {
            loss.f_backward()?;
        } else {
            self.tuner.backward_last(&loss)?;
        }
        self.tuner.step()?;
        self.is_late = late;
        Ok(())
    }

    /// The seconds of freezing, unfreezing, each with the first step after it less an ordinary one, of
    /// freezing and unfreezing alone, and of an ordinary step: medians.
    fn transitions(&mut self, count: u32, ordinary: u32) -> Outcome<String> {
        let mut times = [const { Vec::new() }; 5];
        for _ in 0..count {
            for kind in 0..2 {
                let alone = timed(|| Ok(self.tuner.start_epoch().map(drop)?))?;
                let first = timed(|| self.step(false))?;
                let steps = (0..ordinary).map(|_| timed(|| self.step(false)));
                let ordinary = median(steps.collect::<Outcome<_>>()?);
                for (place, time) in
                    [(kind, alone + first - ordinary), (2 + kind, alone), (4, ordinary)]
                {
                    if let Some(times) = times.get_mut(place) {
                        times.push(time);
                    }
                }
            }
        }
        Ok(times.map(|times| median(times).to_string()).join(" "))
    }
}

/// The seconds that something takes.
fn timed(run: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
