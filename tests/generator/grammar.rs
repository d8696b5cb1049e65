//! The grammar, as strategies: for each of its rules, the words and signs that it accepts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Words, written};

/// Words from parts, one after another: `words!["start", [strategy], …]`.
macro_rules! words {
    (@ $word:literal) => { word($word) };
    (@ [$strategy:expr]) => { $strategy.boxed() };
    ($($part:tt)*) => { all(vec![$(words!(@ $part)),*]) };
}

type Part = BoxedStrategy<Words>;

fn all(parts: Vec<Part>) -> Part {
    parts.prop_map(|parts| parts.concat()).boxed()
}

fn word(text: &'static str) -> Part {
    Just(written(text)).boxed()
}

fn one_of(words: &'static [&'static str]) -> Part {
    select(words).prop_flat_map(word).boxed()
}

/// The part, or nothing.
pub(crate) fn maybe(part: Part) -> Part {
    prop_oneof![word(""), part].boxed()
}

/// A number of parts, with a sign between two of them.
fn separated(part: Part, sign: &'static str, count: std::ops::Range<usize>) -> Part {
    vec(part, count).prop_map(move |parts| parts.join([sign.to_owned()].as_slice())).boxed()
}

pub(crate) fn item(depth: u32) -> Part {
    let ended = prop_oneof![
        1 => words!["model" [string()]],
        1 => words!["run" [duration()]],
        1 => words!["default" [vec(option(), 1..4).prop_map(|options| options.concat())]],
        2 => words!["let" [name()] "=" [number()]],
        1 => words!["let @" [name()] "=" [list(2)]],
        1 => words!["let @" [name()] "=" [targets(2)]],
        6 => rule(),
    ];
    let ended = words![[ended] ";"];
    if depth == 0 {
        return ended;
    }
    let last = prop_oneof![word("}"), word("} ;")];
    let body = vec(item(depth - 1), 0..3).prop_map(|items| items.concat());
    let block = prop_oneof![3 => head(), 1 => track(), 1 => word("repeat")];
    prop_oneof![6 => ended, 1 => words![[block] "{" [body] [last]]].boxed()
}

fn track() -> Part {
    words!["track"[maybe(name())][maybe(words!["in"[targets(1)]])]]
}

pub(crate) fn head() -> Part {
    let range = one_of(&["..", "..="]);
    prop_oneof![
        words!["for" [maybe(words![[name()] ","])] "@" [name()] "in" [list(1)]],
        words!["for" [name()] "in" [number()] [range] [number()]],
    ]
    .boxed()
}

fn rule() -> Part {
    let trigger = separated(moment(), "or", 1..4);
    words![[trigger] [called()] ":" [separated(action(2), ",", 1..5)]]
}

/// A rule's name, or nothing.
pub(crate) fn called() -> Part {
    maybe(words!["as"[name()]])
}

pub(crate) fn moment() -> Part {
    prop_oneof![
        word("start"),
        words!["epoch"[number()]],
        words!["step"[number()]],
        words!["at" [number()] "%" [maybe(word("of run"))]],
        words!["after"[duration()]],
        words!["every"[duration()]],
        words![[one_of(&["when", "whenever"])][separated(condition(), "and", 1..3)]],
    ]
    .boxed()
}

fn condition() -> Part {
    let by = maybe(words!["by"[number()][maybe(word("%"))]]);
    let metric = || prop_oneof![4 => metric(), 1 => words!["grad_norm (" [targets(1)] ")"]].boxed();
    let lasting = maybe(words!["for"[duration()]]);
    prop_oneof![
        words![[metric()] "stops" [one_of(&["falling", "rising"])] "for" [duration()] [by]],
        words![[metric()][one_of(&["<", "<=", ">", ">="])][number()][lasting]],
    ]
    .boxed()
}

fn metric() -> Part {
    prop_oneof![name(), string()].boxed()
}

fn duration() -> Part {
    prop_oneof![
        4 => words![[number()] [one_of(&["epoch", "epochs", "step", "steps"])]],
        1 => words![[number()] "%" [maybe(word("of run"))]],
        1 => word("rest"),
    ]
    .boxed()
}

