//! The picture as a page of HTML: one file without anything outside of it. It unfolds, shows what a cell
//! is, and has a slider for each moment that metrics decide.
//!
//! The page computes no schedule. It has the scenarios of the [`Picture`], which the clock of the language
//! has run, and a slider chooses among them.

use freeze_dsl::clock::RuleId;
use freeze_dsl::picture::{
    ColumnState, MetricMoment, ModuleRow, Picture, RowLimits, Scenario, StateId,
};
use freeze_dsl::plan::Plan;
use serde::Serialize;

use super::figure::{axis_ticks, title};
use super::scale::{LEVELS, RateEntry, RateScale};
use super::svg::colours;

/// The rows of a page.
const ROWS: RowLimits = RowLimits { shown: 48, all: 4_000 };

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page draws.
#[derive(Serialize)]
struct PageData<'p> {
    title: String,
    elements: usize,
    axis: AxisData,
    /// How many levels learning rates have, and the legend of them.
    levels: usize,
    rates: Vec<RateEntry>,
    states: Vec<StateData>,
    rules: Vec<RuleData<'p>>,
    rows: Vec<RowData>,
    outermost: Vec<usize>,
    groups: Vec<GroupData>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AxisData {
    ticks: u64,
    columns: usize,
    ticks_per_column: u64,
    ticks_per_epoch: u64,
    is_in_steps: bool,
    unit: &'static str,
    /// Each with its place in columns and what is written there.
    labels: Vec<(f64, String)>,
}

/// How an atom trains; null for frozen and over, which are the first two states.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateData {
    trains: bool,
    lr: Option<f64>,
    level: usize,
    weight_decay: Option<f64>,
    optimizer: Option<&'static str>,
    is_part: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleData<'p> {
    name: &'p str,
    trigger: &'p str,
    is_by_metric: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowData {
    name: String,
    depth: usize,
    elements: usize,
    /// Each atom with how many of the numbers are of it.
    atoms: Vec<(usize, usize)>,
    children: Vec<usize>,
    is_open: bool,
}

#[derive(Serialize)]
struct GroupData {
    atoms: Vec<usize>,
    #[serde(rename = "hasAllChoices")]
    has_all_choices: bool,
    scenarios: Vec<ScenarioData>,
}

#[derive(Serialize)]
struct ScenarioData {
    first: usize,
    /// How many columns there are.
    columns: usize,
    /// For each atom, its states, each followed by in how many columns it lasts.
    states: Vec<Vec<usize>>,
    /// Rules that fire, each with its tick.
    firings: Vec<(usize, u64)>,
    end: Option<u64>,
    moments: Vec<MomentData>,
    /// An epoch, the rules that metrics let fire at its start, and the scenario that begins.
    next: Vec<(u64, Vec<usize>, usize)>,
}

#[derive(Serialize)]
struct MomentData {
    rule: usize,
    firing: u64,
    choices: Vec<u64>,
    assumed: Option<u64>,
}

