//! `*` inside a segment.

/// Whether `name` matches `pattern`, in which `*` matches any run of characters.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let Some((middle, tail)) = rest.rsplit_once('*') else {
        return name.ends_with(rest);
    };
    // Between the outermost stars, the earliest match of each part leaves most room for the rest.
    for part in middle.split('*') {
        match name.find(part) {
            Some(at) => name = name.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, name) in [
            ("conv*", "conv1"),
            ("*", "fc"),
            ("*_proj", "q_proj"),
            ("a*b*c", "aXbYc"),
            ("conv*", "conv"),
            ("a*a", "aa"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("conv*", "bn1"),
            ("*_proj", "proj"),
            ("a*b*c", "acb"),
            ("a*a", "a"),
            ("layer1", "layer10"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
