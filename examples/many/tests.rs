//! The pieces of the example in one process.

use std::collections::BTreeSet;

use freeze_examples::{digits, file, policy};
use freeze_runtime::{Group, Model};
use tch::{Device, nn};

use crate::network::Network;
use crate::train::train;

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    let live = Model::of(&vs).unwrap();
    let path = file("many/many.model.json");
    if std::env::var_os("WRITE_MODEL").is_some() {
        live.save(&path).unwrap();
    }
    assert_eq!(Model::load(&path).unwrap(), live, "run this test with WRITE_MODEL=1");
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
