//! Policies, trees and plans as JSON.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{model, resnet18};
use freeze_dsl::Draft;
use freeze_dsl::parse::parse;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(json: &Value) -> Result<Policy, String> {
    serde_json::from_str(&json.to_string()).map_err(|error| error.to_string())
}

fn written(policy: &Policy) -> Value {
    serde_json::from_str(&serde_json::to_string(policy).unwrap()).unwrap()
}

#[track_caller]
fn comes_back(policy: &Policy) {
    let text = serde_json::to_string(policy).unwrap();
    let back: Policy = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(back, *policy, "{text}");
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    // Formats of other crates' hand over values in another way.
    assert_eq!(serde_json::from_value::<Policy>(written(policy)).unwrap(), *policy);
}

#[test]
fn a_policy_is_its_text_and_what_the_program_gave() {
    let source = Source::named("a.freeze", "let a = 1;\nlet b = 2; start: train fc lr a / b");
    let policy = Policy::from_source(source.at_line(7)).unwrap();
    let given = policy.clone().with("b", 0.1).unwrap().with("a", 5e-324).unwrap();
    assert_eq!(
        written(&given),
        json!({
            "format": 1,
            "name": "a.freeze",
            "first_line": 7,
            "text": "let a = 1;\nlet b = 2; start: train fc lr a / b",
            "numbers": { "a": 5e-324, "b": 0.1 },
        })
    );
    comes_back(&policy);
    comes_back(&given);
    assert_ne!(read(&written(&given)).unwrap(), policy);
    let back = read(&written(&given)).unwrap();
    assert_eq!((back.source().name(), back.source().first_line()), ("a.freeze", 7));
    // What was given last holds, in whatever order the names were given.
    let again = policy.with("a", 3.0).unwrap().with("a", 5e-324).unwrap().with("b", 0.1);
    assert_eq!(again.unwrap(), given);
}

