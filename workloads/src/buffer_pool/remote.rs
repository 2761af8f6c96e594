//! Pools of which one thread acquires while others give back. Document 002 calls its pool single-threaded and has its
//! buffers released by another thread; here the types say which side may do what.

use super::mailbox::{Chain, Mailbox};
use super::memory::Messages;
use super::message::{DATA_BYTES, Loan, Mark};
use super::pool::{Fault, Pool};
use super::raw_64k::Queue;
use super::raw_64k_lifo::Stack;
use super::raw_pool::{FreeList, RawPool};
use crate::ring_spsc::sequenced::{Consumer, Producer};
use crate::ring_spsc::{Pop, Push};
use crate::sync::Arc;

/// The side that acquires.
pub trait Acquire<B> {
    /// As [`Pool::acquire`].
    ///
    /// # Errors
    /// As there; buffers that are on their way home count as on loan.
    fn acquire(&mut self, bytes: usize) -> Result<B, Fault>;
}

/// A side that gives back.
pub trait Release<B> {
    /// As [`Pool::release`].
    ///
    /// # Errors
    /// As there.
    fn release(&mut self, buffer: B) -> Result<(), Fault>;
}

/// A pool that can be parted in two sides.
pub trait Remote: Pool {
    /// The side that acquires.
    type Owner: Acquire<Self::Buffer> + 'static;
    /// The side that gives back.
    type Returner: Release<Self::Buffer> + Send + 'static;

    /// Parts the pool.
    fn split(self) -> (Self::Owner, Self::Returner);
}

/// A side of a pool whose buffers know their way home: each thread has a pool of its own.
pub struct Local<P>(P);

impl<P: Pool> Acquire<P::Buffer> for Local<P> {
    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<P::Buffer, Fault> {
        self.0.acquire(bytes)
    }
}

impl<P: Pool> Release<P::Buffer> for Local<P> {
    #[inline(always)]
    fn release(&mut self, buffer: P::Buffer) -> Result<(), Fault> {
        self.0.release(buffer)
    }
}

impl<P: Pool + Default + Send> Remote for P {
    type Owner = Local<P>;
    type Returner = Local<P>;

    fn split(self) -> (Local<P>, Local<P>) {
        (Local(self), Local(P::default()))
    }
}

impl<const STRIDE_BYTES: usize> Remote for RawPool<Queue, STRIDE_BYTES> {
    type Owner = QueueOwner;
    type Returner = QueueReturner;

    /// The ring of idle messages is the way home: exactly one thread acquires, exactly one gives back.
    fn split(self) -> (QueueOwner, QueueReturner) {
        let (consumer, producer) = (self.idle.consumer, self.idle.producer);
        (
            QueueOwner { messages: self.messages.clone(), consumer },
            QueueReturner { messages: self.messages, producer },
        )
    }
}

/// The only side that acquires, and cannot give back.
pub struct QueueOwner {
    messages: Arc<Messages>,
    consumer: Consumer<Mark>,
}

/// The only side that gives back.
pub struct QueueReturner {
    messages: Arc<Messages>,
    producer: Producer<Mark>,
}

impl Acquire<Loan> for QueueOwner {
    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Loan, Fault> {
        lend(&self.messages, bytes, self.consumer.try_pop())
    }
}

impl Release<Loan> for QueueReturner {
    #[inline(always)]
    fn release(&mut self, loan: Loan) -> Result<(), Fault> {
        let idle = self.messages.take_home(loan)?;
        self.producer.try_push(idle).expect("no message is given twice, so there is a slot for each");
        Ok(())
    }
}

#[inline(always)]
fn lend(messages: &Messages, bytes: usize, idle: Option<Mark>) -> Result<Loan, Fault> {
    if bytes > DATA_BYTES {
        return Err(Fault::Oversize { bytes });
    }
    messages.lend(idle.ok_or(Fault::Exhausted { buffers: messages.buffers() })?)
}

/// Returns that travel home together.
pub const BATCH: usize = 32;

impl<const STRIDE_BYTES: usize> Remote for RawPool<Stack, STRIDE_BYTES> {
    type Owner = StackOwner;
    type Returner = StackReturner;

    /// A mailbox is the way home: one thread acquires, any number give back, the owner among them.
    fn split(self) -> (StackOwner, StackReturner) {
        let mailbox = Arc::new(Mailbox::new(self.messages.buffers()));
        let returner = StackReturner {
            messages: self.messages.clone(),
            mailbox: mailbox.clone(),
            chain: Chain::default(),
        };
        (StackOwner { messages: self.messages, idle: self.idle, mailbox }, returner)
    }
}

/// The only side that acquires.
pub struct StackOwner {
    messages: Arc<Messages>,
    idle: Stack,
    mailbox: Arc<Mailbox>,
}

/// A side that gives back, [`BATCH`] at a time and when it is dropped; clones serve other threads.
pub struct StackReturner {
    messages: Arc<Messages>,
    mailbox: Arc<Mailbox>,
    chain: Chain,
}

impl StackOwner {
    #[cold]
    fn take_posted(&mut self) -> Option<Mark> {
        self.mailbox.take_all().for_each(|index| self.idle.give(self.messages.idle(index)));
        self.idle.take()
    }
}

impl Acquire<Loan> for StackOwner {
    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Loan, Fault> {
        let idle = self.idle.take().or_else(|| self.take_posted());
        lend(&self.messages, bytes, idle)
    }
}

impl Release<Loan> for StackOwner {
    #[inline(always)]
    fn release(&mut self, loan: Loan) -> Result<(), Fault> {
        let idle = self.messages.take_home_from_any_thread(loan)?;
        self.idle.give(idle);
        Ok(())
    }
}

impl StackReturner {
    /// Sends home what was given back since the last batch.
    pub fn flush(&mut self) {
        self.mailbox.post(&mut self.chain);
    }
}

impl Release<Loan> for StackReturner {
    #[inline(always)]
    fn release(&mut self, loan: Loan) -> Result<(), Fault> {
        let idle = self.messages.take_home_from_any_thread(loan)?;
        self.chain.add(&self.mailbox, idle.pool_index());
        if self.chain.count() == BATCH {
            self.flush();
        }
        Ok(())
    }
}

impl Clone for StackReturner {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), mailbox: self.mailbox.clone(), chain: Chain::default() }
    }
}

impl Drop for StackReturner {
    fn drop(&mut self) {
        self.flush();
    }
}
