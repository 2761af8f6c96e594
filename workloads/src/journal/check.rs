//! The one check of all journals: what was appended is read back, after every record where it outlives a kill and after a sync
//! everywhere, until the journal is full, and again after it was begun anew.

use super::file::{read_all, scratch};
use super::{Error, Journal};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::fs::File;

/// Around a word, a line and a page.
const SIZES: [usize; 12] = [1, 7, 8, 9, 15, 16, 63, 64, 65, 255, 1000, 4097];

const CAPACITY_BYTES: u64 = 16 * 1024;

/// The check.
///
/// # Errors
/// The first record that is not read back as it went in.
pub fn check<J: Journal>(setup: &Setup<'_>) -> Result<(), Broken> {
    let file = scratch().map_err(broken)?;
    let again = file.try_clone().map_err(|error| broken(error.into()))?;
    let mut journal = J::create(file, CAPACITY_BYTES).map_err(broken)?;
    let mut random = Random::new(setup.seed);
    let first = fill(&mut journal, &again, &mut random)?;
    ensure!(first.len() > 8, "{} records fit", first.len());
    if J::FORGETS {
        journal.restart().map_err(broken)?;
        fill(&mut journal, &again, &mut random)?;
    }
    Ok(())
}

fn broken(error: Error) -> Broken {
    Broken(format!("{error:?}"))
}

/// Appends records of random sizes until one does not fit, and smaller ones until none does.
fn fill<J: Journal>(journal: &mut J, file: &File, random: &mut Random) -> Result<Vec<Vec<u8>>, Broken> {
    let mut appended: Vec<Vec<u8>> = Vec::new();
    let mut sizes = SIZES.to_vec();
    while !sizes.is_empty() {
        let at = random.below(sizes.len() as u64) as usize;
        let payload: Vec<u8> = (0..sizes[at]).map(|_| random.bits() as u8).collect();
        match journal.append(&payload) {
            Ok(()) => appended.push(payload),
            Err(Error::Full { left_bytes }) => {
                let fits = payload.len() + 64 <= left_bytes;
                ensure!(!fits, "{} bytes do not fit into {left_bytes}", payload.len());
                sizes.remove(at);
            }
            Err(error) => return Err(broken(error)),
        }
        if J::OUTLIVES_A_KILL {
            holds::<J>(file, &appended)?;
        }
    }
    journal.sync().map_err(broken)?;
    holds::<J>(file, &appended)?;
    Ok(appended)
}

/// Whether the file holds these records, and no others behind them.
fn holds<J: Journal>(file: &File, appended: &[Vec<u8>]) -> Result<(), Broken> {
    let read = J::replay(&read_all(file).map_err(broken)?).map_err(broken)?;
    let differs = read.iter().zip(appended).position(|(read, appended)| read != appended);
    ensure!(differs.is_none(), "record {differs:?} is not read back as it went in");
    ensure!(read.len() == appended.len(), "{} records went in, {} come out", appended.len(), read.len());
    Ok(())
}
