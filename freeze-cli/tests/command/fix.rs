//! `freeze fix`, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::fs;
use std::path::Path;

use crate::support::{MODEL, folder_with, freeze};
use freeze_dsl::Draft;
use freeze_dsl::diagnostic::Code;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;

fn fix(arguments: &[&str], folder: &Path, input: &str) -> (i32, String, String) {
    freeze(&[&["fix"], arguments].concat(), folder, input)
}

/// What `freeze fix -` makes of a text, against a ResNet-18.
fn fixed(text: &str, more: &[&str]) -> String {
    fix(&[&["-", "-q", "--model", MODEL], more].concat(), Path::new("."), text).1
}

#[test]
fn several_edits_are_made_in_one_text() {
    let text = "# head\nlet base = 1;\nstart: train fc lr=1e-3, layer4;;\nepoch 3: unfreeze layer3 lr: 1e-4";
    let after = "// head\nstart: train fc lr 1e-3, train layer4;\nepoch 3: unfreeze layer3 lr 1e-4";
    assert_eq!(fixed(text, &["--unsafe"]), after);
    // What is fixed is as it was the second time.
    assert_eq!(fixed(after, &["--unsafe"]), after);
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    let text = "\u{FEFF}# head\r\nstart: train fc lr 1e-3;;\r\n";
    assert_eq!(fixed(text, &[]), "\u{FEFF}// head\r\nstart: train fc lr 1e-3;\r\n");
}

#[test]
fn guesses_are_left_unless_they_are_asked_for() {
    let text = "start: train layer5 lr 1e-3;";
    let (status, out, said) = fix(&["-", "--model", MODEL], Path::new("."), text);
    assert_eq!((status, out.as_str()), (1, text));
    assert!(said.starts_with("error[FRZ0201]: `layer5` selects no parameter"), "{said}");
    assert!(said.ends_with("1 guess left: `--unsafe` applies it\n1 error\n"), "{said}");
    assert_eq!(fixed(text, &["--unsafe"]), "start: train layer4 lr 1e-3;");
}

#[test]
fn findings_that_are_allowed_are_not_fixed() {
    let text = "let base = 1; start: train fc lr 1e-3;";
    assert_ne!(fixed(text, &["--unsafe"]), text);
    assert_eq!(fixed(text, &["--unsafe", "--allow", "FRZ0504"]), text);
}

#[test]
fn files_are_replaced_only_where_they_change() {
    let folder =
        folder_with(&[("a.freeze", "start: train fc;;"), ("b.freeze", "start: train fc;")]);
    let b = fs::File::options().write(true).open(folder.path().join("b.freeze")).unwrap();
    b.set_modified(std::time::UNIX_EPOCH).unwrap();
    let (status, out, said) = fix(&["--diff", "."], folder.path(), "");
    assert_eq!(status, 1);
    assert!(out.contains("-start: train fc;;") && said.contains("would fix 1 finding in 1 file"));
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), "start: train fc;;");
    let (status, out, said) = fix(&["."], folder.path(), "");
    assert_eq!((status, out.as_str()), (0, ""));
    assert!(said.starts_with("a.freeze:1:17: fixed FRZ0101: "), "{said}");
    assert!(said.contains("fixed 1 finding in 1 file\n"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), "start: train fc;");
    assert_eq!(b.metadata().unwrap().modified().unwrap(), std::time::UNIX_EPOCH);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn a_file_without_write_permission_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder_with(&[("a.freeze", "start: train fc;;")]);
    let file = folder.path().join("a.freeze");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::File::options().append(true).open(&file).is_ok() {
        let name = "freeze fix: a_file_without_write_permission_stays";
        return crate::support::skip(name, "the user is root, who may write any file");
    }
    let (status, _, said) = fix(&["a.freeze"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(said.contains("error: cannot write `a.freeze`: "), "{said}");
    assert_eq!(fs::read_to_string(file).unwrap(), "start: train fc;;");
}

#[test]
fn findings_for_a_machine_are_on_the_stream_that_the_text_is_not_on() {
    let folder = folder_with(&[("a.freeze", "start: train fc lr -1;")]);
    let json = |arguments: &[&str]| {
        let all = [arguments, &["--message-format", "json"]].concat();
        let (_, out, said) = fix(&all, folder.path(), "start: train fc lr -1;");
        (out.contains("\"FRZ0401\""), said.contains("\"FRZ0401\""))
    };
    assert_eq!(json(&["a.freeze"]), (true, false));
    assert_eq!(json(&["-"]), (false, true));
    assert_eq!(json(&["--diff", "a.freeze"]), (false, true));
}

/// The wrong policies of all findings' pages: what is fixed never has more errors than before, and a
/// second run changes nothing.
#[test]
fn no_policy_has_more_errors_than_before() {
    let folder = folder_with(&[]);
    let model = Model::load(MODEL).unwrap();
    let errors = |text: &str| {
        let checked = Draft::read(Source::new(text.to_owned())).check_against(&model);
        checked.findings.diagnostics().iter().filter(|finding| finding.is_error()).count()
    };
    let mut before = Vec::new();
    for (at, code) in Code::ALL.iter().enumerate() {
        for (nth, bad) in code.page().split("```freeze,bad\n").skip(1).enumerate() {
            let text = bad.split("```").next().unwrap();
            let file = folder.path().join(format!("{at}_{nth}.freeze"));
            fs::write(&file, text).unwrap();
            before.push((file, text));
        }
    }
    let run = || fix(&[".", "--unsafe", "--model", MODEL], folder.path(), "").2;
    let said = run();
    assert!(said.contains(": fixed FRZ0101: ") && said.contains(": fixed FRZ0504: "), "{said}");
    let mut after = Vec::new();
    for (file, text) in &before {
        let fixed = fs::read_to_string(file).unwrap();
        assert!(errors(&fixed) <= errors(text), "{text}\nbecame\n{fixed}");
        after.push(fixed);
    }
    assert!(!run().contains(": fixed "));
    for ((file, _), fixed) in before.iter().zip(&after) {
        assert_eq!(fs::read_to_string(file).unwrap(), *fixed);
    }
}

#[test]
fn a_folder_shares_the_numbers_that_are_set() {
    let folder = folder_with(&[
        ("a.freeze", "let base = 1; start: train fc lr base;;"),
        ("b.freeze", "start: train fc lr 1;;"),
    ]);
    let (status, _, errors) = fix(&[".", "--set", "base=2"], folder.path(), "");
    assert_eq!(status, 0, "{errors}");
    let (status, _, errors) = fix(&[".", "--set", "bas=2"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(errors.contains("none of the policies defines a number `bas`"), "{errors}");
}

#[test]
fn thousands_of_guesses_take_seconds() {
    let rules = (1..4_000).map(|epoch| format!("epoch {epoch}: unfreze layer{};\n", epoch % 7 + 1));
    let text = format!("start: train fc lr 1e-3;\n{}", rules.collect::<String>());
    let after = fixed(&text, &["--unsafe"]);
    assert_eq!(after.matches("unfreze").count(), 0);
    assert_eq!(after.matches("layer7").count(), 0);
}
