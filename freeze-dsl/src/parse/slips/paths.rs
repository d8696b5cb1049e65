//! Paths as other tools write them: `my-layer.weight`, `layer4/conv1`, `@layer4.0`.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, READY_MADE, VERBS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 8] = [
        signed,
        other_dots,
        dash,
        any_sign,
        regular_expression,
        other_elements,
        missing_of,
        except_alone,
    ];
    let all = |index: usize| KINDS.iter().filter_map(move |kind| kind(stuck, index));
    stuck.near().flat_map(all).collect()
}

/// Whether a path may begin at an index.
fn begins(stuck: &Stuck<'_>, index: usize) -> bool {
    let before = stuck.previous(index).text;
    ACTIONS.contains(&before) || matches!(before, "," | "in" | "of" | "except" | "(" | "[" | "=")
}

/// The first index of the text without a space that contains an index, and the index after it: the
/// brackets of a list around it are no part of it.
fn glued(stuck: &Stuck<'_>, index: usize) -> (usize, usize) {
    let is_end = |at: usize| matches!(stuck.get(at).text, "," | ";" | ")" | "(");
    let is_list = |at: usize| stuck.get(at).text == "[" && !stuck.is_glued(at);
    let (mut start, mut end) = (index, index + 1);
    while stuck.is_glued(start) && !is_end(start - 1) && !is_list(start - 1) {
        start -= 1;
    }
    let has_bracket = (start..end).any(|at| stuck.get(at).text == "[");
    while stuck.is_glued(end) && !is_end(end) && (has_bracket || stuck.get(end).text != "]") {
        end += 1;
    }
    (start, end)
}

/// `@layer4.0`, `@stage.conv1`, `@stages[0]`: a path or an index after a name.
fn signed(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (sign, name) = (stuck.get(index.checked_sub(2)?), stuck.get(index - 1));
    let next = stuck.get(index);
    if sign.text != "@" || !name.is_word() || !stuck.is_glued(index) {
        return None;
    }
    let start = index - 2;
    let end = glued(stuck, index).1;
    let shown = format!("@{}", name.text);
    let is_known = is_defined(stuck.policy(), &shown);
    let slip = Slip::new(stuck.span(index, end), format!("a path after {}", quoted(&shown)))
        .label("a name with `@` is complete in itself");
    match next.text {
        "." | "[" if !is_known => {
            let path = stuck.slice(start + 1, end);
            Some(slip.help(format!("write {} for a path", quoted(path))).replace(sign.span, ""))
        }
        "." if stuck.get(index + 1).is_word() || stuck.get(index + 1).text == "*" => {
            let written = format!("**.{} in {shown}", stuck.slice(index + 1, end));
            Some(
                slip.help(format!("write {}", quoted(&written)))
                    .replace(stuck.span(start, end), written),
            )
        }
        "." | "[" if stuck.policy().contains(&format!("let {shown} ")) => Some(
            slip.note(format!("write `first 1 of {shown}` or `last 1 of {shown}` for an element"))
                .ambiguous(),
        ),
        "." | "[" => Some(
            slip.note("an index follows a path: write the path itself, as in `layer4[0]`")
                .ambiguous(),
        ),
        _ => None,
    }
}

/// Whether a policy defines a name with `@`, or the language does.
fn is_defined(policy: &str, name: &str) -> bool {
    let after = |word: &str| policy.contains(&format!("{word} {name} "));
    let is_ready = name.strip_prefix('@').is_some_and(|word| READY_MADE.contains(&word));
    is_ready || after("let") || after("for") || after(",")
}

/// `layer4/conv1`, `layer4:conv1`, `fc..weight`, `.fc`, `fc.`
fn other_dots(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index);
    let (is_after, is_before) = (stuck.is_glued(index), stuck.is_glued(index + 1));
    let follows_path = is_after && matches!(stuck.get(index - 1).kind, LexemeKind::Word);
    let slip = Slip::new(sign.span, format!("{} in a path", quoted(sign.text)))
        .label("the segments of a path are joined by `.`");
    match sign.text {
        "/" | ":" | ".." | "\\"
            if follows_path && is_before && begins(stuck, glued(stuck, index).0) =>
        {
            let is_sure = matches!(sign.text, "/" | "\\");
            Some(slip.help("write `.`").replace(sign.span, ".").surely_if(is_sure))
        }
        "." if is_before && begins(stuck, index) => {
            Some(slip.help("leave out the `.` before it").replace(sign.span, "").surely())
        }
        "." if follows_path && !is_before || sign.text == "." && index + 1 >= stuck.end() => {
            Some(slip.help("leave out the `.` after it").replace(sign.span, "").surely())
        }
        _ => None,
    }
}

