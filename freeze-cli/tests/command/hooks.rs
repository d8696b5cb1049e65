//! The files that call the command elsewhere: hooks of pre-commit, and a workflow of GitHub.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::path::Path;

use crate::support::{folder_with, freeze};
use serde::Deserialize;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[derive(Deserialize)]
struct Hook {
    id: String,
    name: String,
    entry: String,
    language: String,
    files: String,
}

#[derive(Deserialize)]
struct HookConfig {
    repos: Vec<HookRepository>,
}

#[derive(Deserialize)]
struct HookRepository {
    hooks: Vec<Hook>,
}

#[derive(Deserialize)]
struct Workflow {
    jobs: std::collections::BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    run: Option<String>,
    uses: Option<String>,
}

/// Asserts that the command takes these arguments, on a right policy.
#[track_caller]
fn assert_runs(entry: &str) {
    let folder = folder_with(&[("a.freeze", "start: train fc lr 1e-3;\n")]);
    let mut words = entry.split_whitespace();
    assert_eq!(words.next(), Some("freeze"), "{entry}");
    let arguments: Vec<&str> = words.collect();
    let (status, _, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!(status, 0, "{entry}: {errors}");
}

fn assert_hooks(hooks: &[Hook], language: &str) {
    let ids: Vec<&str> = hooks.iter().map(|hook| hook.id.as_str()).collect();
    assert_eq!(ids, ["freeze-fix", "freeze-fmt", "freeze-check"]);
    for hook in hooks {
        assert_eq!((hook.language.as_str(), hook.files.as_str()), (language, r"\.freeze$"));
        assert!(hook.name.ends_with("freeze policies"));
        assert_runs(&format!("{} a.freeze", hook.entry));
    }
}

#[test]
fn the_hooks_call_the_command() {
    let hooks: Vec<Hook> = serde_saphyr::from_str(&read(".pre-commit-hooks.yaml")).unwrap();
    assert_hooks(&hooks, "python");
    let text = read("examples/ci/pre-commit-config.yaml");
    let config: HookConfig = serde_saphyr::from_str(&text).unwrap();
    let [repository] = config.repos.as_slice() else { panic!("one repository") };
    assert_hooks(&repository.hooks, "system");
    // The book shows the same.
    let page = read("docs/src/tools/pre-commit.md");
    let (_, text) = text.split_once('\n').unwrap();
    assert!(page.contains(&format!("```yaml\n{text}```")), "{page}");
}

#[test]
fn the_workflow_calls_the_command() {
    let text = read("examples/ci/github.yml");
    let workflow: Workflow = serde_saphyr::from_str(&text).unwrap();
    let steps: Vec<&Step> = workflow.jobs.values().flat_map(|job| &job.steps).collect();
    assert!(steps.iter().all(|step| step.run.is_some() != step.uses.is_some()));
    let calls: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.run.as_deref())
        .filter(|run| run.starts_with("freeze "))
        // What the shell does with the output and the status is not the command's.
        .filter_map(|run| run.split(" > ").next())
        .collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    calls.into_iter().for_each(assert_runs);
    // Nothing is released: the command is built from source.
    let installs: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.run.as_deref())
        .filter(|run| !run.starts_with("freeze "))
        .collect();
    assert_eq!(installs, ["cargo install --locked --git \"$FREEZE_GIT\" freeze-cli"]);
    let page = read("docs/src/tools/ci.md");
    let (_, shown) = text.split_once('\n').unwrap();
    assert!(page.contains(&format!("```yaml\n{shown}```")), "{page}");
}
