//! `torchrun` starts the processes of a run, and starts them again where one is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use freeze_tests::skip;

use crate::processes::free_port;

/// The ranks that are killed, and the steps at which they are.
const KILLS: [(usize, u64); 10] =
    [(0, 0), (1, 0), (0, 3), (1, 4), (1, 5), (0, 6), (1, 7), (0, 8), (1, 10), (0, 11)];

/// A run of two ranks, by one agent of `torchrun` or by two, as on two machines.
struct Launch<'l> {
    torchrun: &'l Path,
    agents: usize,
    folder: PathBuf,
}

impl Launch<'_> {
    /// Runs to the end, and returns what each rank has returned.
    fn run(&self, fault: &str) -> [String; 2] {
        fs::create_dir_all(&self.folder).unwrap();
        let port = free_port();
        let agents: Vec<Child> = (0..self.agents).map(|_| self.agent(port, fault)).collect();
        for agent in agents {
            let output = agent.wait_with_output().unwrap();
            let printed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{fault}: {printed}");
        }
        [0, 1].map(|rank| fs::read_to_string(self.folder.join(format!("outcome.{rank}"))).unwrap())
    }

    fn agent(&self, port: u16, fault: &str) -> Child {
        let script = "FREEZE_SCENE_OUTCOME=$FREEZE_SCENE_OUTCOME.$RANK exec \"$@\"";
        let Self { torchrun, agents, folder } = self;
        let mut command = Command::new(torchrun);
        command
            .args(["--no-python", "--max-restarts=1", "--rdzv-backend=c10d"])
            .arg(format!("--nnodes={agents}"))
            .arg(format!("--nproc-per-node={}", 2 / agents))
            .arg(format!("--rdzv-endpoint=127.0.0.1:{port}"))
            .args(["--local-addr=127.0.0.1", "sh", "-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["worker", "--exact", "--test-threads=1"])
            .env("FREEZE_SCENE", "runs")
            .env("FREEZE_SCENE_ARGUMENT", format!("{}{fault}", folder.join("run").display()))
            .env("FREEZE_SCENE_OUTCOME", folder.join("outcome"))
            .env("OMP_NUM_THREADS", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if cfg!(target_os = "linux") {
            command.env("GLOO_SOCKET_IFNAME", "lo");
        }
        command.spawn().unwrap()
    }
}

#[test]
fn torchrun_restarts_a_run_with_the_same_bits() {
    let Some(torchrun) = std::env::var_os("FREEZE_TORCHRUN") else {
        skip(
            "torchrun_restarts_a_run_with_the_same_bits",
            "FREEZE_TORCHRUN does not name a torchrun",
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let torchrun = Path::new(&torchrun);
    let launch = |agents, name: &str| Launch { torchrun, agents, folder: folder.path().join(name) };
    let whole = launch(1, "whole").run("");
    assert!(whole[0].starts_with("ok\n"), "{whole:?}");
    assert_eq!(whole[0], whole[1]);
    for agents in [1, 2] {
        for (rank, step) in KILLS {
            let ended =
                launch(agents, &format!("{agents}.{rank}.{step}")).run(&format!(" {rank} {step}"));
            assert_eq!(ended, whole, "rank {rank} killed at step {step}, {agents} agents");
            println!("{agents} agents, rank {rank} killed at step {step}: the same bits");
        }
    }
}
