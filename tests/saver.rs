//! A program that trains and saves until it is killed, in the folder that it is given: for
//! `killed.rs`.

use std::error::Error;
use std::path::Path;
use std::thread;

use freeze_tests::savers::{SAVERS, dir, save_for_ever};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args().nth(1).ok_or("which folder?")?;
    thread::scope(|scope| {
        for saver in 0..SAVERS {
            let dir = dir(Path::new(&root), saver);
            scope.spawn(move || {
                if let Err(error) = save_for_ever(&dir) {
                    eprintln!("{error}");
                    std::process::exit(1);
                }
            });
        }
    });
    Ok(())
}
