//! The life of a named segment (document 003): table, contract, check and what is timed. What processes that are killed
//! leave behind is shown by `tests/processes`.

pub mod refcount;
pub mod robust;

use crate::shm::{SEGMENT_BYTES_MAX, Segment, layout_hash, unique_name};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{
    Bound, Broken, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload, ensure,
};
use rustix::fs::{Mode, fstat};
use rustix::shm;

/// The ways to own a segment together.
pub static WORKLOAD: Workload = Workload {
    name: "shm_segment",
    about: "What does it cost to make, join and leave a segment that outlives whoever is killed?",
    source: "003",
    points: &[
        Point {
            name: "life",
            about: "make a segment of 64 KiB, join it, write to it, leave it twice: the last takes the name away",
            unit_of_work: "life",
            latency: true,
            ..POINT
        },
        Point {
            name: "join",
            about: "join a segment that is there, and leave it to those who stay",
            unit_of_work: "visit",
            suite: Suite::Full,
            ..POINT
        },
        Point {
            name: "recover",
            about: "strike out one participant that was killed",
            unit_of_work: "recovery",
            latency: true,
            suite: Suite::Full,
            ..POINT
        },
    ],
    variants: &[
        variant::<refcount::Counted>("refcount", refcount::ABOUT, Role::Documented),
        variant::<Segment>("robust", robust::ABOUT, Role::Optimised),
    ],
};

const POINT: Point = Point {
    name: "",
    about: "",
    unit_of_work: "",
    size: 64 * 1024,
    cpus: 1,
    bound: Ok(Bound { limit: "syscall", times: 4.0, why: "a join opens, maps, unmaps and closes" }),
    latency: false,
    suite: Suite::Default,
};

const LAYOUT: u64 = layout_hash("shm_segment");

/// The contract: all who join a name share its bytes, and the last who leaves takes the name away.
pub trait Life: Sized + 'static {
    /// Makes the segment, or joins it where it is there.
    ///
    /// # Errors
    /// What the kernel refused.
    fn join(name: &str, payload_bytes: u64) -> Result<Self, Unavailable>;

    /// Adds to a word of the segment that was zero at first, and returns what it was.
    fn mark(&self) -> u64;

    /// Leaves.
    fn leave(self);

    /// A case whose operation strikes out one participant that was killed.
    ///
    /// # Errors
    /// Where the design cannot.
    fn recovering(name: &str, payload_bytes: u64) -> Result<Box<dyn Case>, Unavailable>;
}

const fn variant<L: Life>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let (suite, needs) = (Suite::Default, Isa::NONE);
    Variant { name, about, role, suite, needs, build: build::<L>, check: |_| check::<L>() }
}

fn build<L: Life>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (name, payload_bytes) = (unique_name("life"), setup.point.size);
    match setup.point.name {
        "life" => Ok(solo(Living::<L>::new(name, payload_bytes))),
        "join" => {
            let stays = L::join(&name, payload_bytes)?;
            Ok(solo(move |_| {
                let visitor = L::join(&name, payload_bytes).expect("a segment that was joined before");
                let mark = stays.mark();
                visitor.leave();
                mark
            }))
        }
        _ => L::recovering(&name, payload_bytes),
    }
}

/// Lives of one segment, one after the other.
struct Living<L> {
    name: String,
    payload_bytes: u64,
    mode: Option<Mode>,
    life: std::marker::PhantomData<L>,
}

impl<L: Life> Living<L> {
    fn new(name: String, payload_bytes: u64) -> Self {
        Self { name, payload_bytes, mode: None, life: std::marker::PhantomData }
    }

    fn join(&self) -> L {
        L::join(&self.name, self.payload_bytes).expect("the kernel made the first segment of this size")
    }
}

impl<L: Life> Body for Living<L> {
    fn op(&mut self, _: u64) -> u64 {
        let [first, second] = [self.join(), self.join()];
        let mark = first.mark() + second.mark();
        first.leave();
        second.leave();
        mark
    }

