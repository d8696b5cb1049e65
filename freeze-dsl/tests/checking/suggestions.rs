//! Suggestions: each edit, when applied, fixes its finding.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{applied, findings_in, model, resnet18};
use freeze_dsl::diagnostic::{Applicability, Code, Diagnostic, Suggestion};
use freeze_dsl::model::Model;

use Applicability::{Maybe, Safe};

fn count(code: Code, text: &str, model: &Model) -> usize {
    findings_in(text, model).iter().filter(|found| found.code == code).count()
}

/// An edit fixes its finding and adds no other error.
#[track_caller]
fn fixes(text: &str, finding: &Diagnostic, suggestion: &Suggestion, model: &Model) {
    let edited = applied(text, suggestion);
    let left = findings_in(&edited, model);
    assert_eq!(
        count(finding.code, &edited, model) + 1,
        count(finding.code, text, model),
        "{text}\nbecame\n{edited}\nwith the findings\n{left:#?}"
    );
    let errors = left.iter().filter(|found| found.is_error()).count();
    let before = findings_in(text, model).iter().filter(|found| found.is_error()).count();
    assert!(errors <= before, "{text}\nbecame\n{edited}\nwith the findings\n{left:#?}");
}

/// The one suggestion of the first finding of this code results in this text and fixes the finding.
#[track_caller]
fn suggests_in(model: &Model, text: &str, code: Code, sure: Applicability, expected: &str) {
    let found = findings_in(text, model);
    let finding = found.iter().find(|finding| finding.code == code);
    let finding = finding.unwrap_or_else(|| panic!("{code} is not in {text}: {found:#?}"));
    let [suggestion] = &finding.suggestions[..] else { panic!("not one suggestion: {finding:#?}") };
    assert_eq!(applied(text, suggestion), expected, "{}", suggestion.message);
    assert_eq!(suggestion.applicability, sure);
    fixes(text, finding, suggestion, model);
}

#[track_caller]
fn suggests(text: &str, code: Code, sure: Applicability, expected: &str) {
    suggests_in(&resnet18(), text, code, sure, expected);
}

/// There is such a finding, and it suggests nothing.
#[track_caller]
fn is_silent(text: &str, code: Code) {
    let found = findings_in(text, &resnet18());
    let mut own = found.iter().filter(|finding| finding.code == code).peekable();
    assert!(own.peek().is_some(), "{code} is not in {text}: {found:#?}");
    assert!(own.all(|finding| finding.suggestions.is_empty()), "{found:#?}");
}

fn fenced<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n')).collect()
}

#[test]
fn what_a_page_shows_is_fixed_by_what_is_suggested() {
    let mut edited = Vec::new();
    for code in Code::ALL {
        let own = fenced(code.page(), "model");
        let model = own.first().map_or_else(resnet18, |json| Model::from_json(json).unwrap());
        for text in fenced(code.page(), "freeze,bad") {
            for finding in findings_in(text, &model).iter().filter(|found| found.code == *code) {
                for suggestion in &finding.suggestions {
                    fixes(text, finding, suggestion, &model);
                    edited.push(code.name());
                }
            }
        }
    }
    // The others take more than an edit, or something that cannot be guessed: how long the run or
    // a duration is, what is meant by a regular expression, which learning rate.
    assert_eq!(
        edited,
        [
            "FRZ0101", "FRZ0102", "FRZ0201", "FRZ0202", "FRZ0203", "FRZ0205", "FRZ0206", "FRZ0207",
            "FRZ0208", "FRZ0301", "FRZ0302", "FRZ0303", "FRZ0304", "FRZ0305", "FRZ0307", "FRZ0401",
            "FRZ0403", "FRZ0404", "FRZ0406", "FRZ0501", "FRZ0504", "FRZ0505", "FRZ0506", "FRZ0512"
        ]
    );
}

#[test]
fn syntax() {
    suggests("start train fc", Code::Syntax, Safe, "start: train fc");
    suggests(
        "start: train fc epoch 3: unfreeze bn1",
        Code::Syntax,
        Safe,
        "start: train fc; epoch 3: unfreeze bn1",
    );
    suggests("start: train fc;; stop", Code::Syntax, Safe, "start: train fc; stop");
    let reserved = model(&["lr.weight", "fc.weight"]);
    suggests_in(
        &reserved,
        "start: train lr.weight lr 1",
        Code::Syntax,
        Maybe,
        "start: train \"lr.weight\" lr 1",
    );
    is_silent("start: train lr 1e-3", Code::Syntax);
}

