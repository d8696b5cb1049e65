//! What each word of the language means, in one table.

use crate::vocabulary::OPTIMIZERS;

/// The keywords, with an example each and what they mean.
const KEYWORDS: [(&str, &str, &str); 74] = [
    (
        "model",
        "model \"resnet18.safetensors\"",
        "The model that the policy is checked against. The path is relative to the policy's file.",
    ),
    ("run", "run 20 epochs", "The length of the whole run. Percentages and `rest` need it."),
    (
        "default",
        "default lr 1e-3 weight_decay 0.05",
        "Options of every parameter for which no action sets another.",
    ),
    ("let", "let base = 1e-3", "Names a number, or with `@` targets or a list."),
    (
        "for",
        "for @stage in @stages { … }",
        "Repeats rules or actions for each element of a list or each number of a range. In a condition: for how long it must hold.",
    ),
    (
        "track",
        "track vision in encoder { … }",
        "A sequence of rules of its own, which alone trains and freezes what it has after `in`.",
    ),
    (
        "repeat",
        "repeat { after 2 epochs: … }",
        "The end of a sequence: its rules fire again, round after round. In a curve: it starts again and again (warm restarts).",
    ),
    ("start", "start: train fc", "Before the first step; the same as `epoch 0`."),
    (
        "epoch",
        "epoch 3: unfreeze layer4",
        "When so many epochs are done, counted from 0. As a unit: one epoch.",
    ),
    (
        "step",
        "step 500: unfreeze layer4",
        "When so many optimizer steps are made, counted from 0. As a unit: one step.",
    ),
    ("at", "at 50%: freeze @norms", "When this part of the run is done; needs `run`."),
    ("after", "after 2 epochs: unfreeze layer3", "This long after the rule before it first fired."),
    (
        "every",
        "every 50 steps: train sample 2 of @layers",
        "Again and again, this long after the firing before, until the next rule fires. In a curve: the time between two steps of it.",
    ),
    (
        "when",
        "when val_loss stops falling for 3 epochs: stop",
        "Once a condition on metrics holds.",
    ),
    (
        "whenever",
        "whenever val_loss stops falling for 3 epochs: set @trainable lr * 0.1",
        "Each time that a condition on metrics comes true, until the next rule fires.",
    ),
    (
        "train",
        "train fc lr 1e-3",
        "These parameters train and no others. Several in one rule add up.",
    ),
    ("unfreeze", "unfreeze layer4 lr 1e-4", "These parameters train as well."),
    (
        "freeze",
        "freeze layer4",
        "These parameters no longer train; their optimizer state is dropped unless `keep state` follows. After `then`: the parameter is frozen when the curve ends.",
    ),
    ("set", "set @norms weight_decay 0", "Changes options and nothing else."),
    ("reset", "reset layer4", "Drops the optimizer state of these parameters."),
    (
        "restore",
        "restore lowest val_loss",
        "Gives parameters and running statistics the values that they had when the metric was best.",
    ),
    ("stop", "when val_acc > 0.95: stop", "Ends the training."),
    (
        "lr",
        "lr cosine 1e-3 -> 1e-5 over rest",
        "The learning rate: a number, a curve, or with `*` a factor for the one in force.",
    ),
    ("weight_decay", "weight_decay 0.05", "The weight decay: a number or a curve."),
    (
        "anchor",
        "anchor 0.01",
        "Pulls parameters toward the values that they had when training began (L2-SP).",
    ),
    ("optimizer", "optimizer adamw(beta2 0.99)", "The optimizer, with its numbers."),
    (
        "stats",
        "stats held",
        "Whether running statistics, as of a batch norm, keep their values (`held`) or follow the data (`live`).",
    ),
    ("keep", "freeze layer4 keep state", "Keeps the optimizer state of what is frozen."),
    ("except", "@all except layer4", "Takes away what follows."),
    (
        "in",
        "@biases in layer4",
        "What is selected by both sides. In a loop: before the list. In a track: before what it owns.",
    ),
    ("linear", "linear 0 -> 1e-3 over 500 steps", "Moves evenly."),
    ("cosine", "cosine 1e-3 -> 0 over 10 epochs", "Moves along half a cosine."),
    ("exp", "exp 1e-3 -> 1e-5 over 10 epochs", "Moves by a constant factor."),
    (
        "sqrt",
        "sqrt 1e-3 -> 0 over 10 epochs",
        "Moves by the square root of the time that has passed.",
    ),
    (
        "power",
        "power 2 1e-3 -> 0 over 10 epochs",
        "Moves by a power of the time that is left (polynomial decay).",
    ),
    (
        "invsqrt",
        "invsqrt 1e-3 over 4000 steps",
        "Falls by the inverse square root of time, and never ends.",
    ),
    ("first", "first 2 of @stages", "The first elements of a list; `30%` is a part of it."),
    ("last", "last 2 of @stages", "The last elements of a list; `30%` is a part of it."),
    (
        "sample",
        "sample 4 of @layers seed 7",
        "So many elements of a list, drawn without replacement at every firing.",
    ),
    ("rows", "rows 0..32 of embed.weight", "Rows of one parameter: the rest of it is frozen."),
    ("reversed", "reversed @stages", "The list from its end to its start."),
    ("len", "len(@stages)", "How many elements a list has."),
    ("min", "min(a, b)", "The smallest of some numbers."),
    ("max", "max(a, b)", "The largest of some numbers."),
    ("floor", "floor(a)", "The next whole number below."),
    ("ceil", "ceil(a)", "The next whole number above."),
    ("round", "round(a)", "The nearest whole number, halves away from 0."),
    ("epochs", "2 epochs", "A duration in epochs."),
    ("steps", "500 steps", "A duration in optimizer steps."),
    (
        "grad_norm",
        "grad_norm(layer4) < 0.1",
        "A metric that the runtime observes by itself: the mean norm of the gradients of these parameters over an epoch.",
    ),
    ("and", "val_loss < 0.5 and val_acc > 0.9", "Both conditions hold."),
    ("or", "val_loss < 0.5 or epoch 5", "The first of several moments."),
    ("as", "epoch 3 as top: …", "Names the rule."),
    ("stops", "val_loss stops falling for 3 epochs", "The metric has not improved for this long."),
    ("falling", "val_loss stops falling for 3 epochs", "A lower value of the metric is better."),
    ("rising", "val_acc stops rising for 3 epochs", "A higher value of the metric is better."),
    (
        "by",
        "stops falling for 3 epochs by 1e-3",
        "The smallest change that counts as an improvement; `1%` is of the best value.",
    ),
    ("rest", "cosine 1e-3 -> 0 over rest", "What is left of the run; needs `run`."),
    ("of", "last 2 of @stages", "The list that a part is taken of follows it."),
    ("lowest", "restore lowest val_loss", "The lowest value of the metric is its best."),
    ("highest", "restore highest val_acc", "The highest value of the metric is its best."),
    (
        "state",
        "freeze layer4 keep state",
        "What the optimizer keeps of a parameter, such as its momentum.",
    ),
    ("held", "stats held", "Running statistics keep their values."),
    ("live", "stats live", "Running statistics follow the data."),
    ("over", "linear 0 -> 1e-3 over 500 steps", "How long a piece of a curve lasts."),
    ("times", "1e-3 times 0.1 every 30 epochs", "Multiplies again and again."),
    ("to", "1e-3 times 0.1 every 30 epochs to 1e-6", "Where multiplying ends."),
    (
        "then",
        "linear 0 -> 1e-3 over 500 steps then 1e-3",
        "The next piece of a curve; with `freeze`, what it ends with.",
    ),
    (
        "stretching",
        "repeat stretching 2",
        "Each round of the curve is this much longer than the one before.",
    ),
    ("seed", "sample 4 of @layers seed 7", "The seed of the draws: the same seed draws the same."),
    ("nesterov", "optimizer sgd(momentum 0.9, nesterov)", "Nesterov's momentum."),
    (
        "amsgrad",
        "optimizer adam(amsgrad)",
        "The AMSGrad variant: the largest second moment so far.",
    ),
    (
        "centered",
        "optimizer rmsprop(centered)",
        "Subtracts the mean of the gradients from their second moment.",
    ),
    (
        "decoupled",
        "optimizer nadam(decoupled)",
        "Weight decay apart from the gradient, as AdamW has it.",
    ),
];

