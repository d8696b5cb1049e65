//! Findings in every format, as a program reads them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's own helpers"
)]

use crate::support::{MODEL, folder_with, freeze};
use freeze_dsl::diagnostic::Code;
use serde_json::{Value, json};

/// Two errors, a warning; the second line is longer in bytes than in characters.
const WRONG: &str = "\
run 20 epochs;
start as probe: train fc lr 1e-3; /* ä */ epoch 3: unfreeze layer5 lr 1e-4;
epoch 5 as probe: set fc lr 0;
";

/// What is printed for `WRONG`, in a format: on standard output, and on standard error.
fn reported(format: &str) -> (String, String) {
    let folder = folder_with(&[("resnet.freeze", WRONG)]);
    let arguments = ["check", "resnet.freeze", "--model", MODEL, "--message-format", format];
    let (status, out, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!(status, 1);
    (out, errors)
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_json_object_a_line() {
    let (out, errors) = reported("json");
    assert_eq!(errors, "");
    // The order of the names is part of what a person sees.
    let first = out.lines().next().unwrap();
    assert!(first.starts_with(
        "{\"code\":\"FRZ0201\",\"severity\":\"error\",\
         \"message\":\"`layer5` selects no parameter\",\"file\":\"resnet.freeze\",\
         \"line\":2,\"column\":61,\"end_line\":2,\"end_column\":67,\"labels\":["
    ));
    let found = objects(&out);
    let codes: Vec<&str> = found.iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["FRZ0201", "FRZ0203", "FRZ0505"]);
    assert_eq!(found[0]["suggestions"][0]["applicability"], "maybe");
    let start = WRONG.find("layer5").unwrap();
    let edit = json!({ "start": start, "end": start + 6, "text": "layer4" });
    assert_eq!(found[0]["suggestions"][0]["edits"], json!([edit]));
    assert_eq!(
        found[1]["labels"],
        json!([
            { "message": "again here", "line": 3, "column": 12, "end_line": 3, "end_column": 17 },
            { "message": "first here", "line": 2, "column": 10, "end_line": 2, "end_column": 15 },
        ])
    );
    assert_eq!(found[2]["severity"], "warning");
    assert_eq!(found[2]["notes"], json!(["`freeze` keeps these as they are and costs nothing"]));
}

#[test]
fn a_line_a_finding() {
    let lines = "\
resnet.freeze:2:61: error[FRZ0201]: `layer5` selects no parameter
resnet.freeze:3:12: error[FRZ0203]: two rules are called `probe`
resnet.freeze:3:29: warning[FRZ0505]: `lr 0` trains nothing and costs as much
2 errors, 1 warning
";
    assert_eq!(reported("short"), (String::new(), lines.to_owned()));
}

#[test]
fn commands_for_github() {
    let (out, errors) = reported("github");
    assert_eq!(errors, "");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "::error file=resnet.freeze,line=2,col=61,endColumn=67,title=FRZ0201::`layer5` selects no \
         parameter%0Ahelp: did you mean `layer4`? the model has conv1, bn1, layer1, layer2, \
         layer3, layer4, fc"
    );
    assert!(lines[2].starts_with("::warning file=resnet.freeze,line=3,col=29,endColumn=30,title="));
    // What would end a property or a line is written otherwise; lines that are two have no columns.
    let name = "a,b:100%.freeze";
    let folder = folder_with(&[(name, "start: train fc; epoch 3: train\nfc;")]);
    let arguments = ["check", name, "--model", MODEL, "--message-format", "github"];
    let (status, out, _) = freeze(&arguments, folder.path(), "");
    assert_eq!(status, 0);
    let head = "::warning file=a%2Cb%3A100%25.freeze,line=1,endLine=2,title=FRZ0501::this action";
    assert!(out.contains(head), "{out}");
    assert!(out.starts_with("::notice file="), "{out}");
}

