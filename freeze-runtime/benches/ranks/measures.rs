//! What is measured.

use std::error::Error;
use std::time::Duration;

use tch::{Device, Tensor};

use crate::networks::blocks;
use crate::pace::{Patience, Way, in_turns};
use crate::team::Team;

type Outcome<T> = Result<T, Box<dyn Error>>;

const PATIENCE: Patience =
    Patience { warm_up: Duration::from_millis(400), turn: Duration::from_millis(200), turns: 15 };

/// How wide the blocks are.
const WIDTHS: [i64; 2] = [64, 256];

/// The steps after a transition, of which the median is an ordinary one.
const ORDINARY: u32 = 7;

/// The steps over which bytes are counted.
const COUNTED: u32 = 50;

/// The processes of our side and, where there is Python's `PyTorch`, of the other.
pub(crate) struct Sides {
    pub(crate) ours: Team,
    pub(crate) theirs: Option<Team>,
}

/// What both sides train.
#[derive(Debug, Clone, Copy)]
struct Task {
    width: i64,
    frozen: usize,
    finds_unused: bool,
    /// Whether `DistributedDataParallel` is made before parameters are frozen.
    made_before: bool,
}

impl Task {
    fn request(&self) -> Vec<(&'static str, String)> {
        let Self { width, frozen, finds_unused, made_before } = self;
        vec![
            ("width", width.to_string()),
            ("rows", "32".to_owned()),
            ("frozen", frozen.to_string()),
            ("finds_unused", finds_unused.to_string()),
            ("made_before", made_before.to_string()),
            ("ranks", "true".to_owned()),
            ("optimizer", "\"AdamW\"".to_owned()),
            ("options", "{\"lr\":1e-3,\"fused\":true}".to_owned()),
            ("clip", "null".to_owned()),
            ("autocast", "false".to_owned()),
        ]
    }
}

/// Steps of all parameters, by number of processes.
///
/// # Errors
/// What a process says.
pub(crate) fn steps(teams: &mut [Sides]) -> Outcome<()> {
    table(&[
        "processes",
        "parameters",
        "unused are",
        "DDP",
        "`backward_step`",
        "times as fast",
        "plain loop",
        "times as fast",
    ]);
    for width in WIDTHS {
        let parameters = parameters(width);
        for sides in &mut *teams {
            for finds_unused in [true, false] {
                let task = Task { width, frozen: 0, finds_unused, made_before: false };
                let processes = sides.ours.size().to_string();
                let [theirs, ours, late] = paces(sides, task)?;
                let unused = if finds_unused { "found" } else { "excluded" };
                let head = [processes, parameters.clone(), unused.to_owned()];
                let times = [
                    shown(theirs),
                    shown(ours),
                    factor(theirs, ours),
                    shown(late),
                    factor(theirs, late),
                ];
                row(&[&head[..], &times].concat());
            }
        }
    }
    Ok(())
}

/// The median times of a step: theirs, ours, and ours in a plain loop.
fn paces(sides: &mut Sides, task: Task) -> Outcome<[Option<Duration>; 3]> {
    let Sides { ours, theirs } = sides;
    ours.ask("make_training", &task.request())?;
    let ours = std::cell::RefCell::new(ours);
    let overlapped: Way<'_> = &mut |count| ours.borrow_mut().run(count, false);
    let late: Way<'_> = &mut |count| ours.borrow_mut().run(count, true);
    let paces = if let Some(theirs) = theirs {
        theirs.ask("make_training", &task.request())?;
        let paces = in_turns(&PATIENCE, [&mut |count| theirs.run(count, false), overlapped, late])?;
        theirs.ask("drop", &[])?;
        paces.map(|pace| Some(pace.median))
    } else {
        let [overlapped, late] = in_turns(&PATIENCE, [overlapped, late])?;
        [None, Some(overlapped.median), Some(late.median)]
    };
    ours.borrow_mut().ask("drop", &[])?;
    Ok(paces)
}

