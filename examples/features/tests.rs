//! The pieces of the example, after less pretraining.

use freeze_examples::{check_description, digits};
use tch::{Device, nn};

use crate::network::Network;
use crate::{fine_tune_twice, pretrain};

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("features", &vs).unwrap();
}

#[test]
fn a_run_with_a_cache_has_the_bits_of_one_without() {
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let pretrained = folder.path().join("pretrained.safetensors");
    let digits = digits::load().unwrap();
    pretrain(&digits, &pretrained, 2).unwrap();
    let [with, without] = fine_tune_twice(&digits, &pretrained).unwrap();
    assert_eq!(with.weights.differing_bits(&without.weights), Some(0));
    // 500 samples: computed once while frozen, and in each of the 6 epochs after that.
    assert_eq!((with.counts.computed, with.counts.reused), (7 * 500, 23 * 500));
    assert_eq!((with.counts.refused, with.counts.cleared), (0, 1));
    assert_eq!(with.prefix, "frozen until `middle`, in epoch 24 at the earliest");
    assert_eq!((without.counts.computed, without.bytes), (0, 0));
    assert!(with.accuracy > 0.8, "{}", with.accuracy);
}
