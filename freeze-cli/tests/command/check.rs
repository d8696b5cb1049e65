//! `freeze check`, run as a person runs it.

use std::path::Path;

use crate::support::{MODEL, folder_with};

/// What is printed where nothing is wrong and no model is given.
const NO_MODEL: &str = "note: no model given: selectors were not looked up\n";

/// The exit status and what was printed on standard error; nothing on standard output.
fn freeze(arguments: &[&str], folder: &Path, input: &str) -> (i32, String) {
    let (status, out, errors) = crate::support::freeze(arguments, folder, input);
    assert_eq!(out, "");
    (status, errors)
}

#[test]
fn five_mistakes_are_five_findings_with_their_places() {
    let text = "\
run 20 epochs;
start: train fc lr -1e-3;
epoch 3: unfreeze layer5 lr 1e-4;
epoch 6: unfreze layer3;
epoch 5: unfreeze layer2 optimizer adm;
epoch 30: unfreeze @bias;
";
    // Two of the five are in one line, and one run finds all of them.
    let folder = folder_with(&[("resnet.freeze", text)]);
    let (status, printed) =
        freeze(&["check", "resnet.freeze", "--model", MODEL], folder.path(), "");
    assert_eq!(status, 1);
    let places: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--> resnet.freeze:"))
        .collect();
    assert_eq!(places, ["2:20", "3:19", "4:10", "5:36", "6:1", "6:20"]);
    assert!(printed.contains(
        "help: did you mean `layer4`? the model has conv1, bn1, layer1, layer2, layer3, layer4, fc"
    ));
    assert!(printed.contains("+ epoch 3: unfreeze layer4 lr 1e-4;"));
    assert!(printed.ends_with("6 errors\n"), "{printed}");
}

#[test]
fn a_clean_policy_has_no_findings() {
    let folder = folder_with(&[("a.freeze", "start: train fc; epoch 3: unfreeze layer4")]);
    let clean = (0, NO_MODEL.to_owned());
    assert_eq!(freeze(&["check", "a.freeze"], folder.path(), ""), clean);
    let quiet = freeze(&["check", "-q", "a.freeze"], folder.path(), "");
    assert_eq!(quiet, (0, String::new()));
    // Notes are information; they are no problem.
    let (status, printed) = freeze(&["check", "a.freeze", "--model", MODEL], folder.path(), "");
    assert_eq!(status, 0);
    assert!(printed.starts_with("note[FRZ0502]"), "{printed}");
    assert_eq!(freeze(&["check", "-"], folder.path(), "start: train fc"), clean);
}

#[test]
fn a_check_without_a_model_is_noted_for_a_person_unless_there_are_errors() {
    let model = std::fs::read_to_string(MODEL).unwrap();
    let folder = folder_with(&[("m.model.json", &model)]);
    let check = |text: &str, more: &[&str]| {
        let (_, out, errors) =
            crate::support::freeze(&[&["check", "-"], more].concat(), folder.path(), text);
        (out + &errors).contains(NO_MODEL)
    };
    assert!(check("start: train fc", &[]));
    assert!(check("start: train fc", &["--message-format", "short"]));
    assert!(check("start: train fc lr 0", &[]));
    assert!(!check("start: tran fc", &[]));
    assert!(!check("start: train fc", &["--model", MODEL]));
    assert!(!check("model \"m.model.json\"; start: train fc", &[]));
    for format in ["json", "sarif", "github"] {
        assert!(!check("start: train fc", &["--message-format", format]));
    }
}

