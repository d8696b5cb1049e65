//! When rules fire, and which parameters are trainable then.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{clock_of, model, resnet18};
use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Clock, Program, Transition};
use freeze_dsl::plan::SliceId;

const PROGRAM: Program =
    Program { lr: Some(1e-4), optimizer: None, weight_decay: None, steps_per_epoch: None };

fn clock_with(text: &str, program: Program) -> Clock {
    clock_of(text, &resnet18(), program)
}

fn clock(text: &str) -> Clock {
    clock_with(text, PROGRAM)
}

fn names(change: &Transition) -> Vec<&str> {
    change.fired.iter().map(|fired| fired.name.as_str()).collect()
}

/// The looks, `(epoch, step)`, at which rules fire, and the rules, over a run.
fn firings(clock: &mut Clock, epochs: u64, steps: u64) -> Vec<(u64, u64, Vec<String>)> {
    let mut fired = Vec::new();
    let mut note = |change: Transition| {
        if !change.is_empty() {
            let names = names(&change).into_iter().map(str::to_owned).collect();
            fired.push((change.epoch, change.step, names));
        }
    };
    for _ in 0..epochs {
        note(clock.start_epoch());
        for _ in 0..steps {
            note(clock.end_step());
        }
    }
    fired
}

fn trainable(clock: &Clock) -> Vec<String> {
    let parameters = clock.plan().model().parameters();
    clock.trainable().map(|slice| parameters[slice.index()].name.clone()).collect()
}

/// The first segments of the trainable parameters, each once.
fn modules(clock: &Clock) -> Vec<String> {
    let mut modules: Vec<String> =
        trainable(clock).iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
    modules.dedup();
    modules
}

#[test]
fn the_shortest_policy_is_whole() {
    let mut clock = clock("epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3");
    for epoch in 0..5 {
        let change = clock.start_epoch();
        assert_eq!(change.epoch, epoch);
        let lrs: Vec<_> = clock.groups().iter().map(|group| group.lr.unwrap()).collect();
        if epoch < 3 {
            assert_eq!((modules(&clock), lrs), (vec!["layer4".to_owned()], vec![1e-3]));
        } else {
            let both = vec!["layer3".to_owned(), "layer4".to_owned()];
            assert_eq!((modules(&clock), lrs), (both, vec![1e-4, 1e-3]));
        }
        assert_eq!(change.is_empty(), !matches!(epoch, 0 | 3));
    }
}

#[test]
fn everything_trains_until_the_first_rule_fires() {
    let mut clock = clock("epoch 1: train fc");
    let all = clock.plan().model().parameters().len();
    assert!(clock.start_epoch().is_empty());
    assert_eq!(clock.trainable().count(), all);
    clock.start_epoch();
    assert_eq!(trainable(&clock), ["fc.weight", "fc.bias"]);
}

#[test]
fn a_step_rule_is_in_force_for_the_whole_of_its_step() {
    let mut clock = clock("start: train fc; step 5: unfreeze bn1; step 6: unfreeze layer1");
    let fired = firings(&mut clock, 3, 4);
    let expected = [(0, 0, "rule 1"), (1, 5, "rule 2"), (1, 6, "rule 3")];
    assert_eq!(fired, expected.map(|(epoch, step, rule)| (epoch, step, vec![rule.to_owned()])));
}

#[test]
fn after_counts_from_the_rule_before() {
    let text = "epoch 1 as a: train fc; after 2 epochs as b: unfreeze bn1; \
                after 3 steps as c: unfreeze layer1";
    let expected = [(1, 4, "a"), (3, 12, "b"), (3, 15, "c")];
    let fired = firings(&mut clock(text), 5, 4);
    assert_eq!(fired, expected.map(|(epoch, step, rule)| (epoch, step, vec![rule.to_owned()])));
    // The first rule counts from the start.
    let fired = firings(&mut clock("after 2 epochs: train fc"), 5, 4);
    assert_eq!(fired, [(2, 8, vec!["rule 1".to_owned()])]);
}

#[test]
fn of_several_moments_the_first_counts() {
    let rules = "start: train fc; epoch 2 or step 3: unfreeze bn1";
    assert_eq!(firings(&mut clock(rules), 4, 1)[1], (2, 2, vec!["rule 2".to_owned()]));
    assert_eq!(firings(&mut clock(rules), 4, 9)[1], (0, 3, vec!["rule 2".to_owned()]));
}

