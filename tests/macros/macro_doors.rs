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
    after 2 epochs or after 5%: unfreeze layer3.[0..=1].bn*, layer1.0.*n1, **.downsample.0 lr 5e-5 weight_decay 1;
    after 10% of run: freeze @all except fc, layer4;
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
    after 2 epochs or after 5%: unfreeze layer3.[0..=1].bn*, layer1.0.*n1, **.downsample.0 lr 5e-5 weight_decay 1;
    after 10% of run: freeze @all except fc, layer4;
    step 123456: set * optimizer rmsprop(alpha 0.9, centered) ;
    after rest or after 100 steps: stop
    "#
);

static FILE: Policy = freeze_policy!(file = "everything.freeze");

#[test]
fn every_form_gives_the_policy_that_its_text_gives_at_run_time() {
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
        .filter(is_rule)
        .map(|rule| policy.source().line_column(rule.span.start))
        .collect()
}

/// The text of each rule.
fn slices(policy: &Policy) -> Vec<&str> {
    policy
        .tree()
        .items
        .iter()
        .filter(is_rule)
        .map(|rule| policy.source().slice(rule.span))
        .collect()
}

fn is_rule(item: &&freeze_dsl::source::Spanned<freeze_dsl::ast::Item>) -> bool {
    matches!(item.value, freeze_dsl::ast::Item::Rule(_))
}
