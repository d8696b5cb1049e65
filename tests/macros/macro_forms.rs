//! The same text means the same policy through each form of the macro and at run time.

use freeze_runtime::{Policy, freeze_policy};

/// Everything that the grammar has.
static TOKENS: Policy = freeze_policy! {
    model "ui/files/resnet18.model.json";
    run 20 epochs;
    default lr 1e-4 weight_decay 0.05 optimizer adamw(beta2 0.99, eps 1e-6, amsgrad);

    /* A comment /* in a comment */ of several
       lines. */
    start or step 0 as probe:
        train fc, "bn1.weight", (conv1 , @biases in layer4 except layer4.0.bn1) lr 1e-3 // a comment
            optimizer sgd(momentum 0.9 nesterov),
        set @vectors weight_decay 0;
    epoch 1_0 or after 500 steps: unfreeze layer4.0.conv1, layer3.**.conv2.weight, layer2.[0..1].*.{weight,bias};
    after 2 epochs or after 5%: unfreeze layer3.[0..=1].bn*, layer1.0.*n1, "layer1.1.bn1", layer2[-1..].bn2, layer9?,
        rows [0, 3..5, -1] of fc.weight, last 50% of [layer2.*?], **.downsample.0 lr 5e-5 weight_decay 1;
    after 10% of run: freeze @all except fc, layer4;
    track beside {
        whenever val_loss stops falling for 3 epochs by 1% and grad_norm(layer3, @biases) < 1e-3 for 2 epochs
            or every 3 epochs: set @trainable lr * 0.5 to 1e-6 weight_decay power 2 0.1 -> 0 over rest anchor 0.01;
        repeat { after 1 epoch: reset @trainable; when grad_norm < 1: set @vectors lr invsqrt 1e-3 over 100 steps }
    }
    step 123456: set * optimizer rmsprop(alpha 0.9, centered) ;
    after rest or after 100 steps: stop
};

static LITERAL: Policy = freeze_policy!(
    r#"
    model "ui/files/resnet18.model.json";
    run 20 epochs;
    default lr 1e-4 weight_decay 0.05 optimizer adamw(beta2 0.99, eps 1e-6, amsgrad);

    /* A comment /* in a comment */ of several
       lines. */
    start or step 0 as probe:
        train fc, "bn1.weight", (conv1 , @biases in layer4 except layer4.0.bn1) lr 1e-3 // a comment
            optimizer sgd(momentum 0.9 nesterov),
        set @vectors weight_decay 0;
    epoch 1_0 or after 500 steps: unfreeze layer4.0.conv1, layer3.**.conv2.weight, layer2.[0..1].*.{weight,bias};
    after 2 epochs or after 5%: unfreeze layer3.[0..=1].bn*, layer1.0.*n1, "layer1.1.bn1", layer2[-1..].bn2, layer9?,
        rows [0, 3..5, -1] of fc.weight, last 50% of [layer2.*?], **.downsample.0 lr 5e-5 weight_decay 1;
    after 10% of run: freeze @all except fc, layer4;
    track beside {
        whenever val_loss stops falling for 3 epochs by 1% and grad_norm(layer3, @biases) < 1e-3 for 2 epochs
            or every 3 epochs: set @trainable lr * 0.5 to 1e-6 weight_decay power 2 0.1 -> 0 over rest anchor 0.01;
        repeat { after 1 epoch: reset @trainable; when grad_norm < 1: set @vectors lr invsqrt 1e-3 over 100 steps }
    }
    step 123456: set * optimizer rmsprop(alpha 0.9, centered) ;
    after rest or after 100 steps: stop
    "#
);

static FILE: Policy = freeze_policy!(file = "everything.freeze");

#[test]
fn every_form_results_in_the_policy_of_its_text_at_run_time() {
    for policy in [&TOKENS, &LITERAL, &FILE] {
        let parsed = Policy::parse(policy.source().text()).expect("it was checked");
        assert_eq!(*policy, parsed);
        assert_eq!(*policy, FILE);
    }
    assert_ne!(FILE, freeze_policy!("start: stop"));
}

#[test]
fn a_place_in_tokens_is_the_place_in_the_source_file() {
    let line = 1 + line!() as usize;
    let policy = freeze_policy! { start: train fc;
        // äöü
        /// A doc comment is a comment.
        epoch 3: train "äö", layer4.0.1;   epoch 4: stop
    };
    assert_eq!(places(&policy), [(line, 35), (line + 3, 9), (line + 3, 44)]);
    assert_eq!(policy.source().name(), file!());
    assert_eq!(slices(&policy)[1], "epoch 3: train \"äö\", layer4.0.1");
}

