//! Heads of tracks and of repeats, as people write them.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::{Lexeme, LexemeKind, is_word_character};
use crate::source::Span;

/// How many words and signs of a head are looked at.
const LONGEST_HEAD: usize = 12;

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let head = stuck.get(0).text;
    let slip = match head {
        "for" | "track" | "repeat" => sign_before_block(stuck),
        _ => None,
    };
    let slip = slip.or_else(|| match head {
        "track" => track(stuck).or_else(|| without_block(stuck)),
        "repeat" => repeat(stuck),
        _ => None,
    });
    slip.into_iter().collect()
}

/// `track a in b, {`, `for @a in [b, c]: {`, `repeat; {`
fn sign_before_block(stuck: &Stuck<'_>) -> Option<Slip> {
    let brace = (1..stuck.count()).find(|index| stuck.get(*index).text == "{")?;
    let sign = stuck.get(brace - 1);
    matches!(sign.text, "," | ";" | ":" | "=" | "=>" | "do").then(|| {
        Slip::new(sign.span, format!("{} before a block", quoted(sign.text)))
            .label("the block follows its head directly")
            .help("leave it out")
            .replace(Span::new(stuck.end_before(brace - 1), sign.span.end), "")
            .surely()
    })
}

/// `track a in b: epoch 1: …`, `track a in b;`
fn without_block(stuck: &Stuck<'_>) -> Option<Slip> {
    let here = stuck.here();
    let is_end = matches!(here.text, ":" | ";" | "") || stuck.at() >= stuck.count();
    is_end.then(|| {
        Slip::new(stuck.span(0, stuck.at()), "a track without a block")
            .label("its rules follow it in braces")
            .note("write `track a in layer4 { epoch 2: … }`")
            .ambiguous()
    })
}

/// The index of the `{` that ends a head.
fn brace(stuck: &Stuck<'_>) -> Option<usize> {
    (1..LONGEST_HEAD).find(|index| stuck.get(*index).text == "{")
}

/// `track in {`, `track a in b, {`, `track @norms {`
fn track(stuck: &Stuck<'_>) -> Option<Slip> {
    let brace = brace(stuck)?;
    let (first, last) = (stuck.get(1), stuck.get(brace - 1));
    match last.text {
        "in" => Some(
            Slip::new(last.span, "`in` without what the track owns")
                .label("expected a path after this")
                .note("a track that owns nothing is written without `in`"),
        ),
        _ if stuck.get(2).text == "in" && first.kind != LexemeKind::Word => {
            Some(named_otherwise(first))
        }
        _ if first.kind == LexemeKind::Quoted && brace == 2 => Some(named_otherwise(first)),
        _ if first.kind != LexemeKind::Word || stuck.get(2).text == "." => Some(
            Slip::new(first.span, format!("{} is not a track's name", quoted(first.text)))
                .label("what a track owns follows `in`")
                .help("write `in` before it")
                .insert(first.span.start, "in "),
        ),
        _ => None,
    }
}

/// `track "left tower" in left {`, `track 2 in left {`
fn named_otherwise(name: Lexeme<'_>) -> Slip {
    let slip = Slip::new(name.span, format!("{} is not a track's name", quoted(name.text)))
        .label("a name is a word that begins with a letter");
    let word: String = name
        .text
        .trim_matches('"')
        .chars()
        .map(|sign| if is_word_character(sign) { sign } else { '_' })
        .collect();
    if word.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
        slip.help(format!("write `{word}`")).replace(name.span, word)
    } else {
        slip.help(format!("write `track_{word}`")).replace(name.span, format!("track_{word}"))
    }
}

/// `repeat 3 {`, `repeat: {`, `repeat: after 2 epochs: freeze fc`
fn repeat(stuck: &Stuck<'_>) -> Option<Slip> {
    let Some(brace) = brace(stuck) else {
        let head = stuck.span(0, if stuck.get(1).text == ":" { 2 } else { 1 });
        return Some(
            Slip::new(head, "`repeat` without a block")
                .label("the rules that come round again follow it in braces")
                .note("write `repeat { after 2 epochs: … }`"),
        );
    };
    if brace == 1 {
        return None;
    }
    let between = stuck.span(1, brace);
    let slip = Slip::new(between, format!("{} before a block", quoted(stuck.slice(1, brace))))
        .replace(Span::new(stuck.end_before(1), between.end), "");
    Some(if stuck.get(1).kind == LexemeKind::Number {
        slip.label("rounds are not counted: they go on until training ends")
            .help("leave it out, and end training with `run` or with `stop`")
    } else {
        slip.label("nothing is between `repeat` and its block").help("leave it out")
    })
}