/// Bytes and steps of two processes where the first blocks are frozen.
///
/// # Errors
/// What a process says.
pub(crate) fn frozen(sides: &mut Sides) -> Outcome<()> {
    println!("\nTwo processes, the first of 12 blocks of width 256 frozen\n");
    table(&[
        "frozen",
        "`backward_step`",
        "sent a step",
        "DDP made after freezing",
        "sent a step",
        "DDP made before",
        "sent a step",
    ]);
    for frozen in [0, 6, 9, 11] {
        let task = Task { width: 256, frozen, finds_unused: true, made_before: false };
        let Sides { ours, theirs } = sides;
        let mut cells = vec![format!("{frozen} of 12")];
        cells.extend(time_and_bytes(ours, task)?);
        for made_before in [false, true] {
            match theirs {
                Some(theirs) => {
                    cells.extend(time_and_bytes(theirs, Task { made_before, ..task })?);
                }
                None => cells.extend([shown(None), shown(None)]),
            }
        }
        row(&cells);
    }
    Ok(())
}

fn time_and_bytes(team: &mut Team, task: Task) -> Outcome<[String; 2]> {
    team.ask("make_training", &task.request())?;
    let [pace] = in_turns(&PATIENCE, [&mut |count| team.run(count, false)])?;
    let before = team.sent_bytes();
    team.run(COUNTED, false)?;
    let sent = before.zip(team.sent_bytes());
    team.ask("drop", &[])?;
    #[expect(clippy::cast_precision_loss, reason = "it is shown with three digits")]
    let megabytes = sent.map(|(before, after)| (after - before) as f64 / f64::from(COUNTED) / 1e6);
    let megabytes = megabytes.map_or_else(|| "—".to_owned(), |it| format!("{it:.1} MB"));
    Ok([shown(Some(pace.median)), megabytes])
}

/// What a transition costs, by number of processes.
///
/// # Errors
/// What a process says.
pub(crate) fn transitions(teams: &mut [Sides]) -> Outcome<()> {
    println!(
        "\nA transition of half of them: alone, and with the first step after it, less an ordinary step\n"
    );
    table(&[
        "processes",
        "parameters",
        "side",
        "freezes",
        "unfreezes",
        "freezes, with a step",
        "unfreezes, with a step",
        "an ordinary step",
    ]);
    for width in WIDTHS {
        for Sides { ours, theirs } in &mut *teams {
            let sides = [("`backward_step`", Some(ours)), ("DDP made anew", theirs.as_mut())];
            for (side, team) in sides {
                let Some(team) = team else { continue };
                let [freezes, unfreezes, freezes_alone, unfreezes_alone, step] =
                    times_of_transitions(team, width)?;
                row(&[
                    team.size().to_string(),
                    parameters(width),
                    side.to_owned(),
                    freezes_alone,
                    unfreezes_alone,
                    freezes,
                    unfreezes,
                    step,
                ]);
            }
        }
    }
    Ok(())
}

/// What the first process answers, in milliseconds.
fn times_of_transitions(team: &mut Team, width: i64) -> Outcome<[String; 5]> {
    let task = Task { width, frozen: 0, finds_unused: true, made_before: false };
    team.ask("make_training", &task.request())?;
    let count = [("count", "15".to_owned()), ("ordinary", ORDINARY.to_string())];
    let answers = team.ask("transitions", &count)?;
    team.ask("drop", &[])?;
    let first = answers.first().ok_or("no process has answered")?;
    let times =
        first.split(' ').map(|seconds| Ok(format!("{:.1} ms", 1e3 * seconds.parse::<f64>()?)));
    let times: Vec<String> = times.collect::<Outcome<_>>()?;
    times.try_into().map_err(|_| format!("not five times: {first}").into())
}

/// The number of parameters of the blocks, in words.
fn parameters(width: i64) -> String {
    let parameters = blocks(12, width, Device::Cpu).0.trainable_variables();
    let numbers: usize = parameters.iter().map(Tensor::numel).sum();
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    let millions = numbers as f64 / 1e6;
    format!("{millions:.1} million")
}

fn table(header: &[&str]) {
    println!("| {} |\n|{}", header.join(" | "), "---|".repeat(header.len()));
}

fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

fn shown(time: Option<Duration>) -> String {
    time.map_or_else(|| "—".to_owned(), |time| format!("{:.1} ms", 1e3 * time.as_secs_f64()))
}

fn factor(base: Option<Duration>, ours: Option<Duration>) -> String {
    let factor = base.zip(ours).map(|(base, ours)| base.as_secs_f64() / ours.as_secs_f64());
    factor.map_or_else(|| "—".to_owned(), |factor| format!("{factor:.2}"))
}
