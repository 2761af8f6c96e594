//! What every journal promises and which promises the documented one breaks; files that were cut, flipped or never were
//! journals; what a real kill leaves is in `killed`.

mod hostile;
#[cfg(not(miri))]
mod killed;

use super::format::{HEADER_BYTES, Header, words_of_record};
use super::log::{Alone, Memory, Shared};
use super::recover::{Recovered, Tail, recover};
use super::*;
use crate::sync::{AtomicU64, Ordering};

#[cfg(not(miri))]
mod on_files {
    use super::documented::Documented;
    use super::*;
    use crate::testing::{every_variant_is_checked_and_runs, with_setup};
    use perfbench_harness::Broken;

    #[test]
    fn every_variant_keeps_the_contract() {
        every_variant_is_checked_and_runs(&WORKLOAD);
    }

    /// The committed journal with one fault.
    struct Faulty<const FAULT: char>(single_writer::SingleWriter, u32);

    impl<const FAULT: char> Journal for Faulty<FAULT> {
        const OUTLIVES_A_KILL: bool = true;

        fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
            let capacity_bytes = if FAULT == 'f' { capacity_bytes / 2 } else { capacity_bytes };
            single_writer::SingleWriter::create(file, capacity_bytes).map(|journal| Self(journal, 0))
        }

        fn append(&mut self, payload: &[u8]) -> Result<(), Error> {
            self.1 += 1;
            match (FAULT, self.1) {
                ('l', 5) => Ok(()),
                ('b', 5) => self.0.append(&[&[payload[0] ^ 1], &payload[1..]].concat()),
                ('t', 5) => self.0.append(payload).and_then(|()| self.0.append(payload)),
                ('f', 5) => Err(Error::Full { left_bytes: 1 << 14 }),
                _ => self.0.append(payload),
            }
        }

        fn sync(&mut self) -> Result<(), Error> {
            self.0.sync()
        }

        fn restart(&mut self) -> Result<(), Error> {
            if FAULT == 'r' { Ok(()) } else { self.0.restart() }
        }
    }

    fn fault_found<const FAULT: char>() -> Result<(), Broken> {
        with_setup(&WORKLOAD.points[0], Isa::NONE, check::check::<Faulty<FAULT>>)
    }

    #[test]
    fn the_check_finds_lost_changed_and_repeated_records_and_a_journal_that_is_full_too_soon_or_forgets_nothing()
     {
        assert_eq!(fault_found::<' '>(), Ok(()));
        let found = [
            fault_found::<'l'>(),
            fault_found::<'b'>(),
            fault_found::<'t'>(),
            fault_found::<'f'>(),
            fault_found::<'r'>(),
        ];
        assert!(found.iter().all(Result::is_err), "{found:?}");
    }

    #[test]
    fn the_documented_journal_hands_out_places_behind_its_map() {
        let journal = Documented::create(file::scratch().unwrap(), 4096).unwrap();
        let last = (0..60).map(|_| journal.reserve(64)).last().unwrap();
        assert!(last + 72 > 4096, "{last}");
    }

    #[test]
    fn the_documented_journal_shows_half_of_a_record_and_hides_whole_ones_behind_a_gap() {
        let file = file::scratch().unwrap();
        let journal = Documented::create(file.try_clone().unwrap(), 4096).unwrap();
        let places = [16, 16, 16].map(|bytes| journal.reserve(bytes));
        // SAFETY: the place was reserved in a map of a page, and nobody reads it meanwhile.
        unsafe { journal.put(places[0], &[7; 16], 5) };
        // SAFETY: as above.
        unsafe { journal.put(places[2], &[9; 16], 16) };
        let read = Documented::replay(&file::read_all(&file).unwrap()).unwrap();
        assert_eq!(read, [[7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], "five bytes were written");
    }

    #[test]
    fn the_documented_journal_begun_anew_shows_what_it_held_before() {
        let file = file::scratch().unwrap();
        let mut journal = Documented::create(file.try_clone().unwrap(), 4096).unwrap();
        [[1], [2], [3]].iter().for_each(|payload| journal.append(payload).unwrap());
        journal.restart().unwrap();
        journal.append(&[4]).unwrap();
        assert_eq!(Documented::replay(&file::read_all(&file).unwrap()).unwrap(), [[4], [2], [3]]);
    }

    #[test]
    fn an_opened_journal_goes_on_where_the_last_whole_record_ended() {
        let (file, bytes) = (file::scratch().unwrap(), bytes_of(&log_of(4096, &[b"one", b"two", b"three"])));
        // In the midst of the third record.
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes[..HEADER_BYTES + 2 * 32 + 20], 0).unwrap();
        let (mut journal, payloads) = committed::Committed::open(file.try_clone().unwrap()).unwrap();
        assert_eq!(payloads, [b"one", b"two"]);
        journal.append(b"four").unwrap();
        drop(journal);
        let (mut journal, payloads) = single_writer::SingleWriter::open(file.try_clone().unwrap()).unwrap();
        assert_eq!(payloads, [b"one".as_slice(), b"two", b"four"]);
        journal.append(b"five").unwrap();
        let bytes = file::read_all(&file).unwrap();
        let recovered = recover(&bytes).unwrap();
        assert_eq!((recovered.records.len(), recovered.tail), (4, Tail::Clean));
        assert_eq!(recovered.records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_damaged_journal_is_not_opened_and_not_cut() {
        let (file, mut bytes) =
            (file::scratch().unwrap(), bytes_of(&log_of(4096, &[b"one", b"two", b"three"])));
        bytes[HEADER_BYTES + 25] ^= 1;
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
        let refused = committed::Committed::open(file.try_clone().unwrap()).map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Damaged { at_bytes: HEADER_BYTES }), "{refused:?}");
        assert_eq!(file::read_all(&file).unwrap(), bytes);
    }
}

