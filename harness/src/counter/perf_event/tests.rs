//! Passes, splitting, re-asking, repetition and refusals, on a kernel that does as it is told; replies that a real kernel
//! gave on an emulated PMU are replayed word by word.

use super::engine::{Passes, open};
use super::fake::Fake;
use super::generic;
use super::kernel::Scope;
use super::plan::{Plan, plan};
use super::probe::{Kind, Probe, UserOnly};
use crate::counter::{Anchor, Counter, Group, Next, Reading, passes};
use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};

const CYCLES: u64 = 0;
const INSTRUCTIONS: u64 = 1;

const ANCHOR: [Probe; 2] = [
    Probe::new(Kind::Hardware, CYCLES, "cycles", "the clock"),
    Probe::new(Kind::Hardware, INSTRUCTIONS, "instructions", "the work"),
];

/// Raw events with the codes 10, 11 and on.
fn events(count: usize) -> Vec<Probe> {
    const NAMES: [&str; 10] = ["e10", "e11", "e12", "e13", "e14", "e15", "e16", "e17", "e18", "e19"];
    let event = |n: usize| Probe::new(Kind::Raw, 10 + n as u64, NAMES[n], "an event");
    (0..count).map(event).collect()
}

fn planned(fake: &Fake, count: usize) -> Plan {
    plan(fake, &ANCHOR, &events(count), Scope::UserAndKernel).unwrap()
}

/// The numbers of the events of each pass, and how many members are opened for them.
fn shape(plan: &Plan) -> Vec<(Vec<usize>, usize)> {
    plan.cuts.iter().map(|cut| (cut.events.clone(), cut.members.len())).collect()
}

fn opened(fake: &Fake, probes: Vec<Probe>) -> Passes<Fake> {
    open(fake, Group::Cache, probes, None).expect("some event opens")
}

fn refusal(fake: &Fake, probes: Vec<Probe>) -> Unavailable {
    open(fake, Group::Cache, probes, None).err().expect("no event opens")
}

/// Counts 100 operations, each of ten instructions, one of event 10 and two of event 11.
fn counted(fake: &Fake, probes: Vec<Probe>) -> Vec<Reading> {
    let work = |ops: u64| {
        let counts = [(CYCLES, 30 * ops), (INSTRUCTIONS, 10 * ops), (10, ops), (11, 2 * ops), (15, 7 * ops)];
        fake.work(ops, ops, &counts);
    };
    passes(&mut opened(fake, probes), &mut Anchor::default(), 100, &mut |pass| {
        pass.inside(|| work(pass.ops));
    })
}

#[test]
fn a_pass_holds_the_anchor_and_at_most_four_events() {
    let plan = planned(&Fake::default(), 10);
    assert_eq!(shape(&plan), [(vec![0, 1, 2, 3], 6), (vec![4, 5, 6, 7], 6), (vec![8, 9], 4)]);
    assert!(plan.refusals.iter().all(Option::is_none));
}

#[test]
fn a_cpu_with_fewer_counters_gets_more_passes() {
    let fake = Fake::default();
    fake.state().capacity = Some(4);
    assert_eq!(shape(&planned(&fake, 5)), [(vec![0, 1], 4), (vec![2, 3], 4), (vec![4], 3)]);
}

#[test]
fn an_event_that_leaves_no_room_for_the_anchor_is_counted_by_itself() {
    let fake = Fake::default();
    fake.state().capacity = Some(2);
    assert_eq!(shape(&planned(&fake, 2)), [(vec![0], 1), (vec![1], 1)]);
}

#[test]
fn a_cpu_without_an_instruction_counter_has_half_an_anchor() {
    let fake = Fake::default();
    fake.state().refused.insert(INSTRUCTIONS, libc::ENOENT);
    assert_eq!(shape(&planned(&fake, 2)), [(vec![0, 1], 3)]);
}

#[test]
fn an_event_that_the_cpu_lacks_is_refused_in_words_and_the_others_are_counted() {
    let fake = Fake::default();
    fake.state().refused.insert(10, libc::ENOENT);
    let readings = counted(&fake, events(2));
    assert_eq!(readings[0].value.as_ref().unwrap_err().reason, Reason::NoPmu);
    assert_eq!((readings[1].value.clone(), readings[1].provenance.clone()), (Ok(200.0), Provenance::HwRaw));
}

