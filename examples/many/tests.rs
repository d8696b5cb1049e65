//! The pieces of the example in one process.

use std::collections::BTreeSet;

use freeze_examples::{check_description, digits, policy};
use freeze_runtime::Group;
use tch::{Device, nn};

use crate::network::Network;
use crate::processes;
use crate::train::train;

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("many", &vs).unwrap();
}

#[test]
fn one_process_learns_the_digits() {
    let folder = tempfile::tempdir().unwrap();
    let digits = digits::load().unwrap();
    let policy = policy("many", "many.freeze").unwrap();
    let run = train(&Group::from_env().unwrap(), &policy, &digits, folder.path()).unwrap();
    let bytes: BTreeSet<usize> = run.epochs.iter().map(|epoch| epoch.bytes).collect();
    let sizes = [128 * 10 + 10, 256 * 128 + 128, 64 * 256 + 256].map(|numbers| 4 * numbers);
    let [head, middle, stem] = sizes;
    assert!(bytes.into_iter().eq([head, head + middle, head + middle + stem]));
    let last = run.epochs.last().unwrap();
    assert!(last.accuracy > 0.9, "{}", last.accuracy);
    assert_eq!(run.epochs[2].fired, "middle");
}

#[test]
fn a_number_of_processes_is_at_least_one() {
    let read = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        processes(&words).map_err(|error| error.to_string())
    };
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&["--processes", "3"]), Ok(Some(3)));
    for wrong in ["0", "-1", "two"] {
        let error = read(&["--processes", wrong]).unwrap_err();
        assert_eq!(error, "`--processes` takes a number from 1 on");
    }
    assert!(read(&["3"]).unwrap_err().starts_with("usage: "));
}
