//! `--watch`: runs a subcommand again whenever a file changes that it has read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, SystemTime};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::reporter::{Inputs, Options, Reporter, Stream};
use crate::{Outcome, config};

/// How long nothing must change before the next run: an editor saves a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// `--watch`.
#[derive(clap::Args)]
pub(crate) struct WatchArgs {
    /// Run again whenever a policy, its model or a `freeze.toml` changes
    #[arg(long)]
    watch: bool,
}

impl WatchArgs {
    pub(crate) const fn is_set(&self) -> bool {
        self.watch
    }
}

/// Runs `run`, which reads these policies, now and after each change, until the process is stopped.
/// `Failed` if files cannot be watched.
pub(crate) fn repeat(
    policies: &[PathBuf],
    options: &Options,
    mut run: impl FnMut() -> Outcome,
) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    if policies.iter().any(|file| file.as_os_str() == "-") {
        reporter.fail("standard input cannot be watched");
        return reporter.conclude();
    }
    let failed = |error: &notify::Error, mut reporter: Reporter<'_>| {
        reporter.fail(&format!("cannot watch files: {error}"));
        reporter.conclude()
    };
    let mut watch = match Watch::new() {
        Ok(watch) => watch,
        Err(error) => return failed(&error, reporter),
    };
    let mut last_newer = BTreeMap::new();
    loop {
        let start = SystemTime::now();
        options.take_inputs();
        run();
        watch.wanted = Wanted::of(&options.take_inputs());
        if watch.wanted.is_empty() {
            reporter.fail("there is nothing to watch: no file was read");
            return reporter.conclude();
        }
        if let Err(error) = watch.subscribe() {
            return failed(&error, reporter);
        }
        let newer = watch.wanted.newer_than(start);
        // A file that another clock has dated in the future is newer after each run.
        let has_changed = newer.iter().any(|(file, time)| last_newer.get(file) != Some(time));
        last_newer = newer;
        if !has_changed {
            reporter.remark(&watch.wanted.statement());
            match watch.wait() {
                Some(changed) => reporter.remark(&format!("\n`{}` has changed", shown(&changed))),
                None => return reporter.conclude().max(Outcome::Failed),
            }
        }
    }
}

/// What a run has read, as absolute paths.
#[derive(Default)]
struct Wanted {
    /// The files.
    files: BTreeSet<PathBuf>,
    /// The folders in which policies were searched.
    folders: BTreeSet<PathBuf>,
    /// The folders in which a `freeze.toml` would count.
    above: BTreeSet<PathBuf>,
}

impl Wanted {
    fn of(inputs: &Inputs) -> Self {
        let mut wanted = Self::default();
        for file in &inputs.files {
            let folder = match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let Ok(folder) = fs::canonicalize(folder) else { continue };
            wanted.files.insert(folder.join(file.file_name().unwrap_or_default()));
            // A link changes where it is replaced, and where its target is.
            wanted.files.extend(fs::canonicalize(file));
            wanted.above.extend(folder.ancestors().map(Path::to_owned));
        }
        wanted.folders = inputs.folders.iter().filter_map(|it| fs::canonicalize(it).ok()).collect();
        wanted
    }

    /// The folders to watch, and whether with their subfolders.
    fn watched(&self) -> BTreeMap<PathBuf, RecursiveMode> {
        let parents = self.files.iter().filter_map(|file| file.parent());
        let single = parents.chain(self.above.iter().map(PathBuf::as_path));
        let mut watched: BTreeMap<PathBuf, RecursiveMode> =
            single.map(|folder| (folder.to_owned(), RecursiveMode::NonRecursive)).collect();
        let whole = self.folders.iter().map(|folder| (folder.clone(), RecursiveMode::Recursive));
        watched.extend(whole);
        watched
    }

    fn contains(&self, path: &Path) -> bool {
        let is_config = path.file_name().is_some_and(|name| name == config::NAME)
            && path.parent().is_some_and(|folder| self.above.contains(folder));
        // What was written to a new folder at once has no event of its own.
        let is_policy = (path.extension().is_some_and(|extension| extension == "freeze")
            || path.is_dir())
            && self.folders.iter().any(|folder| path.starts_with(folder));
        is_config || is_policy || self.files.contains(path)
    }

    /// Whether nothing was read and no folder was searched.
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// The files that were written after this moment, maybe while nothing watched them, and when.
    fn newer_than(&self, start: SystemTime) -> BTreeMap<PathBuf, SystemTime> {
        let dated = |file: &PathBuf| {
            let modified = fs::metadata(file).and_then(|it| it.modified()).ok()?;
            (modified > start).then(|| (file.clone(), modified))
        };
        self.files.iter().filter_map(dated).collect()
    }

    /// What is watched, for a person.
    fn statement(&self) -> String {
        /// More names are not read.
        const MOST: usize = 5;
        let mut names: Vec<String> = self
            .folders
            .iter()
            .map(|folder| format!("the policies in `{}`", shown(folder)))
            .collect();
        let others: Vec<&PathBuf> = self
            .files
            .iter()
            .filter(|file| !self.folders.iter().any(|folder| file.starts_with(folder)))
            .collect();
        if others.len() > MOST {
            names.push(format!("{} files", others.len()));
        } else {
            names.extend(others.into_iter().map(|file| format!("`{}`", shown(file))));
        }
        format!("watching {}, and each `{}` above (Ctrl-C stops)", names.join(", "), config::NAME)
    }
}

/// The path as seen from the current folder, if it lies there.
fn shown(path: &Path) -> String {
    let current = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    match path.strip_prefix(current) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// A watcher, with the folders that it watches now.
struct Watch {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    watched: BTreeMap<PathBuf, RecursiveMode>,
    wanted: Wanted,
}

impl Watch {
    fn new() -> notify::Result<Self> {
        let (sender, events): (Sender<notify::Result<Event>>, _) = mpsc::channel();
        let watcher = notify::recommended_watcher(sender)?;
        Ok(Self { watcher, events, watched: BTreeMap::new(), wanted: Wanted::default() })
    }

    /// Watches what the last run has read, and nothing else.
    fn subscribe(&mut self) -> notify::Result<()> {
        let wanted = self.wanted.watched();
        for (folder, mode) in &self.watched {
            if wanted.get(folder) != Some(mode) {
                // It may be gone.
                let _gone = self.watcher.unwatch(folder);
            }
        }
        for (folder, mode) in &wanted {
            if self.watched.get(folder) != Some(mode) {
                self.watcher.watch(folder, *mode)?;
            }
        }
        self.watched = wanted;
        Ok(())
    }

    /// Waits until something has changed and then nothing for a moment; returns the first file that
    /// changed, or `None` if the watcher has ended.
    fn wait(&self) -> Option<PathBuf> {
        let changed = loop {
            if let Some(changed) = self.changed(&self.events.recv().ok()?) {
                break changed;
            }
        };
        while let Ok(event) = self.events.recv_timeout(QUIET) {
            drop(event);
        }
        Some(changed)
    }

    /// The file that the run depends on and that an event is about.
    fn changed(&self, event: &notify::Result<Event>) -> Option<PathBuf> {
        let event = event.as_ref().ok()?;
        if matches!(event.kind, EventKind::Access(_)) {
            return None;
        }
        event.paths.iter().find(|path| self.wanted.contains(path)).cloned()
    }
}