#[test]
fn a_group_that_opens_and_never_gets_onto_the_counters_is_halved() {
    let fake = Fake::default();
    fake.state().schedulable = Some(4);
    assert_eq!(shape(&planned(&fake, 4)), [(vec![0, 1], 4), (vec![2, 3], 4)]);
}

#[test]
fn a_user_who_may_not_count_the_kernel_counts_user_mode_under_another_name() {
    let fake = Fake::default();
    fake.state().user_only = Some(libc::EACCES);
    let readings = counted(&fake, events(2));
    assert_eq!(readings.iter().map(|r| &*r.name).collect::<Vec<_>>(), ["e10:u", "e11:u"]);
    assert_eq!(readings[0].value, Ok(100.0));
}

#[test]
fn what_does_not_exist_is_no_matter_of_privilege_once_it_is_asked_for_without_the_kernel() {
    let fake = Fake::default();
    fake.state().user_only = Some(libc::EACCES);
    fake.state().refused.extend([(10, libc::ENOENT), (CYCLES, libc::ENOENT), (INSTRUCTIONS, libc::ENOENT)]);
    assert_eq!(refusal(&fake, events(1)).reason, Reason::NoPmu);
}

#[test]
fn an_event_inside_the_kernel_is_not_opened_for_whom_it_would_stay_at_zero() {
    let fake = Fake::default();
    fake.state().user_only = Some(libc::EACCES);
    let switches = Probe::new(Kind::Software, 3, "context_switches", "").seen(UserOnly::Blind);
    let readings = counted(&fake, [events(1), vec![switches]].concat());
    assert_eq!(readings[1].name, "context_switches");
    assert_eq!(readings[1].value.as_ref().unwrap_err().reason, Reason::NoPrivilege);
}

#[test]
fn every_error_number_of_the_kernel_becomes_a_reason() {
    let answers = [
        (libc::ENOENT, Reason::NoPmu),
        (libc::EACCES, Reason::NoPrivilege),
        (libc::EPERM, Reason::NoPrivilege),
        (libc::EBUSY, Reason::InUse),
        (libc::ENOSPC, Reason::InUse),
        (libc::EMFILE, Reason::InUse),
        (libc::ENOSYS, Reason::Unsupported),
        (libc::EOPNOTSUPP, Reason::Unsupported),
        (libc::E2BIG, Reason::Unsupported),
        (libc::EINVAL, Reason::Unsupported),
    ];
    for (number, reason) in answers {
        let fake = Fake::default();
        fake.state().refused.insert(10, number);
        assert_eq!(refusal(&fake, events(1)).reason, reason, "{number}");
    }
}

#[test]
fn a_region_costs_a_thread_two_reads() {
    let fake = Fake::default();
    let mut source = opened(&fake, events(4));
    let bracket = source.bracket().unwrap();
    let before = fake.state().reads;
    source.start();
    bracket.enter();
    fake.work(5, 5, &[(10, 1), (11, 1), (12, 1), (13, 1)]);
    bracket.leave();
    source.stop(1);
    assert_eq!(fake.state().reads - before, 2);
}

/// What two events count, with and without the registers, and how often the kernel was asked.
fn counted_by(user_access: bool, taken_after: Option<u64>) -> (Vec<Option<f64>>, u64) {
    let fake = Fake::default();
    fake.state().user_access = user_access;
    let mut source = opened(&fake, events(2));
    let before = fake.state().reads;
    fake.state().taken_after = taken_after.map(|looks| fake.state().looks + looks);
    let readings = passes(&mut source, &mut Anchor::default(), 100, &mut |pass| {
        pass.inside(|| {
            fake.work(pass.ops, pass.ops, &[(INSTRUCTIONS, 1000), (10, pass.ops), (11, 2 * pass.ops)])
        });
    });
    (readings.into_iter().map(|reading| reading.value.ok()).collect(), fake.state().reads - before)
}

const REGIONS_OF_A_TRY: u64 = 3 + 1;

#[test]
fn a_region_read_by_registers_asks_the_kernel_nothing_and_counts_the_same() {
    let counts = vec![Some(100.0), Some(200.0)];
    assert_eq!(counted_by(true, None), (counts.clone(), 0));
    assert_eq!(counted_by(false, None), (counts, 2 * REGIONS_OF_A_TRY));
}

