//! The ways to learn new words that are compared.

use std::error::Error;

use freeze_examples::policy;
use freeze_runtime::Policy;

/// A way to learn new words.
pub(crate) struct Strategy {
    /// Its name in the table and in the picture.
    pub(crate) name: &'static str,
    /// What trains when, and how.
    pub(crate) policy: Policy,
}

/// All that are compared. Each learning rate is the smallest of 3e-4, 1e-3, 3e-3 and so on by which
/// all new words are learnt, tried on other draws than the example makes: a larger one forgets more
/// of the old ones.
///
/// # Errors
/// If a policy's file cannot be read, or all that is wrong with it.
pub(crate) fn all() -> Result<[Strategy; 3], Box<dyn Error>> {
    let strategy = |name, file| policy("rows", file).map(|policy| Strategy { name, policy });
    Ok([
        strategy("everything", "everything.freeze")?,
        strategy("embedding", "embedding.freeze")?,
        strategy("new rows", "new_rows.freeze")?,
    ])
}
