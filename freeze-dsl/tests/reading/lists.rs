//! Lists and what else selects: regular expressions, samples, rows, and ready-made names.

use crate::support::{PROGRAM, clock_of, findings_in, finds, finds_in, model, trainable};
use freeze_dsl::clock::Clock;
use freeze_dsl::diagnostic::Code;
use freeze_dsl::model::Model;

fn encoder() -> Model {
    model(&[
        "embed.weight[8, 2]",
        "encoder.layer.10.mlp.weight",
        "encoder.layer.2.mlp.weight",
        "encoder.layer.2.LayerNorm.weight[2]",
        "encoder.layer.2.LayerNorm.bias[2]",
        "encoder.layer.0.mlp.weight",
        "encoder.layer.0.norm_proj.weight[2, 2]",
        "encoder.block10.weight",
        "encoder.block9.weight",
        "bn.weight[2]",
        "bn.scale[2]",
        "bn.running_mean[2]",
        "head.weight",
        "head.bias[]",
    ])
}

fn selected(targets: &str) -> Vec<String> {
    let mut clock = clock_of(&format!("start: train {targets}"), &encoder(), PROGRAM);
    clock.start_epoch();
    trainable(&clock)
}

#[track_caller]
fn selects(targets: &str, expected: &[&str]) {
    assert_eq!(selected(targets), expected, "{targets}");
}

/// The modules that a loop over a list goes through, in order.
fn order(list: &str) -> Vec<String> {
    let text = format!("start: train head; for @m in {list} {{ after 1 epochs as m: train @m; }}");
    let mut clock = clock_of(&text, &encoder(), PROGRAM);
    let names = crate::support::firings(&mut clock, 20, 1);
    names
        .iter()
        .filter_map(|it| Some(it.split_once(" m[")?.1.trim_end_matches(']').to_owned()))
        .collect()
}

#[test]
fn a_star_in_a_list_is_one_element_a_match_in_natural_order() {
    let layers = ["encoder.layer.0", "encoder.layer.2", "encoder.layer.10"];
    assert_eq!(order("[encoder.layer.*]"), layers);
    assert_eq!(order("[encoder.layer.*.mlp]"), layers.map(|layer| format!("{layer}.mlp")));
    let last = ["head", "encoder.layer.0", "encoder.layer.2", "encoder.layer.10", "embed"];
    assert_eq!(order("[head, encoder.layer.*, embed]"), last);
    // Numbers within a name count as such, and of several stars the last one.
    assert_eq!(order("[encoder.*]"), ["encoder.block9", "encoder.block10", "encoder.layer"]);
    assert_eq!(order("[*.*.0]"), ["*.layer.0"]);
    // One that is part of a segment makes one element.
    assert_eq!(order("[encoder.block*]"), ["encoder.block*"]);
}

#[test]
fn ends_of_lists() {
    assert_eq!(order("first 2 of [bn, head, embed]"), ["bn", "head"]);
    assert_eq!(order("last 2 of [bn, head, embed]"), ["head", "embed"]);
    assert_eq!(order("reversed [bn, head, embed]"), ["embed", "head", "bn"]);
    assert_eq!(order("reversed last 2 of [bn, head, embed]"), ["embed", "head"]);
    assert_eq!(order("last 2 of reversed [bn, head, embed]"), ["head", "bn"]);
    assert_eq!(order("first 1 of last 2 of [bn, head, embed]"), ["head"]);
    selects(
        "last 1 of [embed, (head, bn)]",
        &["bn.weight", "bn.scale", "head.weight", "head.bias"],
    );
    selects("[embed, head.bias], bn.scale", &["embed.weight", "bn.scale", "head.bias"]);
    selects("[embed, head] in @biases", &["head.bias"]);
}