#[test]
fn selectors() {
    suggests("start: train layer5", Code::SelectsNothing, Maybe, "start: train layer4");
    suggests(
        "start: train layer4[1..1]",
        Code::SelectsNothing,
        Maybe,
        "start: train layer4[1..=1]",
    );
    is_silent("start: train layer4[1..0]", Code::SelectsNothing);
    is_silent("start: train fc except fc", Code::SelectsNothing);
    suggests("start: train layer4[7]", Code::OutOfRange, Maybe, "start: train layer4[1]");
    suggests("start: train layer4[0..100]", Code::OutOfRange, Maybe, "start: train layer4[0..=1]");
    suggests("start: train layer4[1..=9]", Code::OutOfRange, Maybe, "start: train layer4[1..=1]");
    is_silent("for i in 1..3 { after 1 epoch: train layer4[i..i + 1], stop }", Code::OutOfRange);
    suggests(
        "start: train rows 9..2000 of fc.weight",
        Code::RowsOutside,
        Maybe,
        "start: train rows 9..1000 of fc.weight",
    );
    is_silent("start: train rows 1000..2000 of fc.weight", Code::RowsOutside);
    suggests(
        "start: train fc, layer1 except bn1",
        Code::NoEffect,
        Maybe,
        "start: train fc, layer1",
    );
    suggests(
        "start: train layer1 except layer1.0.bn1, bn1",
        Code::NoEffect,
        Maybe,
        "start: train layer1 except layer1.0.bn1",
    );
}

#[test]
fn the_number_of_a_loop() {
    for path in ["layer4.i", "layer4.{i}"] {
        suggests(
            &format!("for i in 0..2 {{ after 1 epoch: unfreeze {path} lr 1e-3 * i + 1 }}"),
            Code::SelectsNothing,
            Maybe,
            "for i in 0..2 { after 1 epoch: unfreeze layer4[i] lr 1e-3 * i + 1 }",
        );
    }
}

#[test]
fn names_and_lists() {
    suggests("start: train @bias", Code::UnknownName, Maybe, "start: train @biases");
    suggests(
        "let @a = fc; start: train first 1 of @a",
        Code::UnknownName,
        Maybe,
        "let @a = fc; start: train first 1 of [@a]",
    );
    suggests(
        "start as a: train fc; epoch 1 as a: unfreeze bn1, set fc lr 1; epoch 2 as a2: stop",
        Code::DefinedTwice,
        Maybe,
        "start as a: train fc; epoch 1 as a3: unfreeze bn1, set fc lr 1; epoch 2 as a2: stop",
    );
    suggests(
        "run 3 epochs;\nrun 4 epochs;\nstart: train fc",
        Code::DefinedTwice,
        Maybe,
        "run 3 epochs;\nstart: train fc",
    );
    suggests(
        "default lr 1;\ndefault lr 2;\nstart: train fc",
        Code::DefinedTwice,
        Maybe,
        "default lr 1;\nstart: train fc",
    );
    suggests(
        "default lr 1; default weight_decay 1 lr 2; start: train fc",
        Code::DefinedTwice,
        Maybe,
        "default lr 1; default weight_decay 1; start: train fc",
    );
    suggests(
        "let a = 1; let a = 2; start: train fc lr a",
        Code::DefinedTwice,
        Maybe,
        "let a = 1; start: train fc lr a",
    );
    is_silent(
        "for i in 0..2 { after 1 epoch as a: train fc lr i + 1; } \
               for i in 0..2 { after 1 epoch as a: train fc lr i + 3; }",
        Code::DefinedTwice,
    );
    suggests(
        "start: train last 9 of [fc, bn1]",
        Code::OutOfRange,
        Maybe,
        "start: train last 2 of [fc, bn1]",
    );
    suggests(
        "start: train first 0 of [fc, bn1]",
        Code::OutOfRange,
        Maybe,
        "start: train first 1 of [fc, bn1]",
    );
    suggests(
        "for i in 1..1 { epoch i: train fc }; epoch 2: stop",
        Code::OutOfRange,
        Maybe,
        "for i in 1..=1 { epoch i: train fc }; epoch 2: stop",
    );
    is_silent("for i in 2..1 { epoch i: train fc }; epoch 2: stop", Code::OutOfRange);
    suggests(
        "let a = 1; // why\nlet b = 2;\nstart: train fc lr a",
        Code::UnusedLet,
        Maybe,
        "let a = 1; // why\nstart: train fc lr a",
    );
}

