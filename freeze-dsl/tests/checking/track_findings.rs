//! What is found of tracks: each mistake once, at its place, with an edit that mends it.

use freeze_dsl::diagnostic::{Code, Diagnostic};

use crate::support::{applied, codes_in, findings_in, model, towers};

#[test]
fn targets_are_limited_to_what_their_sequence_owns_by_an_edit() {
    let tracks = "track in vision { start: freeze @norms }";
    let edited = |text: &str| {
        let found = findings_in(text, &towers());
        let finding = found.iter().find(|found| found.code == Code::NotOwned).unwrap();
        let edited = applied(text, &finding.suggestions[0]);
        assert!(!codes_in(&edited, &towers()).contains(&"FRZ0208".to_owned()), "{edited}");
        edited
    };
    assert_eq!(
        edited(&format!("start: train vision.0, head; {tracks}")),
        format!("start: train (vision.0, head) except vision; {tracks}")
    );
    assert_eq!(
        edited(&format!("start: train **.weight; {tracks}")),
        format!("start: train **.weight except vision; {tracks}")
    );
    // Outside of tracks, `@norms` is without what they own.
    let cut = "start: train text.norm, head; track in @norms { epoch 1: freeze @all }";
    let found = findings_in(cut, &towers());
    let finding = found.iter().find(|found| found.code == Code::NotOwned).unwrap();
    assert!(finding.suggestions.is_empty(), "{finding:#?}");
    assert_eq!(
        edited("start: train head; track in vision, text.0 { epoch 1: freeze **.weight }"),
        "start: train head; track in vision, text.0 { epoch 1: freeze **.weight in (vision, text.0) }"
    );
}

#[test]
fn a_selector_that_selects_nothing_hides_no_finding_about_owners() {
    let text =
        "start: train hed; track a in vision { epoch 1: freeze vision; epoch 2: unfreeze text }";
    assert_eq!(codes_in(text, &towers()), ["FRZ0201", "FRZ0208"]);
    // Where a scope is unknown, so are the owners.
    let text = "start: train head; track a in visio { epoch 1: freeze head }";
    assert_eq!(codes_in(text, &towers()), ["FRZ0201"]);
}

#[test]
fn two_tracks_without_names_and_of_one_scope_are_one_mistake() {
    let text = "start: train head; track in text { epoch 1: freeze text } track in text { stop }";
    let text = text.replace("{ stop }", "{ epoch 2: freeze text.0 }");
    assert_eq!(codes_in(&text, &towers()), ["FRZ0203"]);
    let other = text.replace("} track in text {", "} track in text.0, text.norm {");
    assert!(codes_in(&other, &towers()).contains(&"FRZ0208".to_owned()));
}

#[test]
fn a_moment_in_a_repeat_is_one_mistake() {
    for moment in ["start", "epoch 3", "at 50%", "step 4"] {
        let text = format!(
            "start: train head; when loss < 1: train text; repeat {{ {moment}: train vision; every 1 epoch: train head; }}"
        );
        assert_eq!(codes_in(&text, &towers()), ["FRZ0308"], "{text}");
    }
    let text = "start: train head; repeat { start: train vision; every 1 epoch: train head; }";
    assert_eq!(codes_in(text, &towers()), ["FRZ0308"]);
    let late = "run 3 epochs; start: train head; when loss < 1: train text; epoch 5: train vision";
    assert_eq!(codes_in(late, &towers()), ["FRZ0302"]);
}

#[test]
fn a_norm_of_gradients_is_of_no_draw() {
    let text = "start: train head; when grad_norm(sample 1 of [vision.*]) < 1: train text";
    assert_eq!(codes_in(text, &towers()), ["FRZ0403"]);
}

#[test]
fn what_another_sequence_thaws_later_may_train_after_a_rule_that_freezes_everything() {
    let track = |later: &str| {
        format!(
            "start: train head; epoch 4: freeze @all; track in vision {{ start: freeze @all; {later} }}"
        )
    };
    assert_eq!(codes_in(&track("epoch 2: unfreeze vision.0"), &towers()), Vec::<String>::new());
    assert_eq!(codes_in(&track(""), &towers()), ["FRZ0303"]);
    // What is frozen again before a step is made, never trains.
    let passing = "epoch 2: unfreeze vision.0; epoch 2: freeze @all";
    assert!(codes_in(&track(passing), &towers()).contains(&"FRZ0303".to_owned()));
}