#[test]
fn a_place_in_a_literal_is_the_place_in_the_source_file() {
    let line = 2 + line!() as usize;
    let policy = freeze_policy!(
        "start: train fc;
        epoch 3: stop"
    );
    assert_eq!(places(&policy), [(line, 10), (line + 1, 9)]);

    let line = 1 + line!() as usize;
    let raw = freeze_policy!(r##"start: stop"##);
    assert_eq!(places(&raw), [(line, 34)]);

    // Where something is escaped, the literal's line is known and no more.
    let line = 1 + line!() as usize;
    let escaped = freeze_policy!("start: train \"fc\"");
    assert_eq!(places(&escaped), [(line, 1)]);
    assert_eq!(escaped.source().name(), file!());
}

#[test]
fn a_place_in_a_file_is_the_place_in_that_file() {
    assert_eq!(places(&FILE)[0], (7, 1));
    assert!(FILE.source().name().ends_with("everything.freeze"));
}

#[test]
fn the_compiler_runs_again_when_a_named_file_changes() {
    // Beside each program lies the list of the files that it was made of.
    let program = std::env::current_exe().expect("this program");
    let list = std::fs::read_to_string(program.with_extension("d")).expect("its list of files");
    for file in ["everything.freeze", "resnet18.model.json"] {
        assert!(list.contains(file), "{file} is not in {list}");
    }
}

/// The line and column of each rule.
fn places(policy: &Policy) -> Vec<(usize, usize)> {
    policy
        .tree()
        .items
        .iter()
        .filter(|item| is_rule(item))
        .map(|rule| policy.source().line_column(rule.span.start))
        .collect()
}

/// The text of each rule.
fn slices(policy: &Policy) -> Vec<&str> {
    policy
        .tree()
        .items
        .iter()
        .filter(|item| is_rule(item))
        .map(|rule| policy.source().slice(rule.span))
        .collect()
}

fn is_rule(item: &freeze_dsl::source::Spanned<freeze_dsl::ast::Item>) -> bool {
    matches!(item.value, freeze_dsl::ast::Item::Rule(_))
}

/// What the grammar has beyond the first policy: names, loops, curves, conditions, lists.
static WHOLE: Policy = freeze_policy! {
    let base = 2e-3 / (1 + 3) ^ 2 - -1e-9;
    let @heads = fc, layer4.1 except @biases;
    let @stages = [fc, layer4, layer3.*, (conv1, bn1),];
    run 20 epochs;
    default stats live lr linear 0 -> base over 10% then cosine base -> 0 over rest;
    at 2%: train @heads lr min(base, 1e-3) times 0.5 every 2 epochs to 1e-6;
    start or every 50 steps: train fc, sample 2 of reversed @stages seed 7;
    when val_loss stops falling for 3 epochs by 1e-3 and "val.acc" >= 0.5 for 2 epochs or epoch 5 as top:
        restore lowest val_loss, reset @trainable,
        unfreeze layer4 lr exp 1e-4 -> 1e-6 over 0.5 epochs repeat stretching 2,
        for i, @stage in last 2 of @stages { set @stage weight_decay i / len(@stages) };
    for i in 0..=1 { after (i + 1) epochs: freeze layer3[i].bn* keep state stats held; }
    after rest or step 1_000: unfreeze ~"layer[12]\\..*", rows 0..10 of fc.weight, first 1 of [@norms] lr linear 1e-3 -> 0 over 1 epochs then freeze
};

#[test]
fn the_whole_language_goes_through_the_macro() {
    let text = WHOLE.source().text();
    let parsed = Policy::parse(text);
    assert_eq!(parsed.map_err(|found| found.to_string()), Ok(WHOLE.clone()));
}

#[test]
fn rust_expressions_are_evaluated_and_checked_when_the_policy_is_built() {
    let base = 1e-3;
    let policy = freeze_policy! { start: train fc lr { base * 2.0 } weight_decay { f64::from(1) } };
    assert!(policy.is_ok());
    let wrong = freeze_policy! { start: train fc lr { -base } };
    let findings = wrong.expect_err("a learning rate cannot be negative").to_string();
    assert!(findings.contains("FRZ0401"), "{findings}");
    assert!(findings.contains("{ -base }"), "{findings}");
    let other = freeze_policy! { start: train fc lr { base * 3.0 } weight_decay { 1_i8 } };
    assert_ne!(policy.ok(), other.ok());
}

#[test]
fn rust_expressions_may_have_any_type_of_number() {
    let three = freeze_policy! { epoch { 3.0 }: train fc lr 0.5 };
    assert!(three.is_ok());
    for other in [
        freeze_policy! { epoch { 3 }: train fc lr 0.5 },
        freeze_policy! { epoch { 3_f32 }: train fc lr 0.5 },
        freeze_policy! { epoch { 3_u8 }: train fc lr 0.5 },
        freeze_policy! { epoch { 3_i64 }: train fc lr 0.5 },
        freeze_policy! { epoch { "fc1".len() }: train fc lr 0.5 },
    ] {
        assert_eq!(other.ok(), three.clone().ok());
    }
}

#[test]
fn a_policy_of_the_macros_comes_back_from_json() {
    let base = 0.1 + 0.2;
    let built = freeze_policy! { start: train fc lr { base } * 2; epoch { f64::from(3) }: stop };
    let built = built.expect("a sound policy");
    for policy in [&TOKENS, &LITERAL, &FILE, &WHOLE, &built] {
        let json = serde_json::to_string(policy).expect("JSON");
        let back: Policy = serde_json::from_str(&json).expect("the same policy");
        assert_eq!(back, *policy);
        assert_eq!(places(&back), places(policy));
    }
}