#[test]
fn tied_parameters() {
    let tied = model(&["embed.weight", "body.weight", "head.weight = embed.weight"]);
    suggests_in(
        &tied,
        "start: train embed, body lr 1",
        Code::TiedDifferently,
        Maybe,
        "start: train \"head.weight\", embed, body lr 1",
    );
    let three = model(&["e.w[8, 4]", "body.w", "h.w[8, 4] = e.w", "x.w[8, 4] = e.w"]);
    suggests_in(
        &three,
        "start: train h, body lr 1",
        Code::TiedDifferently,
        Maybe,
        "start: train \"e.w\", \"x.w\", h, body lr 1",
    );
    let found = findings_in("start: train h lr 1", &three);
    let message = found.iter().find(|it| it.code == Code::TiedDifferently).map(|it| &it.message);
    let with_others = findings_in("start: train h, body lr 1", &three);
    assert_eq!(
        with_others[0].notes,
        ["name all of them, or leave all of them out with `except \"h.w\"`"]
    );
    assert_eq!(message.unwrap(), "`e.w`, `h.w` and `x.w` are one tensor, treated differently");
    suggests_in(
        &three,
        "start: train rows [0..2, 5] of e.w lr 1",
        Code::TiedDifferently,
        Maybe,
        "start: train rows [0..2, 5..6] of \"h.w\", rows [0..2, 5..6] of \"x.w\", \
         rows [0..2, 5] of e.w lr 1",
    );
    let found = findings_in("start: train @all except head", &tied);
    assert!(
        found[0].code == Code::TiedDifferently && found[0].suggestions.is_empty(),
        "{found:#?}"
    );
}

#[test]
fn moments() {
    suggests(
        "epoch 3: train fc; after 2 epochs: unfreeze bn1; epoch 4: unfreeze layer1",
        Code::PastMoment,
        Maybe,
        "epoch 3: train fc; after 2 epochs: unfreeze bn1; epoch 5: unfreeze layer1",
    );
    suggests(
        "run 9 steps; start: train fc; step 12: unfreeze bn1",
        Code::NeverFires,
        Maybe,
        "run 9 steps; start: train fc; step 8: unfreeze bn1",
    );
    is_silent("run 9 steps; start: train fc; after 12 steps: unfreeze bn1", Code::NeverFires);
    // In a loop the edit would be for one turn only; and at 95 % of 9 epochs, epoch 8 has passed.
    is_silent("run 9 steps; start: train fc; for i in 9..10 { step i: stop }", Code::NeverFires);
    is_silent("run 9 epochs; at 95%: train fc; epoch 9: unfreeze bn1", Code::NeverFires);
    suggests(
        "start: train fc; epoch 3: stop;\nepoch 4: unfreeze bn1;\n",
        Code::NeverFires,
        Maybe,
        "start: train fc; epoch 3: stop;\n",
    );
    suggests(
        "start: train fc; epoch 3: stop, unfreeze bn1",
        Code::NeverFires,
        Maybe,
        "start: train fc; epoch 3: stop",
    );
    suggests(
        "start: train fc lr 1 then linear 1 -> 0 over 2 epochs then freeze optimizer sgd",
        Code::NeverFires,
        Maybe,
        "start: train fc lr 1 optimizer sgd",
    );
    suggests(
        "start: train fc; when loss < 1: unfreeze bn1; step 9: stop",
        Code::UnboundedWait,
        Maybe,
        "start: train fc; when loss < 1 or step 9: unfreeze bn1; step 9: stop",
    );
    for (wrong, right) in [
        ("frist 2 of [fc, bn1]", "first 2 of [fc, bn1]"),
        ("sampel 1 of [fc, bn1]", "sample 1 of [fc, bn1]"),
        ("fc lr mni(1, 2)", "fc lr min(1, 2)"),
        ("fc lr linear 1 -> 0 over ret", "fc lr linear 1 -> 0 over rest"),
    ] {
        let text = |targets: &str| format!("run 3 epochs; start: train {targets}");
        suggests(&text(wrong), Code::Syntax, Maybe, &text(right));
    }
    suggests(
        "start: train fc lr linear 1 -> 0 over 2 epochs then freez",
        Code::UnknownName,
        Maybe,
        "start: train fc lr linear 1 -> 0 over 2 epochs then freeze",
    );
    is_silent("start: train fc; stop", Code::UnknownWord);
    suggests(
        "start: for @part in [fc, bn1] { train @part lr 1; };",
        Code::Syntax,
        Maybe,
        "start: for @part in [fc, bn1] { train @part lr 1, };",
    );
    is_silent("when a stops falling for 1 epoch by 1 for 2 epochs: train fc", Code::Syntax);
    for condition in ["acc > 0.5", "acc stops rising for 1 epoch"] {
        suggests(
            &format!("when loss < 1 or {condition}: train fc"),
            Code::Syntax,
            Safe,
            &format!("when loss < 1 or when {condition}: train fc"),
        );
    }
    is_silent(
        "start: train fc; when loss < 1: unfreeze bn1; after 1 epoch: unfreeze layer4; epoch 9: stop",
        Code::UnboundedWait,
    );
    // Which whole number is meant cannot be known.
    is_silent("epoch 1.5: train fc", Code::InvalidDuration);
    is_silent("step -3: train fc", Code::InvalidDuration);
    is_silent("after 0 epochs: train fc", Code::InvalidDuration);
    is_silent("run -2.5 epochs; start: stop", Code::InvalidDuration);
    is_silent("let a = 0; after a epochs: train fc", Code::InvalidDuration);
}

