//! `freeze simulate`, run as a person runs it.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::support::{MODEL, command, folder_with};

fn freeze(arguments: &[&str], folder: &Path, input: &str) -> (i32, String, String) {
    crate::support::freeze(&[&["simulate"], arguments].concat(), folder, input)
}

#[test]
fn a_line_an_epoch() {
    let text = "run 4 epochs; default optimizer sgd; start as probe: train fc lr 1e-3; \
                when val_loss stops falling for 1 epoch as more: unfreeze layer4.1.bn2 lr 1e-4";
    let folder =
        folder_with(&[("a.freeze", text), ("m.csv", "epoch,val_loss\n0,1\n1,0.5\n2,0.5\n")]);
    let arguments = ["a.freeze", "--model", MODEL, "--metrics", "m.csv"];
    let (status, lines, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!((status, errors.as_str()), (0, ""));
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[0],
        "{\"epoch\":0,\"step\":null,\"fired\":[\"probe\"],\
         \"trainable\":[\"fc.weight\",\"fc.bias\"],\
         \"groups\":[{\"params\":[\"fc.weight\",\"fc.bias\"],\
         \"lr\":0.001,\"weight_decay\":0.0,\"optimizer\":\"sgd\",\
         \"optimizer_numbers\":{\"momentum\":0.0,\"dampening\":0.0,\"nesterov\":false}}],\
         \"live_stats\":[],\"stopped\":false}"
    );
    assert!(lines[2].starts_with("{\"epoch\":2,\"step\":null,\"fired\":[],"));
    assert!(lines[3].starts_with("{\"epoch\":3,\"step\":null,\"fired\":[\"more\"],"));
    assert!(lines[3].contains("\"live_stats\":[\"layer4.1.bn2\"]"));

    let arguments = [&arguments[..], &["--epochs", "2", "--steps-per-epoch", "3"]].concat();
    let (_, lines, _) = freeze(&arguments, folder.path(), "");
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.contains("{\"epoch\":1,\"step\":3,"));
    let (_, lines, _) = freeze(&[&arguments[..], &["--per", "step"]].concat(), folder.path(), "");
    assert_eq!(lines.lines().count(), 6);
}

#[test]
fn only_what_changed() {
    let text = "run 5 epochs; default optimizer sgd; start: train fc lr 1 times 0.5 every 1 epoch, \
                set fc.bias lr 3; epoch 3: unfreeze layer4.1.bn2 lr 4; epoch 4: stop";
    let folder = folder_with(&[("a.freeze", text)]);
    let arguments = ["a.freeze", "--model", MODEL, "--steps-per-epoch", "2"];
    let (_, whole, _) = freeze(&arguments, folder.path(), "");
    let arguments = [&arguments[..], &["--changes"]].concat();
    let (status, changes, _) = freeze(&arguments, folder.path(), "");
    let (whole, changes): (Vec<_>, Vec<_>) = (whole.lines().collect(), changes.lines().collect());
    assert_eq!((status, whole.len(), changes.len()), (0, 5, 5));
    for fired in [0, 3, 4] {
        assert_eq!(changes[fired], whole[fired]);
    }
    let line = |epoch: u64, lr: f64| {
        format!(
            "{{\"epoch\":{epoch},\"step\":{},\"changed\":[{{\"group\":0,\"lr\":{lr}}}]}}",
            2 * epoch
        )
    };
    assert_eq!(changes[1..3], [line(1, 0.5), line(2, 0.25)]);
}

#[test]
fn what_metrics_lack_is_reported_beside_the_lines() {
    let text = "run 3 epochs; start: train fc lr 1; when val_los > 1 or epoch 1: unfreeze layer4; \
                epoch 2: unfreeze bn1, restore lowest loss, restore lowest acc";
    let folder = folder_with(&[("a.freeze", text), ("m.csv", "epoch,loss,acc\n0,nan,\n1,,\n")]);
    let arguments = ["a.freeze", "--model", MODEL, "--metrics", "m.csv"];
    let (status, lines, notes) = freeze(&arguments, folder.path(), "");
    assert_eq!((status, lines.lines().count()), (0, 3));
    let warning = "warning[FRZ0508]: an epoch ended and `val_los` was not observed";
    assert!(notes.starts_with(warning), "{notes}");
    assert!(notes.contains("note: the observed metrics are `loss`, `acc`"), "{notes}");
    let expected = "note: `loss` is not a number in epoch 0: no improvement, and no comparison holds\n\
                note: `loss` was never observed, so nothing is restored in epoch 2\n\
                note: `acc` was never observed, so nothing is restored in epoch 2\n";
    assert!(notes.contains(expected), "{notes}");
    let (_, _, notes) = freeze(&[&["-q"], &arguments[..]].concat(), folder.path(), "");
    assert!(notes.starts_with(warning) && !notes.contains(expected), "{notes}");
}

