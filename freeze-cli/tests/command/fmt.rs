//! `freeze fmt`, run as a person runs it.

use std::fs;
use std::path::Path;

use crate::support::{folder_with, freeze};

const MESSY: &str = "start:train fc lr 1e-3 // the head\n;epoch  3: unfreeze layer4";
const NEAT: &str = "start: train fc lr 1e-3; // the head\nepoch 3: unfreeze layer4;\n";

fn fmt(arguments: &[&str], folder: &Path, input: &str) -> (i32, String, String) {
    crate::support::freeze(&[&["fmt"], arguments].concat(), folder, input)
}

fn said(status: i32, printed: &str) -> (i32, String, String) {
    (status, printed.to_owned(), String::new())
}

#[test]
fn files_are_formatted_in_place_and_only_where_they_change() {
    let folder = folder_with(&[("a.freeze", MESSY), ("b.freeze", NEAT)]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let neat = fs::File::options().write(true).open(folder.path().join("b.freeze")).unwrap();
    neat.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(fmt(&["a.freeze", "b.freeze"], folder.path(), ""), said(0, ""));
    assert_eq!((read("a.freeze"), read("b.freeze")), (NEAT.to_owned(), NEAT.to_owned()));
    assert_eq!(neat.metadata().unwrap().modified().unwrap(), std::time::UNIX_EPOCH);
    // Nothing else is left in the folder.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_check_lists_what_would_change_and_changes_nothing() {
    let folder = folder_with(&[("a.freeze", MESSY), ("b.freeze", NEAT)]);
    let checked = fmt(&["--check", "a.freeze", "b.freeze"], folder.path(), "");
    assert_eq!(checked, said(1, "a.freeze\n"));
    assert_eq!(fmt(&["--check", "b.freeze"], folder.path(), ""), said(0, ""));
    assert_eq!(fmt(&["--check", "-"], folder.path(), MESSY), said(1, "<stdin>\n"));
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), MESSY);
}

#[test]
fn a_diff_shows_what_would_change_and_changes_nothing() {
    let folder = folder_with(&[("a.freeze", MESSY), ("b.freeze", NEAT)]);
    let diff = "--- a.freeze\n+++ a.freeze\n@@ -1,2 +1,2 @@\n\
                -start:train fc lr 1e-3 // the head\n\
                -;epoch  3: unfreeze layer4\n\\ No newline at end of file\n\
                +start: train fc lr 1e-3; // the head\n\
                +epoch 3: unfreeze layer4;\n";
    assert_eq!(fmt(&["--diff", "a.freeze", "b.freeze"], folder.path(), ""), said(1, diff));
    assert_eq!(fmt(&["--diff", "b.freeze"], folder.path(), ""), said(0, ""));
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), MESSY);
}

#[test]
fn standard_input_is_printed_on_standard_output() {
    let folder = folder_with(&[]);
    assert_eq!(fmt(&["-"], folder.path(), MESSY), said(0, NEAT));
    assert_eq!(fmt(&["-"], folder.path(), NEAT), said(0, NEAT));
    assert_eq!(fmt(&["-"], folder.path(), ""), said(0, ""));
}

#[test]
fn what_does_not_parse_stays_as_it_is() {
    let wrong = "start:  tran fc";
    let folder = folder_with(&[("a.freeze", wrong), ("b.freeze", MESSY)]);
    let (status, printed, errors) = fmt(&["a.freeze", "b.freeze"], folder.path(), "");
    assert_eq!((status, printed.as_str()), (1, ""));
    assert!(errors.starts_with("error[FRZ0102]: `tran` is not an action"), "{errors}");
    assert!(
        errors.ends_with("`a.freeze` does not parse and was not changed\n1 error\n"),
        "{errors}"
    );
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), wrong);
    // The other is formatted all the same.
    assert_eq!(fs::read_to_string(folder.path().join("b.freeze")).unwrap(), NEAT);
    let (status, printed, _) = fmt(&["-"], folder.path(), wrong);
    assert_eq!((status, printed.as_str()), (1, ""));
}

#[test]
fn what_cannot_be_done_has_a_status_of_its_own() {
    let folder = folder_with(&[("a.freeze", MESSY)]);
    fs::write(folder.path().join("b.freeze"), [0xFF]).unwrap();
    let (status, _, errors) = fmt(&["none.freeze", "b.freeze", "a.freeze"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(errors.starts_with("error: cannot read `none.freeze`: "), "{errors}");
    assert!(errors.contains("error: cannot read `b.freeze`: "), "{errors}");
    assert_eq!(fs::read_to_string(folder.path().join("a.freeze")).unwrap(), NEAT);
    assert_eq!(fmt(&[], folder.path(), "").0, 2);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = folder_with(&[("a.freeze", MESSY)]);
    let (file, link) = (folder.path().join("a.freeze"), folder.path().join("link.freeze"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("a.freeze", &link).unwrap();
    assert_eq!(fmt(&["link.freeze"], folder.path(), ""), said(0, ""));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
}

#[cfg(unix)]
#[test]
fn a_line_feed_in_a_name_begins_no_line() {
    let folder = folder_with(&[("a\nb.freeze", "start: train  fc")]);
    let run = |arguments: &[&str]| freeze(arguments, folder.path(), "");
    assert_eq!(run(&["fmt", ".", "--check"]).1, "a␊b.freeze\n");
    assert!(run(&["fmt", ".", "--diff"]).1.starts_with("--- a␊b.freeze\n+++ a␊b.freeze\n"));
    fs::write(folder.path().join("a\nb.freeze"), "x").unwrap();
    let said = run(&["check", ".", "--message-format", "short"]).2;
    assert!(said.starts_with("a␊b.freeze:1:1: error[FRZ0102]: "), "{said}");
    let said = run(&["check", "."]).2;
    assert!(said.contains(" --> a␊b.freeze:1:1\n"), "{said}");
}
