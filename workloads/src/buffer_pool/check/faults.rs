//! Faults planted in a pool of pointers: what a careless holder does, and what the pool must say to it.

use super::super::message::{DATA_BYTES, Loan, Mark, RawMessage};
use super::super::pool::{Bytes, Fault};
use super::super::raw_pool::Raw;
use super::{PLAIN, made};
use perfbench_harness::Broken;
use std::ptr::NonNull;

/// Buffers of a pool in which a fault is planted.
const BUFFERS: usize = 4;

/// Plants one fault; whether the pool said what it must. An early error is a fault that nobody planted.
type Plant<P> = fn(&mut P) -> Result<bool, Fault>;

/// Every fault with its name.
fn plants<P: Raw>() -> Vec<(&'static str, Plant<P>)> {
    let mut plants: Vec<(&str, Plant<P>)> = vec![
        ("double return", double_return),
        ("double return of all", double_return_of_all),
        ("return by a former holder", stale_return),
        ("return of a loan that never was", never_lent),
        ("return to another pool", foreign_pool),
        ("return of an address out of range", out_of_range),
        ("return of an address inside a buffer", misaligned),
        ("return under another index", wrong_index),
        ("more bytes than a buffer has", oversize),
        ("more buffers than there are", exhausted),
        ("header overwritten on loan", overwritten_on_loan),
        ("header overwritten while idle", overwritten_while_idle),
    ];
    if cfg!(debug_assertions) {
        plants.push(("data written after return", written_after_return));
    }
    plants
}

/// The planted faults that a pool lets pass.
///
/// # Errors
/// Where a pool refuses what is no fault.
pub fn undetected<P: Raw>() -> Result<Vec<&'static str>, Broken> {
    let mut undetected = Vec::new();
    for (name, plant) in plants::<P>() {
        let detected = plant(&mut made::<P>(BUFFERS)?);
        let detected = detected.map_err(|fault| Broken(format!("before a {name}: {fault}")))?;
        if !detected {
            undetected.push(name);
        }
    }
    Ok(undetected)
}

/// A second pointer to a buffer on loan, which no type keeps a program in another language from making.
fn twin(loan: &Loan) -> Loan {
    forged(loan.place(), loan.mark())
}

fn forged(place: NonNull<RawMessage>, mark: Mark) -> Loan {
    // SAFETY: whatever is forged here is only given to `release`, or written through by the thread that has the pool alone.
    unsafe { Loan::from_parts(place, mark) }
}

/// A loan of the same mark somewhere else.
fn moved(loan: &Loan, bytes: isize) -> Loan {
    let place = loan.place().as_ptr().wrapping_byte_offset(bytes);
    forged(NonNull::new(place).expect("far from zero"), loan.mark())
}

fn double_return<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (twin, index) = (twin(&loan), loan.mark().pool_index());
    pool.release(loan)?;
    Ok(pool.release(twin) == Err(Fault::DoubleReturn { index }))
}

/// More returns than the pool has buffers.
fn double_return_of_all<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let held = all(pool)?;
    let twins: Vec<Loan> = held.iter().map(twin).collect();
    held.into_iter().try_for_each(|loan| pool.release(loan))?;
    let mut refused = true;
    for twin in twins {
        let index = twin.mark().pool_index();
        refused &= pool.release(twin) == Err(Fault::DoubleReturn { index });
    }
    Ok(refused)
}

fn all<P: Raw>(pool: &mut P) -> Result<Vec<Loan>, Fault> {
    (0..pool.buffers()).map(|_| pool.acquire(DATA_BYTES)).collect()
}

/// A twin that is given back once its buffer is lent to somebody else.
fn stale_return<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (twin, index) = (twin(&loan), loan.mark().pool_index());
    pool.release(loan)?;
    let held = all(pool)?;
    let refused = pool.release(twin) == Err(Fault::StaleReturn { index });
    held.into_iter().try_for_each(|loan| pool.release(loan))?;
    Ok(refused)
}