#[test]
fn names_of_targets_and_lists() {
    let selected = |lets: &str, targets: &str| {
        let mut clock = clock_of(&format!("{lets} start: train {targets}"), &encoder(), PROGRAM);
        clock.start_epoch();
        trainable(&clock)
    };
    assert_eq!(
        selected("let @a = head, embed except @biases;", "@a"),
        ["embed.weight", "head.weight"]
    );
    assert_eq!(
        selected("let @a = [head, embed, bn];", "first 1 of @a"),
        ["head.weight", "head.bias"]
    );
    assert_eq!(
        selected("let @a = [embed, bn]; let @b = last 1 of @a;", "@b"),
        ["bn.weight", "bn.scale"]
    );
    // A name of a name, be it of a list, of targets or of the language's own.
    assert_eq!(
        selected("let @a = [embed, bn]; let @b = @a;", "last 1 of @b"),
        ["bn.weight", "bn.scale"]
    );
    assert_eq!(selected("let @a = head.bias; let @b = @a;", "@b"), ["head.bias"]);
    assert_eq!(selected("let @a = @biases;", "@a in head"), ["head.bias"]);
    let of = |text: &str, code, place: &str| finds_in(text, &encoder(), &[(code, place)]);
    of("let @a = head; start: train first 1 of @a;", Code::UnknownName, "@a");
    of("let @a = head; for @b in @a { start: train @b; }", Code::UnknownName, "@a");
    let found = findings_in("start: train first 1 of @biases;", &encoder());
    assert_eq!(found[0].message, "`@biases` is not a list");
    of("let @all = head; start: train @all;", Code::DefinedTwice, "@all");
    of("let @a = head; let @a = bn; start: train @a;", Code::DefinedTwice, "@a");
    of("let @a = [haed]; start: train @a;", Code::SelectsNothing, "haed");
}

#[test]
fn a_regular_expression_matches_whole_names() {
    selects("~\"head.*\"", &["head.weight", "head.bias"]);
    selects(
        r#"~"encoder\\.layer\\.(0|2)\\.mlp.*""#,
        &["encoder.layer.2.mlp.weight", "encoder.layer.0.mlp.weight"],
    );
    selects("~\"bn.weight|head.bias\"", &["bn.weight", "head.bias"]);
    let of = |text: &str, code, place: &str| finds_in(text, &encoder(), &[(code, place)]);
    of("start: train ~\"head\";", Code::SelectsNothing, "~\"head\"");
    of("start: train ~\"head(\";", Code::InvalidRegex, "\"head(\"");
    of("start: train ~\"a{9999}{9999}\";", Code::InvalidRegex, "\"a{9999}{9999}\"");
    // The frame that makes it whole cannot be got out of.
    of("start: train ~\"x)|(?:head.*\";", Code::InvalidRegex, "\"x)|(?:head.*\"");
    // Every place is reported.
    let text = "start: train ~\"(\"; epoch 1: unfreeze ~\"(\";";
    finds_in(text, &encoder(), &[(Code::InvalidRegex, "\"(\""), (Code::InvalidRegex, "\"(\"")]);
}

#[test]
fn frz0205_elements_and_indices_that_are_not_there() {
    let of = |text: &str, code, place: &str| finds_in(text, &encoder(), &[(code, place)]);
    of("start: train first 3 of [head, bn];", Code::OutOfRange, "3");
    of("start: train last 0 of [head, bn];", Code::OutOfRange, "0");
    of("start: train sample 3 of [head, bn] seed 1;", Code::OutOfRange, "3");
    of("start: train first 4 of [encoder.layer.*];", Code::OutOfRange, "4");
    of("start: train encoder.layer[3];", Code::OutOfRange, "[3]");
    of("start: train encoder.layer[0..12];", Code::OutOfRange, "[0..12]");
    of("start: train first 1.5 of [head, bn];", Code::InvalidDuration, "1.5");
    finds_in("start: train first 3 of [encoder.layer.*];", &encoder(), &[]);
}

#[test]
fn ready_made_names() {
    selects(
        "@norms",
        &[
            "encoder.layer.2.LayerNorm.weight",
            "encoder.layer.2.LayerNorm.bias",
            "bn.weight",
            "bn.scale",
        ],
    );
    selects("@biases except encoder", &["head.bias"]);
    selects("@vectors except encoder", &["bn.weight", "bn.scale", "head.bias"]);
}