#[test]
fn a_try_whose_registers_are_taken_away_counts_nothing_and_the_next_one_is_the_kernels() {
    let looks_of_a_try = 2 * REGIONS_OF_A_TRY * 4;
    for taken_after in 0..looks_of_a_try {
        let (counts, reads) = counted_by(true, Some(taken_after));
        assert_eq!((counts, reads), (vec![Some(100.0), Some(200.0)], 2 * REGIONS_OF_A_TRY), "{taken_after}");
    }
}

/// One region of a pass of two events whose two reads get these answers; ids as recorded begin at this one.
fn replayed(first_id: u64, answers: [Result<Vec<u64>, i32>; 2]) -> Vec<Reading> {
    let fake = Fake::default();
    let mut source = opened(&fake, generic::anchor(None).to_vec());
    // The plan has opened and closed events; the ids of the pass are what the recording says.
    fake.state().next_id = first_id - 1;
    source.reopen();
    fake.state().recorded.extend(answers);
    let bracket = source.bracket().unwrap();
    source.start();
    bracket.enter();
    bracket.leave();
    source.stop(0)
}

fn nothing(ids: [u64; 2]) -> Result<Vec<u64>, i32> {
    Ok(vec![2, 0, 0, 0, ids[0], 0, ids[1]])
}

#[test]
fn a_plain_reply_is_taken_as_it_is() {
    let plain = vec![3, 0x3d7a20, 0x3d7a20, 0x3d091e, 0x17, 0x1e848f, 0x18, 0, 0x19];
    let readings = replayed(0x17, [nothing([0x17, 0x18]), Ok(plain)]);
    let values: Vec<_> = readings.iter().map(|r| r.value.clone()).collect();
    assert_eq!(values, [Ok(4_000_030.0), Ok(2_000_015.0)]);
    assert!(readings.iter().all(|reading| reading.provenance == Provenance::HwGeneric));
}

#[test]
fn a_multiplexed_reply_is_scaled_and_says_so() {
    let shared = vec![2, 0x73b52d2, 0x3a2858a, 0x39842b4, 0x1a, 0x1cc215a, 0x1b];
    let readings = replayed(0x1a, [nothing([0x1a, 0x1b]), Ok(shared)]);
    let Provenance::HwScaled(share) = readings[1].provenance else { panic!("{readings:?}") };
    assert!((share - 0.5026).abs() < 1e-4, "{share}");
    assert!((readings[1].value.clone().unwrap() * share - f64::from(0x1cc215a)).abs() < 1.0);
}

#[test]
fn a_starved_reply_is_not_counted_rather_than_zero() {
    let starved = vec![2, 0x1331f3c, 0, 0, 0x2f, 0, 0x30];
    let readings = replayed(0x2f, [nothing([0x2f, 0x30]), Ok(starved)]);
    for reading in readings {
        assert!(reading.value.unwrap_err().detail.starts_with("not counted"));
    }
}

#[test]
fn a_pinned_group_in_error_reads_as_nothing_and_is_no_count() {
    let readings = replayed(0x17, [nothing([0x17, 0x18]), Ok(Vec::new())]);
    assert!(readings[0].value.as_ref().unwrap_err().detail.contains("off the counters for good"));
}

#[test]
fn a_buffer_that_is_too_short_is_an_error_and_no_count() {
    let readings = replayed(0x17, [nothing([0x17, 0x18]), Err(libc::ENOSPC)]);
    assert_eq!(readings[0].value.as_ref().unwrap_err().reason, Reason::InUse);
    let readings = replayed(0x17, [Err(libc::ENOSPC), nothing([0x17, 0x18])]);
    assert!(readings[0].value.is_err());
}

/// Regions of a pass that have operations: a warm one and the counted one.
const WITH_OPERATIONS: u32 = 2;

/// Counts with work whose share of the counters and instructions a closure tells, by the number of the pass.
fn uneven(fake: &Fake, probes: Vec<Probe>, mut work: impl FnMut(u32) -> (u64, u64)) -> (u32, Vec<Reading>) {
    let mut regions = 0u32;
    let readings = passes(&mut opened(fake, probes), &mut Anchor::default(), 100, &mut |pass| {
        pass.inside(|| {
            if pass.ops > 0 {
                regions += 1;
                let (running_ns, instructions) = work(regions.div_ceil(WITH_OPERATIONS));
                let half = |count| count * running_ns / 100_000;
                let counts = [(CYCLES, 9), (INSTRUCTIONS, instructions), (10, half(600)), (14, 5)];
                fake.work(100_000, running_ns, &counts);
            }
        });
    });
    (regions / WITH_OPERATIONS, readings)
}

