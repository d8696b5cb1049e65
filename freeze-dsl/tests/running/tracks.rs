//! Tracks: sequences of their own, and what each of them owns.

use freeze_dsl::clock::Clock;
use freeze_dsl::diagnostic::Code;
use freeze_dsl::policy::Policy;

use crate::support::{PROGRAM, clock_of, codes_in, findings_in, fired, model, towers, trainable};

fn start(text: &str) -> Clock {
    let mut clock = clock_of(text, &towers(), PROGRAM);
    clock.start_epoch();
    clock
}

#[test]
fn the_rules_of_a_track_wait_for_one_another_and_for_no_others() {
    let mut clock = clock_of(
        "epoch 2: set head lr 0.1; epoch 4: set head lr 0.2;
         track sight in vision { epoch 1: train vision.1; epoch 3 as all: train @all }
         track in text { epoch 2: freeze @all }",
        &towers(),
        PROGRAM,
    );
    let all: Vec<String> = (0..5).map(|_| fired(&clock.start_epoch())).collect();
    let expected =
        ["", "sight: rule 1", "rule 1 text: rule 1", "sight: all", "rule 2"].map(str::to_owned);
    assert_eq!(all, expected);
    assert_eq!(clock.rules_fired(), [2, 2, 1]);
}

#[test]
fn train_in_a_track_freezes_only_what_the_track_owns() {
    let clock = start("start: train head; track in vision { start: train vision.1 }");
    assert_eq!(trainable(&clock), ["vision.1.weight", "head.weight"]);
}

#[test]
fn what_a_track_owns_trains_until_one_of_its_rules_fires() {
    let mut clock = start("start: train head; track in text { epoch 1: freeze @all }");
    assert_eq!(
        trainable(&clock),
        ["text.0.weight", "text.norm.weight", "text.norm.bias", "head.weight"]
    );
    clock.start_epoch();
    assert_eq!(trainable(&clock), ["head.weight"]);
}

#[test]
fn ready_made_names_are_those_of_the_sequence_wherever_they_are_written() {
    let clock = start(
        "let @plain = @all except @norms; let @parts = [@norms, vision.0?];
         start: train head;
         track in vision { start: train @plain, first 1 of @parts }
         track in text { start: train @norms in text }",
    );
    assert_eq!(
        trainable(&clock),
        [
            "vision.0.weight",
            "vision.1.weight",
            "vision.norm.weight",
            "vision.norm.bias",
            "text.norm.weight",
            "text.norm.bias",
            "head.weight",
        ]
    );
}

#[test]
fn a_ready_made_name_of_which_a_sequence_owns_nothing_selects_nothing() {
    let found = findings_in(
        "start: train @norms, head; track in vision { start: freeze @norms }
         track in text { start: freeze @norms }",
        &towers(),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, Code::SelectsNothing);
    assert_eq!(found[0].label, "tracks own all of it");
}

#[test]
fn a_track_without_a_scope_reaches_every_parameter() {
    let mut clock = start(
        "start: train @all lr 1e-3; track in vision { start: train vision.1 lr 1e-2 }
         track { epoch 1: set @all lr 0.5, reset @all }",
    );
    let change = clock.start_epoch();
    assert_eq!(clock.groups().len(), 1);
    assert_eq!(clock.groups()[0].lr, Some(0.5));
    assert_eq!(change.dropped.len(), trainable(&clock).len());
}

#[test]
fn restore_in_a_track_restores_what_it_owns() {
    let mut clock = clock_of(
        "start: train @all; when loss > 5: restore lowest loss;
         track in vision { when loss > 5: restore lowest loss }
         track { when loss > 5: restore lowest loss }",
        &towers(),
        PROGRAM,
    );
    clock.start_epoch();
    clock.observe("loss", 1.0);
    clock.start_epoch();
    clock.observe("loss", 9.0);
    let change = clock.start_epoch();
    let names = |index: usize| {
        let slices = change.restored[index].slices.as_ref()?;
        Some(clock.plan().names(slices.iter().copied()).join(" "))
    };
    assert_eq!(
        [0, 1, 2].map(names),
        [
            Some("text.0.weight text.norm.weight text.norm.bias head.weight".to_owned()),
            Some("vision.0.weight vision.1.weight vision.norm.weight vision.norm.bias".to_owned()),
            None,
        ]
    );
}

#[test]
fn stop_in_a_track_ends_the_training_and_what_is_due_later_does_not_fire() {
    let mut clock = start(
        "start: train @all; epoch 1: set head lr 0.1;
         track { epoch 1: stop } track in text { epoch 1: freeze @all }",
    );
    let change = clock.start_epoch();
    assert_eq!(fired(&change), "rule 2 track 1: rule 1");
    assert!(change.stopped && clock.is_stopped());
}

