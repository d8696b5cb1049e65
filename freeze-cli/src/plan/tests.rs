//! The layout of pictures: nothing overlaps, nothing is outside, and nothing of a name is taken for markup.

use freeze_dsl::clock::Program;
use freeze_dsl::model::Model;
use freeze_dsl::picture::{Picture, PictureSetup};
use freeze_dsl::plan::Plan;
use freeze_dsl::policy::Policy;
use unicode_width::UnicodeWidthStr;

use super::figure::Figure;
use super::{LINES, ROWS, page, svg, text};

#[path = "../../../freeze-dsl/tests/support/architectures.rs"]
mod architectures;

fn model(names: impl IntoIterator<Item = String>) -> Model {
    let tensors: Vec<serde_json::Value> = names
        .into_iter()
        .map(|name| {
            serde_json::json!({"name": name, "shape": [4, 4], "dtype": "f32", "role": "parameter"})
        })
        .collect();
    Model::from_json(&serde_json::json!({"format": 1, "tensors": tensors}).to_string()).unwrap()
}

fn plan_of(policy: &str, model: &Model) -> Plan {
    let policy = Policy::parse(policy).unwrap_or_else(|found| panic!("{found}"));
    policy.plan(model).unwrap_or_else(|found| panic!("{found}"))
}

fn setup(steps_per_epoch: Option<u64>, columns: u64) -> PictureSetup {
    let program = Program { steps_per_epoch, ..Program::default() };
    PictureSetup { program, columns, ..PictureSetup::default() }
}

fn picture_of(plan: &Plan, setup: PictureSetup) -> Picture {
    Picture::new(plan, setup).unwrap_or_else(|error| panic!("{error}"))
}

