//! Holds a table to a map and a list of places that are compared one with all others.

use super::{Entry, Shape, Table, TableError};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};
use std::collections::BTreeMap;

/// The one check of this workload.
///
/// # Errors
/// The first difference from the oracle.
pub fn check<T: Table>() -> Result<(), Broken> {
    let table: T = super::fresh(T::TABLE_BYTES + 64 * 1024).map_err(|refusal| Broken(refusal.to_string()))?;
    follows_the_oracle(&table, 2000, 1)?;
    refuses_bad_names(&table)
}

/// Adds, finds and erases names at random until nothing is left, and beside it in a map.
///
/// # Errors
/// The first difference.
pub fn follows_the_oracle<T: Table>(table: &T, steps: u64, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let (mut named, mut places) = (BTreeMap::new(), Vec::new());
    for _ in 0..steps {
        let name = format!("name {}", random.below(24));
        match random.below(3) {
            0 => erases(table, &name, &mut named)?,
            1 => finds(table, &name, &named)?,
            _ => adds(table, &name, shape(&mut random), &mut named, &mut places)?,
        }
    }
    (0..24).try_for_each(|number| finds(table, &format!("name {number}"), &named))
}

/// Sizes around a line's, and none.
fn shape(random: &mut Random) -> Shape {
    let element_bytes = [0, 1, 8, 63, 64, 65, 200][random.below(7) as usize];
    Shape { element_bytes, count: random.below(4), layout: 0 }
}

fn adds<T: Table>(
    table: &T,
    name: &str,
    shape: Shape,
    named: &mut BTreeMap<String, Entry>,
    places: &mut Vec<Entry>,
) -> Result<(), Broken> {
    let added = table.add(name, shape);
    if named.contains_key(name) {
        ensure!(added == Err(TableError::Taken), "{name} is there, adding it again gave {added:?}");
        return Ok(());
    }
    match added {
        Ok(entry) => {
            ensure!(entry.shape == shape, "{name}: {shape:?} was added as {:?}", entry.shape);
            ensure!(
                entry.offset_bytes.is_multiple_of(T::ALIGN_BYTES),
                "{name} lies at {}",
                entry.offset_bytes
            );
            ensure!(entry.offset_bytes >= T::TABLE_BYTES, "{name} lies in the table itself");
            if let Some(other) = places.iter().find(|other| overlap(&entry, other)) {
                return Err(Broken(format!("{entry:?} overlaps {other:?}")));
            }
            places.push(entry);
            named.insert(name.into(), entry);
            Ok(())
        }
        Err(TableError::NoEntry | TableError::NoSpace { .. }) => Ok(()),
        Err(error) => Err(Broken(format!("adding {name}: {error}"))),
    }
}

fn overlap(one: &Entry, other: &Entry) -> bool {
    let end = |entry: &Entry| entry.offset_bytes + entry.shape.element_bytes * entry.shape.count;
    one.offset_bytes < end(other) && other.offset_bytes < end(one)
}

fn finds<T: Table>(table: &T, name: &str, named: &BTreeMap<String, Entry>) -> Result<(), Broken> {
    let expected = named.get(name).copied().ok_or(TableError::Missing);
    let found = table.find(name);
    ensure!(found == expected, "{name}: found {found:?}, expected {expected:?}");
    Ok(())
}

fn erases<T: Table>(table: &T, name: &str, named: &mut BTreeMap<String, Entry>) -> Result<(), Broken> {
    let expected = named.remove(name).map(|_| ()).ok_or(TableError::Missing);
    let erased = table.erase(name);
    ensure!(erased == expected, "erasing {name} gave {erased:?}, expected {expected:?}");
    Ok(())
}

fn refuses_bad_names<T: Table>(table: &T) -> Result<(), Broken> {
    for name in ["", "a\0b", &"x".repeat(65)] {
        let added = table.add(name, Shape { element_bytes: 1, count: 1, layout: 0 });
        ensure!(added == Err(TableError::BadName), "{name:?} was added: {added:?}");
    }
    let endless = table.add("endless", Shape { element_bytes: u64::MAX, count: 2, layout: 0 });
    ensure!(matches!(endless, Err(TableError::NoSpace { .. })), "an endless size gave {endless:?}");
    Ok(())
}