#[test]
fn a_track_in_a_loop_is_called_by_its_scope_and_a_named_one_by_its_turn() {
    let mut clock = clock_of(
        "start: train @all;
         for i, @t in [vision, text] { track in @t { epoch i + 1: freeze @all } }
         for i in 0..2 { track plateau { epoch i + 1: set head lr 0.1 * (i + 1) } }",
        &towers(),
        PROGRAM,
    );
    let all: Vec<String> = (0..3).map(|_| fired(&clock.start_epoch())).collect();
    assert_eq!(
        all,
        ["rule 1", "vision: rule 1 plateau[0]: rule 1", "text: rule 1 plateau[1]: rule 1"]
    );
}

#[test]
fn rows_can_be_a_scope() {
    let model = model(&["embed.weight[10, 4]", "head.weight"]);
    let mut clock = clock_of(
        "start: train @all; track in rows 0..5 of embed.weight { epoch 1: freeze @all }",
        &model,
        PROGRAM,
    );
    clock.start_epoch();
    clock.start_epoch();
    assert_eq!(trainable(&clock), ["embed.weight[5..10]", "head.weight"]);
}

#[test]
fn an_optional_scope_that_is_empty_leaves_the_track_out() {
    let text = "start: train @all; track in audio? { epoch 1: freeze @all }";
    let found = findings_in(text, &towers());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].is_error()), (Code::AbsentTargets, false));
    let clock = start(text);
    assert_eq!(clock.rules_fired(), [1]);
}

#[test]
fn what_a_sequence_does_not_own_is_an_error_whichever_sequence_it_is() {
    let owned = |text: &str| codes_in(text, &towers());
    let tracks = "track in vision { epoch 1: freeze @all }";
    assert_eq!(owned(&format!("start: train vision, head; {tracks}")), ["FRZ0208"]);
    assert_eq!(owned(&format!("start: train ~\"vi.*\", head; {tracks}")), ["FRZ0208"]);
    assert_eq!(owned(&format!("start: train sample 1 of [vision, head]; {tracks}")), ["FRZ0208"]);
    assert_eq!(owned("start: train head; track in vision { epoch 1: freeze text }"), ["FRZ0208"]);
    assert_eq!(owned(&format!("start: reset vision; {tracks}")), ["FRZ0208"]);
    assert!(
        owned(&format!("start: train vision except vision, head; {tracks}"))
            .contains(&"FRZ0201".to_owned())
    );
    assert!(owned(&format!("start: train @all except text; {tracks}")).is_empty());
}

#[test]
fn two_tracks_cannot_own_the_same() {
    let found = findings_in(
        "start: train head; track a in vision { epoch 1: freeze @all }
         track b in vision.0, text { epoch 1: freeze @all }",
        &towers(),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "two tracks own `vision.0.weight`");
}

#[test]
fn a_tensor_and_a_module_with_statistics_have_one_owner() {
    let tied = model(&["embed.weight", "head.weight = embed.weight", "body.weight"]);
    let found = findings_in("start: train @all; track in embed { epoch 1: freeze @all }", &tied);
    assert_eq!(found[0].code, Code::NotOwned);
    assert_eq!(
        found[0].message,
        "`embed.weight` and `head.weight` are one tensor, with two owners"
    );
    let norm = model(&[
        "bn.weight[4]",
        "bn.bias[4]",
        "bn.running_mean[4]",
        "bn.running_var[4]",
        "fc.weight",
    ]);
    let found = findings_in("start: train @all; track in bn.bias { epoch 1: freeze @all }", &norm);
    assert_eq!(found[0].code, Code::NotOwned);
    assert_eq!(found[0].message, "`bn` has running statistics and two owners");
}

#[test]
fn a_track_without_a_scope_changes_no_trainable_parameters() {
    let codes = |text: &str| codes_in(text, &towers());
    for action in [
        "train head",
        "freeze head",
        "unfreeze head",
        "set head lr linear 1 -> 0 over 2 epochs then freeze",
    ] {
        let text = format!("start: train @all; track {{ epoch 1: {action} }}");
        assert!(codes(&text).contains(&"FRZ0208".to_owned()), "{text}");
    }
    let found =
        findings_in("start: train @all; track vision { epoch 1: freeze vision }", &towers());
    assert_eq!(found[0].suggestions[0].message, "let the track own this path");
    assert!(codes("start: train @all lr linear 1 -> 0 over 2 epochs then freeze; track { epoch 1: set head lr 1 }").contains(&"FRZ0208".to_owned()));
}

