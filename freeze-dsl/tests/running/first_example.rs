//! The first example of the language's reference, on a ResNet-18: it is clean, and what it does
//! from one epoch to the next.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::fmt::Write;

use crate::support::{findings, resnet18};
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Record, Setup, Table, simulate};

const EXAMPLE: &str = include_str!("../policies/resnet.freeze");

#[test]
fn nothing_is_found_in_it() {
    assert_eq!(findings(EXAMPLE), []);
}

#[test]
fn its_plan() {
    insta::assert_snapshot!(Policy::parse(EXAMPLE).unwrap().plan(&resnet18()).unwrap());
}

/// `val_loss` is lowest in epoch 0 and has not fallen for three more, so `top` comes before epoch 5.
#[test]
fn what_it_does_whenever_a_rule_fires() {
    let plan = Policy::parse(EXAMPLE).unwrap().plan(&resnet18()).unwrap();
    let losses = Table::from_csv("epoch,val_loss\n0,0.8\n1,0.9\n2,0.85\n3,0.8").unwrap();
    let mut setup = Setup { metrics: losses, ..Setup::default() };
    setup.program.steps_per_epoch = Some(100);
    let mut shown = String::new();
    for record in simulate(plan, setup).unwrap().filter(|record| !record.fired.is_empty()) {
        show(&mut shown, &record);
    }
    insta::assert_snapshot!(shown);
}

/// What fired, and a line a group.
fn show(to: &mut String, record: &Record) {
    writeln!(to, "epoch {}: {}", record.epoch, record.fired.join(", ")).unwrap();
    for group in &record.groups {
        let mut modules: Vec<&str> =
            group.params.iter().map(|name| name.split('.').next().unwrap()).collect();
        modules.dedup();
        writeln!(
            to,
            "    {} of {}: lr {:.3e}, weight decay {}",
            group.params.len(),
            modules.join(", "),
            group.lr.unwrap(),
            group.weight_decay.unwrap(),
        )
        .unwrap();
    }
}
