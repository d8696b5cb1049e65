//! Learning rates and optimizers of phases, against PyTorch's formulas.

use std::f64::consts::PI;

use freeze_dsl::simulate::Record;

use super::{assert_close, epochs, import, lr, metrics, model, notes};

const HEAD: &str = "head.weight";
const BLOCK: &str = "blocks.0.mlp.up.weight";
const NORM: &str = "norm.weight";
const EMBED: &str = "embed.weight";

/// Phases that begin at the epochs 0, 1, 3 and 5, with more keys in phases 1 and 2.
fn schedule(first: &str, second: &str) -> String {
    format!(
        "trainer:
  callbacks:
  - class_path: finetuning_scheduler.FinetuningScheduler
    init_args:
      epoch_transitions_only: true
      restore_best: false
      base_max_lr: 4.0e-05
      ft_schedule:
        0: {{params: [head.*], max_transition_epoch: 1}}
        1: {{params: [blocks.*], max_transition_epoch: 3{first}}}
        2: {{params: [norm.*], max_transition_epoch: 5{second}}}
        3: {{params: [embed.*], max_transition_epoch: 9, lr: 7e-6}}
"
    )
}

fn run(yaml: &str) -> (String, Vec<Record>) {
    let policy = import(yaml, Some("gpt"));
    let records = epochs(&policy, &model("gpt"), 12, "");
    (policy, records)
}

#[test]
fn a_step_scheduler_starts_with_its_phase() {
    let scheduler = ", new_lr_scheduler: {lr_scheduler_init: {class_path: \
                     torch.optim.lr_scheduler.StepLR, init_args: {step_size: 1, gamma: 0.7}}, \
                     init_pg_lrs: [2.0e-06]}";
    let (_, records) = run(&schedule(scheduler, ""));
    assert_eq!(lr(&records[0], HEAD), None);
    for (epoch, record) in records.iter().enumerate().skip(1) {
        let after = |start: usize| 0.7_f64.powi(i32::try_from(epoch - start).unwrap());
        assert_close(lr(record, HEAD), 2e-6 * after(1), "head");
        assert_close(lr(record, BLOCK), 4e-5 * after(1), "blocks");
        if epoch >= 3 {
            assert_close(lr(record, NORM), 4e-5 * after(3), "norm");
        }
        if epoch >= 5 {
            assert_close(lr(record, EMBED), 7e-6 * after(5), "embed");
        }
    }
}

#[test]
fn warm_restarts_replace_an_earlier_scheduler() {
    let step = ", new_lr_scheduler: {lr_scheduler_init: {class_path: \
                torch.optim.lr_scheduler.ExponentialLR, init_args: {gamma: 0.5}}, \
                init_pg_lrs: [2.0e-06, 2.0e-06]}";
    let cosine = ", new_lr_scheduler: {lr_scheduler_init: {class_path: \
                  torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, init_args: {T_0: 3, \
                  T_mult: 2, eta_min: 1.0e-07}}, pl_lrs_cfg: {interval: epoch}, \
                  init_pg_lrs: [1.0e-06, 1.0e-06, 2.0e-06, 2.0e-06]}";
    let (policy, records) = run(&schedule(step, cosine));
    // Four rates at phase 2 are two a phase, so that the two of phase 1 are those of phase 0.
    assert!(notes(&policy).contains("has two learning rates a phase"), "{policy}");
    for (epoch, factor) in [(1, 1.0), (2, 0.5)] {
        assert_close(lr(&records[epoch], HEAD), 2e-6 * factor, "head");
        assert_close(lr(&records[epoch], BLOCK), 4e-5 * factor, "blocks");
    }
    // Rounds of 3 and 6 epochs.
    for (epoch, progress) in (3..12).zip(
        [0.0, 1.0 / 3.0, 2.0 / 3.0].into_iter().chain((0..6).map(|done| f64::from(done) / 6.0)),
    ) {
        let at = |base: f64| 1e-7 + (base - 1e-7) * (1.0 + (PI * progress).cos()) / 2.0;
        assert_close(lr(&records[epoch], HEAD), at(1e-6), "head");
        assert_close(lr(&records[epoch], BLOCK), at(2e-6), "blocks");
        assert_close(lr(&records[epoch], NORM), at(4e-5), "norm");
    }
    assert!(notes(&policy).contains("join while a scheduler runs"), "{policy}");
}

/// PyTorch's closed forms, `step` epochs after the scheduler started.
#[test]
fn schedulers_have_pytorch_values() {
    type Form = fn(f64, f64) -> f64;
    let cases: [(&str, Form); 6] = [
        ("StepLR, init_args: {step_size: 2, gamma: 0.5}", |base, step| {
            base * 0.5_f64.powf((step / 2.0).floor())
        }),
        ("MultiStepLR, init_args: {milestones: [2, 5], gamma: 0.1}", |base, step| {
            base * if step < 2.0 {
                1.0
            } else if step < 5.0 {
                0.1
            } else {
                0.01
            }
        }),
        ("CosineAnnealingLR, init_args: {T_max: 12, eta_min: 1.0e-6}", |base, step| {
            1e-6 + (base - 1e-6) * (1.0 + (PI * step / 12.0).cos()) / 2.0
        }),
        ("LinearLR, init_args: {start_factor: 0.25, total_iters: 4}", |base, step| {
            base * (0.25 + 0.75 * (step / 4.0).min(1.0))
        }),
        ("ConstantLR, init_args: {factor: 0.5, total_iters: 3}", |base, step| {
            base * if step < 3.0 { 0.5 } else { 1.0 }
        }),
        ("PolynomialLR, init_args: {total_iters: 20, power: 2.0}", |base, step| {
            base * (1.0 - step / 20.0).powi(2)
        }),
    ];
    for (scheduler, form) in cases {
        let new = format!(
            ", new_lr_scheduler: {{lr_scheduler_init: {{class_path: \
             torch.optim.lr_scheduler.{scheduler}}}, init_pg_lrs: [3.0e-06, 5.0e-06]}}"
        );
        let (_, records) = run(&schedule(&new, ""));
        for (step, record) in records[1..].iter().enumerate() {
            let step = f64::from(u32::try_from(step).unwrap());
            assert_close(lr(record, HEAD), form(3e-6, step), scheduler);
            assert_close(lr(record, BLOCK), form(5e-6, step), scheduler);
        }
    }
}