#[test]
fn a_scope_is_the_same_at_every_moment() {
    let codes = |text: &str| codes_in(text, &towers());
    for scope in ["@trainable", "@frozen", "sample 1 of [vision, text]"] {
        let text = format!("start: train head; track in {scope} {{ epoch 1: freeze @all }}");
        assert!(codes(&text).contains(&"FRZ0208".to_owned()), "{text}");
    }
}

#[test]
fn each_sequence_is_checked_by_itself() {
    let codes = |text: &str| codes_in(text, &towers());
    // A past moment within a track, and none across tracks.
    assert!(
        codes("start: train @all; epoch 5: set head lr 1; track in text { epoch 2: freeze @all }")
            .is_empty()
    );
    assert!(
        codes("start: train @all; track in text { epoch 5: freeze @norms; epoch 2: freeze @all }")
            .contains(&"FRZ0301".to_owned())
    );
    // A `stop` counts for its own sequence.
    assert!(
        codes("start: train @all; track { epoch 1: stop } track in text { epoch 2: freeze @all }")
            .is_empty()
    );
    assert!(
        codes("start: train @all; track { epoch 1: stop; epoch 2: set head lr 1 }")
            .contains(&"FRZ0302".to_owned())
    );
    // Something else trains, so a track may freeze all that it owns.
    assert!(codes("start: train head; track in text { epoch 1: freeze @all }").is_empty());
    assert!(
        codes("start: freeze @all; track in vision, text { start: freeze @all }")
            .contains(&"FRZ0303".to_owned())
    );
}

#[test]
fn unfreezing_in_a_track_that_begins_trained_says_why_it_does_nothing() {
    let found =
        findings_in("start: train head; track in text { epoch 2: unfreeze text.0 }", &towers());
    let found = found.into_iter().find(|it| it.code == Code::NoEffect).unwrap();
    assert_eq!(found.label, "what a track owns trains until a rule of the track freezes it");
    assert_eq!(found.suggestions[0].message, "let the track begin frozen");
}

#[test]
fn names_are_unique_within_a_sequence() {
    let codes = |text: &str| codes_in(text, &towers());
    assert!(
        codes("start as a: train @all; track in text { epoch 1 as a: freeze @all }").is_empty()
    );
    assert_eq!(
        codes(
            "start: train @all; track in text { epoch 1 as a: freeze @norms; epoch 2 as a: freeze @all }"
        ),
        ["FRZ0203"]
    );
    assert_eq!(
        codes(
            "start: train @all; track a in text { epoch 1: freeze @all } track a { epoch 1: set head lr 1 }"
        ),
        ["FRZ0203"]
    );
}

#[test]
fn only_rules_loops_and_one_repeat_are_in_a_track() {
    for body in ["let a = 1", "run 3 epochs", "track in head { start: freeze @all }"] {
        let text = format!("start: train @all; track in text {{ {body}; epoch 1: freeze @all }}");
        let found = Policy::parse(&text).unwrap_err();
        assert_eq!(found.diagnostics()[0].code, Code::Syntax, "{text}");
    }
    assert!(Policy::parse("start: train @all; track in text { }").is_err());
    assert!(Policy::parse("start: train @all; track in text { epoch 1: freeze @all").is_err());
    let policy =
        "start: train track.x, repeat.y, whenever.z; track t in track { epoch 1: freeze @all }";
    assert!(Policy::parse(policy).is_ok(), "these words stay legal in paths");
}

#[test]
fn a_plan_has_the_rows_of_each_track() {
    let policy = Policy::parse(
        "start: train head; track in text { epoch 1: freeze @norms; epoch 2: freeze @all }
         track { epoch 1: set @all lr 1 }",
    )
    .unwrap();
    let plan = policy.plan(&towers()).unwrap();
    let rows: Vec<_> = plan
        .rows()
        .iter()
        .map(|row| (row.rule.as_str(), row.track.as_deref(), row.trainable))
        .collect();
    assert_eq!(
        rows,
        [
            ("rule 1", None, 1),
            ("text: rule 1", Some("text"), 1),
            ("text: rule 2", Some("text"), 0),
            ("track 1: rule 1", Some("track 1"), 0),
        ]
    );
    assert!(plan.to_string().lines().last().unwrap().ends_with("epoch 1"), "{plan}");
}

