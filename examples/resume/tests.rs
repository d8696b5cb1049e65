//! The pieces of the example, with fewer kills.

use std::env;
use std::path::Path;
use std::process::Command;

use freeze_examples::{bar, check_description};
use tch::{Device, nn};

use crate::compare::compare;
use crate::life::Life;
use crate::network::Network;
use crate::train::{EPOCHS, Progress, train};
use crate::{live, table};

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("resume", &vs).unwrap();
}

#[test]
fn a_report_is_read_among_other_lines() {
    let lines = ["running 1 test", "from 3", "", "saved 4", "saved", "test ok"];
    let read: Vec<Progress> = lines.into_iter().filter_map(Progress::read).collect();
    assert_eq!(read, [Progress::From(3), Progress::Saved(4)]);
}

/// Where the environment names the folder, this test is the process that is killed.
#[test]
fn a_killed_training_ends_with_the_bits_of_one_that_was_not() {
    const FOLDER: &str = "TRAIN_IN_FOLDER";
    if let Some(folder) = env::var_os(FOLDER) {
        return train(Path::new(&folder), &mut std::io::stdout()).unwrap();
    }
    let process = |folder: &Path| {
        let mut process = Command::new(env::current_exe()?);
        let name = "tests::a_killed_training_ends_with_the_bits_of_one_that_was_not";
        process.args(["--exact", name, "--nocapture"]).env(FOLDER, folder);
        Ok(process)
    };
    let root = tempfile::tempdir().unwrap();
    let [unbroken, killed] = ["unbroken", "killed"].map(|name| root.path().join(name));
    let whole = Life::live(process(&unbroken).unwrap(), &unbroken, None).unwrap();
    assert_eq!((whole.from, whole.saved, whole.killed), (0, EPOCHS, false));

    let epoch = whole.time / u32::try_from(EPOCHS).unwrap();
    let lives = live(|| process(&killed), &killed, 3, epoch, &bar(0, "test")).unwrap();
    println!("{}", table::lives(&lives));
    assert_eq!(lives.len(), 4);
    for pair in lives.windows(2) {
        assert!(pair[0].killed);
        assert!(pair[1].from >= pair[0].saved, "the saved epochs are not lost");
    }
    assert_eq!(lives.last().unwrap().saved, EPOCHS);

    let parts = compare(&unbroken, &killed).unwrap();
    println!("{}", table::parts(&parts));
    assert!(parts.iter().all(|part| part.bits > 0 && part.differing == 0));
}
