//! The policies that other tests make from the grammar are in the language.

use freeze_dsl::parse::parse;
use freeze_generator::{policy, spaced};
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_generated_policy_parses(words in policy()) {
        let text = spaced(&words);
        let (tree, found) = parse(&text);
        prop_assert_eq!(found, vec![], "{}", text);
        prop_assert!(!tree.items.is_empty());
    }
}