/// The flag of Muon alone, and the numbers of optimizers.
const ARGUMENTS: [(&str, &str); 15] = [
    ("match_rms", "Scales updates so that their size is that of AdamW's."),
    ("momentum", "How much of the last update is kept, from 0 to below 1."),
    ("dampening", "How much less of the gradient the momentum takes."),
    ("beta1", "The decay rate of the mean of gradients."),
    ("beta2", "The decay rate of the mean of their squares."),
    ("eps", "Added to what is divided by, so that it is not 0."),
    ("alpha", "The decay rate of the mean of squared gradients."),
    ("lr_decay", "How fast the learning rate falls with the steps."),
    ("initial", "The first value of the sums of squares."),
    ("momentum_decay", "How fast the momentum grows to its full value."),
    ("beta2_decay", "The power of the step by which the decay rate of squares grows, at most 0."),
    ("eps1", "Added to squared gradients; without it, the precision of the type."),
    ("eps2", "The least size of a parameter by which updates are scaled."),
    ("d", "The largest size of an update."),
    ("steps", "How many iterations of Newton and Schulz orthogonalize an update."),
];

/// The optimizers, with what they are.
const NAMES: [(&str, &str); 11] = [
    ("sgd", "Stochastic gradient descent, with momentum if it is given."),
    ("adam", "Adam (Kingma and Ba, 2015)."),
    ("adamw", "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."),
    ("rmsprop", "RMSprop (Hinton, 2012)."),
    ("adagrad", "Adagrad (Duchi et al., 2011)."),
    ("adamax", "Adam with the infinity norm."),
    ("nadam", "Adam with Nesterov's momentum (Dozat, 2016)."),
    ("radam", "Rectified Adam (Liu et al., 2020)."),
    ("adafactor", "Adafactor: factored second moments, little memory (Shazeer and Stern, 2018)."),
    ("muon", "Muon: orthogonalized momentum, for matrices alone (Jordan et al., 2024)."),
    ("lion", "Lion: the sign of the momentum (Chen et al., 2023)."),
];

