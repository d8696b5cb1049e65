//! A language that the program makes: sentences of two facts about animals.
//!
//! `the bari eats fish and the tolu fears owls .`, or `… and the same fears owls .`, which is about
//! the first animal again. What an animal eats, fears and likes is drawn once, so that the last word
//! of each fact follows from the words before it.

use tch::{Device, Kind, Tensor};

const GLUE: [&str; 4] = ["the", "and", "same", "."];
const THE: i64 = 0;
const AND: i64 = 1;
const SAME: i64 = 2;
const STOP: i64 = 3;
const VERBS: [&str; 3] = ["eats", "fears", "likes"];
/// What follows each verb.
const OBJECTS: [[&str; 6]; 3] = [
    ["fish", "grass", "seeds", "fruit", "ants", "leaves"],
    ["owls", "wolves", "storms", "fire", "snakes", "noise"],
    ["caves", "trees", "lakes", "fields", "dunes", "marshes"],
];
const SYLLABLES: [&str; 7] = ["ba", "di", "ko", "lu", "me", "ri", "su"];

/// Animals that the language has from the beginning.
pub(crate) const OLD_ANIMALS: i64 = 40;
/// Animals that are added to it.
pub(crate) const NEW_ANIMALS: i64 = 8;
/// Words of a sentence.
pub(crate) const LENGTH: i64 = 10;
/// The places of a sentence that follow from the words before them, counted from 0.
pub(crate) const PREDICTABLE: [i64; 2] = [3, 8];

const VERB_COUNT: i64 = 3;
const OBJECTS_OF_A_VERB: i64 = 6;
const FIRST_VERB: i64 = 4;
const FIRST_OBJECT: i64 = FIRST_VERB + VERB_COUNT;
const FIRST_ANIMAL: i64 = FIRST_OBJECT + VERB_COUNT * OBJECTS_OF_A_VERB;
/// Words that the language has from the beginning.
pub(crate) const OLD_WORDS: i64 = FIRST_ANIMAL + OLD_ANIMALS;
/// Words that it has in the end.
pub(crate) const WORDS: i64 = OLD_WORDS + NEW_ANIMALS;

/// What is true of each animal, for as long as the language lasts.
#[derive(Debug)]
pub(crate) struct Language {
    /// Which of its objects is true: a number a verb for each animal.
    facts: Tensor,
}

/// Whom sentences are about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum About {
    /// Animals that were there from the beginning.
    Old,
    /// Animals that were added.
    New,
    /// The first fact about one that was added, the second about the same or about one that was
    /// there.
    NewThenOld,
}

impl Language {
    /// Draws what is true with tch's generator.
    pub(crate) fn draw() -> Self {
        Self { facts: randint(OBJECTS_OF_A_VERB, &[(OLD_ANIMALS + NEW_ANIMALS) * VERB_COUNT]) }
    }

    /// So many sentences, drawn with tch's generator: a row each, a number a word.
    pub(crate) fn sentences(&self, count: i64, about: About) -> Tensor {
        let old = || randint(OLD_ANIMALS, &[count]);
        let new = || randint(NEW_ANIMALS, &[count]) + OLD_ANIMALS;
        let (first, other) = match about {
            About::Old => (old(), old()),
            About::New => (new(), new()),
            About::NewThenOld => (new(), old()),
        };
        // Every other sentence goes on about the same animal.
        let goes_on = randint(2, &[count]).eq(1);
        let second = first.where_self(&goes_on, &other);
        let word = |number: i64| Tensor::full([count], number, (Kind::Int64, Device::Cpu));
        let name = |animals: &Tensor| animals + FIRST_ANIMAL;
        let [verb, object] = self.fact(&first);
        let [next_verb, next_object] = self.fact(&second);
        let words = [
            word(THE),
            name(&first),
            verb,
            object,
            word(AND),
            word(THE),
            word(SAME).where_self(&goes_on, &name(&second)),
            next_verb,
            next_object,
            word(STOP),
        ];
        Tensor::stack(&words, 1)
    }

    /// A verb for each animal, and what is true then.
    fn fact(&self, animals: &Tensor) -> [Tensor; 2] {
        let verbs = randint(VERB_COUNT, &animals.size());
        let objects = self.facts.index_select(0, &(animals * VERB_COUNT + &verbs));
        [&verbs + FIRST_VERB, verbs * OBJECTS_OF_A_VERB + objects + FIRST_OBJECT]
    }
}

/// A sentence as a person reads it.
pub(crate) fn read(sentence: &Tensor) -> String {
    let numbers = Vec::<i64>::try_from(sentence).unwrap_or_default();
    numbers.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The word of a number.
fn word(number: i64) -> String {
    let Ok(number) = usize::try_from(number) else { return "?".to_owned() };
    let known = GLUE.iter().chain(&VERBS).chain(OBJECTS.iter().flatten());
    if let Some(word) = known.copied().nth(number) {
        return word.to_owned();
    }
    let animal = number - GLUE.len() - VERBS.len() - OBJECTS.as_flattened().len();
    let syllable = |index: usize| SYLLABLES.iter().cycle().copied().nth(index).unwrap_or("");
    let (first, second) = (animal / SYLLABLES.len(), animal % SYLLABLES.len());
    format!("{}{}", syllable(first), syllable(second))
}

fn randint(below: i64, size: &[i64]) -> Tensor {
    Tensor::randint(below, size, (Kind::Int64, Device::Cpu))
}
