//! A generated language: sentences of two facts about animals.
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
/// The objects of each verb.
const OBJECTS: [[&str; 6]; 3] = [
    ["fish", "grass", "seeds", "fruit", "ants", "leaves"],
    ["owls", "wolves", "storms", "fire", "snakes", "noise"],
    ["caves", "trees", "lakes", "fields", "dunes", "marshes"],
];
const SYLLABLES: [&str; 7] = ["ba", "di", "ko", "lu", "me", "ri", "su"];

/// The number of old animals.
pub(crate) const OLD_ANIMALS: i64 = 40;
/// The number of new animals.
pub(crate) const NEW_ANIMALS: i64 = 8;
/// The words of a sentence.
pub(crate) const LENGTH: i64 = 10;
/// The places of a sentence that follow from the words before them, counted from 0.
pub(crate) const PREDICTABLE: [i64; 2] = [3, 8];

const VERB_COUNT: i64 = 3;
const OBJECTS_OF_A_VERB: i64 = 6;
const FIRST_VERB: i64 = 4;
const FIRST_OBJECT: i64 = FIRST_VERB + VERB_COUNT;
const FIRST_ANIMAL: i64 = FIRST_OBJECT + VERB_COUNT * OBJECTS_OF_A_VERB;
/// The number of old words.
pub(crate) const OLD_WORDS: i64 = FIRST_ANIMAL + OLD_ANIMALS;
/// The number of all words.
pub(crate) const WORDS: i64 = OLD_WORDS + NEW_ANIMALS;

/// The facts about each animal, which never change.
#[derive(Debug)]
pub(crate) struct Language {
    /// The index of the true object, for each animal and verb.
    facts: Tensor,
}

/// The animals in a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum About {
    /// Old animals.
    Old,
    /// New animals.
    New,
    /// The first fact about a new animal, the second about the same or an old one.
    NewThenOld,
}

impl Language {
    /// Draws all facts with tch's generator.
    pub(crate) fn draw() -> Self {
        Self { facts: randint(OBJECTS_OF_A_VERB, &[(OLD_ANIMALS + NEW_ANIMALS) * VERB_COUNT]) }
    }

    /// Draws sentences with tch's generator: one row for each sentence, one number for each word.
    pub(crate) fn sentences(&self, count: i64, about: About) -> Tensor {
        let old = || randint(OLD_ANIMALS, &[count]);
        let new = || randint(NEW_ANIMALS, &[count]) + OLD_ANIMALS;
        let (first, other) = match about {
            About::Old => (old(), old()),
            About::New => (new(), new()),
            About::NewThenOld => (new(), old()),
        };
        // Every other sentence continues with the same animal.
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

    /// A verb for each animal, and the true object.
    fn fact(&self, animals: &Tensor) -> [Tensor; 2] {
        let verbs = randint(VERB_COUNT, &animals.size());
        let objects = self.facts.index_select(0, &(animals * VERB_COUNT + &verbs));
        [&verbs + FIRST_VERB, verbs * OBJECTS_OF_A_VERB + objects + FIRST_OBJECT]
    }
}

/// The text of a sentence.
pub(crate) fn read(sentence: &Tensor) -> String {
    let numbers = Vec::<i64>::try_from(sentence).unwrap_or_default();
    numbers.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The word with an index.
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
