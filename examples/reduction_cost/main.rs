//! What the reduction of gradients costs on 8 to 512 GPUs, computed and not measured: where only
//! trainable parameters are reduced, beside a reduction of all.
//!
//! Run it with `cargo run --example reduction_cost`.

mod cost;
#[cfg(test)]
mod tests;

use freeze_examples::table::Table;

use cost::{GPUS_PER_NODE, Network, Reduced, StepCost, Training};

const NETWORKS: [Network; 2] = [
    Network { name: "eight adapters of 400 Gb/s in a node", node_bytes: 400e9 },
    Network { name: "one adapter of 100 Gb/s in a node", node_bytes: 12.5e9 },
];
const GPUS: [f64; 3] = [8.0, 64.0, 512.0];
const PARAMETERS: [f64; 3] = [1e9, 7e9, 70e9];
const FROZEN: [f64; 3] = [0.0, 0.5, 0.9];
const COLUMNS: [&str; 10] = [
    "GPUs",
    "parameters",
    "frozen",
    "sent",
    "of all",
    "reduction",
    "of all",
    "step",
    "of all",
    "faster",
];

fn main() {
    print!("{}", report());
}

/// A table for the GPUs of one node, and one for each network between nodes.
fn report() -> String {
    let is_one_node = |gpus: &f64| *gpus <= GPUS_PER_NODE;
    let one_node: Vec<f64> = GPUS.into_iter().filter(is_one_node).collect();
    let several: Vec<f64> = GPUS.into_iter().filter(|gpus| !is_one_node(gpus)).collect();
    let mut tables = vec![format!("One node, NVLink\n\n{}", table(&one_node, NETWORKS[0]))];
    tables.extend(
        NETWORKS.map(|network| {
            format!("Several nodes, {}\n\n{}", network.name, table(&several, network))
        }),
    );
    tables.join("\n")
}

fn table(gpus: &[f64], network: Network) -> Table {
    let mut table = Table::new(COLUMNS);
    for &gpus in gpus {
        for parameters in PARAMETERS {
            for frozen in FROZEN {
                let training = Training { gpus, parameters, frozen };
                let own = training.cost(Reduced::Trainable, network);
                table.row(row(training, own, training.cost(Reduced::All, network)));
            }
        }
    }
    table
}

fn row(training: Training, own: StepCost, all: StepCost) -> [String; 10] {
    let Training { gpus, parameters, frozen } = training;
    [
        format!("{gpus}"),
        format!("{} billion", parameters / 1e9),
        format!("{:.0} %", frozen * 100.0),
        gigabytes(own.bytes),
        gigabytes(all.bytes),
        seconds(own.reduction),
        seconds(all.reduction),
        seconds(own.step),
        seconds(all.step),
        format!("{:.2} times", all.step / own.step),
    ]
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GB", bytes / 1e9)
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}
