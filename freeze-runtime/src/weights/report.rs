//! What was loaded.

use std::fmt;

/// What [`Weights::load`](crate::Weights::load) did. `Display` prints it as one line for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LoadReport {
    /// The tensors of the model that were written, in its order; of tied ones, the first name.
    pub loaded: Vec<String>,
    /// The tensors of the model that were written from a tensor of another name or under an old name:
    /// the name in the model, then the name in the file.
    pub renamed: Vec<(String, String)>,
    /// The tensors of the model that were converted from another dtype.
    pub cast: Vec<String>,
    /// The tensors of the model that keep their values: the weights do not have them, or not in their
    /// shape, and [`allow_missing`](crate::Weights::allow_missing) selects them.
    pub kept: Vec<String>,
    /// The tensors of the weights that were not used, by their names in the file.
    pub unused: Vec<String>,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensors = if self.loaded.len() == 1 { "tensor" } else { "tensors" };
        write!(f, "loaded {} {tensors}", self.loaded.len())?;
        if !self.cast.is_empty() {
            write!(f, ", {} of them converted", self.cast.len())?;
        }
        for (what, names) in [("kept", &self.kept), ("did not use", &self.unused)] {
            if !names.is_empty() {
                write!(f, "; {what} {}", listed(names))?;
            }
        }
        Ok(())
    }
}

/// The first of many names, and the number of the others.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 4;
    match names.split_at_checked(NAMED).filter(|(_, others)| others.len() > 1) {
        Some((first, others)) => format!("{} and {} more", first.join(", "), others.len()),
        None => names.join(", "),
    }
}