    fn facts(&mut self) -> Vec<Fact> {
        let leftover = mode_of(&self.name).is_some();
        let living = self.join();
        self.mode = mode_of(&self.name);
        living.leave();
        let largest_gib = SEGMENT_BYTES_MAX as f64 / f64::from(1 << 30);
        vec![
            Fact::new("leftover_segments", "segments", f64::from(u8::from(leftover))),
            Fact::new("mode_octal", "octal", self.mode.map_or(0.0, as_octal_digits)),
            Fact::new("largest_gib", "GiB", largest_gib),
        ]
    }
}

/// The mode of a segment's file; none where there is no such segment.
fn mode_of(name: &str) -> Option<Mode> {
    let file = shm::open(name, shm::OFlags::RDONLY, Mode::empty()).ok()?;
    Some(Mode::from_raw_mode(fstat(file).ok()?.st_mode & 0o777))
}

/// 0o660 as 660.
fn as_octal_digits(mode: Mode) -> f64 {
    format!("{:o}", mode.bits()).parse().expect("octal digits are digits")
}

/// The one check of this workload.
///
/// # Errors
/// The first difference from what the contract says.
pub fn check<L: Life>() -> Result<(), Broken> {
    let refused = |refusal: Unavailable| Broken(refusal.to_string());
    for joiners in [1, 2, 3, 8] {
        let name = unique_name("check");
        let joined: Result<Vec<L>, _> = (0..joiners).map(|_| L::join(&name, 4096)).collect();
        for (before, one) in joined.map_err(refused)?.into_iter().enumerate() {
            let found = one.mark();
            ensure!(found == before as u64, "after {before} marks in shared memory {found} are seen");
            ensure!(mode_of(&name).is_some(), "{before} of {joiners} have left, and the name is gone");
            one.leave();
        }
        ensure!(mode_of(&name).is_none(), "all {joiners} have left, and the name is there");
    }
    Ok(())
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::shm::SegmentError;
    use crate::testing;
    use perfbench_harness::Reason;
    use perfbench_harness::clock::{Clock, ClockChoice};

    #[test]
    fn every_life_keeps_the_contract() {
        if testing::skipped_in_an_emulated_process("processes that were killed") {
            return;
        }
        for variant in WORKLOAD.variants {
            assert_eq!(testing::check(&WORKLOAD, variant), Ok(()), "{}", variant.name);
            for point in WORKLOAD.points {
                let built = testing::build(variant, point);
                assert_eq!(built.is_err(), point.name == "recover" && variant.name == "refcount");
                let Ok(mut case) = built else { continue };
                case.batch(20, &Clock::open(ClockChoice::Scripted(1)));
                assert!(
                    case.facts().iter().all(|fact| fact.name != "leftover_segments" || fact.value == 0.0)
                );
            }
        }
    }

    /// Leaves without taking the name away.
    struct Careless(Segment);

    impl Life for Careless {
        fn join(name: &str, payload_bytes: u64) -> Result<Self, Unavailable> {
            <Segment as Life>::join(name, payload_bytes).map(Self)
        }

        fn mark(&self) -> u64 {
            self.0.mark()
        }

        fn leave(self) {
            std::mem::forget(self.0);
        }

        fn recovering(_: &str, _: u64) -> Result<Box<dyn Case>, Unavailable> {
            Err(Unavailable::new(Reason::NotAtThisPoint, "never asked for"))
        }
    }

    #[test]
    fn the_check_finds_a_segment_that_is_left_behind() {
        let found = check::<Careless>().unwrap_err();
        assert!(found.0.ends_with("the name is there"), "{found}");
        let own = format!("pb-check-{}-", std::process::id());
        for entry in std::fs::read_dir("/dev/shm").unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with(&own) {
                let _ = shm::unlink(name.as_str());
            }
        }
    }

    #[test]
    fn a_segment_of_one_gib_is_the_largest_that_is_asked_of_the_kernel() {
        let name = unique_name("limit");
        let found = Segment::create(&name, SEGMENT_BYTES_MAX, LAYOUT).unwrap_err();
        assert!(matches!(found, SegmentError::TooLarge { .. }));
    }

    #[test]
    fn the_printed_segment_has_the_mode_that_the_mask_leaves() {
        assert_eq!(as_octal_digits(Mode::from_raw_mode(0o660)), 660.0);
        assert_eq!(as_octal_digits(Mode::from_raw_mode(0o640)), 640.0);
    }
}
