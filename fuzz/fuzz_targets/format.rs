//! Formatting a text that parses keeps its meaning and is idempotent.

#![no_main]

use freeze_dsl::format::format;
use freeze_dsl::parse::parse;
use freeze_dsl::source::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (tree, found) = parse(text);
    let printed = match format(Source::new(text.to_owned())) {
        Ok(printed) => printed,
        Err(_) => return assert!(!found.is_empty(), "{text}"),
    };
    assert!(found.is_empty(), "{text}");
    assert_eq!(parse(&printed), (tree, vec![]), "{text}\n---\n{printed}");
    let again = format(Source::new(printed.clone())).expect("it parsed before");
    assert_eq!(again, printed, "{text}");
});
