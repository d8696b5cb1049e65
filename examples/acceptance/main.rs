//! Shows on one machine that the runtime keeps its promises, and what they cost: on a GPU where
//! there is one. Prints tables in Markdown; the exit status is 1 where a row of them is missing.
//!
//! Run it with `cargo run --release --example acceptance`, and after `--` with `--device cpu`, with
//! `--small`, which takes seconds, or with `--without-python` where Python has no PyTorch.
//!
//! `torchrun --no-python --nproc-per-node 2 target/release/examples/acceptance` shows what several processes
//! promise, each on the device of its group: over NCCL on as many GPUs, or over gloo on the CPU.

#[path = "../../freeze-runtime/benches/step/beside.rs"]
mod beside;
mod bits;
#[path = "../../freeze-runtime/benches/step/compare.rs"]
mod compare;
mod costs;
mod machine;
#[path = "../../freeze-runtime/benches/step/measures.rs"]
mod measures;
mod mixed;
#[path = "../../freeze-runtime/benches/step/networks.rs"]
mod networks;
mod options;
#[path = "../../freeze-runtime/benches/step/pace.rs"]
mod pace;
mod processes;
mod promises;
#[path = "../../freeze-runtime/benches/step/python.rs"]
mod python;
mod report;

use std::error::Error;
use std::process::ExitCode;

use freeze_runtime::Group;
use tch::Device;

use beside::Beside;
use options::Options;
use report::Report;

fn main() -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    match options.map_err(Into::into).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Checks and measures everything; returns whether no row is missing.
///
/// # Errors
/// If the processes of a group do not find each other.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let group = Group::from_env()?;
    let report = Report::new(&group);
    if group.size() > 1 {
        check_processes(&report, &group, options.small);
    } else {
        check_device(&report, options);
        report.skip(
            "## Processes",
            "there is one; `torchrun --no-python --nproc-per-node 2` starts several",
        );
    }
    let skipped = report.skipped();
    let summary = match report.failures() {
        0 => format!("No row is missing: every promise is kept.{skipped}"),
        1 => format!("**1 row is missing.**{skipped}"),
        count => format!("**{count} rows are missing.**{skipped}"),
    };
    report.line(&format!("\n{summary}"));
    Ok(report.failures() == 0)
}

/// What several processes promise, on the device of each.
fn check_processes(report: &Report<'_>, group: &Group, small: bool) {
    let device = group.device();
    report.line(&format!("# Acceptance of {} processes on {}", group.size(), name(device)));
    machine::describe(report, device, None);
    processes::check(report, group, small);
}

/// What one process promises on a device.
fn check_device(report: &Report<'_>, options: &Options) {
    let (device, threads) = (options.device, tch::get_num_threads());
    report.line(&format!("# Acceptance on {}", name(device)));
    let mut beside = None;
    if options.python {
        match Beside::start(device) {
            Ok(started) => beside = Some(started),
            Err(error) => {
                report.table("## Python", ["what", "value"]);
                report.row("PyTorch in Python", || Err::<[String; 1], _>(error));
            }
        }
    }
    machine::describe(report, device, beside.as_mut());
    promises::check(report, device, options.small, beside.as_mut());
    mixed::check(report, device);
    // The promises are checked with one thread, where sums have one order.
    tch::set_num_threads(threads);
    costs::measure(report, options, beside.as_mut());
}

fn name(device: Device) -> String {
    match device {
        Device::Cpu => "the CPU".to_owned(),
        Device::Cuda(index) => format!("CUDA device {index}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_missing_here() {
        let device = Device::cuda_if_available();
        assert!(run(&Options { device, small: true, python: false }).unwrap());
    }
}