/// The JSON schema of SARIF 2.1.0.
fn sarif_schema() -> jsonschema::Validator {
    // One pattern has a bracket too many. It is about the language of messages, which no log here has.
    let text = include_str!("../sarif/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema = serde_json::from_str(&text).unwrap();
    jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap()
}

/// What SARIF 2.1.0 demands of a log: its schema, and what the schema cannot say, in the order of the
/// sections.
fn check_log(log: &Value) {
    if let Err(error) = sarif_schema().validate(log) {
        panic!("{error} at {}", error.instance_path());
    }
    // 3.13: sarifLog
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("/sarif-schema-2.1.0.json"));
    for run in log["runs"].as_array().unwrap() {
        // 3.18, 3.19: tool, toolComponent
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "freeze");
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            // 3.49: reportingDescriptor
            assert!(Code::of(rule["id"].as_str().unwrap()).is_some());
            assert!(rule["shortDescription"]["text"].is_string());
            assert!(rule["help"]["text"].is_string());
        }
        // 3.20: invocation
        assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
        // 3.14.17: unless given, columns would be of no kind.
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        for result in run["results"].as_array().unwrap() {
            // 3.27: result
            let rule = result["ruleIndex"].as_u64().unwrap();
            assert_eq!(rules[usize::try_from(rule).unwrap()]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            for location in result["locations"].as_array().unwrap() {
                check_place(&location["physicalLocation"]);
            }
            for location in result["relatedLocations"].as_array().unwrap() {
                check_place(&location["physicalLocation"]);
            }
            for fix in result["fixes"].as_array().unwrap() {
                // 3.55 to 3.57: fix, artifactChange, replacement
                let changes = fix["artifactChanges"].as_array().unwrap();
                assert!(!changes.is_empty());
                for change in changes {
                    assert!(change["artifactLocation"]["uri"].is_string());
                    let replacements = change["replacements"].as_array().unwrap();
                    assert!(!replacements.is_empty());
                    for replacement in replacements {
                        check_region(&replacement["deletedRegion"]);
                        assert!(replacement["insertedContent"]["text"].is_string());
                    }
                }
            }
        }
    }
}

/// 3.29: physicalLocation
fn check_place(place: &Value) {
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"{}|\\^` ".contains(&byte)));
    check_region(&place["region"]);
}

/// 3.30: region, of lines and columns from 1, its end exclusive
fn check_region(region: &Value) {
    let number = |name: &str| region[name].as_u64().unwrap();
    let start = (number("startLine"), number("startColumn"));
    let end = (number("endLine"), number("endColumn"));
    assert!(start.0 >= 1 && start.1 >= 1 && start <= end, "{region}");
}

#[test]
fn a_sarif_log() {
    let (out, errors) = reported("sarif");
    assert_eq!((errors.as_str(), out.lines().count()), ("", 1));
    let log: Value = serde_json::from_str(&out).unwrap();
    check_log(&log);
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let place = json!({
        "artifactLocation": { "uri": "resnet.freeze" },
        "region": { "startLine": 2, "startColumn": 61, "endLine": 2, "endColumn": 67 },
    });
    assert_eq!(results[0]["locations"][0]["physicalLocation"], place);
    let replacement = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["deletedRegion"], place["region"]);
    assert_eq!(replacement["insertedContent"]["text"], "layer4");
    assert_eq!(results[1]["relatedLocations"][0]["message"]["text"], "first here");
    assert_eq!(results[2]["level"], "warning");

    // Of a run that found nothing there is a log as well, and of one that failed.
    let folder = folder_with(&[("ä <b>.freeze", "start: tran fc")]);
    let log = |arguments: &[&str], input: &str| {
        let all = [&["check", "--message-format", "sarif"], arguments].concat();
        let (status, out, _) = freeze(&all, folder.path(), input);
        let log: Value = serde_json::from_str(&out).unwrap();
        check_log(&log);
        (status, log["runs"][0].clone())
    };
    let (status, run) = log(&["-"], "start: train fc");
    assert_eq!((status, &run["results"]), (0, &json!([])));
    let (status, run) = log(&["none.freeze", "ä <b>.freeze"], "");
    assert_eq!((status, run["results"].as_array().unwrap().len()), (2, 1));
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "%C3%A4%20%3Cb%3E.freeze");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let failure = &invocation["toolExecutionNotifications"][0]["message"]["text"];
    assert!(failure.as_str().unwrap().starts_with("cannot read `none.freeze`"));
}