#[test]
fn actions() {
    suggests("start: freeze @all", Code::NothingTrains, Maybe, "start: freeze @all, stop");
    is_silent("start: freeze @all; epoch 1: unfreeze fc", Code::NothingTrains);
    suggests("start: set fc lr 1, set fc lr 2", Code::UndoneAction, Maybe, "start: set fc lr 2");
    suggests(
        "start: train bn1; epoch 1: unfreeze fc lr 1, freeze fc",
        Code::UndoneAction,
        Maybe,
        "start: train bn1; epoch 1: set fc lr 1, freeze fc",
    );
    suggests(
        "start: train bn1; epoch 1: unfreeze fc, freeze fc",
        Code::UndoneAction,
        Maybe,
        "start: train bn1; epoch 1: freeze fc",
    );
    suggests(
        "start: train fc, train bn1, freeze fc",
        Code::UndoneAction,
        Maybe,
        "start: train bn1, freeze fc",
    );
    suggests(
        "start: train fc lr 1 optimizer muon",
        Code::CannotStep,
        Maybe,
        "start: train fc in @matrices lr 1 optimizer muon",
    );
    suggests(
        "start: train fc, bn1 lr 1 optimizer muon",
        Code::CannotStep,
        Maybe,
        "start: train (fc, bn1) in @matrices lr 1 optimizer muon",
    );
    // Without it, everything else would train.
    is_silent("start: train fc, freeze fc, unfreeze bn1", Code::UndoneAction);
    is_silent("start: train fc in lr*0.5", Code::SelectsNothing);
    suggests(
        "start: train layer4 lr 1, train layer4.0 lr 2",
        Code::ConflictingOptions,
        Maybe,
        "start: train layer4 lr 1, set layer4.0 lr 2",
    );
    is_silent("start: train layer4.0 lr 1, train layer4 lr 2", Code::ConflictingOptions);
    suggests(
        "start: train fc; epoch 1: unfreeze bn1, freeze layer1",
        Code::NoEffect,
        Maybe,
        "start: train fc; epoch 1: unfreeze bn1",
    );
    suggests(
        "start: train fc;\nepoch 1: freeze layer1;\nepoch 2: stop",
        Code::NoEffect,
        Maybe,
        "start: train fc;\nepoch 2: stop",
    );
    // In another turn, the same text does something.
    is_silent(
        "start: train fc; epoch 1: for @x in [fc, bn1] { unfreeze @x, set @x lr 1 }",
        Code::NoEffect,
    );
    is_silent("start: unfreeze fc", Code::NoEffect);
    suggests(
        "start: train fc, bn1; epoch 1: unfreeze bn1 lr 0",
        Code::ZeroLearningRate,
        Maybe,
        "start: train fc, bn1; epoch 1: freeze bn1",
    );
    is_silent("start: train fc lr 0", Code::ZeroLearningRate);
    is_silent("start: train fc; epoch 1: set fc lr 0 weight_decay 1", Code::ZeroLearningRate);
}

