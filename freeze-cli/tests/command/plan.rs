//! `freeze plan`, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::path::{Path, PathBuf};

use crate::support::{MODEL, folder_with};
use serde_json::Value;

const EXAMPLE: &str = include_str!("../../../freeze-dsl/tests/policies/resnet.freeze");
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policies");
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/pictures");

fn plan(arguments: &[&str], folder: &Path, input: &str) -> (i32, String, String) {
    crate::support::freeze(&[&["plan"], arguments].concat(), folder, input)
}

/// What a plan of the first example prints.
fn of_example(arguments: &[&str]) -> String {
    let folder = folder_with(&[("resnet.freeze", EXAMPLE)]);
    let arguments = [&["resnet.freeze", "--model", MODEL], arguments].concat();
    let (status, out, errors) = plan(&arguments, folder.path(), "");
    assert_eq!((status, errors.as_str()), (0, ""));
    out
}

/// What a plan of an example of the repository prints.
fn of_policy(name: &str, arguments: &[&str]) -> String {
    let (status, out, errors) = plan(&[&[name], arguments].concat(), Path::new(POLICIES), "");
    assert_eq!((status, errors.as_str()), (0, ""));
    out
}

#[test]
fn a_row_for_each_rule() {
    insta::assert_snapshot!(of_example(&[]));
}

#[test]
fn a_picture_as_text() {
    insta::assert_snapshot!("text_resnet", of_example(&["--width", "80"]));
    let decay = of_policy("18_shared_cosine.freeze", &["--width", "80"]);
    insta::assert_snapshot!("text_layerwise_decay", decay);
    let lisa = of_policy("06_lisa.freeze", &["--width", "100", "--steps-per-epoch", "100"]);
    insta::assert_snapshot!("text_lisa", lisa);
}

#[test]
fn json_fits_its_schema() {
    let json: Value = serde_json::from_str(&of_example(&["--format", "json"])).unwrap();
    let (_, schema, _) = crate::support::freeze(&["schema", "plan"], Path::new("."), "");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(validator.is_valid(&json));
    assert_eq!(json["rules"][0]["elements"], 513_000);
    // Two averages of each number, and a count of steps for each parameter.
    assert_eq!(json["rules"][0]["optimizer_bytes"], 2 * 4 * 513_000 + 2 * 4);
}

/// The pictures of the documentation are what the command draws. With `FREEZE_DRAW_PICTURES` set, they
/// are written anew.
#[test]
fn pictures_of_the_documentation() {
    for (name, svg) in [
        ("resnet.svg", of_example(&["--format", "svg"])),
        (
            "layerwise_decay.svg",
            of_policy("18_shared_cosine.freeze", &["--format", "svg", "--steps-per-epoch", "50"]),
        ),
        ("lisa.svg", of_policy("06_lisa.freeze", &["--format", "svg", "--steps-per-epoch", "100"])),
    ] {
        let path = PathBuf::from(PICTURES).join(name);
        if std::env::var_os("FREEZE_DRAW_PICTURES").is_some() {
            std::fs::create_dir_all(PICTURES).unwrap();
            std::fs::write(&path, &svg).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap();
        let how = "FREEZE_DRAW_PICTURES=1 cargo test -p freeze-cli --test command plan";
        assert!(known == svg, "{name} is another picture now; draw it with `{how}`");
    }
}

#[test]
fn a_file_takes_what_is_printed() {
    let folder = folder_with(&[("a.freeze", EXAMPLE)]);
    let arguments = ["a.freeze", "--model", MODEL, "--format", "html", "-o", "a.html"];
    let (status, out, errors) = plan(&arguments, folder.path(), "");
    assert_eq!((status, out.as_str(), errors.as_str()), (0, "", ""));
    let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.len() < 300_000, "{}", page.len());
    let arguments = ["a.freeze", "--model", MODEL, "-o", "none/a.txt"];
    let (status, _, errors) = plan(&arguments, folder.path(), "");
    assert_eq!(status, 2);
    assert!(errors.starts_with("error: cannot write `none/a.txt`: "), "{errors}");
}

/// The epochs of the marks in a picture as text.
fn firings(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains(" epoch ")).map(str::trim).collect()
}

#[test]
fn moments_that_metrics_decide_are_assumed_given_or_observed() {
    let text = "run 20 epochs; start as head: train fc lr 1e-3; \
                when loss stops falling for 3 epochs as one: unfreeze layer4; \
                when loss stops falling for 3 epochs as two: unfreeze layer3;";
    let lines: Vec<String> = (0..20).map(|epoch| format!("{epoch},1\n")).collect();
    let table = lines.concat();
    let folder = folder_with(&[("a.freeze", text), ("m.csv", &format!("epoch,loss\n{table}"))]);
    let drawn = |arguments: &[&str]| {
        let arguments = [&["a.freeze", "--model", MODEL, "--width", "80"], arguments].concat();
        let (status, out, errors) = plan(&arguments, folder.path(), "");
        assert_eq!(status, 0, "{errors}");
        let out = out.split_once("\n\n").unwrap().1.to_owned();
        firings(&out).into_iter().map(str::to_owned).collect::<Vec<_>>().join("; ")
    };
    // Both share the run evenly.
    let decides = "where a metric decides";
    let assumed = drawn(&[]);
    assert_eq!(
        assumed,
        format!("a epoch 0: head; b epoch 6, {decides}: one; c epoch 13, {decides}: two")
    );
    let given = drawn(&["--assume", "one=4", "--assume", "two=17"]);
    assert_eq!(
        given,
        format!("a epoch 0: head; b epoch 4, {decides}: one; c epoch 17, {decides}: two")
    );
    let observed = drawn(&["--metrics", "m.csv"]);
    assert_eq!(
        observed,
        format!("a epoch 0: head; b epoch 4, {decides}: one; c epoch 8, {decides}: two")
    );
}