#[test]
fn trainable_and_frozen_parameters_just_before_the_rule() {
    let text = "start: train head, bn; epoch 1: unfreeze embed, set @trainable weight_decay 1; \
                epoch 2: train @frozen in encoder.layer[0], @trainable except bn; \
                epoch 3: freeze @trainable, unfreeze bn";
    let mut clock = clock_of(text, &encoder(), PROGRAM);
    clock.start_epoch();
    clock.start_epoch();
    let decayed: Vec<usize> = clock
        .groups()
        .iter()
        .filter(|it| it.weight_decay == Some(1.0))
        .map(|it| it.slices.len())
        .collect();
    // `embed` was not yet among them.
    assert_eq!((decayed, trainable(&clock).len()), (vec![4], 5));
    clock.start_epoch();
    let expected = [
        "embed.weight",
        "encoder.layer.0.mlp.weight",
        "encoder.layer.0.norm_proj.weight",
        "head.weight",
        "head.bias",
    ];
    assert_eq!(trainable(&clock), expected);
    clock.start_epoch();
    assert_eq!(trainable(&clock), ["bn.weight", "bn.scale"]);
    // One that selects nothing is wrong here as anywhere.
    finds("start: train fc, @frozen;", &[]);
    finds_in("epoch 1: unfreeze @frozen;", &encoder(), &[(Code::SelectsNothing, "@frozen")]);
}

/// The trainable parameters after each of the first firings.
fn draws(clock: &mut Clock, count: usize) -> Vec<Vec<String>> {
    (0..count)
        .map(|_| {
            clock.start_epoch();
            trainable(clock)
        })
        .collect()
}

#[test]
fn a_sample_is_drawn_anew_at_every_firing_and_can_be_replayed() {
    let text = |seed: u32| {
        format!(
            "start or every 1 epochs: train sample 2 of [embed, encoder.layer.*, head, bn] \
             seed {seed} lr 1"
        )
    };
    let run = |seed| draws(&mut clock_of(&text(seed), &encoder(), PROGRAM), 40);
    let first = run(7);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
    let mut different = first.clone();
    different.sort();
    different.dedup();
    // Of the 15 pairs that there are, most come within 40 draws.
    assert!(different.len() > 10, "{} different draws", different.len());
    // A policy with more around it draws the same.
    let more = format!("{}; after 99 epochs: stop", text(7).replace("lr 1", "lr 2 weight_decay 1"));
    assert_eq!(draws(&mut clock_of(&more, &encoder(), PROGRAM), 40), first);
    // All of a list are all of it, every time.
    let all = "start or every 1 epochs: train sample 2 of [embed, head] seed 1";
    let all = draws(&mut clock_of(all, &encoder(), PROGRAM), 9);
    assert!(all.iter().all(|drawn| drawn.len() == 3));
}

#[test]
fn rows_of_a_parameter() {
    let text = "start: train rows 2..5 of embed.weight, head.bias; \
                epoch 1: freeze rows 3..4 of embed.weight; epoch 2: unfreeze embed lr 2";
    let mut clock = clock_of(text, &encoder(), PROGRAM);
    clock.start_epoch();
    let rows = |clock: &Clock| -> Vec<String> {
        trainable(clock).into_iter().filter(|name| name.starts_with("embed")).collect()
    };
    let three = ["embed.weight[2..3]", "embed.weight[3..4]", "embed.weight[4..5]"];
    assert_eq!(rows(&clock), three);
    clock.start_epoch();
    assert_eq!(rows(&clock), ["embed.weight[2..3]", "embed.weight[4..5]"]);
    clock.start_epoch();
    assert_eq!(
        rows(&clock),
        ["embed.weight[0..2]", three[0], three[1], three[2], "embed.weight[5..8]"]
    );
    // A parameter of which some trains is one, and its rows are counted by themselves.
    let row = &clock.plan().rows()[0];
    assert_eq!((row.trainable, row.trainable_elements), (2, 3 * 2 + 1));
}

#[test]
fn rows_and_all_but_some_of_them() {
    selects(
        "rows 0..6 of embed.weight except rows 1..3 of embed.weight",
        &["embed.weight[0..1]", "embed.weight[3..6]"],
    );
    selects("embed except rows 1..8 of \"embed.weight\"", &["embed.weight[0..1]"]);
    selects("(rows 1..3 of embed.weight) in rows 2..8 of embed.weight", &["embed.weight[2..3]"]);
}

