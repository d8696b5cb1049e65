//! Processes that join, or cannot.

use std::net::TcpListener;
use std::time::Duration;

use freeze_runtime::Group;

use crate::processes::{Ended, Outcome, Scene, argument, join, join_with, scene};

pub(crate) const SCENES: &[Scene] = &[("joins", joins), ("joins in haste", joins_in_haste)];

/// Everything that a group has without a tuner.
fn joins() -> Outcome {
    let group = join()?;
    group.barrier()?;
    let is_last = group.rank() + 1 == group.size();
    let share: Vec<usize> = group.share(10, 1, 2).collect();
    Ok(format!(
        "{} of {}, {} {} {}, {share:?}",
        group.rank(),
        group.size(),
        group.is_first(),
        group.any(is_last)?,
        group.any(false)?
    ))
}

/// The argument is the patience in seconds.
fn joins_in_haste() -> Outcome {
    join_with(Duration::from_secs(argument().parse()?))?.barrier()?;
    Ok(String::new())
}

#[test]
fn processes_join_and_share() {
    let ended = scene("joins", 3).run();
    // list(DistributedSampler(range(10), 3, rank, seed=2)) in epoch 1
    let expected = [
        "0 of 3, true true false, [6, 7, 1, 4]",
        "1 of 3, false true false, [0, 8, 9, 6]",
        "2 of 3, false true false, [3, 5, 2, 0]",
    ];
    assert!(ended.iter().map(Ended::text).eq(expected), "{ended:?}");
    assert!(ended.iter().all(|ended| ended.status.success()), "{ended:?}");
}

#[test]
fn one_process_is_alone() {
    let ended = scene("joins", 1).run_changed(|_, command| {
        // Nothing listens there: a group of one does not look.
        command.env("MASTER_ADDR", "192.0.2.1");
    });
    assert!(ended[0].text().starts_with("0 of 1, true true false"), "{}", ended[0].text());
    assert_eq!(Group::from_env().unwrap().size(), 1);
}

#[test]
fn a_part_of_the_environment_is_not_enough() {
    let ended = scene("joins", 1).run_changed(|_, command| {
        command.env_remove("MASTER_ADDR").env_remove("WORLD_SIZE");
    });
    assert_eq!(
        ended[0].error(),
        "the group of processes: the environment has RANK and MASTER_PORT, but not WORLD_SIZE and \
         MASTER_ADDR: start the program with torchrun, or set all of RANK, WORLD_SIZE, MASTER_ADDR and \
         MASTER_PORT or none"
    );
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = scene("joins in haste", 1).with("1").run_changed(|_, command| {
        command.env("WORLD_SIZE", "2").env("MASTER_PORT", port.to_string());
    });
    let error = ended[0].error();
    let start =
        format!("the group of processes: rank 0 cannot serve the store at 127.0.0.1:{port}: ");
    assert!(error.starts_with(&start) && error.contains("address already in use"), "{error}");
}

#[test]
fn a_store_that_nobody_serves_is_an_error() {
    let ended = scene("joins in haste", 1).with("1").run_changed(|_, command| {
        command.env("WORLD_SIZE", "2").env("RANK", "1");
    });
    let error = ended[0].error();
    assert!(
        error.starts_with("the group of processes: rank 1 cannot reach the store at 127"),
        "{error}"
    );
}

#[test]
fn a_rank_that_does_not_come_is_named() {
    let ended = scene("joins in haste", 1).with("1").run_changed(|_, command| {
        command.env("WORLD_SIZE", "2");
    });
    assert_eq!(
        ended[0].error(),
        "the group of processes: rank 1 has not come to `Group::from_env` within 1 s"
    );
}

#[test]
fn two_processes_cannot_have_one_rank() {
    let ended = scene("joins in haste", 3).with("4").run_changed(|rank, command| {
        command.env("RANK", rank.min(1).to_string());
    });
    let twice = "the group of processes: two processes have rank 1";
    let errors: Vec<&str> = ended.iter().map(Ended::error).collect();
    assert_eq!(errors.iter().filter(|error| **error == twice).count(), 1, "{errors:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_wrong_interface_is_an_error_on_all_ranks() {
    let ended = scene("joins", 2).run_changed(|rank, command| {
        if rank == 1 {
            command.env("GLOO_SOCKET_IFNAME", "none0");
        }
    });
    let own =
        "the group of processes: gloo finds no network interface (GLOO_SOCKET_IFNAME is none0): ";
    assert!(ended[1].error().starts_with(own), "{}", ended[1].error());
    assert_eq!(ended[0].error(), format!("rank 1 failed: {}", ended[1].error()));
}