#[test]
fn a_rule_that_waited_too_long_fires_at_once() {
    let text = "epoch 2: train fc; step 1: unfreeze bn1; after 1 steps: unfreeze layer1";
    let fired = firings(&mut clock(text), 4, 2);
    let rule = |number| format!("rule {number}");
    assert_eq!(fired, [(2, 4, vec![rule(1), rule(2)]), (2, 5, vec![rule(3)])]);
}

#[test]
fn a_part_of_the_run_is_rounded_to_the_nearest_step() {
    let text = "run 10 epochs; start: train fc; after 26% of run: unfreeze bn1";
    let program = Program { steps_per_epoch: Some(7), ..PROGRAM };
    // 26 % of 70 steps are 18.2.
    let fired = firings(&mut clock_with(text, program), 10, 7);
    assert_eq!(fired[1], (2, 18, vec!["rule 2".to_owned()]));
    // Without the length of an epoch, 2.6 epochs are 3.
    assert_eq!(firings(&mut clock(text), 10, 7)[1].0, 3);
    let steps = "run 50 steps; start: train fc; after 25%: unfreeze bn1";
    assert_eq!(firings(&mut clock(steps), 10, 7)[1], (1, 13, vec!["rule 2".to_owned()]));
}

#[test]
fn stop_ends_it() {
    let mut clock = clock("start: train fc; step 2: stop");
    clock.start_epoch();
    assert!(!clock.end_step().stopped);
    let change = clock.end_step();
    assert!(change.stopped && clock.is_stopped());
    assert_eq!(trainable(&clock), ["fc.weight", "fc.bias"]);
}

#[test]
fn train_keeps_state_of_what_goes_on_and_freeze_drops_it() {
    let mut first = clock("start: train fc, layer4; epoch 1: train fc, bn1");
    first.start_epoch();
    let change = first.start_epoch();
    let parameters = first.plan().model().parameters();
    let names = |slices: &[SliceId]| -> Vec<&str> {
        slices.iter().map(|slice| parameters[slice.index()].name.as_str()).collect()
    };
    assert_eq!(names(&change.unfrozen), ["bn1.weight", "bn1.bias"]);
    assert!(names(&change.frozen).iter().all(|name| name.starts_with("layer4.")));
    assert_eq!(change.dropped, change.frozen);

    let mut again = clock("start: train fc; epoch 1: freeze fc, unfreeze fc.weight, bn1");
    again.start_epoch();
    let change = again.start_epoch();
    assert_eq!(names(&change.dropped), ["fc.weight", "fc.bias"]);
    assert_eq!(names(&change.frozen), ["fc.bias"]);
}

#[test]
fn another_optimizer_drops_state() {
    let text = "start: train fc optimizer adam lr 1; epoch 1: set fc.bias optimizer sgd; \
                epoch 2: set fc.bias lr 2";
    let mut clock = clock(text);
    clock.start_epoch();
    let bias = SliceId::new(clock.plan().model().parameters().len() - 1);
    assert_eq!(clock.start_epoch().dropped, [bias]);
    assert!(clock.start_epoch().dropped.is_empty());
}

#[test]
fn another_kind_of_optimizer_drops_state_and_other_numbers_keep_it() {
    for (was, is, drops) in [
        ("adam(beta1 0.8)", "adam(eps 1e-6)", false),
        ("adam", "adam(amsgrad)", true),
        ("adam(amsgrad)", "adam(amsgrad 0)", true),
        ("adam(amsgrad)", "adam(amsgrad, beta2 0.9)", false),
        ("adam", "adamw", true),
        ("adamw", "adamw(amsgrad)", true),
        ("sgd", "sgd(momentum 0.9)", false),
        ("sgd(momentum 0.9)", "sgd(momentum 0.9, nesterov)", false),
        ("rmsprop", "rmsprop(momentum 0.9)", false),
        ("rmsprop", "rmsprop(centered)", true),
        ("rmsprop(centered)", "rmsprop", true),
        ("adagrad", "adagrad(initial 0.5, lr_decay 1)", false),
        ("nadam", "nadam(decoupled)", false),
        ("nadam", "radam", true),
        ("adafactor", "adafactor(eps1 0.5)", false),
        ("muon", "muon(nesterov 0, steps 3, match_rms)", false),
        ("muon", "lion", true),
        ("adamax", "adam", true),
    ] {
        let text = format!(
            "start: train fc.weight, conv1 lr 1, set fc.weight optimizer {was};
             epoch 1: set fc.weight optimizer {is}"
        );
        let mut clock = clock(&text);
        clock.start_epoch();
        assert_eq!(clock.start_epoch().dropped.len(), usize::from(drops), "{was}, then {is}");
    }
    // It is kept through a freeze as well, and dropped all the same.
    for (is, drops) in [("sgd(momentum 0.5)", false), ("lion", true)] {
        let text = format!(
            "start: train fc, conv1 lr 1 optimizer sgd; epoch 1: freeze fc.bias keep state;
             epoch 2: set fc.bias optimizer {is}"
        );
        let mut clock = clock(&text);
        clock.start_epoch();
        clock.start_epoch();
        assert_eq!(clock.start_epoch().dropped.len(), usize::from(drops));
    }
}