/// The page of a picture.
///
/// # Errors
/// If it cannot be written as JSON, which does not happen.
pub(crate) fn page(plan: &Plan, picture: &Picture) -> Result<String, String> {
    let data = serde_json::to_string(&PageData::new(plan, picture)).map_err(|it| it.to_string())?;
    // In a script, `</` would end it, and `<!--` would begin a comment.
    let data = data.replace('<', "\\u003c");
    let style = format!("{STYLE}\n{}", colours::style());
    let title = super::svg::escaped(&title(plan, picture.elements));
    let parts =
        [("{title}", title), ("{style}", style), ("{data}", data), ("{script}", SCRIPT.to_owned())];
    // Each part is put in where the template has its name, and never into another part.
    let mut page = String::new();
    let mut rest = TEMPLATE;
    for (name, part) in parts {
        let (before, after) = rest.split_once(name).ok_or("the template lacks a part")?;
        page.push_str(before);
        page.push_str(&part);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

impl<'p> PageData<'p> {
    fn new(plan: &Plan, picture: &'p Picture) -> Self {
        let scale = RateScale::of_drawing(picture, &picture.drawing());
        let tree = picture.rows_of_all(ROWS);
        Self {
            title: title(plan, picture.elements),
            elements: picture.elements,
            axis: AxisData::new(picture),
            states: picture.states.iter().map(|state| StateData::new(state, scale)).collect(),
            levels: LEVELS,
            rates: RateEntry::all(
                scale.as_ref(),
                picture.states.iter().any(|it| it.lr().is_some()),
            ),
            rules: picture
                .rules
                .iter()
                .map(|rule| RuleData {
                    name: &rule.name,
                    trigger: &rule.trigger,
                    is_by_metric: rule.is_by_metric,
                })
                .collect(),
            rows: tree.rows.into_iter().map(RowData::new).collect(),
            outermost: tree.outermost,
            groups: picture
                .groups
                .iter()
                .map(|group| GroupData {
                    atoms: group.atoms.iter().map(|atom| atom.index()).collect(),
                    has_all_choices: group.has_all_choices,
                    scenarios: group
                        .scenarios
                        .iter()
                        .map(|scenario| ScenarioData::new(scenario, group.atoms.len()))
                        .collect(),
                })
                .collect(),
        }
    }
}

impl AxisData {
    fn new(picture: &Picture) -> Self {
        let axis = picture.axis;
        let (unit, labels) = axis_ticks(picture, 16);
        Self {
            ticks: axis.ticks,
            columns: axis.columns(),
            ticks_per_column: axis.ticks_per_column,
            ticks_per_epoch: axis.ticks_per_epoch,
            is_in_steps: axis.is_in_steps,
            unit,
            labels,
        }
    }
}

impl StateData {
    fn new(state: &ColumnState, scale: Option<RateScale>) -> Self {
        let training = match state {
            ColumnState::Trains(training) => Some(training),
            ColumnState::Frozen | ColumnState::Over => None,
        };
        let lr = state.lr();
        Self {
            trains: training.is_some(),
            lr,
            level: lr.zip(scale).map_or(0, |(lr, scale)| scale.level(lr)),
            weight_decay: training.and_then(|it| it.weight_decay),
            optimizer: training.and_then(|it| it.optimizer),
            is_part: training.is_some_and(|it| it.is_drawn || it.is_part_of_time),
        }
    }
}

impl RowData {
    fn new(row: ModuleRow) -> Self {
        let ModuleRow { name, depth, elements, atoms, children, is_open } = row;
        let atoms = atoms.into_iter().map(|(atom, elements)| (atom.index(), elements)).collect();
        Self { name, depth, elements, atoms, children, is_open }
    }
}

impl ScenarioData {
    fn new(scenario: &Scenario, atoms: usize) -> Self {
        let next = scenario.next.iter().map(|((epoch, rules), next)| {
            (*epoch, rules.iter().map(|rule: &RuleId| rule.index()).collect(), *next)
        });
        Self {
            first: scenario.first_column,
            columns: scenario.columns.len(),
            states: (0..atoms).map(|place| runs(&scenario.columns, place)).collect(),
            firings: scenario.firings.iter().map(|it| (it.rule.index(), it.tick)).collect(),
            end: scenario.end,
            moments: scenario.moments.iter().map(MomentData::new).collect(),
            next: next.collect(),
        }
    }
}

impl MomentData {
    fn new(moment: &MetricMoment) -> Self {
        let MetricMoment { rule, firing, choices, assumed } = moment;
        let (firing, assumed) = (*firing, *assumed);
        Self { rule: rule.index(), firing, choices: choices.clone(), assumed }
    }
}

/// The states of an atom, each followed by in how many columns it lasts.
fn runs(columns: &[Vec<StateId>], place: usize) -> Vec<usize> {
    let states: Vec<usize> =
        columns.iter().filter_map(|column| Some(column.get(place)?.index())).collect();
    let runs = states.chunk_by(usize::eq).filter_map(|run| Some([*run.first()?, run.len()]));
    runs.flatten().collect()
}
