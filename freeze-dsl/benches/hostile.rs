//! How long texts of up to a megabyte take that nobody wrote in good faith, and how much memory:
//! `cargo bench -p freeze-dsl --bench hostile`, with substrings of the texts' names after `--` for
//! some of them.
//!
//! Each is read, checked, checked against a model and printed in a process of its own, so that the
//! peak of its memory is known, the few megabytes of the process itself included. On a busy machine
//! the time on the processor says more than the time that passed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::process::Command;
use std::time::Instant;

use freeze_dsl::Draft;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

#[path = "../tests/reading/hostile/texts.rs"]
mod texts;

use texts::{ALL, Hostile};

const SIZE: usize = 1 << 20;

fn main() {
    // Cargo says `--bench` to every bench.
    let asked: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    if let [flag, name] = asked.as_slice()
        && flag == "--answer"
    {
        let hostile = ALL.iter().find(|hostile| hostile.name == name).unwrap();
        return println!("{}", answer(hostile));
    }
    println!(
        "{:<32} {:>8} {:>8} {:>12} {:>8} {:>8}",
        "", "bytes", "time", "on processor", "memory", "findings"
    );
    let is_asked = |hostile: &&Hostile| {
        asked.is_empty() || asked.iter().any(|part| hostile.name.contains(part.as_str()))
    };
    for hostile in ALL.iter().filter(is_asked) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--answer", hostile.name])
            .output()
            .unwrap();
        assert!(child.status.success(), "{}: {child:?}", hostile.name);
        print!("{:<32} {}", hostile.name, String::from_utf8(child.stdout).unwrap());
    }
}

/// How long a text takes, the peak of the process's memory, and the number of findings.
fn answer(hostile: &Hostile) -> String {
    let model = Model::from_json(include_str!("../tests/models/resnet18.model.json")).unwrap();
    let text = (hostile.text)(SIZE);
    let bytes = text.len();
    let (started, busy) = (Instant::now(), on_processor());
    let checked = Draft::read(Source::new(text)).check_against(&model);
    let printed = checked.findings.to_string();
    let time = started.elapsed();
    let busy = on_processor().zip(busy).map(|(after, before)| after - before);
    assert!(!printed.is_empty());
    let found = checked.findings.diagnostics();
    assert!(found.iter().any(|found| found.code == hostile.code), "{:?}", found.first());
    format!(
        "{bytes:>8} {:>5} ms {:>9} ms {:>5} MB {:>8}",
        time.as_millis(),
        shown(busy.map(|nanoseconds| nanoseconds / 1_000_000)),
        shown(peak_memory().map(|kilobytes| kilobytes / 1_000)),
        found.len()
    )
}

fn shown(number: Option<u64>) -> String {
    number.map_or("?".to_owned(), |number| number.to_string())
}

/// How long this process has been on a processor, in nanoseconds, where the system reports it.
fn on_processor() -> Option<u64> {
    let statistics = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok()
}

/// The most memory that this process has had, in kilobytes, where the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
