//! What an editor asks of a policy.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]
#![allow(clippy::indexing_slicing, reason = "test helpers")]

use std::sync::Arc;

use freeze_dsl::diagnostic::Edit;
use freeze_dsl::ide::{Completion, CompletionKind, OpenPolicy, RenameError};
use freeze_dsl::model::Model;
use freeze_dsl::source::{Source, Span};

/// A text with a `|` at a byte, against `ResNet-18`.
fn at(text: &str) -> (OpenPolicy, usize) {
    let byte = text.find('|').expect("a place");
    (open(&text.replacen('|', "", 1)), byte)
}

fn open(text: &str) -> OpenPolicy {
    let model = Model::load("tests/models/resnet18.model.json").unwrap();
    OpenPolicy::new(Source::new(text.to_owned())).with_model(Some(Arc::new(model)))
}

fn completions(text: &str) -> Vec<Completion> {
    let (policy, byte) = at(text);
    policy.completions(byte)
}

fn labels(text: &str, kind: CompletionKind) -> Vec<String> {
    let all = completions(text).into_iter();
    all.filter(|it| it.kind == kind).map(|it| it.label).collect()
}

fn keywords(text: &str) -> Vec<String> {
    labels(text, CompletionKind::Keyword)
}

#[track_caller]
fn assert_has(all: &[String], words: &[&str]) {
    for word in words {
        assert!(all.iter().any(|it| it == word), "`{word}` is not in {all:?}");
    }
}

#[track_caller]
fn assert_lacks(all: &[String], words: &[&str]) {
    for word in words {
        assert!(all.iter().all(|it| it != word), "`{word}` is in {all:?}");
    }
}

#[test]
fn words_are_offered_where_they_fit() {
    assert_has(
        &keywords("|"),
        &["model", "run", "default", "let", "for", "track", "start", "when"],
    );
    assert_lacks(&keywords("|"), &["train", "lr"]);
    assert_has(&keywords("start: |"), &["train", "unfreeze", "freeze", "restore", "stop"]);
    assert_has(
        &keywords("start: train fc l|"),
        &["lr", "weight_decay", "optimizer", "except", "in"],
    );
    assert_lacks(&keywords("start: freeze fc |"), &["lr", "optimizer"]);
    assert_has(&keywords("start: freeze fc |"), &["keep", "stats"]);
    assert_has(&keywords("start: train fc lr |"), &["cosine", "linear", "invsqrt", "min"]);
    assert_has(&keywords("after 2 |"), &["epochs", "steps"]);
    assert_has(&keywords("when val_loss |"), &["stops"]);
    assert_has(&keywords("when val_loss stops |"), &["falling", "rising"]);
}

#[test]
fn a_block_has_no_settings() {
    let words = keywords("track a in fc {\n    |\n}");
    assert_has(&words, &["start", "epoch", "for", "repeat"]);
    assert_lacks(&words, &["model", "run", "default", "let"]);
    assert_has(&keywords("track a in fc { start: stop; } |"), &["run"]);
}

#[test]
fn a_statement_without_its_end_does_not_hide_the_next_line() {
    assert_has(&keywords("start: train fc\nepoch 3: |"), &["train"]);
    assert_has(&keywords("lorem ipsum;\nepoch 3: |"), &["train"]);
}

#[test]
fn paths_are_offered_segment_by_segment() {
    let modules = |text| labels(text, CompletionKind::Module);
    let all = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"];
    assert_eq!(modules("start: train |"), all);
    assert_eq!(modules("start: train lay| lr 1"), all);
    assert_eq!(modules("start: train layer4.|"), ["0", "1"]);
    assert_eq!(modules("start: train layer4.0.|"), ["conv1", "bn1", "conv2", "bn2", "downsample"]);
    assert_eq!(modules("start: train layer*.1.|"), ["conv1", "bn1", "conv2", "bn2"]);
    assert_eq!(modules("start: train layer[4].|"), Vec::<String>::new());
    assert_eq!(modules("start: train {layer1,|"), Vec::<String>::new());
    let parameters = labels("start: train layer4.0.bn1.|", CompletionKind::Parameter);
    assert_eq!(parameters, ["weight", "bias"]);
    assert_eq!(modules("start: train fc, layer4.|"), ["0", "1"]);
    assert_eq!(modules("let @a = [fc, layer3.|"), ["0", "1"]);
    assert_eq!(modules("start: train layer4[|"), ["0", "1"]);
    assert_eq!(modules("start: train layer4[0].{conv1, |"), modules("start: train layer4.0.|"));
}