/// The scheduler that the configuration begins with, and the optimizer's learning rate.
#[test]
fn the_first_scheduler_is_that_of_the_configuration() {
    let yaml = schedule("", "")
        + "optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-3, eps: 1.0e-7}}\n\
           lr_scheduler: {class_path: torch.optim.lr_scheduler.ExponentialLR, \
           init_args: {gamma: 0.9}}\n";
    let (policy, records) = run(&yaml);
    assert!(policy.contains("default weight_decay 0.01 optimizer adamw(eps 1e-7);"), "{policy}");
    for (epoch, record) in records.iter().enumerate() {
        let epoch = i32::try_from(epoch).unwrap();
        assert_close(lr(record, HEAD), 1e-3 * 0.9_f64.powi(epoch), "head");
        if epoch >= 1 {
            assert_close(lr(record, BLOCK), 4e-5 * 0.9_f64.powi(epoch - 1), "blocks");
        }
    }
}

#[test]
fn a_rate_that_only_the_program_has_is_a_number_to_set() {
    let scheduler = ", new_lr_scheduler: {lr_scheduler_init: {class_path: \
                     torch.optim.lr_scheduler.ExponentialLR, init_args: {gamma: 0.5}}}";
    let (policy, records) = run(&schedule(scheduler, ""));
    assert!(policy.contains("let phase_0_lr = 1e-5;"), "{policy}");
    assert_close(lr(&records[2], HEAD), 0.5e-5, "head");
}

#[test]
fn a_new_optimizer_is_that_of_all_parameters() {
    let sgd = ", new_optimizer: {optimizer_init: {class_path: torch.optim.SGD, init_args: {lr: \
               2.0e-03, momentum: 0.9, weight_decay: 2.0e-06}}}";
    let adam = ", new_optimizer: {optimizer_init: {class_path: torch.optim.AdamW, init_args: {lr: \
                1.0e-05, betas: [0.8, 0.99]}}}";
    let (policy, records) = run(&schedule(sgd, adam));
    let shown = |epoch: usize, name: &str| {
        let mut groups = records[epoch].groups.iter();
        let group = groups.find(|group| group.params.iter().any(|it| it == name)).unwrap();
        (group.optimizer.map(|it| it.name()), group.weight_decay)
    };
    assert_eq!(shown(0, HEAD), (None, None));
    for name in [HEAD, BLOCK] {
        assert_eq!(shown(1, name), (Some("sgd"), Some(2e-6)), "{policy}");
    }
    for name in [HEAD, BLOCK, NORM] {
        assert_eq!(shown(3, name), (Some("adamw"), Some(0.01)), "{policy}");
    }
    assert_eq!(shown(5, EMBED), (Some("adamw"), Some(0.01)), "{policy}");
    // Learning rates are those of phases all the same.
    assert_eq!((lr(&records[3], HEAD), lr(&records[3], BLOCK)), (None, Some(4e-5)));
    assert!(policy.contains("adamw(beta1 0.8, beta2 0.99)"), "{policy}");
}

#[test]
fn a_plateau_scheduler_is_a_track() {
    let yaml = "0: {params: [head.*], max_transition_epoch: 1}
1:
  params: [blocks.*]
  lr: 1e-3
  new_lr_scheduler:
    lr_scheduler_init:
      class_path: torch.optim.lr_scheduler.ReduceLROnPlateau
      init_args: {factor: 0.5, patience: 1, min_lr: 1.0e-4, threshold: 0.01}
    pl_lrs_cfg: {monitor: val_loss}
    init_pg_lrs: [2.0e-03]
";
    let policy = import(yaml, Some("gpt"));
    let track =
        "whenever val_loss stops falling for 2 epochs by 1%: set @trainable lr * 0.5 to 1e-4";
    assert!(policy.contains(track), "{policy}");
    // The best value is that of epoch 1; 0.5 % less is no improvement.
    let table = metrics("val_loss", &[1.0, 0.5, 0.4976, 0.6, 0.3]);
    let records = epochs(&policy, &model("gpt"), 5, &table);
    assert_eq!((lr(&records[3], HEAD), lr(&records[3], BLOCK)), (Some(2e-3), Some(1e-3)));
    assert_eq!((lr(&records[4], HEAD), lr(&records[4], BLOCK)), (Some(1e-3), Some(5e-4)));
}

#[test]
fn what_has_no_counterpart_is_said() {
    let scheduler = ", new_lr_scheduler: {lr_scheduler_init: {class_path: \
                     torch.optim.lr_scheduler.OneCycleLR, init_args: {max_lr: 1.0e-3}}, \
                     init_pg_lrs: [3.0e-06]}";
    let optimizer =
        ", new_optimizer: {optimizer_init: {class_path: my.Own, init_args: {lr: 1e-3}}}";
    let (policy, records) = run(&schedule(scheduler, optimizer));
    let notes = notes(&policy);
    assert!(notes.contains("`torch.optim.lr_scheduler.OneCycleLR` has no counterpart"), "{notes}");
    assert!(notes.contains("`my.Own` has no counterpart"), "{notes}");
    assert_eq!(lr(&records[4], HEAD), Some(3e-6));
}