const HEADER: Header = Header { capacity_bytes: 0, identity: 0x1234_5678_9abc, epoch: 0, first_sequence: 0 };

fn zeroed(bytes: usize) -> Box<[AtomicU64]> {
    (0..bytes / 8).map(|_| AtomicU64::new(0)).collect()
}

/// A journal in memory with these records.
fn log_of(bytes: usize, payloads: &[&[u8]]) -> Alone<Box<[AtomicU64]>> {
    let mut log = Alone::create(zeroed(bytes), Header { capacity_bytes: bytes as u64, ..HEADER });
    payloads.iter().for_each(|payload| _ = log.append(payload).unwrap());
    log
}

/// The file that the memory would be.
fn bytes_of(log: &Alone<Box<[AtomicU64]>>) -> Vec<u8> {
    log.memory().words().iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
}

/// Records of all lengths around a word and a line.
fn payloads() -> Vec<Vec<u8>> {
    let sizes: &[usize] = if cfg!(miri) { &[0, 9] } else { &[1, 0, 7, 8, 9, 16, 64, 65, 3, 24] };
    sizes.iter().enumerate().map(|(index, size)| vec![index as u8 + 1; *size]).collect()
}

fn payloads_of<'a>(recovered: &Recovered<'a>) -> Vec<&'a [u8]> {
    recovered.records.iter().map(|record| record.payload).collect()
}

#[test]
fn a_file_cut_at_any_byte_holds_exactly_the_records_that_lie_before_the_cut() {
    let payloads = payloads();
    let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let bytes = bytes_of(&log_of(1024, &slices));
    let ends: Vec<usize> = slices
        .iter()
        .scan(HEADER_BYTES, |end, payload| {
            *end += 8 * words_of_record(payload.len());
            Some(*end)
        })
        .collect();
    for cut in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        match recover(&bytes[..cut]) {
            Err(refusal) => assert_eq!(refusal, Refusal::TooShort { bytes: cut }),
            Ok(recovered) => {
                assert!(cut >= HEADER_BYTES);
                assert_eq!(payloads_of(&recovered), slices[..whole], "cut at {cut}");
                assert_eq!(recovered.tail, Tail::Torn, "cut at {cut}");
                assert_eq!(recovered.end_bytes, ends[..whole].last().copied().unwrap_or(HEADER_BYTES));
            }
        }
    }
    assert_eq!(recover(&bytes).unwrap().tail, Tail::Clean);
}

