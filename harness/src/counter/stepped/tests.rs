//! What stepping promises: exactly the instructions and accesses of known code, whatever the code does meanwhile.

use super::tape::{End, Tape};
use super::trap::Stepper;
use super::walk::{Walk, Walker};
use crate::clock::Bracket;
use crate::counter::count_here;
use crate::record::Provenance;
use crate::simulate::{Access, AccessKind, Geometry, Model, Tracer};
use std::arch::asm;
use std::hint::black_box;

fn tape_of(work: impl FnOnce()) -> Tape {
    let stepper = Stepper::new().expect("the signal can be handled");
    stepper.enter();
    work();
    stepper.leave();
    stepper.take().pop().expect("this thread was stepped")
}

fn walk_of(work: impl FnOnce()) -> Walk {
    let tape = tape_of(work);
    assert_eq!(tape.end, None);
    Walker::new().walk(&tape, 0)
}

/// Accesses to a piece of memory, in order: offset, bytes, kind.
fn within<T>(walk: &Walk, memory: &[T]) -> Vec<(u64, u32, AccessKind)> {
    let range = memory.as_ptr().addr() as u64..memory.as_ptr_range().end.addr() as u64;
    let inside = walk.accesses.iter().map(|(_, access)| access).filter(|a| range.contains(&a.address));
    inside.map(|access| (access.address - range.start, access.size_bytes, access.kind)).collect()
}

use AccessKind::{Read, Write};

/// A loop of four instructions a turn.
fn known_loop(memory: &mut [u64], turns: u64) {
    let at = memory.as_mut_ptr();
    // SAFETY: each turn touches one word, and callers hand over as many as there are turns.
    unsafe {
        asm!("2:", "mov rax, [{at}]", "mov [{at} + 8], rax", "add {at}, 8", "dec {turns}", "jnz 2b",
            at = inout(reg) at => _, turns = inout(reg) turns => _, out("rax") _);
    }
}

#[test]
fn a_known_loop_is_seen_to_its_last_load_and_store() {
    let mut memory = vec![0u64; 101];
    let walk = walk_of(|| known_loop(&mut memory, 100));
    let expected: Vec<_> =
        (0..100).flat_map(|turn| [(8 * turn, 8, Read), (8 * turn + 8, 8, Write)]).collect();
    assert_eq!(within(&walk, &memory), expected);
}

#[test]
fn instructions_are_counted_exactly_and_in_proportion() {
    let of = |turns: u64| {
        let mut memory = vec![0u64; 2001];
        walk_of(|| known_loop(&mut memory, turns)).instructions
    };
    let one = of(1);
    for turns in [2, 3, 10, 500, 2000] {
        assert_eq!(of(turns), one + 5 * (turns - 1), "{turns} turns");
    }
}

#[test]
fn plain_code_loads_and_stores_what_it_says() {
    let from: Vec<u64> = (0..64).collect();
    let mut to = vec![0u64; 64];
    let walk = walk_of(|| {
        for i in 0..64 {
            to[63 - black_box(i)] = black_box(from[i]);
        }
    });
    assert!(within(&walk, &from).iter().all(|access| access.2 == Read));
    assert_eq!(within(&walk, &from).iter().map(|access| access.1).sum::<u32>(), 512);
    let stored: Vec<_> = (0..64).map(|i| (8 * (63 - i), 8, Write)).collect();
    assert_eq!(within(&walk, &to), stored);
}

