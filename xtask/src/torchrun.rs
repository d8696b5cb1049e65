//! Processes that PyTorch's `torchrun` starts, and starts again where one was killed.

use std::env;
use std::path::PathBuf;

use crate::environment;
use crate::error::Error;
use crate::packages::TORCH;
use crate::program::{Program, cargo, target};

/// The environment variable that names a `torchrun`, for this command and for the test.
const VARIABLE: &str = "FREEZE_TORCHRUN";

/// Runs what needs `torchrun`: the test that kills ranks, and two examples.
pub(crate) fn check() -> Result<(), Error> {
    let torchrun = torchrun()?;
    let test = ["test", "--package", "freeze-tests", "--test", "ranks", "torchrun"];
    let test = cargo(&test).args(["--", "--nocapture"]);
    test.env(VARIABLE, &torchrun).run()?;
    let examples = ["build", "--package", "freeze-examples", "--examples"];
    cargo(&examples).run()?;
    let run = |example: &str, arguments: &[&str]| {
        let program = Program::new(&torchrun).args(["--no-python", "--nproc-per-node=2"]);
        let program = program.args([target().join("debug/examples").join(example)]);
        let printed = program.args(arguments).env("OMP_NUM_THREADS", "1").output()?;
        println!("{printed}");
        Ok(printed)
    };
    expect(&run("many", &[])?, "the weights of all ranks have the same bits")?;
    expect(
        &run("acceptance", &["--device", "cpu", "--small", "--without-python"])?,
        "No row is missing",
    )
}

/// The `torchrun` that the environment names, or that of an environment of Python in the target folder.
fn torchrun() -> Result<PathBuf, Error> {
    if let Some(named) = env::var_os(VARIABLE).map(PathBuf::from) {
        if Program::new(&named).args(["--help"]).works() {
            return Ok(named);
        }
        return Err(Error::line(format!("{VARIABLE} is {}, which does not run", named.display())));
    }
    let folder = target().join("torchrun");
    let torchrun = folder.join("bin/torchrun");
    if !Program::new(&torchrun).args(["--help"]).works() {
        println!("{TORCH} is installed in {} (on Linux 2.5 GB)", folder.display());
        environment::make(&folder)?;
        environment::install(&folder, [TORCH])?;
    }
    Ok(torchrun)
}

fn expect(printed: &str, text: &str) -> Result<(), Error> {
    if printed.contains(text) {
        return Ok(());
    }
    Err(Error::line(format!("`{text}` was not printed")))
}