#[test]
fn a_second_track_of_a_name_is_offered_another() {
    let edits = |text: &str| {
        let found = findings_in(text, &towers());
        let of = |found: &Diagnostic| found.code == Code::DefinedTwice;
        let finding = found.into_iter().find(of).unwrap();
        (finding.label, finding.suggestions.len())
    };
    let again = ("again here".to_owned(), 1);
    assert_eq!(edits("track a { start: stop } track a { start: stop }"), again);
    let unnamed = "track in text { start: freeze @all } track in text { start: freeze @all }";
    assert_eq!(edits(unnamed), ("again here".to_owned(), 0));
    let (label, offered) = edits("for i in 0..2 { track in text { start: freeze text } }");
    assert_eq!((label.as_str(), offered), ("the same in every turn of the loop", 0));
}

#[test]
fn two_tracks_that_own_the_same_are_reported_once_with_both_places() {
    let text = "start: train head; track a in vision { epoch 1: freeze vision } track b in vision, text.0 { epoch 1: freeze text.0 }";
    let found: Vec<_> = findings_in(text, &towers())
        .into_iter()
        .filter(|found| found.code == Code::NotOwned)
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].secondary.len(), 1);
    let turns = "start: train head; for i in 0..2 { track t[i] in text { epoch 1: freeze text } }";
    let turns = turns.replace("track t[i]", "track");
    assert_eq!(codes_in(&turns, &towers()), ["FRZ0203"]);
    let turns = "start: train head; for @l in [vision, (vision.0, text)] { track in @l { epoch 1: freeze @l } }";
    let found = findings_in(turns, &towers());
    let owned = found.iter().find(|found| found.code == Code::NotOwned).unwrap();
    assert!(owned.secondary.is_empty() && owned.notes[0].contains("each turn"), "{owned:#?}");
    let text = "start: train vision.0, head; track a in vision { epoch 1: freeze vision }";
    let found = findings_in(text, &towers());
    let owned = found.iter().find(|found| found.code == Code::NotOwned).unwrap();
    assert_eq!(owned.label, "track `a` owns `vision.0.weight`");
}

#[test]
fn a_module_with_running_statistics_is_owned_whole_by_an_edit() {
    let model = model(&["bn.weight[4]", "bn.bias[4]", "bn.running_mean[4]", "head.weight"]);
    let offered = |text: &str| {
        let found = findings_in(text, &model);
        let owned = found.into_iter().find(|found| found.code == Code::NotOwned).unwrap();
        owned.suggestions.first().map(|edit| applied(text, edit))
    };
    assert_eq!(
        offered("start: train head; track in bn.weight { epoch 1: freeze bn.weight }").as_deref(),
        Some("start: train head; track in bn { epoch 1: freeze bn.weight }")
    );
    let turns = "start: train head; for @l in [bn.weight] { track in @l { epoch 1: freeze @l } }";
    assert_eq!(offered(turns), None);
    let two = "start: train head; track in bn.weight, head { epoch 1: freeze bn.weight }";
    assert_eq!(offered(&two.replace("train head", "freeze bn.bias")), None);
}

#[test]
fn a_track_replaces_an_optimizer_only_if_it_fires_later() {
    let codes = |text: &str| codes_in(&format!("default lr 1e-3; {text}"), &towers());
    let track = "track { start: set @vectors optimizer adamw }";
    assert_eq!(codes(&format!("start: train @all optimizer muon; {track}")), Vec::<String>::new());
    // Another rule with the same optimizer has nothing to do with it.
    let later = "epoch 1: set vision.0 optimizer adamw; epoch 2: set vision.0 optimizer muon";
    assert_eq!(
        codes(&format!("start: train @all optimizer muon; {later}; {track}")),
        Vec::<String>::new()
    );
    let after = "start: train @all optimizer adamw; epoch 2: set text.norm optimizer muon";
    assert_eq!(codes(&format!("{after}; {track}")), ["FRZ0406"]);
}

#[test]
fn an_optimizer_that_cannot_step_is_shown_where_it_is_set_and_where_it_trains() {
    let shown = |text: &str| {
        let found = findings_in(text, &towers());
        let finding = found.into_iter().find(|found| found.code == Code::CannotStep).unwrap();
        (finding.span.start, finding.secondary.len())
    };
    let two = "start: train text.norm lr 1 optimizer muon, train head lr 1 optimizer muon";
    assert_eq!(shown(two), (two.find("optimizer").unwrap(), 0));
    let later =
        "start: train head lr 1, set text.norm lr 1 optimizer muon; epoch 1: unfreeze text.norm";
    assert_eq!(shown(later), (later.find("optimizer").unwrap(), 1));
    let default = "default lr 1 optimizer muon; start: train head; epoch 1: unfreeze text.norm";
    assert_eq!(shown(default), (default.find("optimizer").unwrap(), 1));
}
