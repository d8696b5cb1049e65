//! Statements of which a part is missing, or written twice.

use super::{become_right, leave_a_choice};

#[test]
fn two_stars_in_a_word() {
    become_right(&[
        ("start: train **bias", "start: train **.bias"),
        ("start: train layer4.**bias lr 1e-3", "start: train layer4.**.bias lr 1e-3"),
        ("start: train layer**.bias", "start: train layer*.bias"),
        ("start: train lay**r1", "start: train lay*r1"),
        ("start: train fc.***", "start: train fc.**"),
    ]);
}

#[test]
fn a_sign_without_what_follows_it() {
    leave_a_choice(&[
        ("start: train @, fc", "`@all`", "leave out the `@`"),
        ("start: train fc, @", "`@all`", "leave out the `@`"),
        ("start: train rows -.. of x", "`-5..`", "leave out the `-`"),
        ("start: train rows -..5 of x", "`-5..`", "leave out the `-`"),
        ("start: train rows 5..- of x", "`-5..`", "leave out the `-`"),
        ("start: train rows - of x", "`-5..`", "leave out the `-`"),
        ("start: train encoder.layer[-..]", "`-5..`", "leave out the `-`"),
    ]);
}

#[test]
fn a_loop_over_a_list_of_numbers() {
    become_right(&[
        (
            "for i in [1,2,3] { after i epochs: unfreeze layer[i]; }",
            "for i in 1..=3 { after i epochs: unfreeze layer[i]; }",
        ),
        ("start: for i in (0, 1,) { train layer[i] }", "start: for i in 0..=1 { train layer[i] }"),
        (
            "for i in 1,2,3 { after i epochs: unfreeze layer[i]; }",
            "for i in 1..=3 { after i epochs: unfreeze layer[i]; }",
        ),
        (
            "for (i, @l) in [fc, bn1] { after 1 epoch: unfreeze @l lr i; }",
            "for i, @l in [fc, bn1] { after 1 epoch: unfreeze @l lr i; }",
        ),
    ]);
    leave_a_choice(&[
        (
            "for i in [1, 2, 4] { after i epochs: unfreeze layer[i]; }",
            "`1..=4`",
            "once for each number",
        ),
        (
            "for i in range(3, 0, -1) { after 1 epoch: unfreeze layer[i]; }",
            "has no step",
            "`layer[10 - 2 * i]`",
        ),
    ]);
}

#[test]
fn a_unit_keeps_its_form() {
    become_right(&[
        ("after 1epoch: train fc", "after 1 epoch: train fc"),
        ("after 2epochs: train fc", "after 2 epochs: train fc"),
        ("every 1step: reset fc", "every 1 step: reset fc"),
    ]);
}

#[test]
fn a_condition_without_a_part() {
    become_right(&[
        (
            "when val_loss stops falling 3 epochs: stop",
            "when val_loss stops falling for 3 epochs: stop",
        ),
        ("val_loss < 0.5: stop", "when val_loss < 0.5: stop"),
        (
            "val_loss stops falling for 3 epochs: stop",
            "when val_loss stops falling for 3 epochs: stop",
        ),
        ("\"val/acc\" > 0.9: stop", "when \"val/acc\" > 0.9: stop"),
        (
            "when val_loss falling for 3 epochs: stop",
            "when val_loss stops falling for 3 epochs: stop",
        ),
        (
            "when val_loss stops for 3 epochs: stop",
            "when val_loss stops falling for 3 epochs: stop",
        ),
        (
            "when val_loss stops falling after 3 epochs: stop",
            "when val_loss stops falling for 3 epochs: stop",
        ),
    ]);
    leave_a_choice(&[
        ("when val_loss stops falling: stop", "`stops falling for 3 epochs`", "steps"),
        ("when a < 1 and b stops rising by 1%: stop", "`stops rising for 3 epochs`", "steps"),
        ("when x stops for 3 epochs: stop", "`stops falling`", "`stops rising`"),
        ("stops falling: stop", "`when val_loss stops falling for 3 epochs: …`", "its name"),
        ("when stops falling: stop", "`when val_loss stops falling", "its name"),
        ("when stops falling for 3 epochs: stop", "`when val_loss stops falling", "its name"),
    ]);
}