fn never_lent<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (place, pool_index) = (loan.place(), loan.mark().pool_index());
    let address = pool_index as usize;
    let refused = pool.release(forged(place, Mark::new(pool_index, 0))) == Err(Fault::Foreign { address });
    pool.release(loan)?;
    let later = pool.release(forged(place, Mark::new(pool_index, 3)));
    Ok(refused && later == Err(Fault::DoubleReturn { index: pool_index }))
}

fn foreign_pool<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let mut other = P::new(BUFFERS, PLAIN).expect("the machine had memory for the first pool");
    let loan = other.acquire(1)?;
    let address = loan.place().addr().get();
    let refused = pool.release(twin(&loan)) == Err(Fault::Foreign { address });
    other.release(loan)?;
    Ok(refused)
}

/// Expects a loan that is moved by so many bytes to be foreign.
fn refused_moved<P: Raw>(pool: &mut P, bytes: isize) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let moved = moved(&loan, bytes);
    let address = moved.place().addr().get();
    let refused = pool.release(moved) == Err(Fault::Foreign { address });
    pool.release(loan)?;
    Ok(refused)
}

fn out_of_range<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let far = 1 << 30;
    Ok(refused_moved(pool, far)? && refused_moved(pool, -far)?)
}

fn misaligned<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    Ok(refused_moved(pool, 1)? && refused_moved(pool, 64)? && refused_moved(pool, DATA_BYTES as isize)?)
}

fn wrong_index<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (place, mark) = (loan.place(), loan.mark());
    let mut refused = true;
    for pool_index in [mark.pool_index() ^ 1, BUFFERS as u32, u32::MAX] {
        let other = forged(place, Mark::new(pool_index, mark.generation()));
        refused &= pool.release(other) == Err(Fault::Foreign { address: place.addr().get() });
    }
    pool.release(loan)?;
    Ok(refused)
}

fn oversize<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let fault = Fault::Oversize { bytes: DATA_BYTES + 1 };
    let mut loan = pool.acquire(DATA_BYTES)?;
    let refused = [
        loan.set_size(DATA_BYTES + 1) == Err(fault),
        loan.write(&[0; DATA_BYTES + 1]) == Err(fault),
        pool.acquire(DATA_BYTES + 1) == Err(fault),
    ];
    pool.release(loan)?;
    Ok(refused == [true; 3])
}

fn exhausted<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let held = all(pool)?;
    let refused = pool.acquire(1) == Err(Fault::Exhausted { buffers: BUFFERS });
    held.into_iter().try_for_each(|loan| pool.release(loan))?;
    Ok(refused)
}

/// Writes over the mark of a message, as a write past the end of the one before does.
fn overwrite(mut place: NonNull<RawMessage>) {
    // SAFETY: a message of a pool that this thread has alone, and no reference to it is alive.
    let message = unsafe { place.as_mut() };
    message.header.mark = Mark::new(0x4141_4141, 0x4141_4141);
}

fn overwritten_on_loan<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let index = loan.mark().pool_index();
    overwrite(loan.place());
    Ok(pool.release(loan) == Err(Fault::Corrupted { index }))
}

fn overwritten_while_idle<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (place, index) = (loan.place(), loan.mark().pool_index());
    pool.release(loan)?;
    overwrite(place);
    Ok(says_before_all_are_lent(pool, Fault::Corrupted { index }))
}

fn written_after_return<P: Raw>(pool: &mut P) -> Result<bool, Fault> {
    let loan = pool.acquire(1)?;
    let (index, mut late) = (loan.mark().pool_index(), twin(&loan));
    pool.release(loan)?;
    late.data()[DATA_BYTES - 1] = 1;
    Ok(says_before_all_are_lent(pool, Fault::WrittenAfterReturn { index }))
}

/// Acquires until the pool refuses, which must be with `fault`; what was lent is given back.
fn says_before_all_are_lent<P: Raw>(pool: &mut P, fault: Fault) -> bool {
    let mut held = Vec::new();
    let refusal = loop {
        match pool.acquire(1) {
            Ok(loan) => held.push(loan),
            Err(refusal) => break refusal,
        }
    };
    let home = held.into_iter().all(|loan| pool.release(loan).is_ok());
    home && refusal == fault
}
