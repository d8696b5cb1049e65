//! Python's PyTorch in a process of its own, on the same device.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tch::Device;

const SCRIPT: &str = include_str!("beside.py");

/// A Python that answers requests.
pub(crate) struct Beside {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Beside {
    /// Starts it.
    ///
    /// # Errors
    /// If there is no `python3`, or no PyTorch in it.
    pub(crate) fn start(device: Device) -> Result<Self, Box<dyn Error>> {
        let device = if device.is_cuda() { "cuda" } else { "cpu" };
        let mut process = Command::new("python3")
            .args(["-c", SCRIPT, device, &tch::get_num_threads().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3: {error}"))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("python3 has no input or output".into());
        };
        Ok(Self { process, to, from: BufReader::new(from) })
    }

    /// The answer to a request: the name of a function of the script, and its arguments as JSON.
    ///
    /// # Errors
    /// What Python says.
    pub(crate) fn ask(
        &mut self,
        what: &str,
        arguments: &[(&str, String)],
    ) -> Result<String, Box<dyn Error>> {
        let mut request = format!("{{\"do\":\"{what}\"");
        for (name, value) in arguments {
            write!(request, ",\"{name}\":{value}")?;
        }
        writeln!(self.to, "{request}}}").map_err(|_| "Python's PyTorch did not start")?;
        self.to.flush()?;
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        let answer = answer.trim();
        match answer.strip_prefix("error: ") {
            Some(reason) => Err(format!("Python: {reason}").into()),
            None if answer.is_empty() => Err("Python's PyTorch did not start".into()),
            None => Ok(answer.to_owned()),
        }
    }

    /// How long a number of steps of the network that was made last took.
    ///
    /// # Errors
    /// What Python says.
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