#[test]
fn a_scope_with_a_ready_made_name_is_whole_as_written() {
    let frozen_after = |text: &str| {
        let mut clock = start(text);
        clock.start_epoch();
        trainable(&clock)
    };
    let norms = ["vision.norm.weight", "vision.norm.bias", "text.norm.weight", "text.norm.bias"];
    for scope in ["@norms", "@norms?", "@vectors", "@all except @matrices", "head?, @norms"] {
        let text = format!("start: train @all; track in {scope} {{ epoch 1: freeze @norms }}");
        let trains = frozen_after(&text);
        assert!(
            norms.iter().all(|name| !trains.iter().any(|it| it == name)),
            "{scope}: {trains:?}"
        );
        assert!(trains.iter().any(|it| it == "vision.0.weight"), "{scope}: {trains:?}");
    }
    let looped = "start: train @all; for @part in [head, @norms] { track in @part { epoch 1: freeze @all } }";
    assert_eq!(frozen_after(looped), ["vision.0.weight", "vision.1.weight", "text.0.weight"]);
}

#[test]
fn a_warning_in_a_let_does_not_keep_its_ready_made_names_from_being_cut() {
    let text = "let @body = @all except head; start: train head;
                track in vision { epoch 1: freeze @body }";
    assert!(!codes_in(text, &towers()).contains(&"FRZ0208".to_owned()));
}

#[test]
fn an_optimizer_that_a_track_without_a_scope_sets_is_checked_on_what_trains() {
    let codes = |text: &str| codes_in(text, &towers());
    let adamw = "default optimizer adamw lr 1;";
    assert_eq!(
        codes(&format!(
            "{adamw} start: train @all; track {{ epoch 1: set @norms optimizer muon }}"
        )),
        ["FRZ0406"]
    );
    // What never trains takes no step.
    assert!(
        codes(&format!(
            "{adamw} start: train @matrices; track {{ start: set @all optimizer muon }}"
        ))
        .is_empty()
    );
    // It replaces one that cannot step vectors before the first step.
    let muon = "default optimizer muon lr 1; start: train @all;";
    assert!(codes(&format!("{muon} track {{ start: set @vectors optimizer adamw }}")).is_empty());
    assert_eq!(
        codes(&format!("{muon} track {{ epoch 1: set @vectors optimizer adamw }}")),
        ["FRZ0406"]
    );
}

#[test]
fn a_normalisation_without_parameters_does_not_keep_tracks_from_owning_what_is_around_it() {
    let plain =
        model(&["norm.running_mean[4]", "norm.running_var[4]", "vision.weight", "text.weight"]);
    assert!(
        codes_in("start: train @all; track in vision { epoch 1: freeze @all }", &plain).is_empty()
    );
}

#[test]
fn names_that_are_defined_by_themselves_or_by_many_others_are_shown_shortly() {
    for wrong in [
        "let @a = first 1 of @a; start: train head; track in @a { epoch 1: freeze @all }",
        "let @a = @b; let @b = @a; start: train head; track in @a { epoch 1: freeze @all }",
        "let @a = @a, head; start: train head; when grad_norm(@a) < 1: stop",
    ] {
        assert!(codes_in(wrong, &towers()).contains(&"FRZ0202".to_owned()), "{wrong}");
    }
    let lets = (1..40).map(|i| format!("let @a{i} = @a{}, @a{};", i - 1, i - 1));
    let doubled = lets.collect::<Vec<_>>().concat();
    let text =
        format!("let @a0 = head; {doubled} start: train head; when grad_norm(@a39) < 1: stop");
    let columns = Policy::parse(&text).map(|policy| policy.plan(&towers()).unwrap().metrics());
    assert!(columns.is_err() || columns.unwrap()[0].len() < 10_000);
}

#[test]
fn the_column_of_a_norm_says_what_is_observed() {
    let columns = |text: &str| {
        let plan = Policy::parse(text).unwrap().plan(&towers()).unwrap();
        plan.metrics()
    };
    let text = |of: &str| {
        format!(
            "let @a = head, text.0; let @b = vision; let @c = [head, text.0]; start: train @all;
         track in vision {{ when grad_norm({of}) < 1: freeze @all }}"
        )
    };
    for (written, shown) in [
        ("@norms", "@norms in vision"),
        ("@all, head", "(@all in vision), head"),
        ("@a", "head, text.0"),
        ("@a, vision[1]", "(head, text.0), vision[1]"),
        ("@b, head", "vision, head"),
        ("@b in vision", "vision in vision"),
        ("@b except vision[1]", "vision except vision[1]"),
        ("@c", "[head, text.0]"),
        ("first 1 of @c, vision", "first 1 of [head, text.0], vision"),
        ("last 50% of [head, @b?]", "last 50% of [head, vision?]"),
        ("reversed [head, text.0]", "reversed [head, text.0]"),
    ] {
        assert_eq!(columns(&text(written)), [format!("grad_norm({shown})")]);
    }
}
