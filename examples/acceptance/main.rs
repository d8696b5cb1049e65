//! Shows on one machine that the runtime keeps its promises, and what they cost: on a GPU where
//! there is one. Prints tables in Markdown; the exit status is 1 where a row of them is missing.
//!
//! Run it with `cargo run --release --example acceptance`, and after `--` with `--device cpu`, with
//! `--small`, which takes seconds, or with `--without-python` where Python has no PyTorch.

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
mod promises;
#[path = "../../freeze-runtime/benches/step/python.rs"]
mod python;
mod report;

use std::process::ExitCode;

use tch::Device;

use beside::Beside;
use options::Options;
use report::Report;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Ok(options) if run(&options) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Checks and measures everything; returns whether no row is missing.
fn run(options: &Options) -> bool {
    let (device, threads) = (options.device, tch::get_num_threads());
    let report = Report::default();
    println!("# Acceptance on {}", name(device));
    let mut beside = None;
    if options.python {
        match Beside::start(device) {
            Ok(started) => beside = Some(started),
            Err(error) => {
                Report::table("## Python", ["what", "value"]);
                report.row("PyTorch in Python", || Err::<[String; 1], _>(error));
            }
        }
    }
    machine::describe(&report, device, beside.as_mut());
    promises::check(&report, device, options.small, beside.as_mut());
    mixed::check(&report, device);
    // The promises are checked with one thread, where sums have one order.
    tch::set_num_threads(threads);
    costs::measure(&report, options, beside.as_mut());
    match report.failures() {
        0 => println!("\nNo row is missing: every promise is kept."),
        1 => println!("\n**1 row is missing.**"),
        count => println!("\n**{count} rows are missing.**"),
    }
    report.failures() == 0
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
        assert!(run(&Options { device, small: true, python: false }));
    }
}
