//! The policies of the examples, and the report of their findings.

use std::error::Error;
use std::process::ExitCode;

use freeze_runtime::{Model, Policy};

use crate::file;

/// A policy of an example, checked against the description of the example's network before
/// anything trains.
///
/// # Errors
/// If one of the two files cannot be read, or the policy has errors.
pub fn policy(example: &str, name: &str) -> Result<Policy, Box<dyn Error>> {
    let folder = file(example);
    let policy = Policy::load(folder.join(name))?;
    let network = Model::load(folder.join(format!("{example}.model.json")))?;
    policy.plan(&network)?;
    Ok(policy)
}

/// The exit code of a program; prints the error.
#[must_use]
pub fn exit_code(ended: Result<(), Box<dyn Error>>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::policy;

    #[test]
    fn a_policy_of_another_network_is_refused() {
        assert!(policy("digits", "gradual.freeze").is_ok());
        let refused = policy("digits", "../chain_thaw/head_only.freeze").unwrap_err().to_string();
        assert!(refused.contains("`output_layer` selects no parameter"), "{refused}");
    }
}