/// The schema refuses what is no log, so that a log which it accepts is one.
#[test]
fn the_schema_of_sarif_refuses_other_json() {
    let (out, _) = reported("sarif");
    let schema = sarif_schema();
    let log: Value = serde_json::from_str(&out).unwrap();
    assert!(schema.is_valid(&log));
    for (place, wrong) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/tool/driver/name", json!(1)),
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/fixes/0/artifactChanges", json!([])),
    ] {
        let mut log = log.clone();
        *log.pointer_mut(place).unwrap() = wrong;
        assert!(!schema.is_valid(&log), "{place}");
    }
}

/// The wrong policies of all findings' pages, each with its rule, its page and its edits.
#[test]
fn a_sarif_log_of_every_finding() {
    let pages: Vec<(String, &str)> = Code::ALL
        .iter()
        .filter_map(|code| {
            let bad = code.page().split("```freeze,bad\n").nth(1)?.split("```").next()?;
            Some((format!("{code}.freeze"), bad))
        })
        .collect();
    let files: Vec<(&str, &str)> =
        pages.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let folder = folder_with(&files);
    let arguments = ["check", "--model", MODEL, "--message-format", "sarif"];
    let (status, out, _) = freeze(&arguments, folder.path(), "");
    assert_eq!(status, 1);
    let log: Value = serde_json::from_str(&out).unwrap();
    check_log(&log);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    // Some of them show only with another model or when a program runs.
    assert!(rules.len() + 6 >= pages.len(), "{}", rules.len());
    for rule in rules {
        let code = Code::of(rule["id"].as_str().unwrap()).unwrap();
        assert_eq!(rule["help"]["markdown"], code.page());
    }
    let with_fixes = run["results"].as_array().unwrap().iter();
    assert!(
        with_fixes.filter(|result| !result["fixes"].as_array().unwrap().is_empty()).count() > 10
    );
}

#[test]
fn levels_are_those_of_the_report() {
    let folder = folder_with(&[("a.freeze", "start: train fc lr 0;")]);
    let level = |more: &[&str], format: &str| {
        let arguments = [&["check", "a.freeze", "--message-format", format], more].concat();
        let (status, out, _) = freeze(&arguments, folder.path(), "");
        (status, out)
    };
    let denied = ["--deny", "FRZ0505"];
    let (status, out) = level(&denied, "sarif");
    assert_eq!(status, 1);
    assert!(out.contains("\"level\":\"error\""), "{out}");
    assert!(level(&denied, "github").1.starts_with("::error file="));
    assert!(level(&denied, "json").1.contains("\"severity\":\"error\""));
    let (status, out) = level(&["--allow", "FRZ0505"], "json");
    assert_eq!((status, out.as_str()), (0, ""));
    // The last option that names a code holds, and `warnings` does not name it.
    assert_eq!(level(&["--deny", "FRZ0505", "--warn", "FRZ0505"], "json").0, 0);
    assert_eq!(level(&["--warn", "FRZ0505", "--deny", "FRZ0505"], "json").0, 1);
    assert_eq!(level(&["--allow", "FRZ0505", "--deny", "warnings"], "json").0, 0);
    assert_eq!(level(&["--allow", "FRZ0501,FRZ0505", "--deny", "warnings"], "json").0, 0);
    assert_eq!(level(&["--deny", "warnings", "--warn", "FRZ0505"], "json").0, 0);
    assert_eq!(level(&["--allow", "warnings", "--deny", "FRZ0505"], "json").0, 1);
    // What the command line says of all warnings is stronger than what the file says of one code.
    for (levels, denied, softened) in
        [("warnings = \"deny\"", 1, 0), ("FRZ0505 = \"warn\"", 1, 0), ("FRZ0505 = \"allow\"", 0, 0)]
    {
        let config = format!("[levels]\n{levels}\n");
        std::fs::write(folder.path().join("freeze.toml"), config).unwrap();
        assert_eq!(level(&["--deny", "warnings"], "json").0, denied, "{levels}");
        assert_eq!(level(&["--warn", "FRZ0505"], "json").0, softened, "{levels}");
    }
}