#[test]
fn a_repeated_string_instruction_is_one_instruction_with_every_access() {
    let (from, mut to) = (vec![7u8; 40], vec![0u8; 40]);
    let copy = |to: &mut [u8], bytes: usize| {
        let (to, from) = (to.as_mut_ptr(), from.as_ptr());
        // SAFETY: both places hold forty bytes, and no more are copied.
        unsafe { asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") bytes => _) };
    };
    let none = walk_of(|| copy(&mut to, 0));
    let walk = walk_of(|| copy(&mut to, 40));
    assert_eq!(to, from);
    assert_eq!(within(&walk, &from), (0..40).map(|i| (i, 1, Read)).collect::<Vec<_>>());
    assert_eq!(within(&walk, &to), (0..40).map(|i| (i, 1, Write)).collect::<Vec<_>>());
    assert_eq!((within(&none, &to).len(), walk.instructions), (0, none.instructions));
}

#[test]
fn the_instruction_behind_a_system_call_is_not_lost() {
    let mut memory = [0u64; 2];
    let at = memory.as_mut_ptr();
    let call = |times: u64| {
        // SAFETY: `getppid` takes nothing and changes no memory; the store goes to a word of the array.
        unsafe {
            asm!("2:", "mov eax, 110", "syscall", "mov [{at} + 8], rax", "dec {times}", "jnz 2b",
                at = in(reg) at, times = inout(reg) times => _,
                out("rax") _, out("rcx") _, out("r11") _);
        }
    };
    let (one, ten) = (walk_of(|| call(1)), walk_of(|| call(10)));
    assert_eq!(within(&ten, &memory), vec![(8, 8, Write); 10]);
    assert_eq!(ten.instructions, one.instructions + 9 * 5);
}

#[test]
fn atomics_write_prefetches_touch_nothing_and_calls_use_the_stack() {
    let mut memory = [0u64; 8];
    let at = memory.as_mut_ptr();
    let walk = walk_of(|| {
        // SAFETY: all addresses lie in the array, and the stack is left as it was.
        unsafe {
            asm!("prefetcht0 [{at}]", "lea rax, [{at} + 8]", "nop dword ptr [{at}]", "lock xadd [{at} + 16], rax",
                "lock cmpxchg [{at} + 24], rcx", "xchg [{at} + 32], rax", "cmove rax, [{at} + 40]",
                "push qword ptr [{at} + 48]", "pop qword ptr [{at} + 56]",
                at = in(reg) at, out("rax") _, in("rcx") 0u64);
        }
    });
    let expected =
        [(16, 8, Write), (24, 8, Write), (32, 8, Write), (40, 8, Read), (48, 8, Read), (56, 8, Write)];
    assert_eq!(within(&walk, &memory), expected);
    let called = walk_of(|| drop(black_box(Box::new(black_box(7u64)))));
    assert!(called.loads > 0 && called.stores > 0);
}

#[test]
fn thread_local_words_are_found_where_they_are() {
    thread_local!(static WORD: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
    let address = WORD.with(|word| std::ptr::from_ref(word).addr() as u64);
    let walk = walk_of(|| WORD.with(|word| word.set(black_box(3))));
    let hit = |access: &Access| access.address == address && access.kind == Write;
    assert!(walk.accesses.iter().any(|(_, access)| hit(access)));
}

#[test]
fn masked_moves_touch_what_their_mask_lets_through() {
    if !is_x86_feature_detected!("avx512bw") {
        return;
    }
    let mut memory = [0u64; 16];
    let at = memory.as_mut_ptr();
    let walk = walk_of(|| {
        // SAFETY: the CPU has the instructions, and all addresses lie in the array.
        unsafe {
            asm!("mov eax, 12", "kmovq k3, rax", "vmovdqu64 zmm0{{k3}}{{z}}, [{at}]", "vmovdqu64 [{at} + 64]{{k3}}, zmm0",
                "kxorq k3, k3, k3", "vmovdqu64 [{at}]{{k3}}, zmm0", "vmovdqu64 zmm0, [{at}]",
                at = in(reg) at, out("rax") _, out("zmm0") _, out("k3") _);
        }
    });
    assert_eq!(within(&walk, &memory), [(16, 16, Read), (80, 16, Write), (0, 64, Read)]);
}

#[test]
fn a_gather_is_counted_as_hidden_and_not_guessed() {
    if !is_x86_feature_detected!("avx2") {
        return;
    }
    let memory = [0u32; 8];
    let at = memory.as_ptr();
    let walk = walk_of(|| {
        // SAFETY: the CPU has the instructions; all indices are zero, so that only the first word is read.
        unsafe {
            asm!("vpxor xmm1, xmm1, xmm1", "vpcmpeqd xmm2, xmm2, xmm2", "vpgatherdd xmm0, [{at} + xmm1 * 4], xmm2",
                at = in(reg) at, out("xmm0") _, out("xmm1") _, out("xmm2") _);
        }
    });
    assert!(walk.hidden > 0 && within(&walk, &memory).is_empty());
}

#[test]
fn clocks_flags_and_foreign_signals_do_not_end_the_stepping() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: the handler does nothing at all.
    unsafe { libc::signal(libc::SIGUSR1, nothing as *const () as usize) };
    let mut memory = vec![0u64; 11];
    let walk = walk_of(|| {
        black_box(std::time::Instant::now());
        // SAFETY: pushes and pops alike.
        unsafe { asm!("pushfq", "popfq", "rdtsc", out("rax") _, out("rdx") _) };
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(libc::SIGUSR1) };
        std::thread::yield_now();
        known_loop(&mut memory, 10);
    });
    assert_eq!(within(&walk, &memory).len(), 20);
}

