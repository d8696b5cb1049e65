//! The processes of one side, which answer the same requests at the same time.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::beside::Beside;

/// Processes that have joined each other.
pub(crate) struct Team {
    members: Vec<Beside>,
}

impl Team {
    /// Starts so many processes of a command on this machine, as `torchrun` does.
    ///
    /// # Errors
    /// If they cannot start or join.
    pub(crate) fn start(
        size: usize,
        command: impl Fn() -> Command,
    ) -> Result<Self, Box<dyn Error>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let start = |rank: usize| {
            let mut command = command();
            command
                .env("RANK", rank.to_string())
                .env("LOCAL_RANK", rank.to_string())
                .env("WORLD_SIZE", size.to_string())
                .env("MASTER_ADDR", "127.0.0.1")
                .env("MASTER_PORT", port.to_string())
                .env("OMP_NUM_THREADS", "1");
            if cfg!(target_os = "linux") {
                command.env("GLOO_SOCKET_IFNAME", "lo");
            }
            Beside::of(&mut command)
        };
        let members = (0..size).map(start).collect::<Result<Vec<_>, _>>()?;
        let mut team = Self { members };
        team.ask("join", &[])?;
        Ok(team)
    }

    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// The answers of all processes to a request.
    ///
    /// # Errors
    /// What one of them says.
    pub(crate) fn ask(
        &mut self,
        what: &str,
        arguments: &[(&str, String)],
    ) -> Result<Vec<String>, Box<dyn Error>> {
        for member in &mut self.members {
            member.request(what, arguments)?;
        }
        self.members.iter_mut().map(Beside::answer).collect()
    }

    /// The bytes that rank 0 has sent, where the system counts them: gloo writes what it sends.
    pub(crate) fn sent_bytes(&self) -> Option<u64> {
        let id = self.members.first()?.process.id();
        let counts = fs::read_to_string(format!("/proc/{id}/io")).ok()?;
        counts.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()
    }

    /// How long a number of steps of what was made last took, in the slowest process.
    ///
    /// # Errors
    /// What one of them says.
    pub(crate) fn run(&mut self, count: u32, late: bool) -> Result<Duration, Box<dyn Error>> {
        let answers =
            self.ask("run", &[("count", count.to_string()), ("late", late.to_string())])?;
        slowest(&answers)
    }
}

/// The largest of some times in seconds.
pub(crate) fn slowest(answers: &[String]) -> Result<Duration, Box<dyn Error>> {
    let mut slowest = Duration::ZERO;
    for seconds in answers {
        slowest = slowest.max(Duration::try_from_secs_f64(seconds.parse()?)?);
    }
    Ok(slowest)
}