#[test]
fn where_a_command_prints_something_else_findings_go_to_standard_error() {
    let folder = folder_with(&[("a.freeze", WRONG)]);
    for command in [&["simulate", "a.freeze", "--model", MODEL][..], &["fmt", "-"], &["ast", "-"]] {
        let arguments = [command, &["--message-format", "json"]].concat();
        let (status, out, errors) = freeze(&arguments, folder.path(), "start: tran fc");
        assert_eq!(status, 1);
        assert!(!out.contains("FRZ"), "{out}");
        let findings: Vec<Value> =
            errors.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert!(findings[0]["code"].is_string(), "{errors}");
    }
}

#[test]
fn a_machine_reads_all_findings_and_a_person_no_more_than_is_read() {
    let many: Vec<String> = (0..150).map(|at| format!("let n{at} = 1;\n")).collect();
    let text = format!("{}start: train fc", many.concat());
    let folder = folder_with(&[("a.freeze", &text)]);
    let count = |format: &str, what: &str| {
        let arguments = ["check", "a.freeze", "--message-format", format];
        let (_, out, errors) = freeze(&arguments, folder.path(), "");
        format!("{out}{errors}").matches(what).count()
    };
    assert_eq!(count("json", "\"FRZ0504\""), 150);
    assert_eq!(count("sarif", "\"ruleId\":\"FRZ0504\""), 150);
    assert_eq!(count("github", "title=FRZ0504"), 150);
    assert_eq!(count("short", "warning[FRZ0504]"), 150);
    assert_eq!(count("human", "warning[FRZ0504]"), 100);
    assert_eq!(count("human", "… and 50 more findings"), 1);
}

#[test]
fn quiet_leaves_the_findings() {
    let folder = folder_with(&[("a.freeze", "start:  tran fc")]);
    let reported = |arguments: &[&str]| freeze(arguments, folder.path(), "").2;
    let (loud, quiet) = (reported(&["check", "a.freeze"]), reported(&["check", "-q", "a.freeze"]));
    assert_eq!(loud, format!("{quiet}1 error\n"));
    let (loud, quiet) = (reported(&["fmt", "a.freeze"]), reported(&["--quiet", "fmt", "a.freeze"]));
    assert!(loud.contains("was not changed") && !quiet.contains("was not changed"), "{quiet}");
    assert!(quiet.starts_with("error[FRZ0102]"), "{quiet}");
    // Failures are printed nevertheless.
    assert!(reported(&["check", "-q", "none.freeze"]).starts_with("error: cannot read"));
}

#[test]
fn every_format_says_that_there_are_further_findings() {
    let text = "run 1 epoch;\n".to_owned() + &"start: train nothing_like_it lr 1;\n".repeat(1_200);
    let folder = folder_with(&[("many.freeze", &text)]);
    let said = "there are more than 1000 findings with the code FRZ0201: the others are not listed";
    for format in ["short", "json", "sarif", "github"] {
        let arguments = ["check", "many.freeze", "--model", MODEL, "--message-format", format];
        let (_, out, errors) = freeze(&arguments, folder.path(), "");
        assert_eq!((out + &errors).matches(said).count(), 1, "{format}");
    }
    let (_, _, errors) = freeze(&["check", "many.freeze", "--model", MODEL], folder.path(), "");
    assert!(errors.contains("… and at least "), "{errors}");
    let counts = errors.lines().last().unwrap();
    assert!(counts.starts_with("at least 1") && counts.contains(" errors"), "{counts}");
}