#[test]
fn the_model_may_be_the_policys_own() {
    let model = std::fs::read_to_string(MODEL).unwrap();
    let text = "model \"m.model.json\"; run 1 epoch; start: train fc lr 1";
    let folder = folder_with(&[("m.model.json", &model), ("a.freeze", text)]);
    let file = folder.path().join("a.freeze");
    let elsewhere = tempfile::tempdir().unwrap();
    let (status, lines, _) = freeze(&[file.to_str().unwrap()], elsewhere.path(), "");
    assert_eq!((status, lines.lines().count()), (0, 1));
}

#[test]
fn findings_are_reported_in_place_of_lines() {
    let folder = folder_with(&[]);
    let wrong = "run 1 epoch; start: train layer5; epoch 0: unfreeze conv2";
    let (status, lines, errors) = freeze(&["-", "--model", MODEL], folder.path(), wrong);
    assert_eq!((status, lines.as_str()), (1, ""));
    assert_eq!(errors.matches("error[FRZ0201]").count(), 2, "{errors}");
    // Problems are reported with or without a model.
    let (status, _, errors) = freeze(&["-"], folder.path(), "start: train fc lr -1");
    assert_eq!(status, 1);
    assert!(errors.starts_with("error[FRZ0401]"), "{errors}");
    // Warnings do not stop the command, and notes are not printed.
    let warned = "run 1 epoch; start: train fc lr 0";
    let (status, lines, errors) = freeze(&["-", "--model", MODEL], folder.path(), warned);
    assert_eq!((status, lines.lines().count()), (0, 1));
    assert!(errors.starts_with("warning[FRZ0505]") && !errors.contains("FRZ0502"), "{errors}");
}

#[test]
fn what_cannot_be_done_has_a_status_of_its_own() {
    let folder = folder_with(&[("m.csv", "epoch,loss\n0,high\n")]);
    let run = "run 1 epoch; start: train fc";
    for (arguments, input, message) in [
        (&["-"][..], run, "error: simulate requires a model: pass `--model`"),
        (&["none.freeze"], "", "error: cannot read `none.freeze`: "),
        (&["-", "--model", "none.model.json"], run, "error: cannot read the model: "),
        (
            &["-", "--model", MODEL],
            "start: train fc",
            "error: the number of epochs is unknown: pass `--epochs`, or write `run 20 epochs;` in \
             the policy",
        ),
        (
            &["-", "--model", MODEL],
            "run 9 steps; start: train fc",
            "error: some of the policy is counted in steps, and the number of steps in an epoch is \
             unknown: pass `--steps-per-epoch`",
        ),
        (
            &["-", "--model", MODEL, "--metrics", "m.csv"],
            run,
            "error: m.csv: line 2: `high` is not a number",
        ),
        (&["-", "--model", MODEL, "--metrics", "n.csv"], run, "error: cannot read `n.csv`: "),
        (&["-", "--model", MODEL, "--steps-per-epoch", "0"], run, "error: invalid value '0'"),
        (&["-", "--per", "week"], run, "error: invalid value 'week'"),
        (&[], "", "error: the following required arguments were not provided"),
    ] {
        let (status, lines, errors) = freeze(arguments, folder.path(), input);
        assert_eq!((status, lines.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.starts_with(message), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_reader_may_have_seen_enough() {
    let folder = folder_with(&[("a.freeze", "start: train fc")]);
    let arguments = ["simulate", "a.freeze", "--model", MODEL, "--epochs", "1000000000"];
    let mut child = command(&arguments, folder.path()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"epoch\":0,"));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn numbers_of_a_policy_can_be_set() {
    let folder = folder_with(&[]);
    let text = "let base = 1; let more = 2; run more epochs; start: train fc lr base";
    let set = ["-", "--model", MODEL, "--set", "base=0.5", "--set", "more=3"];
    let (status, lines, errors) = freeze(&set, folder.path(), text);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert_eq!((lines.lines().count(), lines.matches("\"lr\":0.5,").count()), (3, 3));
    let (status, lines, errors) = freeze(&["-", "--set", "bas=1"], folder.path(), text);
    assert_eq!((status, lines.as_str()), (2, ""));
    assert!(errors.contains("did you mean `base`?"), "{errors}");
}

#[test]
fn a_count_of_epochs_or_steps_is_a_whole_number_from_1_on() {
    let folder = folder_with(&[("a.freeze", "run 2 epochs; start: train fc lr 1")]);
    for (option, value) in [("--epochs", "0"), ("--epochs", "-1"), ("--steps-per-epoch", "0")]
        .into_iter()
        .chain([("--epochs", "1.5"), ("--epochs", "many"), ("--steps-per-epoch", "-3")])
    {
        let arguments = ["a.freeze", "--model", MODEL, option, value];
        let (status, out, errors) = freeze(&arguments, folder.path(), "");
        assert_eq!((status, out.as_str()), (2, ""));
        let name = if option == "--epochs" { "<N>" } else { "<K>" };
        let wanted = format!(
            "error: invalid value '{value}' for '{option} {name}': write a whole number, at least 1\n"
        );
        assert!(errors.starts_with(&wanted), "{errors}");
    }
    let huge = ["a.freeze", "--epochs", "18446744073709551616"];
    let errors = freeze(&huge, folder.path(), "").2;
    assert!(errors.contains("it is too large: write at most 18446744073709551615"), "{errors}");
}
