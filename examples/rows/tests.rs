//! The pieces of the example, with little text.

use std::collections::{HashMap, HashSet};

use freeze_examples::{bar, check_description, comparison};
use tch::{Device, nn};

use crate::language::{About, Language, OLD_WORDS, WORDS, read};
use crate::network::Network;
use crate::train::{learn, learn_new_words};
use crate::{COLUMNS, Outcome, picture, strategies};

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root(), WORDS);
    check_description("rows", &vs).unwrap();
}

#[test]
fn the_language_never_contradicts_itself() {
    tch::manual_seed(0);
    let language = Language::draw();
    let mut animals = [About::Old, About::New].map(|about| {
        let mut facts = HashMap::new();
        for sentence in language.sentences(2000, about).unbind(0) {
            let sentence = read(&sentence);
            let words: Vec<&str> = sentence.split(' ').collect();
            let ["the", first, verb, object, "and", "the", second, next_verb, next_object, "."] =
                words[..]
            else {
                panic!("{sentence}")
            };
            let second = if second == "same" { first } else { second };
            for (animal, verb, object) in [(first, verb, object), (second, next_verb, next_object)]
            {
                let fact = (animal.to_owned(), verb.to_owned());
                let known = facts.entry(fact).or_insert_with(|| object.to_owned());
                assert_eq!(known, object, "{sentence}");
            }
        }
        facts.into_keys().map(|(animal, _)| animal).collect::<HashSet<_>>()
    });
    assert_eq!(animals.each_ref().map(HashSet::len), [40, 8]);
    let [old, new] = &mut animals;
    assert!(old.is_disjoint(new));
}

#[test]
fn new_rows_learn_and_old_ones_keep_every_bit() {
    tch::set_num_threads(1);
    tch::manual_seed(0);
    let language = Language::draw();
    let (learnt, _) = learn(&language, 64 * 20, &bar(0, "test")).unwrap();
    let outcomes = strategies().unwrap().map(|strategy| {
        let run = learn_new_words(&strategy.policy, &language, &learnt, 0, &bar(0, "test"));
        Outcome { strategy, runs: vec![run.unwrap()] }
    });
    let [everything, embedding, new_rows] = outcomes.each_ref().map(|outcome| &outcome.runs[0]);

    let old = usize::try_from(OLD_WORDS).unwrap();
    assert_eq!(new_rows.differing_bits, 0);
    assert!(new_rows.moved[..old].iter().all(|moved| *moved == 0.0));
    assert!(new_rows.moved[old..].iter().all(|moved| *moved > 0.0));
    for run in [everything, embedding] {
        assert!(run.differing_bits > 0);
        assert!(run.moved.iter().all(|moved| *moved > 0.0));
    }
    let [bytes, more, most] = [new_rows, embedding, everything].map(|run| run.optimizer_bytes);
    assert!(bytes < more / 8 && more < most / 8, "{bytes}, {more}, {most}");

    let pale = picture::picture(&outcomes).to_string().matches("#f0f0f0").count();
    assert_eq!(pale, old + 1, "each old word, and the legend");
    assert_eq!(comparison::table(&outcomes, &COLUMNS).to_string().lines().count(), 2 + 3);
}