#[test]
fn frz0207_rows_that_are_not_there() {
    let of = |text: &str, code, place: &str| finds_in(text, &encoder(), &[(code, place)]);
    of("start: train rows 4..9 of embed.weight;", Code::RowsOutside, "rows 4..9 of embed.weight");
    of("start: train rows 4..4 of embed.weight;", Code::RowsOutside, "rows 4..4 of embed.weight");
    of("start: train rows 0..1 of head.bias;", Code::RowsOutside, "rows 0..1 of head.bias");
    of("start: train rows 0..1 of head;", Code::RowsOutside, "head");
    of("start: train rows 0..1 of hed.weight;", Code::SelectsNothing, "hed.weight");
    of("start: train rows 0..1 - 2 of embed.weight;", Code::InvalidDuration, "1 - 2");
    let nothing = "rows 0..1 of embed.weight except embed";
    of(&format!("start: train {nothing};"), Code::SelectsNothing, nothing);
    let nothing = "rows 0..1 of embed.weight in rows 2..3 of embed.weight";
    of(&format!("start: train head, {nothing};"), Code::SelectsNothing, nothing);
}

#[test]
fn frz0206_one_tensor_under_two_names() {
    let tied =
        model(&["embed.weight", "body.weight", "head.weight = embed.weight", "head.bias[4]"]);
    let of = |text: &str, expected: &[(Code, &str)]| finds_in(text, &tied, expected);
    of("start: train head;", &[(Code::TiedDifferently, "head")]);
    of("start: train head, embed;", &[]);
    of("start: train @all; epoch 1: freeze embed;", &[(Code::TiedDifferently, "embed")]);
    of(
        "start: train @all; epoch 1: set head.weight lr 1;",
        &[(Code::TiedDifferently, "head.weight")],
    );
    of(
        "start: train rows 0..2 of embed.weight, body;",
        &[(Code::TiedDifferently, "rows 0..2 of embed.weight, body")],
    );
    of("start: train head.bias, body; epoch 1: unfreeze @all except head.bias;", &[]);
}

#[test]
fn frz0502_and_frz0503_are_worth_knowing() {
    let codes = |text: &str| -> Vec<(Code, String)> {
        let model = encoder().in_network_order();
        findings_in(text, &model).into_iter().map(|it| (it.code, it.message)).collect()
    };
    // A file may be sorted by name.
    let sorted = findings_in("start: train embed, head;", &encoder());
    assert!(sorted.iter().all(|finding| finding.code != Code::NoWorkSaved));
    let found = codes("start: train embed, head;");
    assert_eq!(
        found,
        [
            (
                Code::NeverTrains,
                "no rule ever trains `encoder.layer.10.mlp.weight` and 9 more".to_owned()
            ),
            (
                Code::NoWorkSaved,
                "`encoder.layer.10.mlp.weight` is frozen and comes after `embed.weight`, which \
                 trains: it saves no backward work"
                    .to_owned()
            ),
        ]
    );
    // Frozen rows after trained ones of the same tensor are not worth a finding.
    let found = codes("start: train rows 0..2 of embed.weight, encoder, bn, head;");
    let rows = "no rule ever trains `embed.weight[2..8]`";
    assert_eq!(found, [(Code::NeverTrains, rows.to_owned())]);
    let found = codes("start: train head; epoch 1: unfreeze bn; epoch 2: unfreeze @frozen;");
    assert_eq!(found, []);
    // What a sample may draw is trained by it.
    assert_eq!(
        codes("start or every 1 steps: train sample 1 of [(embed, encoder, bn), head];")[0].0,
        Code::NoWorkSaved
    );
}

#[test]
fn a_choice_that_is_missing_is_reported_by_its_own_name() {
    let reported = |path: &str| {
        let found = findings_in(&format!("start: train {path};"), &encoder());
        (found[0].message.clone(), found[0].label.clone())
    };
    let texts = |message: &str, label: &str| (message.to_owned(), label.to_owned());
    assert_eq!(
        reported("encoder.{layer,block8,block9}"),
        texts(
            "`block8` of `encoder.{layer,block8,block9}` selects no parameter",
            "nothing in `encoder` has this name",
        )
    );
    assert_eq!(
        reported("encoder.layer[2..=7]"),
        texts("`7` of `encoder.layer[2..=7]` selects no parameter", "this index does not exist")
    );
}
