//! Holds every pool to what it promises: buffers of one's own, in the promised order, as many as there are, back from
//! another thread, and no planted fault let pass.

pub mod faults;

use super::message::{DATA_BYTES, Loan, RawMessage};
use super::pool::{Bytes, Fault, Order, Pool};
use super::raw_pool::Raw;
use super::remote::{Acquire, BATCH, Release, Remote};
use crate::pages::Wish;
use crate::threads::beside;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};
use std::collections::VecDeque;

const STEPS: u64 = if cfg!(miri) { 60 } else { 2000 };

/// Memory as plain as can be, for pools that nobody times.
pub(super) const PLAIN: Wish = Wish { huge: false, prefault: false, bind: false };

/// What every pool promises: room enough, and a buffer of its own for each holder.
pub fn buffers<P: Pool>(pool: &mut P, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let mut held: Vec<(P::Buffer, Vec<u8>)> = Vec::new();
    for step in 0..STEPS {
        if held.len() < 8 && random.below(2) == 0 {
            held.push(stamped(pool, SIZES[step as usize % SIZES.len()], step as u8)?);
        } else if !held.is_empty() {
            let (buffer, message) = held.swap_remove(random.below(held.len() as u64) as usize);
            ensure!(buffer.message() == message, "somebody else wrote into a buffer on loan");
            accepted(pool.release(buffer))?;
        }
    }
    held.into_iter().try_for_each(|(buffer, _)| accepted(pool.release(buffer)))
}

/// Around every class of size and every end of a buffer.
#[cfg(not(miri))]
const SIZES: [usize; 12] = [0, 1, 46, 256, 257, 512, 513, 1500, 1501, 4096, DATA_BYTES - 1, DATA_BYTES];
#[cfg(miri)]
const SIZES: [usize; 4] = [0, 1, 46, 513];

/// Acquires a buffer and fills it.
fn stamped<P: Pool>(pool: &mut P, bytes: usize, stamp: u8) -> Result<(P::Buffer, Vec<u8>), Broken> {
    let mut buffer = accepted(pool.acquire(bytes))?;
    let message = vec![stamp; bytes];
    accepted(buffer.write(&message))?;
    ensure!(buffer.message() == message, "{bytes} bytes came back as {}", buffer.message().len());
    Ok((buffer, message))
}

fn accepted<T>(result: Result<T, Fault>) -> Result<T, Broken> {
    result.map_err(|fault| Broken(format!("refused without a reason: {fault}")))
}

fn made<P: Raw>(buffers: usize) -> Result<P, Broken> {
    P::new(buffers, PLAIN).map_err(|why| Broken(why.to_string()))
}

/// What a pool of pointers promises beyond that.
pub fn raw<P: Raw + Remote>(seed: u64) -> Result<(), Broken> {
    single::<P>(seed)?;
    comes_home_from_another_thread::<P>()
}

/// What it promises on one thread.
pub fn single<P: Raw>(seed: u64) -> Result<(), Broken> {
    buffers(&mut made::<P>(8)?, seed)?;
    for count in [1, 2, 3, 4, 7, 8, 33] {
        follows_the_oracle(&mut made::<P>(count)?, seed)?;
        lends_each_once(&mut made::<P>(count)?)?;
    }
    let undetected = faults::undetected::<P>()?;
    ensure!(undetected.is_empty(), "planted and not detected: {}", undetected.join(", "));
    Ok(())
}

/// Random loans and returns; which buffer comes is known from the order.
fn follows_the_oracle<P: Raw>(pool: &mut P, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let mut held: Vec<Loan> = Vec::new();
    let mut idle: VecDeque<Option<usize>> = vec![None; pool.buffers()].into();
    for _ in 0..STEPS / 4 {
        if random.below(2) == 0 {
            let next = if P::ORDER == Order::Fifo { idle.pop_front() } else { idle.pop_back() };
            acquire_next(pool, next, &mut held)?;
        } else if !held.is_empty() {
            let loan = held.swap_remove(random.below(held.len() as u64) as usize);
            idle.push_back(Some(loan.place().addr().get()));
            accepted(pool.release(loan))?;
        }
    }
    held.into_iter().try_for_each(|loan| accepted(pool.release(loan)))
}

/// Expects the buffer at a place, any buffer that was not lent before, or none.
fn acquire_next<P: Raw>(
    pool: &mut P,
    next: Option<Option<usize>>,
    held: &mut Vec<Loan>,
) -> Result<(), Broken> {
    let came = pool.acquire(DATA_BYTES);
    let Some(expected) = next else {
        let exhausted = Err(Fault::Exhausted { buffers: pool.buffers() });
        ensure!(came == exhausted, "with all buffers on loan came {came:?}");
        return Ok(());
    };
    let loan = accepted(came)?;
    let place = loan.place().addr().get();
    ensure!(expected.is_none_or(|expected| expected == place), "{:?} is the order, {loan:?} came", P::ORDER);
    held.push(loan);
    Ok(())
}

/// All buffers at once: aligned, apart from each other, and no more than there are.
fn lends_each_once<P: Raw>(pool: &mut P) -> Result<(), Broken> {
    let held: Vec<Loan> = (0..pool.buffers()).map_while(|_| pool.acquire(DATA_BYTES).ok()).collect();
    ensure!(held.len() == pool.buffers(), "{} buffers came of {}", held.len(), pool.buffers());
    let mut places: Vec<usize> = held.iter().map(|loan| loan.place().addr().get()).collect();
    places.sort_unstable();
    let apart = places.windows(2).all(|two| two[1] - two[0] >= size_of::<RawMessage>());
    ensure!(apart && places.iter().all(|place| place.is_multiple_of(64)), "buffers overlap: {places:x?}");
    held.into_iter().try_for_each(|loan| accepted(pool.release(loan)))
}

/// Messages acquired here and given back there, each as it was written.
fn comes_home_from_another_thread<P: Raw + Remote>() -> Result<(), Broken> {
    let (mut owner, mut returner) = made::<P>(2 * BATCH)?.split();
    let (to, from) = std::sync::mpsc::sync_channel::<P::Buffer>(4);
    let give_back = move || {
        for (number, buffer) in from.iter().enumerate() {
            ensure!(buffer.message() == (number as u64).to_le_bytes(), "message {number} changed on its way");
            accepted(returner.release(buffer))?;
        }
        Ok(())
    };
    let acquire = move || {
        for number in 0..STEPS {
            let mut buffer = acquired::<P>(&mut owner);
            accepted(buffer.write(&number.to_le_bytes()))?;
            if to.send(buffer).is_err() {
                break;
            }
        }
        Ok(())
    };
    let (given_back, acquired) = beside(give_back, acquire);
    given_back.and(acquired)
}

fn acquired<P: Remote>(owner: &mut P::Owner) -> P::Buffer {
    loop {
        match owner.acquire(8) {
            Ok(buffer) => return buffer,
            Err(_) => std::thread::yield_now(),
        }
    }
}
