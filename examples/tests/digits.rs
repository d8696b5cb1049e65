//! What the digits example's policies are checked against is its network.
//!
//! `WRITE_MODEL=1 cargo test -p freeze-examples --test digits` describes the network anew. This is
//! a test and not the example itself, because the example does not compile while one of its
//! policies does not fit the description.

#[expect(dead_code, reason = "the example's network, of which only the parameters matter here")]
#[path = "../digits/network.rs"]
mod network;

use std::path::PathBuf;

use freeze_examples::check_description;
use freeze_runtime::{Model, Policy};
use network::Network;
use tch::{Device, nn};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("digits").join(name)
}

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("digits", &vs).unwrap();
}

#[test]
fn the_policies_fit() {
    let model = Model::load(file("digits.model.json")).unwrap();
    for name in ["head_only.freeze", "gradual.freeze"] {
        let plan = Policy::load(file(name)).unwrap().plan(&model);
        assert!(plan.is_ok(), "{}", plan.unwrap_err());
    }
}
