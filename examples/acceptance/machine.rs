//! What the figures were measured on.

use std::error::Error;
use std::process::Command;

use freeze_runtime::device;
use tch::Device;

use crate::beside::Beside;
use crate::report::Report;

type Cell = Result<[String; 1], Box<dyn Error>>;

/// Prints the facts.
pub(crate) fn describe(report: &Report<'_>, device: Device, beside: Option<&mut Beside>) {
    report.table("## Machine", ["what", "value"]);
    if device.is_cuda() {
        report.row("GPU, memory, driver", || nvidia_smi("name,memory.total,driver_version"));
        report.row("CUDA runtime, cuDNN", || {
            let [cuda, cudnn] = [tch::utils::version_cudart(), tch::utils::version_cudnn()];
            Ok([format!("{cuda}, {cudnn}")])
        });
        report.row("TF32 in matrix products, in convolutions", || {
            let (matmul, convolution) = device::allows_tf32()?;
            Ok([format!("{}, {}", on(matmul), on(convolution))])
        });
    }
    report.row("libtorch", || Ok([device::libtorch_version()]));
    report.row("CPU threads", || Ok([tch::get_num_threads().to_string()]));
    report.row("date", || command("date", &["-u", "+%Y-%m-%d"]));
    if let Some(beside) = beside {
        report.row("Python", || Ok([beside.ask("facts", &[])?]));
    }
}

fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

fn nvidia_smi(what: &str) -> Cell {
    command("nvidia-smi", &[&format!("--query-gpu={what}"), "--format=csv,noheader"])
}

fn command(name: &str, arguments: &[&str]) -> Cell {
    let output =
        Command::new(name).args(arguments).output().map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() => Ok([line.trim().to_owned()]),
        _ => Err(format!("{name} failed").into()),
    }
}