#[test]
fn rules_that_do_not_fire_in_the_run_are_named() {
    let text = "run 8 epochs; start as head: train fc lr 1e-3; \
                when loss < 1 as low: unfreeze layer4; after 6 epochs as late: unfreeze layer3;";
    let folder = folder_with(&[("a.freeze", text)]);
    let last = |more: &[&str]| {
        let arguments = [&["a.freeze", "--model", MODEL, "--width", "80"], more].concat();
        let (status, out, errors) = plan(&arguments, folder.path(), "");
        assert_eq!(status, 0, "{errors}");
        out.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last(&[]), "not in this run: late");
    assert_eq!(last(&["--assume", "low=1"]), "c epoch 7: late");
}

#[test]
fn what_cannot_be_drawn_says_what_is_missing() {
    let folder = folder_with(&[]);
    let endless = "start: train fc lr 1; when loss < 1 as low: unfreeze layer4";
    let steps = "run 2 epochs; start: train fc lr 1; step 500: unfreeze layer4";
    for (text, arguments, message) in [
        (endless, &["--format", "svg"][..], "unknown: pass `--epochs`"),
        (steps, &["--format", "html"], "unknown: pass `--steps-per-epoch`"),
        (endless, &["--format", "svg", "--epochs", "0"], "write a whole number, at least 1"),
        (
            endless,
            &["--format", "svg", "--epochs", "9", "--assume", "low=0"],
            "rule `low` cannot fire by its metric when epoch 0 starts, but from epoch 1 on",
        ),
        (
            endless,
            &["--format", "svg", "--epochs", "9", "--assume", "lw=2"],
            "no rule is called `lw`; choose `low`",
        ),
        (
            endless,
            &["--format", "svg", "--epochs", "9", "--assume", "rule 1=2"],
            "rule `rule 1` waits for no metric",
        ),
        (endless, &["--assume", "low=2"], "`--assume` is for a picture"),
        (endless, &["--assume", "low"], "expected a rule, `=` and an epoch"),
        // The table needs no metrics, but a file that is named is read.
        (endless, &["--metrics", "none.csv"], "cannot read `none.csv`: "),
    ] {
        let arguments = [&["-", "--model", MODEL], arguments].concat();
        let (status, out, errors) = plan(&arguments, folder.path(), text);
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
    // The table lacks nothing.
    let (status, out, errors) =
        plan(&["-", "--model", MODEL, "--width", "200"], folder.path(), endless);
    assert_eq!((status, out.lines().count()), (0, 3));
    assert!(
        errors.starts_with("note: no picture: the number of epochs is unknown: pass"),
        "{errors}"
    );
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::fs::File;
    use std::io::Read;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    use super::{EXAMPLE, MODEL, folder_with};

    /// What a command prints on a terminal of so many columns.
    fn printed(arguments: &[&str], columns: u16) -> String {
        let folder = folder_with(&[("a.freeze", EXAMPLE)]);
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let path = ptsname(&terminal, Vec::new()).unwrap();
        let other = File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
        let mut command = crate::support::command(arguments, folder.path());
        let mut child = command.stdout(other).spawn().unwrap();
        drop(command);
        let mut printed = Vec::new();
        // The end of a terminal whose other side is closed is an error.
        let _end = File::from(terminal).read_to_end(&mut printed);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        String::from_utf8(printed).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn a_plan_has_the_picture_in_its_width() {
        let out = printed(&["plan", "a.freeze", "--model", MODEL], 70);
        let (table, picture) = out.split_once("\n\n").unwrap();
        assert!(table.starts_with("rule ") && picture.contains('█'), "{out}");
        assert!(picture.lines().all(|line| line.chars().count() <= 70), "{out}");
        assert!(picture.lines().any(|line| line.chars().count() > 50), "{out}");
    }

    #[test]
    fn a_simulation_is_a_table() {
        let arguments = ["simulate", "a.freeze", "--model", MODEL];
        let out = printed(&arguments, 80);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "epoch    trains  learning rate           groups  rules that fired");
        assert_eq!(lines[1], "    0   2 of 62  1e-3                         1  probe");
        assert_eq!(lines.len(), 21);
        let json = printed(&[&arguments[..], &["--format", "json"]].concat(), 80);
        assert!(json.starts_with("{\"epoch\":0,"), "{json}");
    }
}