pub(crate) fn action(depth: u32) -> Part {
    let setting = prop_oneof![4 => option(), 1 => word("keep state")];
    let settings = vec(setting, 0..4).prop_map(|settings| settings.concat());
    let verb = one_of(&["train", "unfreeze", "set", "freeze"]);
    let flat = prop_oneof![
        6 => words![[verb] [targets(2)] [settings]],
        1 => words!["reset" [targets(2)]],
        1 => words!["restore" [one_of(&["lowest", "highest"])] [metric()]],
        1 => word("stop"),
    ];
    if depth == 0 {
        return flat.boxed();
    }
    let body = separated(action(depth - 1), ",", 1..4);
    prop_oneof![
        6 => flat,
        1 => words![[head()] "{" [body] [maybe(word(","))] "}"],
    ]
    .boxed()
}

/// An action that is no more than its option.
pub(crate) fn giving() -> Part {
    words!["set fc"[option()]]
}

fn option() -> Part {
    let argument = prop_oneof![
        2 => words![[one_of(&["momentum", "beta2", "eps", "steps", "d"])][number()]],
        1 => words![[one_of(&["momentum", "beta1", "eps", "steps"])][curve()]],
        1 => one_of(&["nesterov 1", "nesterov 0", "match_rms", "decoupled 0"]),
        1 => word("amsgrad ,"),
    ];
    let arguments = vec(words![[argument][maybe(word(","))]], 0..4).prop_map(|arguments| {
        // Two `,` in a row are no argument.
        let mut words = arguments.concat();
        words.dedup_by(|one, other| one == "," && other == ",");
        words
    });
    let brackets = maybe(words!["(" [arguments] ")"]);
    prop_oneof![
        3 => words!["lr" [curve()]],
        1 => words!["lr *" [number()] [maybe(words!["to" [number()]])]],
        1 => words!["weight_decay" [curve()]],
        1 => words!["anchor" [number()]],
        1 => words!["optimizer" [optimizer()] [brackets]],
        1 => words!["stats" [one_of(&["held", "live"])]],
    ]
    .boxed()
}

fn optimizer() -> Part {
    one_of(&[
        "sgd",
        "adam",
        "adamw",
        "rmsprop",
        "adagrad",
        "adamax",
        "nadam",
        "radam",
        "adafactor",
        "muon",
        "lion",
    ])
}

fn curve() -> Part {
    let repeat = words!["repeat"[maybe(words!["stretching"[number()]])]];
    let bound = maybe(words!["to"[number()]]);
    let shape =
        one_of(&["linear", "cosine", "exp", "sqrt", "power 2", "power a", "power ( 1 / 2 )"]);
    let piece = prop_oneof![
        3 => number(),
        1 => words![[shape] [number()] "->" [number()] "over" [duration()] [maybe(repeat)]],
        1 => words!["invsqrt" [number()] "over" [duration()]],
        1 => words![[number()] "times" [number()] "every" [duration()] [bound]],
    ];
    words![[separated(piece.boxed(), "then", 1..4)][maybe(word("then freeze"))]]
}

fn targets(depth: u32) -> Part {
    let selectors = separated(selector(depth), ",", 1..4);
    let except = words!["except"[separated(selector(depth), ",", 1..3)]];
    words![[selectors][maybe(except)]]
}

fn selector(depth: u32) -> Part {
    let within = prop_oneof![4 => word(""), 1 => words!["in" [term(depth)]]];
    words![[term(depth)][within][optional()]]
}

fn term(depth: u32) -> Part {
    let flat = prop_oneof![
        6 => path(),
        2 => words!["@" [one_of(&["all", "biases", "vectors", "matrices", "norms", "trainable", "frozen"])]],
        1 => words!["@" [name()]],
        1 => string(),
        1 => words!["~" [string()]],
        1 => words!["rows" [rows()] "of" [prop_oneof![path(), string()]]],
    ];
    if depth == 0 {
        return flat.boxed();
    }
    let seed = maybe(words!["seed"[number()]]);
    prop_oneof![
        6 => flat,
        1 => words!["(" [targets(depth - 1)] ")"],
        1 => list(depth),
        1 => words!["sample" [count()] "of" [list(depth)] [seed]],
    ]
    .boxed()
}

