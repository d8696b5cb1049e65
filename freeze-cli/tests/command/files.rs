//! What the command reads: files, folders, and texts that are not UTF-8.

use std::fs;

use crate::support::{MODEL, folder_with, freeze};

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

#[test]
fn no_output_overwrites_what_was_read() {
    let policy = "start: train a lr 1e-3;\n";
    let schedule = "0:\n  params:\n  - a\n";
    let model = r#"{"format": 1, "tensors": [{"name": "a", "shape": [2], "dtype": "f32", "role": "parameter"}]}"#;
    let folder =
        folder_with(&[("p.freeze", policy), ("s.yaml", schedule), ("m.model.json", model)]);
    let plan =
        ["plan", "p.freeze", "--model", "m.model.json", "--epochs", "2", "--format", "svg", "-o"];
    for (arguments, output) in [
        (&plan[..], "p.freeze"),
        (&plan, "m.model.json"),
        (&["import", "s.yaml", "-o"], "./s.yaml"),
        (&["describe", "m.model.json", "-o"], "m.model.json"),
    ] {
        let before = fs::read_to_string(folder.path().join(output)).unwrap();
        let (status, _, said) = freeze(&[arguments, &[output]].concat(), folder.path(), "");
        let line =
            format!("error: cannot write `{output}`: it was read by this command; name another\n");
        assert!(said.contains(&line), "{arguments:?} {output}: {said}");
        assert_eq!(status, 2);
        assert_eq!(fs::read_to_string(folder.path().join(output)).unwrap(), before);
    }
    let (status, out, _) =
        freeze(&["describe", "m.model.json", "-q", "-o", "-"], folder.path(), "");
    assert!(status == 0 && out.contains("\"tensors\""), "{out}");
    assert!(!folder.path().join("-").exists());
}

#[test]
fn an_ignored_file_is_not_checked_outside_of_a_repository_either() {
    let folder = folder_with(&[
        (".gitignore", "a.freeze\n"),
        ("a.freeze", "x"),
        ("b.freeze", "start: stop;\n"),
    ]);
    let (status, _, said) = freeze(&["check", "."], folder.path(), "");
    assert_eq!(status, 0, "{said}");
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let text = "start: trian a;";
    let folder = folder_with(&[("a.freeze", text), ("b.freeze", &format!("\u{FEFF}{text}"))]);
    for format in ["human", "short", "github", "json"] {
        let said = |name| {
            let (_, out, said) =
                freeze(&["check", name, "--message-format", format], folder.path(), "");
            let all = out + &said;
            // The edits of JSON are in bytes.
            all.split("\"suggestions\"").next().unwrap().replace(name, "")
        };
        assert_eq!(said("b.freeze"), said("a.freeze"), "{format}");
    }
}

#[test]
fn what_a_terminal_obeys_is_shown_as_a_sign() {
    let model = "{\"format\": 1, \"tensors\": [{\"name\": \"a\\u001b[2J\\u202e\", \"shape\": [2], \"dtype\": \"f32\", \"role\": \"parameter\"}]}";
    let other = model.replace("[2]", "[3]");
    let folder = folder_with(&[
        ("m.model.json", model),
        ("n.model.json", &other),
        ("p.freeze", "start: train fc lr 1e-3;"),
        ("q.freeze", "start: train * lr 1e-3;"),
    ]);
    let model = ["--model", "m.model.json"];
    for arguments in [
        &["check", "p.freeze", model[0], model[1]][..],
        &["check", "p.freeze", model[0], model[1], "--message-format", "github"],
        &["check", "p.freeze", model[0], model[1], "--message-format", "short"],
        &["model", "show", "m.model.json"],
        &["model", "diff", "m.model.json", "n.model.json"],
        &["plan", "q.freeze", model[0], model[1], "--epochs", "2", "--width", "80"],
        &["simulate", "q.freeze", model[0], model[1], "--epochs", "2", "--format", "table"],
        &["check", "\u{1b}[2J.freeze"],
    ] {
        let (_, out, said) = freeze(arguments, folder.path(), "");
        let all = out + &said;
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {all:?}");
    }
}

#[test]
fn control_characters_have_one_form_everywhere() {
    let folder = folder_with(&[
        ("sign.freeze", "start: train f\0\u{1b}c"),
        ("path.freeze", "start: train \"\0\u{1b}\";"),
        ("word.freeze", "start: train fc; // freeze: allow \u{1b}"),
        ("metric.freeze", "run 1 epoch; start: train fc; when \"\0\u{1b}\" < 1: stop"),
        ("m.csv", "epoch,loss\n0,\0\u{1b}\n"),
    ]);
    for (place, config) in [
        ("level", "[levels]\n\"\\u0000\\u001b\" = \"allow\"\n"),
        ("key", "\"\\u0000\\u001b\" = 1\n"),
    ] {
        let place = folder.path().join(place);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("freeze.toml"), config).unwrap();
        fs::write(place.join("a.freeze"), "start: stop").unwrap();
    }
    let check = ["check", "--model", MODEL];
    for (arguments, shown) in [
        (&["sign.freeze"][..], "␀"),
        (&["path.freeze"], "`\"␀␛\"`"),
        (&["word.freeze"], "`␛`"),
        (&["level/a.freeze"], "there is no finding `␀␛`"),
        (&["key/a.freeze"], "unknown key `␀␛`"),
    ]
    .map(|(file, shown)| ([&check[..], file].concat(), shown))
    .into_iter()
    .chain([
        (vec!["explain", "\u{1b}"], "there is no finding `␛`"),
        (vec!["man", "\u{1b}"], "there is no subcommand `␛`"),
        (vec!["simulate", "metric.freeze", "--model", MODEL], "`␀␛` was not observed"),
        (vec!["simulate", "metric.freeze", "--model", MODEL, "--metrics", "m.csv"], "`␀␛` is not"),
    ]) {
        let (_, _, said) = freeze(&arguments, folder.path(), "");
        assert!(said.contains(shown), "{arguments:?}: {said}");
        assert!(!said.contains(['\0', '\u{1b}']) && !said.contains("u{"), "{arguments:?}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_names_and_its_owner() {
    use std::os::unix::fs::{MetadataExt, chown};

    let folder = folder_with(&[("a.freeze", "start:stop"), ("c.freeze", "start:stop")]);
    let path = |name: &str| folder.path().join(name);
    fs::hard_link(path("a.freeze"), path("b.freeze")).unwrap();
    // Only root can give a file away.
    let is_given = chown(path("c.freeze"), Some(1234), Some(1234)).is_ok();
    let (status, _, said) = freeze(&["fmt", "a.freeze", "c.freeze"], folder.path(), "");
    assert_eq!(status, 0, "{said}");
    for name in ["a.freeze", "b.freeze", "c.freeze"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "start: stop;\n", "{name}");
    }
    assert_eq!(fs::metadata(path("c.freeze")).unwrap().uid() == 1234, is_given);
}