#[test]
fn options() {
    suggests("start: train fc lr - 1e-3", Code::InvalidValue, Maybe, "start: train fc lr 1e-3");
    suggests(
        "start: train fc optimizer sgd(momentum -0.9)",
        Code::InvalidValue,
        Maybe,
        "start: train fc optimizer sgd(momentum 0.9)",
    );
    is_silent("start: train fc optimizer sgd(momentum -9)", Code::InvalidValue);
    is_silent("start: train fc lr 1 - 2", Code::InvalidValue);
    suggests(
        "start: train fc optimizer sgd(dampening 0, nesterov)",
        Code::InvalidValue,
        Maybe,
        "start: train fc optimizer sgd(dampening 0, momentum 0.9, nesterov)",
    );
    suggests(
        "start: freeze fc stats held lr 1",
        Code::MisplacedOption,
        Maybe,
        "start: freeze fc stats held",
    );
    suggests("start: train fc keep state", Code::MisplacedOption, Maybe, "start: train fc");
    suggests("start: train fc lr 1 lr 2", Code::MisplacedOption, Maybe, "start: train fc lr 1");
    suggests("start: set fc, train fc lr 1", Code::MisplacedOption, Maybe, "start: train fc lr 1");
    suggests(
        "start: train fc optimizer AdamW",
        Code::UnknownOptimizer,
        Safe,
        "start: train fc optimizer adamw",
    );
    suggests(
        "start: train fc optimizer adm",
        Code::UnknownOptimizer,
        Maybe,
        "start: train fc optimizer adam",
    );
    suggests(
        "start: train fc optimizer adam(beta3 0.9)",
        Code::UnknownOptimizer,
        Maybe,
        "start: train fc optimizer adam(beta2 0.9)",
    );
    suggests(
        "start: train fc optimizer rmsprop(beta2 0.9)",
        Code::UnknownOptimizer,
        Maybe,
        "start: train fc optimizer rmsprop(alpha 0.9)",
    );
    for (optimizer, wrong, right) in [
        ("muon", "ns_steps 3", "steps 3"),
        ("muon", "beta1 0.9", "momentum 0.9"),
        ("muon", "match_rms_adamw", "match_rms"),
        ("adagrad", "initial_accumulator_value 0.1", "initial 0.1"),
        ("nadam", "decoupled_weight_decay", "decoupled"),
        ("nadam", "schedule_decay 0.1", "momentum_decay 0.1"),
        ("adafactor", "beta2 -0.8", "beta2_decay -0.8"),
        ("adafactor", "eps 1e-6", "eps1 1e-6"),
        ("adafactor", "clip_threshold 2", "d 2"),
        ("lion", "momentum 0.9", "beta1 0.9"),
    ] {
        let text = |argument| format!("start: train fc.weight optimizer {optimizer}({argument})");
        suggests(&text(wrong), Code::UnknownOptimizer, Maybe, &text(right));
    }
    suggests(
        "start: train fc optimizer adafactor(beta2_decay 0.8)",
        Code::InvalidValue,
        Maybe,
        "start: train fc optimizer adafactor(beta2_decay -0.8)",
    );
    for (text, mended) in [
        ("train fc lr 1 optimizer muon", "train fc in @matrices lr 1 optimizer muon"),
        (
            "train fc, layer4 optimizer muon(nesterov 0)",
            "train (fc, layer4) in @matrices optimizer muon(nesterov 0)",
        ),
        (
            "train fc, set @all except conv1 optimizer muon",
            "train fc, set (@all except conv1) in @matrices optimizer muon",
        ),
    ] {
        let rule = |actions| format!("start: {actions}");
        suggests(&rule(text), Code::CannotStep, Maybe, &rule(mended));
    }
    is_silent("start: train fc.bias lr 1 optimizer muon", Code::CannotStep);
    is_silent("default optimizer muon; start: train fc lr 1", Code::CannotStep);
    suggests(
        "start: train fc optimizer adamw(lr 0.9, eps 1)",
        Code::UnknownOptimizer,
        Safe,
        "start: train fc lr 0.9 optimizer adamw(eps 1)",
    );
    suggests(
        "start: train fc optimizer adam(eps 1, eps 2)",
        Code::UnknownOptimizer,
        Maybe,
        "start: train fc optimizer adam(eps 1)",
    );
}