fn list(depth: u32) -> Part {
    let prefix =
        prop_oneof![word("reversed"), words![[one_of(&["first", "last"])] [count()] "of"],];
    let prefixes = vec(prefix, 0..3).prop_map(|prefixes| prefixes.concat());
    let element = words![[term(depth.saturating_sub(1))][optional()]];
    let terms = separated(element, ",", 1..4);
    let base = prop_oneof![words!["@"[name()]], words!["[" [terms] [maybe(word(","))] "]"],];
    words![[prefixes][base]]
}

/// The `?` of a selector that may select nothing, or nothing.
fn optional() -> Part {
    prop_oneof![4 => word(""), 1 => word("?")].boxed()
}

/// A number of elements, or a percentage of them.
fn count() -> Part {
    words![[number()][prop_oneof![4 => word(""), 1 => word("%")]]]
}

/// Indices or rows: one, or all between two bounds.
fn bounds() -> Part {
    let number = || prop_oneof![4 => number(), 1 => word("- 1")].boxed();
    prop_oneof![
        2 => number(),
        2 => words![[number()] [one_of(&["..", "..="])] [number()]],
        1 => words![[number()] ".."],
        1 => words![[one_of(&["..", "..="])] [number()]],
        1 => word(".."),
    ]
    .boxed()
}

fn rows() -> Part {
    let several = separated(bounds(), ",", 1..4);
    prop_oneof![3 => bounds(), 1 => words!["[" [several] [maybe(word(","))] "]"]].boxed()
}

fn path() -> Part {
    // Words of the language that cannot begin an action or an option may begin a path.
    let begin = one_of(&["fc", "layer4", "conv*", "*", "**", "epoch", "rest", "of", "_0", "lr*"]);
    let index = words!["[" [bounds()] "]"];
    let words = one_of(&["q_proj", "0", "lr", "train", "weight"]);
    let segment = prop_oneof![
        4 => words,
        2 => one_of(&["*", "**", "conv*", "*1", "b*n"]),
        1 => words!["layer" [index.clone()]],
        1 => index,
        1 => words!["{" [separated(one_of(&["q", "0", "set"]), ",", 1..4)] "}"],
    ];
    let rest = vec(words!["."[segment]], 0..4).prop_map(|segments| segments.concat());
    words![[begin][rest]]
}

fn number() -> Part {
    let literal = one_of(&["0", "3", "0.5", "1e-3", "1_000", "2.50E+2", "5e-5"]);
    let leaf = prop_oneof![6 => literal, 2 => name()];
    let deep = leaf.clone().prop_recursive(3, 12, 3, |inner| {
        let operators = ["+", "-", "*", "/", "^"];
        let signed = prop_oneof![3 => inner.clone(), 1 => negated(inner.clone())];
        let several = separated(inner.clone().boxed(), ",", 1..4);
        prop_oneof![
            3 => (vec(signed, 2..4), select(operators.to_vec())).prop_map(|(operands, operator)| {
                operands.join([operator.to_owned()].as_slice())
            }),
            1 => negated(inner.clone()),
            1 => words!["(" [inner.clone()] ")"],
            1 => words![[one_of(&["min", "max"])] "(" [several] ")"],
            1 => words![[one_of(&["floor", "ceil", "round"])] "(" [inner.clone()] ")"],
            1 => word("len ( @ stages )"),
            1 => word("len ( reversed [ fc , layer4 . 0 ] )"),
        ]
    });
    // Most numbers of most policies are short.
    prop_oneof![4 => leaf, 1 => deep].boxed()
}

/// A sign before what has none.
fn negated(part: impl Strategy<Value = Words> + 'static) -> Part {
    part.prop_map(|mut words| {
        if words.first().is_some_and(|first| first != "-") {
            words.insert(0, "-".to_owned());
        }
        words
    })
    .boxed()
}

/// What policies define and use.
pub(crate) const NAMES: &[&str] = &["a", "base", "i", "n_1", "stage", "a_name_that_is_rather_long"];

fn name() -> Part {
    one_of(NAMES)
}

fn string() -> Part {
    one_of(&[
        r#""resnet18.safetensors""#,
        r#""a.b""#,
        r#""\"//\u{e9}\n;""#,
        r#""/*(""#,
        r#"r"a\.b;""#,
        r##"r#""/*"#"##,
    ])
}
