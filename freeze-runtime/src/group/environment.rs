//! The place of a process among others, as `torchrun` and other launchers set it in the environment.

/// What the environment says of this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) rank: usize,
    pub(super) size: usize,
    /// Its number among the processes of its machine.
    pub(super) local_rank: Option<usize>,
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether the launcher serves the store; otherwise rank 0 does.
    pub(super) has_store: bool,
}

/// The variables that say that there are other processes.
const REQUIRED: [&str; 4] = ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"];

impl Environment {
    /// Reads the environment; `None` where none of its variables is set.
    pub(super) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let has = |name: &&str| get(name).is_some();
        let (set, missing): (Vec<_>, Vec<_>) = REQUIRED.into_iter().partition(has);
        if set.is_empty() {
            return Ok(None);
        }
        if !missing.is_empty() {
            return Err(format!(
                "the environment has {}, but not {}: start the program with torchrun, or set all of \
                 {} or none",
                listed(&set),
                listed(&missing),
                listed(&REQUIRED),
            ));
        }
        let number = |name: &str| {
            let text = get(name).unwrap_or_default();
            text.parse::<usize>().map_err(|_| format!("{name} is `{text}`, which is not a number"))
        };
        let (rank, size) = (number("RANK")?, number("WORLD_SIZE")?);
        if rank >= size {
            return Err(format!(
                "RANK is {rank}, and WORLD_SIZE is {size}: ranks are below {size}"
            ));
        }
        let local_rank = get("LOCAL_RANK").map(|_| number("LOCAL_RANK")).transpose()?;
        let port = number("MASTER_PORT")?;
        let port =
            u16::try_from(port).map_err(|_| format!("MASTER_PORT is {port}, above 65535"))?;
        Ok(Some(Self {
            rank,
            size,
            local_rank,
            host: get("MASTER_ADDR").unwrap_or_default(),
            port,
            has_store: get("TORCHELASTIC_USE_AGENT_STORE").as_deref() == Some("True"),
        }))
    }
}

/// Names as a list of a sentence.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Option<Environment>, String> {
        let get = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment::read(get)
    }

    const ALL: [(&str, &str); 4] =
        [("RANK", "1"), ("WORLD_SIZE", "4"), ("MASTER_ADDR", "host"), ("MASTER_PORT", "29500")];

    #[test]
    fn an_environment_without_the_variables_is_that_of_one_process() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("LOCAL_RANK", "0")]), Ok(None));
    }

    #[test]
    fn all_variables_are_read() {
        let expected = |has_store| Environment {
            rank: 1,
            size: 4,
            local_rank: None,
            host: "host".to_owned(),
            port: 29500,
            has_store,
        };
        assert_eq!(read(&ALL), Ok(Some(expected(false))));
        let agent = [("TORCHELASTIC_USE_AGENT_STORE", "True")];
        assert_eq!(read(&[&ALL[..], &agent].concat()), Ok(Some(expected(true))));
        let local = [("LOCAL_RANK", "3")];
        let expected = Environment { local_rank: Some(3), ..expected(false) };
        assert_eq!(read(&[&ALL[..], &local].concat()), Ok(Some(expected)));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert_eq!(
            read(&ALL[..2]).unwrap_err(),
            "the environment has RANK and WORLD_SIZE, but not MASTER_ADDR and MASTER_PORT: start the \
             program with torchrun, or set all of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT or none"
        );
        let with = |name, value| {
            let mut all = ALL;
            all.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, it)| *it = value);
            read(&all).unwrap_err()
        };
        assert_eq!(with("RANK", "4"), "RANK is 4, and WORLD_SIZE is 4: ranks are below 4");
        assert_eq!(with("RANK", "one"), "RANK is `one`, which is not a number");
        assert_eq!(with("MASTER_PORT", "70000"), "MASTER_PORT is 70000, above 65535");
    }
}
