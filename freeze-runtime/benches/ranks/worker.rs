//! One process of our side.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use freeze_runtime::{Group, Policy, Tuner};
use serde::Deserialize;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::networks::blocks;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The steps after a transition, of which the median is an ordinary one.
const ORDINARY: usize = 7;

/// What this process is asked. Other arguments are for the other side.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    Join,
    MakeTraining { width: i64, rows: i64, frozen: usize, finds_unused: bool },
    Run { count: u32, late: bool },
    Transitions { count: u32 },
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
        Request::Transitions { count } => made.transitions(count),
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

    fn timed_step(&mut self) -> Outcome<Duration> {
        let start = Instant::now();
        self.step(false)?;
        Ok(start.elapsed())
    }

    /// The seconds that freezing, unfreezing and a step take: a transition with the first step after it, less
    /// an ordinary one.
    fn transitions(&mut self, count: u32) -> Outcome<String> {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..count {
            for kind in 0..2 {
                let start = Instant::now();
                self.tuner.start_epoch()?;
                self.step(false)?;
                let first = start.elapsed().as_secs_f64();
                let steps = (0..ORDINARY).map(|_| self.timed_step());
                let ordinary =
                    median(steps.map(|it| Ok(it?.as_secs_f64())).collect::<Outcome<_>>()?);
                for (kind, time) in [(kind, first - ordinary), (2, ordinary)] {
                    if let Some(times) = times.get_mut(kind) {
                        times.push(time);
                    }
                }
            }
        }
        Ok(times.map(|times| median(times).to_string()).join(" "))
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