/// The ready-made names, with what they select.
const READY: [(&str, &str); 7] = [
    ("all", "Every parameter; in a track, every one that it owns."),
    ("biases", "Parameters whose last segment is `bias`, or `beta` beside a `gamma`."),
    ("vectors", "Parameters of at most one dimension."),
    ("norms", "The parameters of normalisation modules."),
    ("matrices", "Parameters of exactly two dimensions."),
    ("trainable", "What trains just before the rule."),
    ("frozen", "What is frozen just before the rule."),
];

/// What a keyword or a flag of an optimizer means, as Markdown.
pub(super) fn keyword(word: &str) -> Option<String> {
    let (_, example, meaning) = KEYWORDS.iter().find(|(known, ..)| *known == word)?;
    Some(format!("```freeze\n{example}\n```\n{meaning}"))
}

/// What a number or a flag of an optimizer means.
pub(super) fn argument(word: &str) -> Option<&'static str> {
    let of_keyword = || KEYWORDS.iter().find(|(known, ..)| *known == word).map(|(.., it)| *it);
    ARGUMENTS.iter().find(|(known, _)| *known == word).map(|(_, it)| *it).or_else(of_keyword)
}

/// What an optimizer is, with its arguments, as Markdown.
pub(super) fn optimizer(name: &str) -> Option<String> {
    let (_, meaning) = NAMES.iter().find(|(known, _)| *known == name)?;
    let (_, arguments) = OPTIMIZERS.iter().find(|(known, _)| *known == name)?;
    let arguments = arguments
        .iter()
        .map(|word| format!("\n- `{word}`: {}", argument(word).unwrap_or_default()));
    Some(format!("{meaning}\n{}", arguments.collect::<String>()))
}

/// What a ready-made name selects.
pub(super) fn ready_made(name: &str) -> Option<&'static str> {
    READY.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::vocabulary::{FLAGS, READY_MADE, keywords};

    fn set<'w>(words: impl IntoIterator<Item = &'w str>) -> BTreeSet<&'w str> {
        words.into_iter().collect()
    }

    #[test]
    fn every_word_has_a_meaning_and_no_other() {
        let flags = FLAGS.into_iter().filter(|flag| *flag != "match_rms");
        assert_eq!(set(KEYWORDS.iter().map(|it| it.0)), set(keywords().chain(flags)));
        let arguments = || OPTIMIZERS.iter().flat_map(|(_, arguments)| arguments.iter().copied());
        assert!(arguments().all(|word| argument(word).is_some()));
        let known = set(arguments());
        assert!(ARGUMENTS.iter().all(|(word, _)| known.contains(word)));
        assert!(OPTIMIZERS.iter().all(|(name, _)| optimizer(name).is_some()));
        assert_eq!(set(READY.iter().map(|it| it.0)), set(READY_MADE));
    }

    #[test]
    fn every_example_is_text_of_the_language() {
        for (word, example, _) in KEYWORDS {
            assert!(example.contains(word) || word == "epoch" || word == "step", "{word}");
        }
    }
}
