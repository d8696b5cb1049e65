//! The descriptions of the examples' networks.

use std::env;
use std::error::Error;

use freeze_runtime::Model;
use tch::nn::VarStore;

use crate::file;

/// Checks that the description of an example is that of its network. With the environment variable
/// `WRITE_MODEL`, it is written anew.
///
/// # Errors
/// If it is of another network, or cannot be read or written.
pub fn check_description(example: &str, network: &VarStore) -> Result<(), Box<dyn Error>> {
    let live = Model::of(network)?;
    let path = file(&format!("{example}/{example}.model.json"));
    if env::var_os("WRITE_MODEL").is_some() {
        live.save(&path)?;
    }
    if Model::load(&path)? == live {
        return Ok(());
    }
    let name = path.display();
    Err(format!("{name} is of another network: run the test with WRITE_MODEL=1").into())
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn};

    use super::check_description;

    #[test]
    fn another_network_is_refused() {
        let vs = nn::VarStore::new(Device::Cpu);
        let _fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
        let refused = check_description("digits", &vs).unwrap_err().to_string();
        assert!(refused.contains("digits.model.json is of another network"), "{refused}");
    }
}