#[test]
fn a_curve_without_a_part() {
    become_right(&[
        (
            "start: train fc lr cosine 1e-3 1e-5 over 3 epochs",
            "start: train fc lr cosine 1e-3 -> 1e-5 over 3 epochs",
        ),
        (
            "start: train fc lr cosine 1e-3, 0, 3 epochs",
            "start: train fc lr cosine 1e-3 -> 0 over 3 epochs",
        ),
    ]);
    leave_a_choice(&[
        ("start: train fc lr cosine 1e-3", "`cosine 1e-3 -> 0 over 10 epochs`", "duration"),
        (
            "start: train fc lr cosine 1e-3 to 1e-5",
            "`cosine 1e-3 -> 1e-5 over 10 epochs`",
            "another",
        ),
        ("start: train fc lr cosine 10 epochs", "`cosine 1e-3 -> 1e-5 over 10 epochs`", "values"),
        ("start: train fc lr cosine(1e-3)", "`cosine 1e-3 -> 1e-5 over 10 epochs`", "own end"),
        ("start: train fc lr from 1e-3 to 1e-5", "`linear 1e-3 -> 1e-5 over 10 epochs`", "shape"),
        ("start: train fc lr 1e-3 over 3epochs", "`linear 1e-3 -> 0", "`linear 1e-3 -> 1e-3"),
        ("start: train fc lr exp 1e-3 weight_decay 0", "`exp 1e-3 -> 1e-5 over", "duration"),
        ("start: train fc lr power 2 1e-3", "`power 2 1e-3 -> 0 over 10 epochs`", "duration"),
        ("start: train fc lr cosine 1e-3 -> 0", "`over 10 epochs`", "`over rest`"),
        ("start: train fc lr cosine 1e-3 -> 0 then 1", "`over 10 epochs`", "`over rest`"),
    ]);
}

#[test]
fn pairs_of_numbers() {
    for pair in ["0.9 0.95", "0.9, 0.95", "(0.9, 0.95)", "[0.9, 0.95]", "=(0.9, 0.95)"] {
        let right = "start: train fc optimizer adam(beta1 0.9, beta2 0.95)";
        become_right(&[
            (&format!("start: train fc optimizer adam(betas {pair})"), right),
            (&format!("start: train fc optimizer adam betas {pair}"), right),
        ]);
    }
    become_right(&[
        (
            "start: train fc lr 1e-3 betas 0.9 0.95",
            "start: train fc lr 1e-3 optimizer adamw(beta1 0.9, beta2 0.95)",
        ),
        (
            "start: train fc optimizer adafactor(eps 1e-30 1e-3, d 1)",
            "start: train fc optimizer adafactor(eps1 1e-30, eps2 1e-3, d 1)",
        ),
        (
            "start: train fc optimizer adamw(amsgrad) betas 0.9 0.95",
            "start: train fc optimizer adamw(amsgrad, beta1 0.9, beta2 0.95)",
        ),
        (
            "start: train fc optimizer adamw(eps 1e-8 betas 0.9 0.95)",
            "start: train fc optimizer adamw(eps 1e-8 beta1 0.9, beta2 0.95)",
        ),
        (
            "start: train fc optimizer adamw beta1 0.9 beta2 0.95",
            "start: train fc optimizer adamw(beta1 0.9, beta2 0.95)",
        ),
        (
            "start: train (fc, bn1) betas (0.9, 0.95)",
            "start: train (fc, bn1) optimizer adamw(beta1 0.9, beta2 0.95)",
        ),
    ]);
}

#[test]
fn a_model_without_quotes() {
    become_right(&[
        ("model resnet18; start: train fc", "model \"resnet18\"; start: train fc"),
        ("model: resnet18; start: train fc", "model \"resnet18\"; start: train fc"),
        (
            "model ../a/b-1.safetensors; start: train fc",
            "model \"../a/b-1.safetensors\"; start: train fc",
        ),
    ]);
}

#[test]
fn two_verbs_in_one_action() {
    become_right(&[
        ("start: train fc set lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr 1e-3 set weight_decay 0", "start: train fc lr 1e-3 weight_decay 0"),
        (
            "start: train fc set @biases weight_decay 0",
            "start: train fc, set @biases weight_decay 0",
        ),
        ("start: train fc unfreeze layer4", "start: train fc, unfreeze layer4"),
        ("start: freeze @all train fc lr 1e-3", "start: freeze @all, train fc lr 1e-3"),
        ("epoch 9: restore lowest loss stop", "epoch 9: restore lowest loss, stop"),
    ]);
    become_right(&[("start: train fc then freeze layer4", "start: train fc, freeze layer4")]);
    leave_a_choice(&[("start: train unfreeze fc", "`train` for these", "`unfreeze` for these")]);
}
