//! What a training step costs in several processes: averaged during the backward pass, after it, and, where
//! `python3` has `PyTorch`, by its `DistributedDataParallel` over gloo; what is sent where layers are
//! frozen; and what a transition costs. Prints tables in Markdown.
//!
//! The ways take turns in one run, on one machine, and are reported as ratios. Each process has one thread.

#[expect(dead_code, reason = "the bench `step` uses the rest")]
#[path = "../step/beside.rs"]
mod beside;
mod measures;
#[expect(dead_code, reason = "the bench `step` uses the rest")]
#[path = "../step/networks.rs"]
mod networks;
#[expect(dead_code, reason = "the bench `step` uses the rest")]
#[path = "../step/pace.rs"]
mod pace;
mod team;
mod worker;

use std::error::Error;
use std::process::Command;

use tch::Device;

use beside::pytorch;
use measures::Sides;
use team::Team;

/// The argument of this program as a process of a team.
const WORKER: &str = "worker";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return worker::answer_requests();
    }
    println!("AdamW, 12 equal blocks of 12 tensors, 32 rows a process; medians\n");
    let sizes = [1, 2, 4];
    let mut teams = sizes.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    measures::steps(&mut teams)?;
    if let Some(pair) = teams.iter_mut().find(|sides| sides.ours.size() == 2) {
        measures::frozen(pair)?;
    }
    measures::transitions(&mut teams)
}

/// The processes of both sides.
fn start(size: usize) -> Result<Sides, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let ours = Team::start(size, || {
        let mut command = Command::new(&program);
        command.arg(WORKER);
        command
    })?;
    let theirs = match Team::start(size, || pytorch(Device::Cpu, 1)) {
        Ok(team) => Some(team),
        Err(reason) => {
            println!("{size} processes: not beside PyTorch: {reason}\n");
            None
        }
    };
    Ok(Sides { ours, theirs })
}