#[test]
fn options_stay_until_others_are_named() {
    let text = "default lr 1e-2 weight_decay 0.5; start: train fc lr 1e-3; \
                epoch 1: train layer4, fc weight_decay 0; epoch 2: set fc.bias lr 5";
    let mut clock = clock(text);
    let groups = |clock: &Clock| -> Vec<(usize, f64, f64)> {
        clock
            .groups()
            .iter()
            .map(|group| (group.slices.len(), group.lr.unwrap(), group.weight_decay.unwrap()))
            .collect()
    };
    clock.start_epoch();
    assert_eq!(groups(&clock), [(2, 1e-3, 0.5)]);
    clock.start_epoch();
    assert_eq!(groups(&clock), [(15, 1e-2, 0.0), (2, 1e-3, 0.0)]);
    clock.start_epoch();
    assert_eq!(groups(&clock), [(15, 1e-2, 0.0), (1, 1e-3, 0.0), (1, 5.0, 0.0)]);
}

#[test]
fn weight_decay_goes_with_its_optimizer() {
    let program = Program { optimizer: Some(Optimizer::ADAMW), weight_decay: Some(0.3), ..PROGRAM };
    let decay = |text: &str, program: Program| {
        let mut clock = clock_with(text, program);
        clock.start_epoch();
        clock.groups()[0].weight_decay
    };
    assert_eq!(decay("start: train fc", program), Some(0.3));
    assert_eq!(decay("start: train fc weight_decay 1", program), Some(1.0));
    assert_eq!(decay("start: train fc optimizer sgd", program), Some(0.0));
    assert_eq!(decay("start: train fc optimizer adamw", program), Some(0.01));
    assert_eq!(decay("start: train fc", PROGRAM), None);
}

#[test]
fn statistics_are_live_where_something_of_their_module_trains() {
    let mut clock = clock("start: train fc, layer4.0.bn1.bias");
    clock.start_epoch();
    let live: Vec<&str> = clock.live_stats().collect();
    assert_eq!(live, ["layer4.0.bn1"]);
}

#[test]
fn a_change_reads_as_a_line() {
    let mut clock = clock("start as probe: train fc lr 1e-3; epoch 1: unfreeze layer4, stop");
    assert_eq!(
        clock.start_epoch().to_string(),
        "epoch 0, step 0: probe fired; froze conv1, bn1, layer1, layer2 and 2 more; 2 of 62 \
         parameters train (4.4 % of the numbers), lr 1e-3"
    );
    assert_eq!(clock.end_step().to_string(), "epoch 0, step 1: no rule fired");
    assert_eq!(
        clock.start_epoch().to_string(),
        "epoch 1, step 1: rule 2 fired; unfroze layer4; 17 of 62 parameters train (76.2 % of the \
         numbers), lr 1e-4, 1e-3; training is over"
    );
}