#[test]
fn the_segment_at_the_place_is_replaced() {
    let text = "start: train layer4.0.co|nv9 lr 1";
    let first = completions(text).remove(0);
    assert_eq!(first.replace, Span::new(22, 27));
    assert_eq!((first.text.as_str(), first.detail.as_str()), ("conv1", "1 parameter"));
    assert!(first.documentation.contains("2,359,296") || !first.documentation.is_empty());
}

#[test]
fn a_module_with_a_reserved_name_is_written_in_quotes() {
    let tensor =
        |name: &str| format!(r#"{{"name":"{name}","shape":[1],"dtype":"f32","role":"parameter"}}"#);
    let tensors = [tensor("stats.w"), tensor("a.in.w"), tensor("a.b-c.w")].join(",");
    let model = Model::from_json(&format!(r#"{{"format":1,"tensors":[{tensors}]}}"#)).unwrap();
    let offered = |text: &str| {
        let policy = OpenPolicy::new(Source::new(text.to_owned()));
        let policy = policy.with_model(Some(Arc::new(model.clone())));
        let all = policy.completions(text.len()).into_iter();
        let of_model = all.filter(|it| it.kind == CompletionKind::Module);
        of_model.map(|it| (it.text, it.replace.start)).collect::<Vec<_>>()
    };
    let start = "start: train ".len();
    assert_eq!(
        offered("start: train "),
        [("\"stats\"".to_owned(), start), ("a".to_owned(), start)]
    );
    let after = start + 2;
    assert_eq!(
        offered("start: train a."),
        [("in".to_owned(), after), ("\"a.b-c\"".to_owned(), start)]
    );
}

#[test]
fn names_are_offered_where_they_mean_something() {
    let text = "let base = 1; let @head = fc; for i, @l in [layer3, layer4] { epoch i: train |; }";
    let names = labels(text, CompletionKind::Targets);
    assert_has(&names, &["@head", "@l", "@all", "@norms"]);
    let numbers = labels(&text.replace("train |", "train @l lr |"), CompletionKind::Number);
    assert_eq!(numbers, ["base", "i"]);
    let outside = text.replace("train |", "stop") + " start: train |";
    assert_lacks(&labels(&outside, CompletionKind::Targets), &["@l"]);
    let inner = labels("start: for i in 0..2 { set layer[i] lr |", CompletionKind::Number);
    assert_eq!(inner, ["i"]);
    let signed = completions("let @head = fc; start: train @he|");
    let head = signed.iter().find(|it| it.label == "@head").unwrap();
    assert_eq!(head.replace.start, "let @head = fc; start: train ".len());
}

#[test]
fn optimizers_and_their_arguments_are_offered() {
    let optimizers = labels("default optimizer |", CompletionKind::Optimizer);
    assert_has(&optimizers, &["adamw", "muon", "lion"]);
    let arguments = labels("default optimizer sgd(momentum 0.9, |", CompletionKind::Argument);
    assert_eq!(arguments, ["dampening", "nesterov"]);
    assert_eq!(labels("default optimizer any(|", CompletionKind::Argument), Vec::<String>::new());
}

#[test]
fn metrics_of_the_policy_are_offered() {
    let text = "when val_loss < 1: stop; start: restore lowest |";
    assert_eq!(labels(text, CompletionKind::Metric), ["val_loss"]);
    assert_has(&keywords("when |"), &["grad_norm"]);
}

#[test]
fn nothing_is_offered_in_comments_and_in_new_names() {
    assert_eq!(completions("// start: train |"), []);
    assert_eq!(completions("start: /* train | */ stop"), []);
    assert_eq!(completions("let |"), []);
    assert_eq!(completions("start as |"), []);
}

fn hover(text: &str) -> String {
    let (policy, byte) = at(text);
    policy.hover(byte).map_or_else(String::new, |hover| hover.markdown)
}

#[test]
fn a_hover_has_what_a_word_means() {
    assert!(hover("start: tr|ain fc").contains("These parameters train and no others"));
    assert!(hover("default optimizer ad|amw").contains("decoupled weight decay"));
    assert!(hover("default optimizer adamw(be|ta2 0.9)").contains("`beta2`: The decay rate"));
    assert!(hover("start: train @no|rms").contains("normalisation modules"));
    assert_eq!(hover("start: stop; // tr|ain"), "");
    // A path is no keyword.
    assert!(!hover("start: train layer1.mo|del").contains("checked against"));
}

#[test]
fn a_hover_has_what_a_selector_selects() {
    let text = hover("start: train layer4.1.con|v1, fc");
    assert!(text.starts_with("1 parameter, 2,359,296 numbers, 20.2 % of the model"), "{text}");
    assert!(text.contains("- `layer4.1.conv1.weight`"), "{text}");
    let text = hover("let @head = fc, layer4; start: train @he|ad");
    assert!(text.contains("let @head = fc, layer4") && text.contains("17 parameters"), "{text}");
    let text = hover("start: train rows 0..10 of fc.wei|ght");
    assert!(text.contains("1 parameter, 5,120 numbers"), "{text}");
    let text = hover("start: train @train|able");
    assert!(text.contains("at most 62 parameters"), "{text}");
    let text = hover("start: train sam|ple 1 of [layer3, layer4] seed 7");
    assert!(text.contains("1 of 2 elements"), "{text}");
}

#[test]
fn a_hover_in_a_loop_has_its_turns() {
    let text = hover("start: stop; for i, @l in [fc, layer4] { epoch i + 1: train @|l lr 1 }");
    assert!(text.contains("2 parameters") && text.contains("15 parameters"), "{text}");
    let text = hover("for i in 1..9 { epoch i: set fc lr 1e-3 * |i }");
    assert!(text.contains("1, 2, …, 8") || text.contains("0.001, 0.002, …, 0.008"), "{text}");
}

#[test]
fn a_hover_has_the_row_of_a_rule() {
    let text = hover("default lr 1; st|art as probe: train fc; epoch 1: unfreeze layer4;");
    assert!(text.contains("**probe**: 2 parameters, 513,000 numbers"), "{text}");
    let text = hover("default lr 1; start as pro|be: train fc; epoch 1: unfreeze layer4;");
    assert!(text.contains("**probe**"), "{text}");
}

fn renamed(text: &str, new: &str) -> Result<String, RenameError> {
    let (policy, byte) = at(text);
    let mut text = policy.source().text().to_owned();
    for Edit { span, text: new } in policy.rename(byte, new)?.into_iter().rev() {
        text.replace_range(span.range(), &new);
    }
    Ok(text)
}

#[test]
fn a_name_is_renamed_everywhere() {
    let text = "let ba|se = 1; let half = base / 2; start: train base lr base;";
    let expected = "let rate = 1; let half = rate / 2; start: train base lr rate;";
    assert_eq!(renamed(text, "rate").unwrap(), expected);
    let text = "let @a = [fc]; start: train @ a, last 1 of @|a; epoch 1: set fc lr len(@a);";
    let expected = "let @b = [fc]; start: train @ b, last 1 of @b; epoch 1: set fc lr len(@b);";
    assert_eq!(renamed(text, "@b").unwrap(), expected);
}

#[test]
fn the_name_of_a_loop_is_renamed_in_its_loop() {
    let text = "for i in 0..2 { epoch i: stop; } for i in 0..2 { step |i: stop; }";
    let expected = "for i in 0..2 { epoch i: stop; } for k in 0..2 { step k: stop; }";
    assert_eq!(renamed(text, "k").unwrap(), expected);
}

#[test]
fn a_name_that_means_something_already_is_refused() {
    let taken =
        |text, new: &str| assert_eq!(renamed(text, new), Err(RenameError::Taken(new.into())));
    taken("let |a = 1; let b = 2; start: train fc lr a + b", "b");
    taken("let @|a = fc; start: train @a", "all");
    taken("let |a = 1; for i in 0..2 { epoch i: set fc lr a; }", "i");
    taken("for |i in 0..2 { epoch i: set fc lr a; } let a = 1;", "a");
    let invalid = |new: &str| renamed("let |a = 1; start: train fc lr a", new);
    for new in ["1a", "", "a b", "é", "@a"] {
        assert_eq!(invalid(new), Err(RenameError::Invalid(new.to_owned())));
    }
    assert_eq!(renamed("start: tr|ain fc", "x"), Err(RenameError::NoName));
    let broken = "let |a = 1; start: train fc lr a; trin fc lr a;";
    assert_eq!(renamed(broken, "b"), Err(RenameError::Unread("a".to_owned())));
}

#[test]
fn hints_have_counts_and_values() {
    let hints = |text: &str| {
        let hints = open(text).hints(Span::new(0, text.len()));
        hints.into_iter().map(|hint| hint.text).collect::<Vec<_>>()
    };
    assert_eq!(hints("start: train layer4, fc lr 1e-3"), ["17 parameters"]);
    assert_eq!(hints("start: train @trainable"), ["at most 62 parameters"]);
    assert_eq!(
        hints("for i, @l in [fc, layer4] { epoch i: train @l lr 1e-3 * 0.5 ^ i }"),
        ["= 0, 1", "2 to 15 parameters", "= 0.001, 0.0005"]
    );
    assert_eq!(hints("start: train nothing lr -1"), Vec::<String>::new());
    let text = "start: train fc lr 1 + 1;\nepoch 1: set fc lr 2 + 2;";
    let second = open(text).hints(Span::new(26, text.len()));
    assert_eq!(
        second.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(),
        ["2 parameters", "= 4"]
    );
}

#[test]
fn symbols_have_rules_in_their_tracks() {
    let policy = open("let @a = fc;\nfor @l in [a] {\n  track t in @l { start: stop; }\n}");
    let symbols = policy.symbols();
    let names: Vec<&str> = symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(names, ["@a", "for @l in [a]"]);
    assert_eq!(symbols[1].children[0].children[0].name, "start");
    assert_eq!(symbols[1].children[0].children[0].detail, "stop");
    assert_eq!(symbols[1].span.end, policy.source().text().len());
}

#[test]
fn folds_are_blocks_statements_and_comments() {
    let text = "// a\n// b\nstart:\n  train fc,\n  stop;\ntrack t {\n  epoch 1: stop;\n}\n/*\n*/";
    let folds = open(text).folds();
    let shown: Vec<(&str, bool)> =
        folds.iter().map(|it| (&text[it.span.range()], it.is_comment)).collect();
    assert_eq!(
        shown,
        [
            ("// a\n// b", true),
            ("start:\n  train fc,\n  stop", false),
            ("{\n  epoch 1: stop;\n}", false),
            ("/*\n*/", true),
        ]
    );
}

/// Whatever is asked at whatever place, nothing panics.
#[test]
fn every_place_of_every_text_has_an_answer() {
    let texts = [
        "",
        ";",
        "{",
        "start: train layer4.{a,",
        "let @a = [é🦀, \"x\\\"",
        "for i in {",
        "@",
        "/* é",
        "track in x { repeat { after 1 epochs: train last 1 of @a",
        "model \"a\"; start: train rows [0..1, -1..] of fc.weight lr cosine 1 -> 0 over 10% repeat;",
    ];
    for text in texts {
        let policy = open(text);
        let is_in_text = |span: &Span| span.start <= span.end && text.get(span.range()).is_some();
        for byte in 0..=text.len() + 1 {
            assert!(
                policy.completions(byte).iter().all(|it| is_in_text(&it.replace)),
                "{text} {byte}"
            );
            let hover = policy.hover(byte);
            assert!(hover.iter().all(|it| is_in_text(&it.span)), "{text} {byte} {hover:?}");
            assert!(policy.references(byte).iter().all(is_in_text), "{text}");
            if let Ok(edits) = policy.rename(byte, "new") {
                assert!(edits.iter().all(|edit| is_in_text(&edit.span)), "{text}");
                // The other name is read where it is written, and nowhere else.
                let mut after = text.to_owned();
                for Edit { span, text: new } in edits.iter().rev() {
                    after.replace_range(span.range(), new);
                }
                let places = open(&after).references(edits[0].span.start);
                assert_eq!(places.len(), edits.len(), "{after}");
            }
        }
        let hints = policy.hints(Span::new(0, text.len()));
        assert!(hints.iter().all(|hint| hint.at <= text.len()), "{text}");
        assert!(policy.symbols().iter().all(|symbol| is_in_text(&symbol.span)), "{text}");
        assert!(policy.folds().iter().all(|fold| is_in_text(&fold.span)), "{text}");
        assert!(policy.formatting().iter().flatten().all(|it| is_in_text(&it.span)), "{text}");
        assert!(policy.safe_fixes(|_| true).iter().all(|edit| is_in_text(&edit.span)), "{text}");
    }
}
