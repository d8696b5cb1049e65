//! `fetch.py` against an index on this machine, whose connections break.
//!
//! Where no Python with pip is at hand (a libtorch of one's own needs none) they test nothing.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

const WHEEL: &str = "torch-1.0-py3-none-any.whl";
const SIZE: usize = 4 << 20;

/// Makes the wheel: libraries with content that does not compress.
const MAKE_WHEEL: &str = "
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('torch/lib/libtorch_cpu.so', os.urandom(int(sys.argv[2])))
    wheel.writestr('torch/lib/libtorch_python.so', 'of no use')
    wheel.writestr('torch/version.py', 'of no use')
";

/// A folder with a wheel and an index that serves it.
struct Index {
    dir: PathBuf,
    url: String,
    /// The first byte that each request for the wheel asked for.
    starts: Arc<Mutex<Vec<usize>>>,
}

impl Index {
    /// None where there is no Python with pip.
    fn new(name: &str) -> Option<Self> {
        let dir = std::env::temp_dir().join(format!("freeze-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let mut make = Command::new("python3");
        make.args(["-c", MAKE_WHEEL]).arg(dir.join(WHEEL)).arg(SIZE.to_string());
        let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
        if !pip.is_ok_and(|pip| pip.status.success()) || !make.status().is_ok_and(|s| s.success()) {
            eprintln!("there is no Python with pip here: nothing is tested");
            return None;
        }

        let wheel = fs::read(dir.join(WHEEL)).expect("a wheel");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/simple", listener.local_addr().expect("an address"));
        let starts = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&starts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &wheel, &asked);
            }
        });
        Some(Self { dir, url, starts })
    }

    fn sums(&self, hash: &str) {
        fs::write(self.dir.join("sums"), format!("# hashes\n{hash}  {WHEEL}\n")).expect("a list");
    }

    fn true_hash(&self) -> String {
        let hash = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
        let python = Command::new("python3").args(["-c", hash]).arg(self.dir.join(WHEEL)).output();
        let printed = String::from_utf8(python.expect("Python").stdout).expect("a hash");
        printed.trim().to_owned()
    }

    fn fetch(&self) -> Output {
        let mut python = Command::new("python3");
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fetch.py"));
        python.arg("--into").arg(self.target()).arg("--sums").arg(self.dir.join("sums"));
        python.args(["--version", "1.0+cpu", "--keep=torch/lib/*"]);
        python.args(["--skip=torch/lib/libtorch_python.*", "torch==1.0"]);
        for setting in ["PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_EXTRA_INDEX_URL"] {
            python.env_remove(setting);
        }
        python.env("PIP_CONFIG_FILE", "/dev/null").env("no_proxy", "127.0.0.1");
        python.env("PIP_INDEX_URL", &self.url).output().expect("Python")
    }

    fn target(&self) -> PathBuf {
        self.dir.join("libtorch")
    }

    /// Puts the beginning of a download there, as a run that was killed leaves it.
    fn leave_part(&self, bytes: &[u8]) {
        let partial = self.target().join("partial");
        fs::create_dir_all(&partial).expect("a folder");
        fs::write(partial.join(format!("{WHEEL}.part")), bytes).expect("a part");
    }

    fn library(&self) -> Option<usize> {
        let library = self.target().join("torch/lib/libtorch_cpu.so");
        fs::metadata(library).ok().map(|found| found.len().try_into().expect("a size"))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Answers one request. A request for the whole wheel breaks off half way.
fn serve(mut stream: TcpStream, wheel: &[u8], starts: &Mutex<Vec<usize>>) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    if !request.contains(".whl") {
        let page = format!("<a href=\"/{WHEEL}\">{WHEEL}</a>");
        let length = page.len();
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{page}"
        );
        return;
    }
    let range = head.iter().find_map(|line| {
        line.to_lowercase().strip_prefix("range: bytes=")?.trim_end_matches('-').parse().ok()
    });
    let start: usize = range.unwrap_or(0);
    starts.lock().expect("a list").push(start);
    if start >= wheel.len() {
        let _ = write!(
            stream,
            "HTTP/1.1 416 Nothing there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        return;
    }
    let status = if start > 0 { "206 Partial" } else { "200 OK" };
    let length = wheel.len() - start;
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let end = if start > 0 { wheel.len() } else { wheel.len() / 2 };
    let _ = stream.write_all(&wheel[start..end]);
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let Some(index) = Index::new("resume") else { return };
    index.sums(&index.true_hash());
    let output = index.fetch();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(index.library(), Some(SIZE));
    let starts = index.starts.lock().expect("a list").clone();
    assert!(matches!(starts[..], [0, start] if start > 0), "{starts:?}");

    let torch = index.target().join("torch");
    assert_eq!(fs::read_to_string(torch.join("build-version")).expect("a version"), "1.0+cpu\n");
    assert!(!torch.join("version.py").exists() && !torch.join("lib/libtorch_python.so").exists());
    assert!(!index.target().join("partial").exists());
}

#[test]
fn a_later_run_goes_on_too() {
    let Some(index) = Index::new("later") else { return };
    index.sums(&index.true_hash());
    let wheel = fs::read(index.dir.join(WHEEL)).expect("a wheel");
    index.leave_part(&wheel[..1000]);
    let output = index.fetch();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(*index.starts.lock().expect("a list"), [1000]);
    assert_eq!(index.library(), Some(SIZE));
}

#[test]
fn a_spoilt_part_is_thrown_away() {
    let Some(index) = Index::new("spoilt") else { return };
    index.sums(&index.true_hash());
    index.leave_part(&[7; 1000]);
    let output = index.fetch();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(index.library(), Some(SIZE));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("has a wrong hash and is thrown away"), "{said}");
}

#[test]
fn a_wheel_with_another_hash_is_never_unpacked() {
    let Some(index) = Index::new("altered") else { return };
    index.sums(&"0".repeat(64));
    let output = index.fetch();
    assert!(!output.status.success());
    assert_eq!(index.library(), None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.ends_with("something between here and the index alters it\n"), "{said}");
}

#[test]
fn a_wheel_that_nobody_wrote_down_is_refused() {
    let Some(index) = Index::new("unknown") else { return };
    fs::write(index.dir.join("sums"), "").expect("a list");
    let output = index.fetch();
    assert!(!output.status.success());
    assert!(index.starts.lock().expect("a list").is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is not among the wheels that sums lists"), "{said}");
}
