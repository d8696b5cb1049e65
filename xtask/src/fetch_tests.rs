//! Fetching with pip from an index on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::error::Error;
use crate::fetch::{Fetch, check_pip};
use crate::skipped;

const WHEEL: &str = "torch-1.0-py3-none-any.whl";
const SIZE: usize = 1 << 20;

/// Writes the wheel and prints its hash. Its libraries do not compress.
const MAKE_WHEEL: &str = "
import hashlib, os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('torch/lib/libtorch_cpu.so', os.urandom(int(sys.argv[2])))
    wheel.writestr('torch/lib/libtorch_python.so', 'not needed')
    wheel.writestr('torch/version.py', 'not needed')
    info = 'torch-1.0.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: torch\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())
";

/// A folder with a wheel, and an index that serves it.
struct Index {
    dir: PathBuf,
    url: String,
    hash: String,
    /// How many times the wheel was requested.
    requests: Arc<AtomicUsize>,
    /// Whether connections break off in the middle of the wheel.
    breaks: Arc<AtomicBool>,
}

impl Index {
    /// `None` where there is no Python with pip: a user's own libtorch needs none.
    fn new(name: &str) -> Option<Self> {
        if check_pip("python3").is_err() {
            skipped::report(name, "there is no Python with a pip that fetches wheels");
            return None;
        }
        let dir = std::env::temp_dir().join(format!("freeze-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let mut make = Command::new("python3");
        make.args(["-c", MAKE_WHEEL]).arg(dir.join(WHEEL)).arg(SIZE.to_string());
        let printed = String::from_utf8(make.output().expect("Python").stdout).expect("a hash");

        let wheel = fs::read(dir.join(WHEEL)).expect("a wheel");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/simple", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let breaks = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&breaks);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sent = if asked.load(Ordering::Relaxed) { SIZE / 2 } else { wheel.len() };
                serve(stream, &wheel, sent, &counted);
            }
        });
        Some(Self { dir, url, hash: printed.trim().to_owned(), requests, breaks })
    }

    fn lock(&self) -> String {
        lock_of(&self.hash)
    }

    fn fetch(&self, lock: &str) -> Result<(), Error> {
        Fetch {
            python: "python3",
            wheels: vec!["torch==1.0"],
            lock,
            keep: vec!["torch/lib/*"],
            skip: vec!["torch/lib/libtorch_python.*"],
            version: "1.0+cpu".to_owned(),
            into: self.target(),
            env: vec![
                ("PIP_INDEX_URL", self.url.clone()),
                ("PIP_CONFIG_FILE", "/dev/null".to_owned()),
                ("PIP_FIND_LINKS", String::new()),
                ("PIP_EXTRA_INDEX_URL", String::new()),
                ("PIP_RETRIES", "1".to_owned()),
                ("PIP_RESUME_RETRIES", "1".to_owned()),
                ("no_proxy", "127.0.0.1".to_owned()),
            ],
        }
        .run()
    }

    fn target(&self) -> PathBuf {
        self.dir.join("libtorch")
    }

    /// The size of the unpacked library.
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

fn lock_of(hash: &str) -> String {
    format!("# hashes\ntorch==1.0 \\\n    --hash=sha256:{hash}\n")
}

fn line(result: Result<(), Error>) -> String {
    match result {
        Err(Error::Line(line)) => line,
        other => panic!("it did not fail with a line: {other:?}"),
    }
}

/// Answers one request, with this many bytes of the wheel or with the page that lists it.
fn serve(mut stream: TcpStream, wheel: &[u8], sent: usize, requests: &AtomicUsize) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let _head = lines.take_while(|line| !line.is_empty()).count();
    let (kind, content) = if request.contains(".whl") {
        requests.fetch_add(1, Ordering::Relaxed);
        ("application/octet-stream", wheel.to_vec())
    } else {
        ("text/html", format!("<!DOCTYPE html><a href=\"/{WHEEL}\">{WHEEL}</a>").into_bytes())
    };
    let length = content.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    let _ = stream.write_all(&content[..sent.min(length)]);
}

#[test]
fn only_the_needed_files_are_unpacked() {
    let Some(index) = Index::new("needed") else { return };
    assert_eq!(index.fetch(&index.lock()), Ok(()));
    assert_eq!(index.library(), Some(SIZE));
    let torch = index.target().join("torch");
    assert_eq!(fs::read_to_string(torch.join("build-version")).expect("a version"), "1.0+cpu\n");
    assert!(!torch.join("version.py").exists() && !torch.join("lib/libtorch_python.so").exists());
    assert!(!index.target().join("partial").exists());
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let Some(index) = Index::new("again") else { return };
    let partial = index.target().join("partial/1.0+cpu");
    fs::create_dir_all(partial.join("tree/torch/lib")).expect("a folder");
    fs::write(partial.join("tree/torch/lib/libtorch_cpu.so"), "unpacked").expect("a library");
    fs::write(partial.join("torch==1.0.done"), "").expect("a mark");
    assert_eq!(index.fetch(&index.lock()), Ok(()));
    assert_eq!(index.library(), Some("unpacked".len()));
    assert_eq!(index.fetch(&index.lock()), Ok(()));
    assert_eq!(index.requests.load(Ordering::Relaxed), 0);
}

#[test]
fn a_wheel_with_another_hash_is_never_unpacked() {
    let Some(index) = Index::new("altered") else { return };
    let line = line(index.fetch(&lock_of(&"0".repeat(64))));
    assert!(line.starts_with("torch==1.0 has another hash than xtask/libtorch.txt"), "{line}");
    assert_eq!(index.library(), None);
}

#[test]
fn a_wheel_that_is_not_in_the_lock_file_is_refused() {
    let Some(index) = Index::new("unknown") else { return };
    let line = line(index.fetch("# no hashes\n"));
    assert!(line.contains("is not among the wheels of xtask/libtorch.txt"), "{line}");
    assert_eq!(index.requests.load(Ordering::Relaxed), 0);
}

#[test]
fn an_index_that_does_not_answer_is_a_network_failure() {
    let Some(mut index) = Index::new("silent") else { return };
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    index.url = format!("http://{}/simple", port.local_addr().expect("an address"));
    drop(port);
    let line = line(index.fetch(&index.lock()));
    assert!(line.starts_with("the network failed while pip fetched torch==1.0"), "{line}");
}

#[test]
fn a_download_that_breaks_off_is_never_unpacked() {
    let Some(index) = Index::new("broken") else { return };
    index.breaks.store(true, Ordering::Relaxed);
    let line = line(index.fetch(&index.lock()));
    let network = line.starts_with("the network failed while pip fetched torch==1.0");
    // Old pips take the part for the whole.
    assert!(network || line.contains("the download broke off"), "{line}");
    assert_eq!(index.library(), None);
    index.breaks.store(false, Ordering::Relaxed);
    assert_eq!(index.fetch(&index.lock()), Ok(()));
    assert_eq!(index.library(), Some(SIZE));
}