fn first_of(readings: &[Reading]) -> (Option<f64>, Provenance) {
    (readings[0].value.clone().ok(), readings[0].provenance.clone())
}

#[test]
fn a_pass_that_shared_the_counters_is_run_again() {
    let work = |region| (if region == 1 { 50_000 } else { 100_000 }, 10_000);
    let (regions, readings) = uneven(&Fake::default(), events(1), work);
    assert_eq!((regions, first_of(&readings)), (2, (Some(600.0), Provenance::HwRaw)));
}

#[test]
fn a_pass_that_always_shares_the_counters_is_scaled_after_three_tries() {
    let (regions, readings) = uneven(&Fake::default(), events(1), |_| (50_000, 10_000));
    let (Some(value), Provenance::HwScaled(share)) = first_of(&readings) else { panic!("{readings:?}") };
    assert_eq!(regions, 3);
    assert!((value / 600.0 - 1.0).abs() < 0.005 && (share - 0.5).abs() < 0.01, "{value} {share}");
    assert!(readings[0].caveat == "its pass shared the counters", "{readings:?}");
}

#[test]
fn passes_whose_instructions_agree_within_a_thousandth_stand() {
    let (regions, readings) =
        uneven(&Fake::default(), events(5), |region| (100_000, 100_000 + 60 * u64::from(region)));
    assert_eq!((regions, readings.len()), (2, 5));
    assert_eq!(readings[4].method, "event 0x0e umask 0x00");
}

#[test]
fn a_pass_over_other_work_than_the_first_is_repeated_and_then_says_so() {
    let work = |region| (100_000, if region == 1 { 100_000 } else { 100_200 });
    let (regions, readings) = uneven(&Fake::default(), events(5), work);
    assert_eq!(regions, 1 + 3);
    assert_eq!(readings[4].value, Ok(5.0));
    assert_eq!(readings[4].caveat, "its pass had 0.20 % more instructions than the first");
    assert_eq!(readings.iter().map(|reading| reading.pass).collect::<Vec<_>>(), [1, 1, 1, 1, 2]);
}

#[test]
fn a_zero_is_no_count_unless_a_canary_has_moved_the_event() {
    let blind = counted(&Fake::default(), events(3));
    assert!(blind[2].value.as_ref().unwrap_err().detail.starts_with("the canary did not move it"));
    let fake = Fake::default();
    let regions_of_a_pass = 3 + 1;
    let reads_of_the_trial = 1;
    fake.state().late = Some((reads_of_the_trial + 2 * regions_of_a_pass + 2, 12, 9));
    assert_eq!(counted(&fake, events(3))[2].value, Ok(0.0));
}

/// A canary runs when the zero of `e12` is doubted, at the end of the first pass.
#[test]
fn every_counted_region_comes_right_after_an_uncounted_one_of_the_same_operations() {
    let fake = Fake::default();
    let mut source = opened(&fake, events(6));
    let mut order = Vec::new();
    let readings = passes(&mut source, &mut Anchor::default(), 100, &mut |pass| {
        let before = fake.state().reads;
        pass.inside(|| fake.work(pass.ops, pass.ops, &[(INSTRUCTIONS, 10 * pass.ops)]));
        order.push((pass.ops, fake.state().reads > before));
    });
    assert!(readings[2].value.as_ref().unwrap_err().detail.starts_with("the canary"), "{readings:?}");
    let (empty, warm, counted) = ((0, true), (100, false), (100, true));
    assert_eq!(order, [empty, empty, empty, warm, counted].repeat(2));
}

#[test]
fn every_pass_of_a_source_is_read_and_no_event_is_lost() {
    let mut source = opened(&Fake::default(), events(6));
    assert_eq!(source.stop(0).len(), 4);
    assert_eq!(source.judge(&mut [], &mut Anchor::default()), Next::Again);
    let readings = counted(&Fake::default(), events(6));
    assert_eq!(readings.len(), 6);
    assert_eq!(readings[5].value, Ok(700.0));
}
