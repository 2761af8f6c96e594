//! What every versioned state promises, and that the check notices when one does not keep it.

use super::cell::{Cell, Plain, split};
use super::*;
use crate::sync::AtomicU64;
#[cfg(not(miri))]
use crate::testing::every_variant_is_checked_and_runs;
use crate::testing::with_setup;
use perfbench_harness::Broken;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

#[cfg(not(miri))]
#[test]
fn every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

fn check_of<V: Versioned>() -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, check::check::<V>)
}

/// The crate named seqlock is not among them: Miri reports its race.
#[test]
fn our_cells_pass_the_check() {
    assert_eq!(check_of::<one_line::OneLine>(), Ok(()));
    assert_eq!(check_of::<two_lines::TwoLines>(), Ok(()));
    assert_eq!(check_of::<many_writers::ManyWriters>(), Ok(()));
}

#[test]
fn a_cell_of_zero_bytes_holds_zeros_and_a_writer_heals_what_a_dead_one_left() {
    let cell = Cell::<[u64; 3], 3>::new(AtomicU64::new(0), [0; 3]);
    assert_eq!((cell.try_read(), cell.half_writes()), (Some([0; 3]), 0));
    cell.write([1, 2, 3]);
    assert_eq!((cell.try_read(), cell.half_writes()), (Some([1, 2, 3]), 2));
    let left_within_a_write = Cell::<[u64; 3], 3>::new(AtomicU64::new(5), [1, 2, 9]);
    assert_eq!(left_within_a_write.try_read(), None);
    left_within_a_write.write([4, 5, 6]);
    assert_eq!(left_within_a_write.try_read(), Some([4, 5, 6]));
    assert_eq!(left_within_a_write.half_writes(), 6);
}

#[test]
fn the_sequence_number_may_wrap() {
    let cell = Cell::<[u64; 1], 1>::new(AtomicU64::new(u64::MAX - 1), [1]);
    cell.write([2]);
    assert_eq!((cell.try_read(), cell.half_writes()), (Some([2]), 0));
    let among_many = Cell::<[u64; 1], 1>::new(AtomicU64::new(u64::MAX - 1), [1]);
    among_many.write_among_many([2]);
    assert_eq!((among_many.try_read(), among_many.half_writes()), (Some([2]), 0));
}

/// A value that is no array: a price and a quantity in one word, a name in another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quote {
    price: u32,
    quantity: i32,
    name: [u8; 8],
}

impl Plain<2> for Quote {
    fn to_words(self) -> [u64; 2] {
        let low = u64::from(self.price) << 32 | u64::from(self.quantity.cast_unsigned());
        [low, u64::from_le_bytes(self.name)]
    }

    fn of_words([low, name]: [u64; 2]) -> Self {
        let (price, quantity) = ((low >> 32) as u32, (low as u32).cast_signed());
        Self { price, quantity, name: name.to_le_bytes() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
    #[test]
    fn any_plain_value_comes_back_as_it_went_in(price: u32, quantity: i32, name: [u8; 8]) {
        let quote = Quote { price, quantity, name };
        let (mut writer, reader) = split(AtomicU64::new(0), Quote { price: 0, quantity: 0, name: [0; 8] });
        writer.write(quote);
        prop_assert_eq!(reader.read(), quote);
    }
}

/// Both writers write states of their own parity; readers must see neither torn.
#[test]
fn states_of_many_writers_are_read_whole() {
    let (mut even, reader) = many_writers::ManyWriters::new(state_of(0));
    let mut odd = even.clone();
    let writes = if cfg!(miri) { 30 } else { 20_000 };
    std::thread::scope(|scope| {
        scope.spawn(move || (0..writes).for_each(|n| even.write(state_of(2 * n))));
        scope.spawn(move || (0..writes).for_each(|n| odd.write(state_of(2 * n + 1))));
        for _ in 0..writes {
            let state = reader.read();
            assert_eq!(state, state_of(state[0]));
        }
    });
    assert!(reader.read()[0] >= 2 * writes - 2);
}

/// A locked state that keeps its promise but for one fault.
struct Faulty<const FAULT: char>;

#[derive(Clone)]
struct Side<const FAULT: char>(Arc<Mutex<[State; 2]>>);

impl<const FAULT: char> Versioned for Faulty<FAULT> {
    type Writer = Side<FAULT>;
    type Reader = Side<FAULT>;

    fn new(state: State) -> (Side<FAULT>, Side<FAULT>) {
        let side = Side(Arc::new(Mutex::new([state; 2])));
        (side.clone(), side)
    }
}

impl<const FAULT: char> Write for Side<FAULT> {
    fn write(&mut self, state: State) {
        let mut states = self.0.lock().unwrap();
        if FAULT != 'l' || state[0] % 64 != 5 {
            *states = [states[1], state];
        }
    }
}

impl<const FAULT: char> Read for Side<FAULT> {
    fn read(&self) -> State {
        let [before, now] = *self.0.lock().unwrap();
        match FAULT {
            // One word of the write before; as every word follows from the first, no check of one word sees it.
            't' if now[0] % 16 == 9 => from_fn(|index| if index == 3 { before[3] } else { now[index] }),
            'b' if now[0] % 16 == 9 => before,
            _ => now,
        }
    }
}

#[test]
fn the_check_finds_torn_stale_and_lost_states() {
    assert_eq!(check_of::<Faulty<' '>>(), Ok(()));
    let found = [check_of::<Faulty<'t'>>(), check_of::<Faulty<'b'>>(), check_of::<Faulty<'l'>>()];
    assert!(found.iter().all(Result::is_err), "{found:?}");
}