#[test]
fn the_model_that_a_policy_names_lies_beside_it() {
    let model = std::fs::read_to_string(MODEL).unwrap();
    let folder = folder_with(&[
        ("m.model.json", &model),
        ("a.freeze", "model \"m.model.json\"; start: train layer5"),
        ("b.freeze", "model \"none.model.json\"; start: train layer5"),
    ]);
    let file = folder.path().join("a.freeze");
    let elsewhere = tempfile::tempdir().unwrap();
    let (status, printed) = freeze(&["check", file.to_str().unwrap()], elsewhere.path(), "");
    assert_eq!(status, 1);
    assert!(printed.contains("error[FRZ0201]: `layer5` selects no parameter"));

    let (status, printed) = freeze(&["check", "b.freeze"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(printed.contains("none.model.json: "), "{printed}");
}

#[test]
fn a_warning_is_reported_and_fails_where_that_is_asked_for() {
    let folder = folder_with(&[]);
    let text = "start: train fc lr 0";
    let (status, printed) = freeze(&["check", "-"], folder.path(), text);
    assert_eq!(status, 0);
    assert!(printed.starts_with("warning[FRZ0505]"), "{printed}");
    assert!(printed.ends_with("1 warning\n"));
    // Then it reads as the error that it is.
    let denied = freeze(&["check", "-", "--deny", "warnings"], folder.path(), text);
    let because = "  = note: `--deny warnings` makes this an error\n";
    let printed = printed.replacen("warning[", "error[", 1).replacen("1 warning", "1 error", 1);
    assert_eq!((denied.0, denied.1.replacen(because, "", 1)), (1, printed));
    assert_eq!(denied.1.matches(because).count(), 1, "{}", denied.1);
    // Notes are information; they are no problem.
    let noted = ["check", "-", "--deny", "warnings", "--model", MODEL];
    let (status, printed) = freeze(&noted, folder.path(), "start: train fc lr 1");
    assert_eq!((status, printed.starts_with("note[")), (0, true));
    assert_eq!(freeze(&["check", "-", "--deny", "notes"], folder.path(), text).0, 2);
}

#[test]
fn numbers_of_a_policy_can_be_set() {
    let text = "let base = 1e-3; let top = 3; run 9 epochs; start: train fc lr base; \
                epoch top: stop";
    let folder = folder_with(&[("a.freeze", text), ("b.freeze", "start: train fc")]);
    let check = |more: &[&str]| freeze(&[&["check", "a.freeze"], more].concat(), folder.path(), "");
    assert_eq!(check(&["--set", "base=2e-3", "--set", "top=8"]), (0, NO_MODEL.to_owned()));
    let (status, printed) = check(&["--set", "base=-1", "--set", "top=9", "--model", MODEL]);
    assert_eq!(status, 1);
    let (lr, never) = ("error[FRZ0401]: a learning rate", "error[FRZ0302]: this rule can never");
    assert!(printed.contains(lr) && printed.contains(never), "{printed}");
    // What is given last holds.
    assert_eq!(check(&["--set", "top=9", "--set", "top=4"]), (0, NO_MODEL.to_owned()));
    let unknown = "error: a.freeze: the policy defines no number `bas`; did you mean `base`?\n";
    assert_eq!(check(&["--set", "bas=1"]), (2, unknown.to_owned()));
    for (set, expected) in [
        ("base", "expected a name, `=` and a number"),
        ("=1", "expected a name, `=` and a number"),
        ("base=", "expected a name, `=` and a number"),
        ("base=much", "`much` is not a number"),
        (
            "base=1_000",
            "`1_000` is not a number: digits are written without separators, as in `1000`",
        ),
        ("base=1e999", "`1e999` is too large"),
        ("base=inf", "`inf` is not a finite number"),
    ] {
        let (status, printed) = check(&["--set", set]);
        assert!(status == 2 && printed.contains(expected), "{printed}");
    }
    // In a folder, one of the policies must define it.
    let (status, printed) = freeze(&["check", ".", "--set", "base=1e-3"], folder.path(), "");
    assert_eq!(status, 0, "{printed}");
    let (status, printed) = freeze(&["check", ".", "--set", "bas=1"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(printed.contains("error: none of the policies defines a number `bas`"), "{printed}");
    // Every file that is named must define it; other problems are reported nevertheless.
    let both = ["check", "b.freeze", "a.freeze", "--set", "base=0"];
    let (status, printed) = freeze(&both, folder.path(), "");
    assert_eq!(status, 2);
    assert!(printed.starts_with("error: b.freeze: the policy defines no number `base`\n"));
    assert!(printed.contains("warning[FRZ0505]"), "{printed}");
}

#[test]
fn what_cannot_be_done_has_a_status_of_its_own() {
    let folder = folder_with(&[]);
    let (status, printed) = freeze(&["check", "none.freeze"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(printed.starts_with("error: cannot read `none.freeze`: "), "{printed}");
    assert_eq!(freeze(&["chekc"], folder.path(), "").0, 2);
    assert_eq!(freeze(&["check", "-", "--model", "x.bin"], folder.path(), "").0, 2);
}

#[test]
fn colours_are_asked_for_or_left_out() {
    let folder = folder_with(&[]);
    let coloured = freeze(&["check", "-", "--color", "always"], folder.path(), "star: train fc").1;
    assert!(coloured.contains("\u{1b}["));
    let failed = freeze(&["check", "none.freeze", "--color", "always"], folder.path(), "").1;
    assert!(failed.starts_with("\u{1b}["), "{failed}");
    assert!(!freeze(&["check", "-"], folder.path(), "star: train fc").1.contains("\u{1b}["));
}

/// Whoever copies an example into a repository runs this.
#[test]
fn the_published_policies_have_no_warnings() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let (status, errors) = freeze(&["check", ".", "--deny", "warnings"], &examples, "");
    assert_eq!(status, 0, "{errors}");
}
