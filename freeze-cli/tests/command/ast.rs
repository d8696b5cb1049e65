//! `freeze ast`, run as a person runs it.

use crate::support::{folder_with, freeze};
use freeze_dsl::parse::parse;
use serde_json::Value;

#[test]
fn a_tree_is_printed() {
    let text = "run 3 epochs; start: train fc lr 1e-3";
    let folder = folder_with(&[("a.freeze", text)]);
    let (status, out, errors) = freeze(&["ast", "a.freeze"], folder.path(), "");
    assert_eq!((status, errors.as_str()), (0, ""));
    let tree = serde_json::to_string_pretty(&parse(text).0).unwrap();
    assert_eq!(out, format!("{tree}\n"));
    assert_eq!(freeze(&["ast", "-"], folder.path(), text), (0, out, String::new()));
}

#[test]
fn what_does_not_parse_is_missing_and_reported() {
    let folder = folder_with(&[]);
    let text = "start: tran fc; epoch 1: train layer5; epoch two: stop";
    let (status, out, errors) = freeze(&["ast", "-"], folder.path(), text);
    assert_eq!(status, 1);
    let tree: Value = serde_json::from_str(&out).unwrap();
    // The tree does not depend on what names mean or a model has.
    assert_eq!(tree["items"].as_array().unwrap().len(), 2);
    assert_eq!(tree["items"][0]["span"]["start"], 16);
    assert!(errors.starts_with("error[FRZ0102]") && errors.ends_with("1 error\n"), "{errors}");
    let (status, out, errors) = freeze(&["ast", "none.freeze"], folder.path(), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(errors.starts_with("error: cannot read `none.freeze`: "), "{errors}");
}