#[test]
fn a_change_names_modules_and_counts_what_is_many() {
    let said = |text: &str, looks: usize| {
        let mut clock = clock(text);
        let changes: Vec<String> = (0..looks).map(|_| clock.start_epoch().to_string()).collect();
        let line = changes.last().unwrap();
        line.split("; ").skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let everything = said("start: train fc; epoch 1: unfreeze @all", 2);
    assert_eq!(everything[0], "unfroze conv1, bn1, layer1, layer2 and 2 more");
    let five = said("start: train fc; epoch 1: unfreeze @all except conv1", 2);
    assert_eq!(five[0], "unfroze bn1, layer1, layer2, layer3, layer4");
    let some = said("start: train fc; epoch 1: train layer4.1 except layer4.1.bn2.bias", 2);
    assert_eq!(
        some[0],
        "unfroze layer4.1.conv1, layer4.1.bn1, layer4.1.conv2, layer4.1.bn2.weight"
    );
    assert_eq!(some[1], "froze fc");
    let rows = said("start: train layer1; epoch 1: unfreeze rows 0..10 of fc.weight", 2);
    assert_eq!(rows[0], "unfroze fc.weight[0..10]");
    let ended = said("start: train @all lr linear 1e-3 -> 0 over 1 epochs then freeze", 2);
    assert_eq!(ended, ["froze everything", "nothing trains"]);
}

#[test]
fn many_learning_rates_of_a_transition_are_shown_by_their_ends() {
    let rates = |text: &str| {
        let line = clock(text).start_epoch().to_string();
        line.rsplit_once("lr ").unwrap().1.to_owned()
    };
    assert_eq!(rates("start: train fc lr 0.0003333333, train layer1 lr 0.25"), "3.333e-4, 0.25");
    let five = "start: train fc lr 5e-4, train layer1 lr 1e-4, train layer2 lr 2e-4,
                train layer3 lr 3e-4, train layer4 lr 4e-4";
    assert_eq!(rates(five), "1e-4 to 5e-4");
}

#[test]
fn a_transition_lists_what_it_restored_and_its_diagnostics() {
    let text = "start: train fc; when loss stops falling for 1 epochs: restore lowest loss, stop";
    let mut clock = clock(text);
    clock.start_epoch();
    clock.observe("loss", 0.123_456);
    clock.observe("other", f64::NAN);
    let line = clock.start_epoch().to_string();
    assert_eq!(
        line,
        "epoch 1, step 0: no rule fired; `other` is not a number in epoch 0: no improvement, and no comparison holds"
    );
    clock.observe("loss", 0.2);
    let line = clock.start_epoch().to_string();
    assert!(
        line.contains("rule 2 fired; restored epoch 0, when loss was 0.1235; 2 of 62"),
        "{line}"
    );
    assert!(line.ends_with("; training is over"), "{line}");
    assert_eq!(clock.end_step().to_string(), "epoch 2, step 1: training is over");
}

#[test]
fn what_the_clock_says_of_itself() {
    let model = model(&["body[9, 10]", "head[2, 5]"]);
    let mut clock = clock_of("start: train head; epoch 1: unfreeze body", &model, PROGRAM);
    let said = |clock: &Clock| {
        (
            clock.rules_fired()[0],
            clock.trained_share(),
            [0, 1].map(|slice| clock.trains(SliceId::new(slice))),
        )
    };
    assert_eq!(said(&clock), (0, 1.0, [true, true]));
    clock.start_epoch();
    assert_eq!(said(&clock), (1, 0.1, [false, true]));
    clock.start_epoch();
    assert_eq!(said(&clock), (2, 1.0, [true, true]));
}

#[test]
fn a_group_is_all_that_has_the_same_options() {
    let groups = |rule: &str| {
        let mut clock = clock(rule);
        clock.start_epoch();
        clock.groups().len()
    };
    assert_eq!(groups("start: train fc lr 1, train bn1 lr 1"), 1);
    assert_eq!(groups("start: train fc lr 1, train bn1 lr 2"), 2);
    assert_eq!(groups("start: train fc lr 1, train bn1 lr 1 weight_decay 1"), 2);
    assert_eq!(groups("start: train fc optimizer sgd, train bn1 optimizer adam"), 2);
    assert_eq!(groups("start: train fc optimizer sgd, train bn1 optimizer sgd"), 1);
}

#[test]
fn everything_that_ever_trains_needs_an_optimizer() {
    let has = |text: &str, optimizer: Option<Optimizer>| {
        clock_with(text, Program { optimizer, ..PROGRAM }).has_optimizer()
    };
    let half = "start: train fc optimizer sgd; epoch 1: unfreeze bn1";
    assert_eq!([has(half, None), has(half, Some(Optimizer::SGD))], [false, true]);
    assert!(has("default optimizer sgd; start: train fc; epoch 1: unfreeze bn1", None));
    assert!(has("start: train fc optimizer sgd", None));
    // Until the first rule fires, everything trains.
    assert!(!has("epoch 1: train fc optimizer sgd", None));
}
