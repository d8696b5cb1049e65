//! The difference between two policies.

use std::fmt::Write;

use super::Policy;
use crate::diff::unified;
use crate::format::format;

impl Policy {
    /// How a later policy differs from this one, as `diff -u` shows it. Spacing does not count, but
    /// the numbers that the program overrides do. Empty if the policies are equal.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("start: train fc")?;
    /// assert_eq!(policy.difference(&Policy::parse("start:  train  fc")?), "");
    /// assert_ne!(policy.difference(&Policy::parse("epoch 1: train fc")?), "");
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub fn difference(&self, later: &Self) -> String {
        unified("policy", &self.canonical(), &later.canonical())
    }

    /// The whole policy as text, in its canonical form, with the numbers that the program overrides as
    /// comments. Equal policies have equal texts.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("let a = 1;  start:  train fc lr a")?.with("a", 0.5).unwrap();
    /// assert_eq!(
    ///     policy.canonical(),
    ///     "let a = 1;\nstart: train fc lr a;\n// a is 0.5 in the program\n"
    /// );
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub fn canonical(&self) -> String {
        let source = self.source.clone();
        let mut text = format(source).unwrap_or_else(|_| self.source.text().to_owned());
        for (name, value) in &self.overrides.names {
            let _ = writeln!(text, "// {name} is {value} in the program");
        }
        for (index, value) in self.overrides.rust.iter().enumerate() {
            let _ = writeln!(text, "// Rust expression {} is {value}", index + 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_no_difference_and_numbers_are() {
        let policy = Policy::parse("let a = 1; start: train fc lr a").unwrap();
        let spaced = Policy::parse("let a=1;start:train fc\n\n lr a;").unwrap();
        assert_eq!(policy.difference(&spaced), "");
        assert_eq!(
            policy.difference(&policy.clone().with("a", 0.5).unwrap()),
            "--- policy\n+++ policy\n@@ -1,2 +1,3 @@\n let a = 1;\n start: train fc lr a;\n\
             +// a is 0.5 in the program\n"
        );
        let other = Policy::parse("let a = 1; epoch 1: train fc lr a").unwrap();
        assert!(policy.difference(&other).contains("-start: train fc lr a;\n+epoch 1: train"));
    }
}
