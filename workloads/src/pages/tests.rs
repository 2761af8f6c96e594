//! Regions are zero, aligned, as resident and as huge as they say, and on the node that they were bound to.
#![cfg(not(miri))]

use super::*;
use perfbench_harness::Reason;

const LEN_BYTES: usize = 3 * HUGE_BYTES;

const NOTHING: Wish = Wish { huge: false, prefault: false, bind: false };

fn resident(pages: &Pages) -> resident::Resident {
    resident::of_region(pages.start(), pages.len_bytes()).unwrap()
}

#[test]
fn pages_are_aligned_and_zero_and_not_there_before_they_are_touched() {
    let mut pages = Pages::new(LEN_BYTES - 1, NOTHING).unwrap();
    assert_eq!((pages.len_bytes(), pages.start().addr().get() % HUGE_BYTES), (LEN_BYTES, 0));
    assert_eq!((pages.kind(), pages.prefault(), resident(&pages).bytes), (Kind::Base, Prefault::None, 0));
    pages.touch_every_page();
    assert_eq!(resident(&pages).bytes, LEN_BYTES as u64);
    assert_eq!(pages.huge_percent(), Some(0.0));
    pages.discard();
    assert_eq!((resident(&pages).bytes, pages.huge_percent()), (0, None));
}

#[test]
fn pages_wished_in_full_are_there_at_once_and_say_what_was_refused() {
    if crate::testing::skipped_in_an_emulated_process("resident pages") {
        return;
    }
    let pages = Pages::new(LEN_BYTES, Wish::ALL).unwrap();
    assert_eq!(resident(&pages).bytes, LEN_BYTES as u64);
    assert_ne!(pages.prefault(), Prefault::None);
    let refused = pages.refused().iter().filter(|why| why.reason == Reason::NoHugePages).count();
    assert_eq!(
        refused,
        [Kind::Reserved, Kind::Advised, Kind::Base].iter().position(|k| *k == pages.kind()).unwrap()
    );
    // SAFETY: inside the region, which only this test knows.
    let byte = unsafe { pages.start().add(LEN_BYTES - 1) };
    // SAFETY: as above; the kernel gives zeros.
    assert_eq!(unsafe { byte.read() }, 0);
    assert!(pages.facts().iter().all(|fact| fact.value.is_finite()));
}

#[test]
fn pages_lie_on_the_node_that_they_are_bound_to_or_say_why_they_cannot_be_bound() {
    let pages = Pages::new(LEN_BYTES, NOTHING).unwrap();
    let here = node::of_this_thread().and_then(|here| {
        node::bind(pages.start(), LEN_BYTES, here)?;
        Ok((here, node::of_page(pages.start())?))
    });
    match here {
        Ok((bound, lies)) => assert_eq!(lies, bound),
        Err(why) => assert!([Reason::NoNuma, Reason::NoPrivilege].contains(&why.reason), "{why}"),
    }
    let chosen = node::bind_to_this_thread(pages.start(), LEN_BYTES);
    assert!(
        chosen.is_ok() == (node::count() > 1) || chosen.is_err_and(|why| why.reason == Reason::NoPrivilege)
    );
}

#[test]
fn pages_of_the_machine_and_of_the_process_are_counted() {
    let pages = Pages::new(LEN_BYTES, NOTHING).unwrap();
    pages.touch_every_page();
    // The kernel's count for the process lags behind by some pages.
    assert!(resident::of_process().unwrap() >= resident(&pages).bytes / 2);
    assert!(resident::available().unwrap() > 0);
}
