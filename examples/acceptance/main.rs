//! Shows on one machine that the runtime keeps its promises, and what they cost: on a GPU where
//! there is one.
//!
//! Run it with `cargo run --release --example acceptance`, or `-- --device cpu`; `-- --small` is
//! quick, and its times mean little. A program linked with the CPU's libtorch sees a GPU if
//! libtorch's `libtorch_cuda.so` is loaded first, as by `LD_PRELOAD`.

#[path = "../../freeze-runtime/benches/step/compare.rs"]
mod compare;
#[path = "../../freeze-runtime/benches/step/measures.rs"]
mod measures;
#[path = "../../freeze-runtime/benches/step/networks.rs"]
mod networks;
mod options;
mod promises;
mod pytorch;

use std::error::Error;
use std::process::ExitCode;

use freeze_examples::exit_code;
use freeze_examples::table::Table;
use indicatif::ProgressBar;
use tch::Device;

use compare::Ratio;
use measures::Scale;
use options::Options;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).map_err(Into::into).and_then(|it| run(&it)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => exit_code(Err(error)),
    }
}

/// Checks and measures everything; gives whether every promise is kept.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let (device, threads) = (options.device, tch::get_num_threads());
    println!("Promises and costs on {}, {threads} threads\n", name(device));
    let (table, kept) = promises::check(device, options.small);
    println!("\n{table}");
    // The promises were checked with one thread, where sums have one order.
    tch::set_num_threads(threads);
    println!("{}", costs(&options.scale())?);
    let outcome = if kept { "Every promise is kept." } else { "NOT every promise is kept." };
    println!("{outcome}");
    Ok(kept)
}

fn costs(scale: &Scale) -> Result<Table, Box<dyn Error>> {
    let mut table =
        Table::new(["what, medians of one run", "time", "against", "its time", "ratio"]);
    let progress = ProgressBar::new_spinner().with_message("measuring");
    let mut row = |ratio: &Ratio| {
        progress.tick();
        table.row([
            format!("{}, {}", ratio.what, ratio.ours.0),
            format!("{:.2?}", ratio.ours.1),
            ratio.base.0.to_owned(),
            format!("{:.2?}", ratio.base.1),
            format!("{:.2}", ratio.factor()),
        ]);
    };
    measures::all(scale, &mut row)?;
    match pytorch::fused_adamw(scale) {
        Ok(ratio) => row(&ratio),
        Err(reason) => println!("against Python's PyTorch: skipped, {reason}\n"),
    }
    progress.finish_and_clear();
    Ok(table)
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
    fn every_promise_is_kept_here() {
        let options = Options { device: Device::cuda_if_available(), small: true };
        assert!(run(&options).unwrap());
    }
}
