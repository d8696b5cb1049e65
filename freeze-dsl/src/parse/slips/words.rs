//! Words of other tools for the words of the language.

use super::Slip;
use super::options::joined;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::vocabulary::keywords;

/// Words that mean a word of the language, in lower case and joined by `_`.
const SYNONYMS: [(&str, &str); 54] = [
    ("finetune", "train"),
    ("fine_tune", "train"),
    ("learn", "train"),
    ("tune", "train"),
    ("training", "train"),
    ("trained", "train"),
    ("thaw", "unfreeze"),
    ("unfrozen", "unfreeze"),
    ("unfreezing", "unfreeze"),
    ("enable", "unfreeze"),
    ("frozen", "freeze"),
    ("disable", "freeze"),
    ("unlock", "unfreeze"),
    ("un_freeze", "unfreeze"),
    ("defrost", "unfreeze"),
    ("lock", "freeze"),
    ("end", "stop"),
    ("break", "stop"),
    ("halt", "stop"),
    ("quit", "stop"),
    ("exit", "stop"),
    ("finish", "stop"),
    ("terminate", "stop"),
    ("early_stop", "stop"),
    ("stop_training", "stop"),
    ("configure", "set"),
    ("change", "set"),
    ("clear", "reset"),
    ("rollback", "restore"),
    ("begin", "start"),
    ("init", "start"),
    ("initially", "start"),
    ("at_start", "start"),
    ("on_start", "start"),
    ("ep", "epoch"),
    ("iteration", "step"),
    ("iter", "step"),
    ("batch", "step"),
    ("if", "when"),
    ("once", "when"),
    ("each", "every"),
    ("but", "except"),
    ("without", "except"),
    ("excluding", "except"),
    ("minus", "except"),
    ("but_not", "except"),
    ("except_for", "except"),
    ("keep_state", "keep state"),
    ("keep_optimizer_state", "keep state"),
    ("within", "in"),
    ("inside", "in"),
    ("foreach", "for"),
    ("loop", "repeat"),
    ("l2sp", "anchor"),
];

/// Words among these that may mean another one as well.
const GUESSED: [&str; 28] = [
    "loop",
    "learn",
    "tune",
    "training",
    "trained",
    "enable",
    "disable",
    "frozen",
    "break",
    "lock",
    "unlock",
    "end",
    "halt",
    "quit",
    "exit",
    "finish",
    "terminate",
    "early_stop",
    "configure",
    "change",
    "clear",
    "rollback",
    "init",
    "ep",
    "iteration",
    "iter",
    "batch",
    "minus",
];

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    stuck.near().flat_map(|index| at(stuck, index)).collect()
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let mut slips = Vec::new();
    for (name, end) in joined(stuck, index) {
        let written = stuck.slice(index, end);
        let meant = SYNONYMS.iter().find(|(known, _)| *known == name).map(|(_, meant)| *meant);
        let same = || keywords().find(|keyword| *keyword == name && *keyword != written);
        if let Some(meant) = meant.or_else(same).filter(|meant| *meant != written) {
            let span = stuck.span(index, end);
            slips.push(
                Slip::word(span, format!("{} is not a word of the language", quoted(written)))
                    .label(format!("the language says `{meant}`"))
                    .help(format!("write `{meant}`"))
                    .replace(span, meant)
                    .surely_if(!GUESSED.contains(&name.as_str())),
            );
        }
    }
    let word = stuck.get(index);
    if word.text == "while" && index == 0 {
        slips.push(
            Slip::word(word.span, "`while` is not a word of the language")
                .label("a rule fires at a moment")
                .note("write `when` to fire once, or `whenever` to fire each time")
                .ambiguous(),
        );
    }
    if matches!(word.text, "held" | "live") || stuck.get(index.saturating_sub(1)).text != "stats" {
        return slips;
    }
    let meant = match word.text.to_lowercase().as_str() {
        "frozen" | "fixed" | "eval" | "off" | "hold" | "false" | "constant" => "held",
        "training" | "updated" | "running" | "on" | "true" | "train" => "live",
        _ => return slips,
    };
    slips.push(
        Slip::word(word.span, format!("`stats {}` is not an option", word.text))
            .label("running statistics are `held` or `live`")
            .help(format!("write `stats {meant}`"))
            .replace(word.span, meant)
            .surely_if(matches!(word.text, "frozen" | "fixed" | "eval" | "hold" | "training")),
    );
    slips
}