#[test]
fn a_number_that_json_lacks_comes_back() {
    // A number that is used must be finite; a name that is not used is a warning.
    let policy = Policy::parse("let a = 1; start: train fc").unwrap();
    for (value, name) in [(f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let given = policy.clone().with("a", value).unwrap();
        assert_eq!(written(&given)["numbers"]["a"], name);
        comes_back(&given);
    }
    let given = policy.with("a", f64::NAN).unwrap();
    assert_eq!(written(&read(&written(&given)).unwrap())["numbers"]["a"], "nan");
}

#[test]
fn values_of_rust_expressions_come_back() {
    let text = "start: train fc lr { base } * { 2.0 }";
    let tree = Draft::read_macro(Source::new(text)).check().policy.unwrap().tree().clone();
    let policy = Policy::with_rust(Source::new(text), tree, vec![0.3, 1e-300]).unwrap();
    comes_back(&policy);
    let mut json = written(&policy);
    assert_eq!(json["rust"], json!([0.3, 1e-300]));
    json["rust"] = json!([0.3]);
    assert_eq!(read(&json).unwrap_err(), "the policy has 2 Rust expressions, but values for 1");
    json.as_object_mut().unwrap().remove("rust");
    assert!(read(&json).unwrap_err().contains("error[FRZ0104]"));
}

#[test]
fn what_is_read_is_checked() {
    let sound = written(&Policy::parse("let a = 1; start: train fc lr a").unwrap());
    let with = |name: &str, value: Value| {
        let mut json = sound.clone();
        json[name] = value;
        json
    };
    for (json, expected) in [
        (with("format", json!(2)), "format 2 is not supported, only format 1 is"),
        (with("text", json!("start: tran fc")), "the policy has errors\n\nerror[FRZ0102]"),
        (with("text", json!("epoch 2: train fc; epoch 1: stop")), "error[FRZ0301]"),
        (with("numbers", json!({ "b": 1 })), "the policy defines no number `b`"),
        (with("numbers", json!({ "a": -1 })), "error[FRZ0401]"),
        (with("numbers", json!({ "a": "many" })), "did not match any variant"),
        (with("first_line", json!(0)), "invalid value: integer `0`"),
        (with("tree", json!({})), "unknown field `tree`"),
        (json!({ "text": "start: train fc" }), "missing field `format`"),
        (json!([1]), "invalid type: sequence, expected a map"),
        (json!({ "format": 1, "text": "" }), "missing field `name`"),
    ] {
        let error = read(&json).unwrap_err();
        assert!(error.starts_with(expected) || error.contains(expected), "{json}: {error}");
    }
    // The version is checked first, wherever it is and whatever else there is.
    let newer = r#"{"aim":3,"rules":[],"format":2}"#;
    let error = serde_json::from_str::<Policy>(newer).unwrap_err().to_string();
    assert_eq!(error, "format 2 is not supported, only format 1 is");
    // Findings print for any first line.
    let mut far = with("text", json!("start: tran fc"));
    far["first_line"] = json!(u32::MAX);
    assert!(read(&far).unwrap_err().contains("<policy>:4294967295:8"));
}

#[test]
fn a_tree_has_the_place_of_everything() {
    let (tree, _) = parse("let @a = fc; for i in 0..2 { epoch i: train @a lr 1e999 }");
    let json = serde_json::to_value(&tree).unwrap();
    assert_eq!(json["format"], 1);
    let named = &json["items"][0]["value"]["let_targets"];
    assert_eq!(named["name"], json!({ "value": "a", "span": { "start": 4, "end": 6 } }));
    let looped = &json["items"][1]["value"]["for"];
    assert_eq!(looped["head"]["value"]["range"]["inclusive"], false);
    let rule = &looped["body"][0]["value"]["rule"];
    let moment =
        json!({ "steps": [{ "value": { "name": "i" }, "span": { "start": 35, "end": 36 } }] });
    assert_eq!(rule["trigger"]["value"][0]["value"]["epoch"]["value"], moment);
    let setting = &rule["actions"][0]["value"]["on"]["settings"][0];
    assert_eq!(setting["span"], json!({ "start": 47, "end": 55 }));
    let piece = &setting["value"]["lr"]["value"]["pieces"][0]["value"];
    assert_eq!(piece["hold"]["value"]["steps"][0]["value"], json!({ "literal": "inf" }));
}

#[test]
fn a_plan_has_a_row_a_rule() {
    let model = model(&[
        "stem.weight[3, 2]",
        "bn.weight[2]",
        "bn.running_mean[2]",
        "body.weight[4, 2]",
        "head.weight[10, 4]",
        "head.bias[10]",
    ]);
    let source = Source::named(
        "a.freeze",
        "run 20 epochs;
default weight_decay 0.5;
start as probe: train head lr cosine 1e-3 -> 0 over rest optimizer adamw(beta2 0.99);
when val_loss stops falling for 3 epochs or epoch 9:
    restore lowest val_loss,
    unfreeze bn, rows 0..2 of body.weight lr 1e-4,
    set head.bias weight_decay 0;
after 2 epochs: unfreeze stem lr linear 1e-4 -> 0 over 3 epochs then freeze,
    freeze head.weight;
every 1 epoch: train sample 1 of [head, bn] seed 7;
at 90%: stop;",
    );
    let plan = Policy::from_source(source).unwrap().plan(&model).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap());
    let json = serde_json::to_value(&plan).unwrap();
    for (row, rule) in plan.rows().iter().zip(json["rules"].as_array().unwrap()) {
        assert_eq!((row.trainable, row.trainable_elements), {
            let count = |name: &str| usize::try_from(rule[name].as_u64().unwrap()).unwrap();
            (count("parameters"), count("elements"))
        });
        let grouped: usize = rule["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["params"].as_array().unwrap().len())
            .sum();
        assert_eq!(grouped, rule["trainable"].as_array().unwrap().len());
    }
}

#[test]
fn a_plan_says_where_a_curve_began() {
    let text = "default lr linear 1 -> 0 over 2 epochs; start as a: train fc, bn1; \
                epoch 1 as b: set bn1 lr linear 1 -> 0 over 2 epochs; \
                epoch 2 as c: unfreeze conv1 lr 0.5; \
                epoch 3 as d: unfreeze layer1 lr 0.5";
    let plan = Policy::parse(text).unwrap().plan(&resnet18()).unwrap();
    let json = serde_json::to_value(&plan).unwrap();
    let since = |rule: usize| -> Vec<&Value> {
        json["rules"][rule]["groups"].as_array().unwrap().iter().map(|it| &it["since"]).collect()
    };
    assert_eq!(since(0), [&Value::Null]);
    // Equal curves that began at different times have different learning rates at one moment.
    assert_eq!(since(1), [&json!("b"), &Value::Null]);
    // A learning rate that never moves is the same whenever it began.
    assert_eq!(since(3), [&json!("c"), &json!("b"), &Value::Null]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_policy_comes_back(
        words in freeze_generator::sound(|text| Draft::read(Source::new(text.to_owned())).check().policy.is_some()),
        bits in any::<u64>(),
    ) {
        let text = format!("let own = 1; {}", freeze_generator::spaced(&words));
        let policy = Policy::parse(&text).unwrap();
        comes_back(&policy);
        let value = f64::from_bits(bits);
        prop_assume!(!value.is_nan());
        comes_back(&policy.with("own", value).unwrap());
    }
}