/// `my-layer.weight`
fn dash(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (start, end) = glued(stuck, index);
    let path = stuck.slice(start, end);
    let is_inside = start < index && index + 1 < end;
    let is_plain = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.');
    if stuck.get(index).text != "-"
        || !is_inside
        || !path.chars().all(is_plain)
        || path.contains("..")
    {
        return None;
    }
    begins(stuck, start).then(|| {
        let written = format!("\"{path}\"");
        Slip::new(stuck.span(start, end), "`-` in a path")
            .label("a path with other signs than letters, digits and `_` is written in quotes")
            .help(format!("write {}", quoted(&written)))
            .replace(stuck.span(start, end), written)
    })
}

/// `layer4.?.weight`
fn any_sign(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index);
    let is_segment = stuck.is_glued(index) && stuck.get(index - 1).text == ".";
    (sign.text == "?" && is_segment).then(|| {
        Slip::new(sign.span, "`?` as a segment")
            .label("any one segment is written `*`")
            .help("write `*`")
            .replace(sign.span, "*")
    })
}

/// `regex(".*bias")`, `/.*bias/`
fn regular_expression(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let (text, end) = if word.text == "/" && begins(stuck, index) {
        let close = (index + 1..stuck.count()).find(|at| stuck.get(*at).text == "/")?;
        (stuck.slice(index + 1, close), close + 1)
    } else if matches!(word.text, "regex" | "re" | "regexp" | "match" | "matches") {
        let is_raw = stuck.get(index + 2).text == "r";
        let at = if is_raw { index + 3 } else { index + 2 };
        let text = stuck.get(at);
        let is_call = stuck.get(index + 1).text == "(" && stuck.get(at + 1).text == ")";
        if !is_call || text.kind != LexemeKind::Quoted {
            return None;
        }
        (text.text.trim_matches('"'), at + 2)
    } else {
        return None;
    };
    if text.contains('"') {
        return None;
    }
    let written = format!("~r\"{text}\"");
    let span = stuck.span(index, end);
    Some(
        Slip::new(span, "a regular expression in another form")
            .label("it is a string after `~`, and matches whole names")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    )
}

/// `top 4 of @layers`, `random 2 of @layers`
fn other_elements(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let meant = match word.text {
        "top" | "final" | "upper" | "highest" => "last",
        "bottom" | "lower" | "lowest" => "first",
        "random" | "draw" | "choose" | "pick" | "any" => "sample",
        _ => return None,
    };
    let is_count = stuck.get(index + 1).kind == LexemeKind::Number;
    let has_list = matches!(stuck.get(index + 2).text, "of" | "%");
    (is_count && has_list).then(|| {
        Slip::word(word.span, format!("{} is not a word of the language", quoted(word.text)))
            .label(format!("the language says `{meant}`"))
            .help(format!("write `{meant}`"))
            .replace(word.span, meant)
    })
}

/// `sample 2 [encoder.layer.*]`, `sample of @layers`
fn missing_of(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, next) = (stuck.get(index), stuck.get(index + 1));
    if !matches!(word.text, "first" | "last" | "sample") {
        return None;
    }
    if next.text == "of" {
        let list = stuck.slice(index + 2, index + 4);
        let list = if list.starts_with('@') { list } else { "[…]" };
        let slip = Slip::new(word.span, format!("`{} of` without a number", word.text));
        return Some(
            slip.label("how many elements?")
                .note(format!("write a number, as in `{} 2 of {list}`", word.text))
                .ambiguous(),
        );
    }
    let list = stuck.get(index + 2);
    let is_list = next.kind == LexemeKind::Number && matches!(list.text, "[" | "@");
    is_list.then(|| {
        Slip::new(list.span, "no `of` before a list")
            .label("elements are taken of a list")
            .help("write `of`")
            .insert(list.span.start, "of ")
            .surely()
    })
}

/// `train except fc`
fn except_alone(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let before = stuck.get(index.checked_sub(1)?).text;
    let has_path = index + 1 < stuck.end();
    (word.text == "except" && VERBS.contains(&before) && has_path).then(|| {
        let start = word.span.start;
        Slip::new(Span::new(start, word.span.end), "`except` of which parameters?")
            .label("parameters are taken away from others")
            .help("write `@all except`")
            .insert(start, "@all ")
            .surely()
    })
}
