//! Runs that are killed while they save leave checkpoints that load.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use freeze_tests::Bits;
use freeze_tests::savers::{Run, SAVERS, dir};

/// How often the process of all savers is killed, unless `FREEZE_KILLS` says otherwise. A process
/// takes a while to load libtorch, so each kill interrupts several runs.
const KILLS: u64 = 20;

/// In how many threads, each with folders of its own: starting a process is mostly waiting.
const THREADS: usize = 2;

type Failure = Box<dyn Error + Send + Sync>;

/// The run that nobody kills, and its bits after each step.
struct Whole {
    run: Run,
    after: BTreeMap<u64, Bits>,
}

impl Whole {
    fn after(&mut self, step: u64) -> Result<&Bits, Failure> {
        while self.run.tuner.global_step() < step {
            self.run.step()?;
            self.after.insert(self.run.tuner.global_step(), Bits::of(&self.run.net.vs));
        }
        self.after.get(&step).ok_or_else(|| format!("no step {step}").into())
    }
}

/// Whether a folder has the files of a save that did not end.
fn is_interrupted(dir: &Path) -> Result<bool, Failure> {
    let names = fs::read_dir(dir)?.map(|entry| Ok::<_, std::io::Error>(entry?.file_name()));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    Ok(names.iter().any(|name| name != "checkpoint" && name != "checkpoint.lock"))
}

/// Kills a process for each of these numbers, and returns how many saves that interrupted.
fn kill(kills: impl Iterator<Item = u64>) -> Result<u64, Failure> {
    let root = tempfile::tempdir()?;
    let run = Run::new()?;
    let mut whole = Whole { after: BTreeMap::from([(0, Bits::of(&run.net.vs))]), run };
    let mut interrupted = 0;
    let mut reached = [0; SAVERS];
    for kill in kills {
        let mut process = Command::new(env!("CARGO_BIN_EXE_saver"))
            .arg(root.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let lines = BufReader::new(output).lines().take(SAVERS).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(lines, ["saved"; SAVERS]);
        // At moments that fall anywhere in a save, whatever that takes here.
        thread::sleep(Duration::from_micros(kill.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 30_000));
        process.kill()?;
        process.wait()?;
        for (saver, reached) in reached.iter_mut().enumerate().take(SAVERS - 1) {
            let dir = dir(root.path(), saver);
            interrupted += u64::from(is_interrupted(&dir)?);
            let mut run = Run::new()?;
            run.tuner.resume(&dir)?;
            let step = run.tuner.global_step();
            let moved = whole.after(step)?.moved(&Bits::of(&run.net.vs));
            assert!(moved.is_empty(), "kill {kill}, saver {saver}, step {step}: {moved:?}");
            // The two that share a folder may save an earlier step after a later one.
            assert!(step >= *reached || saver == SAVERS - 2, "{step} after {reached}");
            *reached = step;
        }
    }
    println!("steps reached: {reached:?}");
    Ok(interrupted)
}

#[test]
fn a_process_that_is_killed_while_it_saves_leaves_checkpoints_that_load() -> Result<(), Failure> {
    let kills = std::env::var("FREEZE_KILLS").map_or(Ok(KILLS), |kills| kills.parse())?;
    let interrupted = thread::scope(|scope| {
        let threads: Vec<_> = (0..kills)
            .take(THREADS)
            .map(|first| scope.spawn(move || kill((first..kills).step_by(THREADS))))
            .collect();
        threads.into_iter().try_fold(0, |sum, thread| {
            Ok::<_, Failure>(sum + thread.join().map_err(|_| "a thread has failed")??)
        })
    })?;
    println!("{kills} kills, {interrupted} saves interrupted");
    assert!(interrupted >= kills, "{interrupted} of {kills} kills met a save");
    Ok(())
}