/// A text of a picture, with the box that its widest font takes.
#[derive(Debug)]
struct TextBox {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Checks an SVG file, and returns its texts.
#[track_caller]
fn assert_laid_out(svg: &str, what: &str) -> Vec<String> {
    let document =
        roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{what}: {error}"));
    let root = document.root_element();
    let view: Vec<f64> =
        root.attribute("viewBox").unwrap().split(' ').map(|it| it.parse().unwrap()).collect();
    let (width, height) = (view[2], view[3]);
    let number = |node: &roxmltree::Node<'_, '_>, name: &str| -> f64 {
        node.attribute(name).unwrap().parse().unwrap()
    };
    let mut boxes: Vec<TextBox> = Vec::new();
    for node in document.descendants().filter(|node| node.has_tag_name("text")) {
        let text = node.text().unwrap_or_default().to_owned();
        let (x, y, size) = (number(&node, "x"), number(&node, "y"), number(&node, "font-size"));
        // The advance of the widest of the fonts that are named.
        let length = f64::from(u32::try_from(text.width()).unwrap()) * size * 0.61;
        let left = match node.attribute("text-anchor").unwrap() {
            "start" => x,
            "middle" => x - length / 2.0,
            _ => x - length,
        };
        boxes.push(TextBox {
            text,
            left,
            right: left + length,
            top: y - size * 0.8,
            bottom: y + 2.0,
        });
    }
    for (index, one) in boxes.iter().enumerate() {
        let is_inside =
            one.left >= 0.0 && one.right <= width && one.top >= 0.0 && one.bottom <= height;
        assert!(is_inside, "{what}: {one:?} is not in {width} x {height}");
        for other in boxes.iter().skip(index + 1) {
            let is_apart = one.right <= other.left
                || other.right <= one.left
                || one.bottom <= other.top
                || other.bottom <= one.top;
            assert!(is_apart, "{what}: {one:?} overlaps {other:?}");
        }
    }
    // Paths have absolute starts of their parts.
    for node in document.descendants().filter(|node| node.has_tag_name("path")) {
        for part in node.attribute("d").unwrap().split('M').skip(1) {
            let start: Vec<f64> = part
                .split(['h', 'v', 'H', 'V'])
                .next()
                .unwrap()
                .split(' ')
                .map(|it| it.parse().unwrap())
                .collect();
            assert!(start[0] <= width && start[1] <= height, "{what}: {part}");
        }
    }
    boxes.into_iter().map(|it| it.text).collect()
}

/// Draws a plan in all forms, and checks each; returns the texts of the SVG file.
#[track_caller]
fn assert_drawn(plan: &Plan, steps: Option<u64>, what: &str) -> Vec<String> {
    let picture = picture_of(plan, setup(steps, super::COLUMNS));
    let svg = svg::picture(&Figure::new(plan, picture, ROWS));
    for width in [20, 60, 80, 200] {
        let columns = text::columns(width) as u64;
        let figure = Figure::new(plan, picture_of(plan, setup(steps, columns)), LINES);
        for line in text::picture(&figure, width).lines() {
            assert!(line.width() <= width.max(32), "{what}: {width}: {line}");
        }
    }
    assert_laid_out(&svg, what)
}

#[test]
fn the_norms_of_each_architecture() {
    let all = architectures::architectures();
    assert_eq!(all.len(), 77);
    let mut drawn = 0;
    for architecture in &all {
        if architecture.selects("@norms").is_empty() {
            assert!(architecture.norms.is_empty(), "{}", architecture.name);
            continue;
        }
        let plan = plan_of("run 10 epochs; start: train @norms lr 1e-3", &architecture.model);
        let texts = assert_drawn(&plan, None, &architecture.name);
        assert!(texts.iter().any(|text| text == "rule 1"), "{}", architecture.name);
        drawn += 1;
    }
    assert!(drawn > 60, "{drawn}");
}

#[test]
fn nothing_of_a_name_is_markup() {
    let names =
        ["a<b>&\"c'.</script>", "a<b>&\"c'.<!--x", "c\u{1}d", "編碼器.層"].map(String::from);
    let plan =
        plan_of("run 3 epochs; start: train @all lr 1; epoch 1: freeze ~\"c.*\"", &model(names));
    let texts = assert_drawn(&plan, None, "names");
    assert!(texts.iter().any(|text| text == "a<b>&\"c'"), "{texts:?}");
    assert!(texts.iter().any(|text| text == "c\u{FFFD}d"), "{texts:?}");
    let picture = picture_of(&plan, setup(None, 160));
    let page = page::page(&plan, &picture).unwrap();
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<!--x"));
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert!(data["rows"].to_string().contains("</script>"), "{data}");
}

/// Another scenario of the page may have a higher rate than the picture shows.
#[test]
fn a_picture_and_a_page_have_one_scale_and_legend() {
    let names = ["a", "b", "c"].map(String::from);
    for (policy, rates) in [
        (
            "run 20 epochs; start: train a lr cosine 1e-3 -> 0 over rest; \
             when loss < 1 as low: unfreeze b lr 1e-1, unfreeze c lr 3e-5",
            serde_json::json!([{ "lowest": "≤ 3e-5", "highest": "0.1" }]),
        ),
        (
            "run 3 epochs; start: train a lr 1e-3, train b lr 1.1e-3, train c lr 0",
            serde_json::json!([
                { "level": 23, "text": "learning rate 1.1e-3" }, { "level": 0, "text": "0" },
            ]),
        ),
    ] {
        let plan = plan_of(policy, &model(names.clone()));
        let picture = picture_of(&plan, setup(None, 160));
        let page = page::page(&plan, &picture).unwrap();
        let (_, after) = page.split_once("\"rates\":").unwrap();
        let mut shown = serde_json::Deserializer::from_str(after).into_iter::<serde_json::Value>();
        assert_eq!(shown.next().unwrap().unwrap(), rates);
        let texts = assert_laid_out(&svg::picture(&Figure::new(&plan, picture, ROWS)), policy);
        let entries = rates.as_array().unwrap().iter().flat_map(|it| it.as_object().unwrap());
        for (_, entry) in entries.filter(|(_, entry)| entry.is_string()) {
            assert!(texts.iter().any(|text| Some(text.as_str()) == entry.as_str()), "{texts:?}");
        }
    }
}

#[test]
fn a_page_loads_nothing() {
    let plan = plan_of("run 3 epochs; start: train @all lr 1", &model([String::from("a")]));
    let page = page::page(&plan, &picture_of(&plan, setup(None, 160))).unwrap();
    for outside in ["http:", "https:", "src=", "href=", "@import", "url(\"", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn extremes_are_drawn() {
    let one = model([String::from("w")]);
    assert_drawn(&plan_of("run 1 epoch; start: train w", &one), None, "one parameter");
    assert_drawn(
        &plan_of("run 7 steps; start: train w lr 0", &one),
        Some(100),
        "a part of an epoch",
    );
    assert_drawn(&plan_of("run 2 epochs; start: stop", &one), None, "nothing but an end");
    let nothing = plan_of("run 3 epochs; start: stop", &model([]));
    let texts = assert_drawn(&nothing, None, "no parameters");
    assert!(texts.iter().any(|text| text == "the model has no parameters"), "{texts:?}");
    let long = "run 1000 epochs; start: train a1, a2 lr linear 0 -> 1 over rest; \
                for i in 1..40 { epoch 20 * i: unfreeze sub lr i; }";
    let names = ["a1", "a2", "sub.b", "sub.c"].map(String::from);
    let picture = picture_of(&plan_of(long, &model(names.clone())), setup(None, super::COLUMNS));
    assert_eq!(picture.axis.columns(), 100);
    assert_drawn(&plan_of(long, &model(names)), None, "1,000 epochs");
}

#[test]
fn ten_thousand_modules_are_drawn() {
    let alike = model((0..10_000).map(|index| format!("m.{index}.w")));
    let texts =
        assert_drawn(&plan_of("run 9 epochs; start: train m.7 lr 1", &alike), None, "alike");
    assert!(texts.iter().any(|text| text == "8 … 9999"), "{texts:?}");
    // None is like its neighbours.
    let every = "run 9 epochs; start: train ~\"m\\\\.[0-9]*[02468]\\\\.w\" lr 1";
    let texts = assert_drawn(&plan_of(every, &alike), None, "each unlike the next");
    assert!(texts.len() < 200, "{}", texts.len());
}

#[test]
fn the_rows_of_a_drawing_are_all_parameters_once() {
    for architecture in architectures::architectures().into_iter().step_by(7) {
        let policy = "run 4 epochs; start: train @vectors lr 1e-3; epoch 2: unfreeze @all lr 1e-4";
        let plan = plan_of(policy, &architecture.model);
        let figure = Figure::new(&plan, picture_of(&plan, setup(None, 160)), ROWS);
        let drawn = figure.rows.iter().filter(|row| !row.cells.is_empty());
        let elements: usize = drawn.map(|row| row.elements).sum();
        assert_eq!(elements, figure.picture.elements, "{}", architecture.name);
    }
}