/// What a kill leaves is the file at its full length with the later stores missing.
#[test]
fn a_file_of_full_length_with_zeros_behind_any_byte_is_torn_or_clean_but_never_wrong() {
    let payloads = payloads();
    let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let bytes = bytes_of(&log_of(1024, &slices));
    for cut in HEADER_BYTES..bytes.len() {
        let mut left = bytes.clone();
        left[cut..].fill(0);
        let recovered = recover(&left).unwrap();
        let read = payloads_of(&recovered);
        assert_eq!(read, slices[..read.len()], "zeros from {cut}");
        assert_ne!(recovered.tail, Tail::Damaged, "zeros from {cut}");
        let rest_is_zero = left[recovered.end_bytes..].iter().all(|byte| *byte == 0);
        assert_eq!(recovered.tail == Tail::Clean, rest_is_zero, "zeros from {cut}");
    }
}

#[test]
fn any_flipped_bit_is_seen_and_no_wrong_record_comes_of_it() {
    let payloads = payloads();
    let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let bytes = bytes_of(&log_of(if cfg!(miri) { 144 } else { 1024 }, &slices));
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(recovered) = recover(&flipped) else { continue };
        let read = payloads_of(&recovered);
        assert_eq!(read, slices[..read.len()], "bit {bit}");
        assert_ne!(recovered.tail, Tail::Clean, "bit {bit}");
        let followed = read.len() + 1 < slices.len();
        assert_eq!(recovered.tail == Tail::Damaged, followed, "bit {bit}");
    }
}

#[test]
fn a_journal_begun_anew_forgets_and_goes_on_counting() {
    let mut log = log_of(1024, &[b"one", b"two", b"three"]);
    log.restart();
    assert!(recover(&bytes_of(&log)).unwrap().records.is_empty());
    assert_eq!(log.append(b"four").unwrap(), 3);
    let bytes = bytes_of(&log);
    let recovered = recover(&bytes).unwrap();
    assert_eq!(payloads_of(&recovered), [b"four"]);
    assert_eq!((recovered.records[0].sequence, recovered.tail), (3, Tail::Clean));
}

/// Each thread appends numbered records until the journal is full; every number that it was told is there, with its bytes.
#[test]
fn records_of_many_appenders_are_all_there_in_the_order_they_were_told() {
    let bytes = if cfg!(miri) { 512 } else { 64 * 1024 };
    let log = Shared::create(zeroed(bytes), Header { capacity_bytes: bytes as u64, ..HEADER });
    let told: Vec<(u64, Vec<u8>)> = std::thread::scope(|scope| {
        let appending: Vec<_> = (1..=3u8)
            .map(|thread| {
                scope.spawn({
                    let log = &log;
                    move || {
                        let mut told = Vec::new();
                        for nth in 0u32.. {
                            let payload = [&nth.to_le_bytes()[..], &vec![thread; nth as usize % 40]].concat();
                            match log.append(&payload) {
                                Ok(sequence) => told.push((sequence, payload)),
                                Err(_) => return told,
                            }
                        }
                        told
                    }
                })
            })
            .collect();
        appending.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let bytes: Vec<u8> =
        log.memory().words().iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
    let recovered = recover(&bytes).unwrap();
    assert_eq!(recovered.records.len(), told.len());
    told.iter().for_each(|(number, payload)| {
        assert_eq!(recovered.records[*number as usize].payload, payload, "record {number}");
    });
    let mut visited = 0;
    log.for_each_acknowledged(|number, _, _| {
        assert_eq!(number, visited);
        visited += 1;
    });
    assert_eq!(visited as usize, told.len());
}
