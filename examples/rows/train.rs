//! Teaches a network words: the first ones, and later more.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_examples::Weights;
use freeze_examples::weights::{differing_bits, distance};
use freeze_runtime::{Policy, Transition, Tuner, freeze_policy};
use indicatif::ProgressBar;
use tch::{Device, Kind, Tensor, nn};

use crate::language::{About, Language, OLD_WORDS, PREDICTABLE, WORDS};
use crate::network::Network;

/// Sentences from which the network learns the language.
pub(crate) const OLD_TEXT: u64 = 96_000;
/// Sentences from which it learns the new words.
pub(crate) const NEW_TEXT: i64 = 128;
/// How often it reads these.
pub(crate) const EPOCHS: u64 = 40;
/// Sentences on which it is tested.
const TEST: i64 = 1000;
const OLD_BATCH: i64 = 64;
const NEW_BATCH: i64 = 32;

/// What came of a run.
pub(crate) struct Run {
    /// The share of what is true of new animals that the network tells right, in sentences that go
    /// on about animals that were there before.
    pub(crate) new_accuracy: f64,
    /// The same of those that were there before, in sentences about them alone.
    pub(crate) old_accuracy: f64,
    /// How far each row of the embedding moved: the root of the mean square, 0 where not one bit
    /// changed.
    pub(crate) moved: Vec<f64>,
    /// In how many bits the rows of the old words differ from what they were.
    pub(crate) differing_bits: u64,
    /// The most bytes that optimizer state ever held.
    pub(crate) optimizer_bytes: usize,
    /// How long the steps took, in seconds.
    pub(crate) seconds: f64,
    /// What the tuner said when the rule fired.
    pub(crate) change: Transition,
}

/// What a network has learnt of the language before words are added to it, and the share of what
/// is true that it tells right.
///
/// # Errors
/// If training fails.
pub(crate) fn learn(
    language: &Language,
    sentences: u64,
    progress: &ProgressBar,
) -> Result<(Weights, f64), Box<dyn Error>> {
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root(), OLD_WORDS);
    let policy = freeze_policy! { start: train @all lr 3e-3; };
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    tuner.start_epoch()?;
    let batch = u64::try_from(OLD_BATCH)?;
    for _ in 0..sentences / batch {
        tuner.backward_step(&network.loss(&language.sentences(OLD_BATCH, About::Old)))?;
        progress.inc(batch);
    }
    let accuracy = network.mean_accuracy(&language.sentences(TEST, About::Old));
    Ok((Weights::of(&vs), accuracy))
}

/// Teaches the new words as a policy says.
///
/// # Errors
/// If what was learnt is not of such a network, the policy does not fit it, or training fails.
pub(crate) fn learn_new_words(
    policy: &Policy,
    language: &Language,
    learnt: &Weights,
    seed: i64,
    progress: &ProgressBar,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(seed);
    let text = language.sentences(NEW_TEXT, About::New);
    let old_test = language.sentences(TEST, About::Old);
    let new_test = language.sentences(TEST, About::NewThenOld);

    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root(), WORDS);
    learnt.put_into(&vs)?;
    let before = network.words().copy();

    let mut tuner = Tuner::builder(policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    let change = tuner.start_epoch()?;
    let mut time = Duration::ZERO;
    let mut optimizer_bytes = 0;
    loop {
        let begun = Instant::now();
        for batch in shuffled(&text).split(NEW_BATCH, 0) {
            tuner.backward_step(&network.loss(&batch))?;
        }
        time += begun.elapsed();
        optimizer_bytes = tuner.optimizer_bytes().max(optimizer_bytes);
        progress.inc(1);
        if tuner.epochs_started() == EPOCHS {
            break;
        }
        tuner.start_epoch()?;
    }
    let after = network.words();
    let old = |words: &Tensor| words.narrow(0, 0, OLD_WORDS);
    let [first, _] = PREDICTABLE;
    Ok(Run {
        new_accuracy: network.accuracy(&new_test, first),
        old_accuracy: network.mean_accuracy(&old_test),
        moved: moved(&before, &after),
        differing_bits: differing_bits(&old(&before), &old(&after)).unwrap_or(u64::MAX),
        optimizer_bytes,
        seconds: time.as_secs_f64(),
        change,
    })
}

fn shuffled(text: &Tensor) -> Tensor {
    let count = text.size().first().copied().unwrap_or(0);
    text.index_select(0, &Tensor::randperm(count, (Kind::Int64, Device::Cpu)))
}

/// How far each row moved.
fn moved(before: &Tensor, after: &Tensor) -> Vec<f64> {
    let rows = before.unbind(0).into_iter().zip(after.unbind(0));
    rows.map(|(before, after)| distance(&before, &after).unwrap_or(f64::NAN)).collect()
}