#[test]
fn pages_first_touched_inside_are_seen_once() {
    let mut memory: Vec<u8> = Vec::with_capacity(64 * 4096);
    let at = memory.as_mut_ptr();
    let walk = walk_of(|| {
        for page in 0..64 {
            // SAFETY: the page lies in the reserved memory.
            let page = unsafe { at.add(page * 4096) };
            // SAFETY: as above; a byte may be written anywhere.
            unsafe { page.write_volatile(1) };
        }
    });
    let room = memory.spare_capacity_mut();
    assert_eq!(within(&walk, room), (0..64).map(|page| (page * 4096, 1, Write)).collect::<Vec<_>>());
}

#[test]
fn code_that_holds_back_signals_ends_the_stepping_and_goes_on() {
    let mut ran = false;
    let tape = tape_of(|| ran = std::thread::spawn(|| true).join().is_ok_and(|ran| ran));
    assert_eq!((tape.end, ran), (Some(End::Blocked), true));
}

#[test]
fn too_many_instructions_end_the_stepping_and_the_code_goes_on() {
    let mut sum = 0u64;
    let tape = tape_of(|| (0..100_000u64).for_each(|i| sum += black_box(i)));
    assert_eq!((tape.end, sum), (Some(End::Full), 4_999_950_000));
}

/// Loads a word of each of so many lines.
fn scan(memory: &[u64], lines: usize) {
    let at = memory.as_ptr();
    // SAFETY: each turn reads one word, and callers hand over as many lines as there are turns.
    unsafe {
        asm!("2:", "mov rax, [{at}]", "add {at}, 64", "dec {lines}", "jnz 2b",
            at = inout(reg) at => _, lines = inout(reg) lines => _, out("rax") _);
    }
}

#[test]
fn a_stepped_scan_misses_as_the_same_addresses_fed_by_hand() {
    let geometry = Geometry::named("document-000").expect("a machine of that name");
    let memory = vec![1u64; 8 * 1024];
    let walk = walk_of(|| (0..3).for_each(|_| scan(&memory, 1024)));
    let start = memory.as_ptr().addr() as u64;
    let [mut oracle, mut model] = [(); 2].map(|()| Model::new(&geometry, 1));
    for line in (0..3).flat_map(|_| 0..1024) {
        oracle.access(Access { thread: 0, address: start + 64 * line, size_bytes: 8, kind: Read });
    }
    let inside = start..start + 64 * 1024;
    let accesses = walk.accesses.iter().map(|(_, access)| *access);
    accesses.filter(|access| inside.contains(&access.address)).for_each(|access| model.access(access));
    assert_eq!(model.counts(), oracle.counts());
}

#[test]
fn a_working_set_misses_in_the_steady_state_only_where_it_does_not_fit() {
    let memory = vec![1u64; 8 * 1024];
    let misses = |lines: usize| {
        let selection = "sim:document-000".parse().expect("a geometry");
        let counts = count_here(&selection, 1000, &mut |ops| (0..ops).for_each(|_| scan(&memory, lines)));
        let named = |name: &str| counts.iter().find(|c| c.name == name).and_then(|c| c.per_op.clone().ok());
        ["sim_l1d_misses", "sim_l2_misses", "sim_first_touches"].map(named)
    };
    assert_eq!(misses(256), [Some(0.0); 3]);
    let [l1d, l2, first] = misses(1024).map(|count| count.expect("it is modelled"));
    assert!((1024.0..1064.0).contains(&l1d), "{l1d}");
    assert_eq!([l2, first], [0.0; 2]);
}

#[test]
fn several_geometries_see_the_same_steps() {
    let of = |names: &str| count_here(&names.parse().expect("it selects"), 1, &mut |_| ());
    let counts = of("sim:document-000,sim:host");
    let geometries: Vec<_> =
        counts.iter().filter(|c| c.name == "sim_l1d_misses").map(|c| &c.provenance).collect();
    let simulated = |name: &str| Provenance::Simulated(name.into());
    let host = Geometry::named(Geometry::HOST).expect("it is always known").origin();
    assert_eq!(geometries, [&simulated("document-000"), &simulated(&host)]);
}

#[test]
fn a_count_that_cannot_be_stepped_to_its_end_says_why_in_each_of_its_readings() {
    let long = |ops| (0..ops * 50_000).for_each(|i| _ = black_box(i));
    let counts = count_here(&"sim".parse().expect("it selects"), 1000, &mut { long });
    for count in counts {
        let why = count.per_op.expect_err("it is too long");
        assert!(why.detail.contains("an operation has more than 65536 instructions"), "{why}");
    }
}

#[test]
fn what_a_step_costs_is_measured() {
    assert!(super::step_ns().is_ok_and(|ns| ns > 0.0));
}
