//! Python's regular expressions, and the selectors that select the same.

use fancy_regex::{Error, Regex};

/// A pattern of Python's `re`, as `re.match` applies it: from the start of a name on.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it was written.
    written: String,
    /// As this language writes it.
    translated: String,
    regex: Regex,
}

impl Pattern {
    /// # Errors
    /// If it is no regular expression.
    pub(super) fn new(written: &str) -> Result<Self, String> {
        let translated = written.replace(r"\Z", r"\z");
        match Regex::new(&format!(r"\A(?:{translated})")) {
            Ok(regex) => Ok(Self { written: written.to_owned(), translated, regex }),
            Err(error) => {
                // Its position is one of the text around the pattern.
                let reason = match &error {
                    Error::ParseError(_, reason) => format!(": {reason}"),
                    _ => String::new(),
                };
                Err(format!("`{written}` cannot be read as a regular expression{reason}"))
            }
        }
    }

    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// Whether `re.match` finds it.
    pub(super) fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name).unwrap_or(false)
    }

    /// The selector of all names that it matches, for any model.
    ///
    /// # Errors
    /// If the language cannot say it: what looks around, or refers back.
    pub(super) fn selector(&self) -> Result<String, String> {
        let whole = format!("^(?:{}).*$", self.translated);
        if regex::Regex::new(&whole).is_err() {
            return Err(format!(
                "`{}` looks around or refers back, which a selector cannot: give the model with \
                 `--model`",
                self.written
            ));
        }
        if let Some(path) = self.path() {
            return Ok(path);
        }
        let text = self.translated.strip_prefix('^').unwrap_or(&self.translated);
        let is_simple = !text.contains('|') || balanced_alternatives(text);
        let text = match (is_simple, text.ends_with(".*") && !text.ends_with(r"\.*")) {
            (true, true) => text.to_owned(),
            (true, false) => match text.strip_suffix('$').filter(|it| !it.ends_with('\\')) {
                Some(whole) => whole.to_owned(),
                None => format!("{text}.*"),
            },
            (false, _) => format!("(?:{text}).*"),
        };
        Ok(format!("~{}", raw_string(&text)))
    }

    /// The path, where the pattern is the whole name of a parameter.
    fn path(&self) -> Option<String> {
        let name = self.translated.strip_prefix('^').unwrap_or(&self.translated);
        let (name, is_whole) = match name.strip_suffix('$') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let name = name.replace(r"\.", ".");
        let last = name.rsplit('.').next()?;
        let is_parameter = is_whole || ["weight", "bias"].contains(&last);
        (is_parameter && is_plain(&name)).then(|| path(&name))
    }
}

/// Whether a text is a name, without signs of regular expressions but the dot.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_' || sign == '.')
        && name.split('.').all(|segment| !segment.is_empty())
}

/// A name as a path; in quotes where its first word means something else there.
pub(super) fn path(name: &str) -> String {
    let first = name.split('.').next().unwrap_or("");
    let is_word = !freeze_dsl::vocabulary::is_reserved(first)
        && !["sample", "rows", "first", "last", "reversed"].contains(&first);
    if is_word && is_plain(name) { name.to_owned() } else { format!("{name:?}") }
}

/// Whether every `|` is within parentheses or brackets.
fn balanced_alternatives(text: &str) -> bool {
    let (mut depth, mut is_escaped) = (0_i32, false);
    for sign in text.chars() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '|' if depth <= 0 => return false,
            _ => {}
        }
    }
    true
}

/// A raw string of the language.
fn raw_string(text: &str) -> String {
    let mut fence = String::new();
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    format!("r{fence}\"{text}\"{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(pattern: &str) -> String {
        Pattern::new(pattern).unwrap().selector().unwrap()
    }

    #[test]
    fn patterns_become_selectors() {
        for (pattern, expected) in [
            ("model.classifier.bias", "model.classifier.bias"),
            (r"^lm_head\.weight$", "lm_head.weight"),
            ("^train.weight$", "\"train.weight\""),
            ("model.classifier", "~r\"model.classifier.*\""),
            ("model.classifier.*", "~r\"model.classifier.*\""),
            ("^layer.[0-3].(q|k)$", "~r\"layer.[0-3].(q|k)\""),
            ("a|b.*", "~r\"(?:a|b.*).*\""),
            (r"a\.*", r#"~r"a\.*.*""#),
            ("a\"b.*", "~r#\"a\"b.*\"#"),
            (r"a\Z", r#"~r"a\z.*""#),
        ] {
            assert_eq!(selector(pattern), expected, "{pattern}");
        }
        let looking = Pattern::new("(?!head).*").unwrap();
        assert!(looking.matches("body") && !looking.matches("head.weight"));
        assert!(looking.selector().unwrap_err().contains("--model"));
        assert!(Pattern::new("a(").is_err());
    }
}
