//! Trains one network in several processes, which average the gradients of trainable parameters.
//!
//! Run it with `cargo run --release --example many -- --processes 2`, or on one machine or several with
//! `torchrun --no-python --nproc-per-node 2 target/release/examples/many`.

mod network;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::net::TcpListener;
use std::process::{Child, Command, ExitCode};

use freeze_examples::{digits, exit_code, output_folder, policy};
use freeze_runtime::Group;

use train::train;

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(processes) = processes(&arguments)? {
        return start(processes);
    }
    let group = Group::from_env()?;
    // The other ranks, and torchrun, learn why this one ends.
    join_and_train(&group).inspect_err(|error| group.report(&**error))
}

fn join_and_train(group: &Group) -> Result<(), Box<dyn Error>> {
    let digits = digits::load()?;
    let policy = policy("many", "many.freeze")?;
    let folder = output_folder("many")?;
    let run = train(group, &policy, &digits, &folder)?;
    if group.is_first() {
        println!("{run}");
    }
    Ok(())
}

/// The number after `--processes`; none where this is one of the processes, or the only one.
fn processes(arguments: &[String]) -> Result<Option<usize>, Box<dyn Error>> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        ["--processes", count] => {
            let count = count.parse().ok().filter(|count| *count > 0);
            count.map(Some).ok_or_else(|| "`--processes` takes a number from 1 on".into())
        }
        _ => Err("usage: many [--processes N]".into()),
    }
}

/// Starts this program as the processes of a group on this machine, as `torchrun` does.
fn start(processes: usize) -> Result<(), Box<dyn Error>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let program = std::env::current_exe()?;
    let start = |rank: usize| {
        let mut command = Command::new(&program);
        command
            .env("RANK", rank.to_string())
            .env("LOCAL_RANK", rank.to_string())
            .env("WORLD_SIZE", processes.to_string())
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .env("OMP_NUM_THREADS", "1");
        command.spawn()
    };
    let mut children: Vec<Child> = (0..processes).map(start).collect::<Result<_, _>>()?;
    let mut has_failed = false;
    for child in &mut children {
        has_failed |= !child.wait()?.success();
    }
    if has_failed { Err("a process has failed".into()) } else { Ok(()) }
}
