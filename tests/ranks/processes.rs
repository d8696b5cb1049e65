//! Starts copies of this test program as the processes of a group, on the loopback interface.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use freeze_runtime::Group;

/// What a scene returns.
pub(crate) type Outcome = Result<String, Box<dyn std::error::Error>>;

/// The name of a scene, and what each of its processes runs.
pub(crate) type Scene = (&'static str, fn() -> Outcome);

/// A process that does not end in this time is killed, and the test fails.
const LONGEST: Duration = Duration::from_secs(90);

/// How long the ranks of a scene wait for each other, where nothing is to time out.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What its scene has returned, as text; `None` if the process ended before.
    pub(crate) outcome: Option<Result<String, String>>,
    pub(crate) printed: String,
}

impl Ended {
    /// The text that its scene has returned.
    pub(crate) fn text(&self) -> &str {
        match &self.outcome {
            Some(Ok(text)) => text,
            other => panic!("{other:?}, {}:\n{}", self.status, self.printed),
        }
    }

    /// The error that its scene has returned.
    pub(crate) fn error(&self) -> &str {
        match &self.outcome {
            Some(Err(text)) => text,
            other => panic!("{other:?}, {}:\n{}", self.status, self.printed),
        }
    }
}

/// Runs a function for each of some cases, all at the same time: they mostly wait.
pub(crate) fn at_once<C: Sync>(cases: &[C], run: impl Fn(&C) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| run(case));
        }
    });
}

/// The error of every rank but the last.
pub(crate) fn error_of_others(ended: &[Ended]) -> &str {
    let [first, .., _] = ended else { panic!("one rank only") };
    for ended in &ended[..ended.len() - 1] {
        assert_eq!(ended.error(), first.error());
    }
    first.error()
}

/// The processes of a scene.
pub(crate) struct Processes<'s> {
    scene: &'s str,
    size: usize,
    argument: String,
    /// The rank that does not end by itself.
    hangs: Option<usize>,
}

/// A scene of so many processes.
pub(crate) fn scene(scene: &str, size: usize) -> Processes<'_> {
    Processes { scene, size, argument: String::new(), hangs: None }
}

impl Processes<'_> {
    /// What the scene reads as [`argument`].
    pub(crate) fn with(self, argument: impl Into<String>) -> Self {
        Self { argument: argument.into(), ..self }
    }

    /// Kills this rank once the others have ended.
    pub(crate) fn of_which_hangs(self, rank: usize) -> Self {
        Self { hangs: Some(rank), ..self }
    }

    /// Runs all processes, and waits until they have ended.
    pub(crate) fn run(self) -> Vec<Ended> {
        self.run_changed(|_, _| {})
    }

    /// The same with changes to the command of each rank.
    pub(crate) fn run_changed(self, change: impl Fn(usize, &mut Command)) -> Vec<Ended> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let start = |rank: usize| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["worker", "--exact", "--nocapture", "--test-threads=1"])
                .env("FREEZE_SCENE", self.scene)
                .env("FREEZE_SCENE_ARGUMENT", &self.argument)
                .env("FREEZE_SCENE_OUTCOME", folder.path().join(rank.to_string()))
                .env("RANK", rank.to_string())
                .env("LOCAL_RANK", rank.to_string())
                .env("WORLD_SIZE", self.size.to_string())
                .env("MASTER_ADDR", "127.0.0.1")
                .env("MASTER_PORT", port.to_string())
                .env("OMP_NUM_THREADS", "1")
                .env_remove("TORCHELASTIC_USE_AGENT_STORE")
                .env_remove("TORCHELASTIC_ERROR_FILE")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            if cfg!(target_os = "linux") {
                command.env("GLOO_SOCKET_IFNAME", "lo");
            }
            change(rank, &mut command);
            command.spawn().unwrap()
        };
        let mut children: Vec<Child> = (0..self.size).map(start).collect();
        let until = Instant::now() + LONGEST;
        let is_awaited = |rank: usize| self.hangs != Some(rank);
        let running = |children: &mut Vec<Child>| {
            let mut children = children.iter_mut().enumerate();
            children.any(|(rank, child)| is_awaited(rank) && child.try_wait().unwrap().is_none())
        };
        while running(&mut children) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let is_late = running(&mut children);
        for child in &mut children {
            let _ = child.kill();
        }
        let ended =
            |(rank, child): (usize, Child)| ended(child, &folder.path().join(rank.to_string()));
        let ended: Vec<Ended> = children.into_iter().enumerate().map(ended).collect();
        assert!(!is_late, "{} does not end: {ended:#?}", self.scene);
        ended
    }
}

fn ended(mut child: Child, outcome: &Path) -> Ended {
    let status = child.wait().unwrap();
    let mut printed = String::new();
    // A process that it has started may hold its output open: read what there is.
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut printed);
    }
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut printed);
    }
    let outcome = fs::read_to_string(outcome).ok().and_then(|text| {
        let (kind, text) = text.split_once('\n')?;
        Some(if kind == "ok" { Ok(text.to_owned()) } else { Err(text.to_owned()) })
    });
    Ended { status, outcome, printed }
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs the scene that the environment names, in a process of a group.
pub(crate) fn work(scenes: &[Scene]) {
    let Ok(name) = std::env::var("FREEZE_SCENE") else { return };
    let (_, scene) = scenes.iter().find(|(scene, _)| *scene == name).unwrap();
    let text = match scene() {
        Ok(text) => format!("ok\n{text}"),
        Err(error) => format!("err\n{error}"),
    };
    let has_failed = text.starts_with("err");
    fs::write(std::env::var_os("FREEZE_SCENE_OUTCOME").unwrap(), text).unwrap();
    // `torchrun` starts processes again that have failed.
    if has_failed && std::env::var_os("TORCHELASTIC_RUN_ID").is_some() {
        std::process::exit(1);
    }
}

/// The argument of the scene.
pub(crate) fn argument() -> String {
    std::env::var("FREEZE_SCENE_ARGUMENT").unwrap()
}

/// Joins the group of the scene.
pub(crate) fn join() -> Result<Group, freeze_runtime::Error> {
    join_with(PATIENCE)
}

/// Joins it with little patience, where something is to time out.
pub(crate) fn join_in_haste() -> Result<Group, freeze_runtime::Error> {
    join_with(Duration::from_secs(4))
}

/// Joins it with this patience.
pub(crate) fn join_with(patience: Duration) -> Result<Group, freeze_runtime::Error> {
    Group::builder().timeout(patience).heartbeat(Duration::from_millis(100)).join()
}

/// Sends a signal to this process.
pub(crate) fn signal(name: &str) {
    let id = std::process::id().to_string();
    Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
    // Another thread may have to take the signal before this one stops.
    thread::sleep(Duration::from_secs(1));
}
