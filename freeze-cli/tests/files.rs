//! What the command reads: files, folders, and texts that are not UTF-8.

mod support;

use std::fs;

use support::{folder_with, freeze};

#[test]
fn a_folder_stands_for_the_policies_in_it() {
    let folder = folder_with(&[("notes.txt", "trian"), (".hidden.freeze", "start: stop;\n")]);
    for (path, text) in [
        ("policies/b/two.freeze", "start: trian b;"),
        ("policies/one.freeze", "start: trian a;"),
        ("policies/.git/three.freeze", "start: trian c;"),
        ("empty/readme.md", ""),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let short = |arguments: &[&str]| {
        let (status, _, said) =
            freeze(&[arguments, &["--message-format", "short", "-q"]].concat(), folder.path(), "");
        let places: Vec<String> =
            said.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect();
        (status, places)
    };
    let places = |names: &[&str]| names.iter().map(|name| format!("{name}:1:8")).collect();
    let both = ["policies/b/two.freeze", "policies/one.freeze"];
    assert_eq!(short(&["check", "policies"]), (1, places(&both)));
    assert_eq!(short(&["check", "policies/b"]), (1, places(&both[..1])));
    let (status, _, said) = freeze(&["check", "empty"], folder.path(), "");
    assert_eq!((status, said.as_str()), (2, "error: there is no `.freeze` file in `empty`\n"));
    let (status, listed, _) = freeze(&["fmt", "--check", "."], folder.path(), "");
    assert_eq!((status, listed.as_str()), (1, ""), "files that do not parse are not listed");
}

#[test]
fn a_text_that_is_not_utf_8_is_named_with_its_encoding_or_place() {
    let folder = folder_with(&[]);
    let utf16: Vec<u8> = "start: stop;".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("wide.freeze"), utf16).unwrap();
    fs::write(folder.path().join("latin.freeze"), b"start: stop;\n// t\xEAte\n").unwrap();
    for subcommand in ["check", "fmt", "ast"] {
        let (status, _, said) = freeze(&[subcommand, "wide.freeze"], folder.path(), "");
        assert_eq!(status, 2);
        assert_eq!(
            said,
            "error: cannot read `wide.freeze`: this is UTF-16; save the file as UTF-8\n"
        );
        let (status, _, said) = freeze(&[subcommand, "latin.freeze"], folder.path(), "");
        assert_eq!(status, 2);
        assert_eq!(
            said,
            "error: cannot read `latin.freeze`: line 2, column 5: the byte 0xEA is not UTF-8 (in \
             Latin-1 it is `ê`); save the file as UTF-8\n"
        );
    }
}
