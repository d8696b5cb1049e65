//! A process that answers requests, as Python's PyTorch on the same device.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tch::Device;

const SCRIPT: &str = include_str!("beside.py");

/// What is reported of a process that does not answer.
const NOT_STARTED: &str = "Python's PyTorch did not start";

/// Python's PyTorch on a device.
pub(crate) fn pytorch(device: Device, threads: usize) -> Command {
    let device = if device.is_cuda() { "cuda" } else { "cpu" };
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT, device, &threads.to_string()]);
    command
}

/// A process that answers requests.
pub(crate) struct Beside {
    pub(crate) process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Beside {
    /// Starts Python's PyTorch.
    ///
    /// # Errors
    /// If there is no `python3`, or no PyTorch in it.
    pub(crate) fn start(device: Device) -> Result<Self, Box<dyn Error>> {
        let threads = usize::try_from(tch::get_num_threads())?;
        Self::of(&mut pytorch(device, threads))
    }

    /// Starts a command.
    ///
    /// # Errors
    /// If there is no such program.
    pub(crate) fn of(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let name = command.get_program().display().to_string();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{name} has no input or output").into());
        };
        Ok(Self { process, to, from: BufReader::new(from) })
    }

    /// The answer to a request: the name of what it does, and its arguments as JSON.
    ///
    /// # Errors
    /// What the process says.
    pub(crate) fn ask(
        &mut self,
        what: &str,
        arguments: &[(&str, String)],
    ) -> Result<String, Box<dyn Error>> {
        self.request(what, arguments)?;
        self.answer()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn request(
        &mut self,
        what: &str,
        arguments: &[(&str, String)],
    ) -> Result<(), Box<dyn Error>> {
        let mut request = format!("{{\"do\":\"{what}\"");
        for (name, value) in arguments {
            write!(request, ",\"{name}\":{value}")?;
        }
        writeln!(self.to, "{request}}}").map_err(|_| NOT_STARTED)?;
        self.to.flush()?;
        Ok(())
    }

    /// The answer to the first request that has none.
    ///
    /// # Errors
    /// What the process says.
    pub(crate) fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        let answer = answer.trim();
        match answer.strip_prefix("error: ") {
            Some(reason) => Err(reason.into()),
            None if answer.is_empty() => Err(NOT_STARTED.into()),
            None => Ok(answer.to_owned()),
        }
    }

    /// How long a number of steps of the network that was made last took.
    ///
    /// # Errors
    /// What the process says.
    pub(crate) fn run(&mut self, count: u32) -> Result<Duration, Box<dyn Error>> {
        let seconds = self.ask("run", &[("count", count.to_string())])?;
        Ok(Duration::try_from_secs_f64(seconds.parse()?)?)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
