//! What happens to idle objects when threads end, and to loans that end elsewhere. Counts under contention are the check's.

use crate::object_pool::cases::limits;
use crate::object_pool::check::alone;
use crate::object_pool::indexed_cas::IndexedCas;
use crate::object_pool::limits::Limits;
use crate::object_pool::payload::Message;
use crate::object_pool::pool::{Giver, Pool, Remote, Source};
use crate::object_pool::tagged_cas_tls::TaggedCasTls;
use crate::object_pool::thread_local::{CHAIN, ThreadLocal};
use std::sync::Arc;

type Tls = Arc<TaggedCasTls<Message>>;

#[test]
fn object_pool_what_an_ended_thread_kept_goes_to_who_runs_dry() {
    let pool = alone::<Tls>(Limits { objects_max: 40, ..limits::<Message>(40) });
    let other = pool.clone();
    std::thread::spawn(move || other.warm_up(100).unwrap()).join().unwrap();
    let taken: Vec<_> = (0..40).map_while(|_| pool.take().ok()).collect();
    assert_eq!((taken.len(), pool.statistics().hits), (40, 40));
}

#[test]
fn object_pool_a_new_thread_gets_the_stack_of_an_ended_one() {
    let pool = alone::<Tls>(limits::<Message>(64));
    for _ in 0..20 {
        let other = pool.clone();
        std::thread::spawn(move || drop(other.take().unwrap())).join().unwrap();
    }
    let counted = pool.statistics();
    assert_eq!((counted.takes, counted.misses, counted.size), (20, 1, 1));
}

#[test]
fn object_pool_a_thread_uses_many_pools_at_once() {
    let pools: Vec<Tls> = (0..5).map(|_| alone::<Tls>(limits::<Message>(10))).collect();
    for round in 0..20 {
        drop(pools.iter().map(|pool| pool.take().unwrap()).collect::<Vec<_>>());
        assert!(pools.iter().all(|pool| pool.statistics().hits == round));
    }
}

/// Takes on this thread, gives back on another; the objects come home.
fn comes_home<P: Remote<Object = Message> + Pool>(loans: usize, most_made: usize) {
    let pool = alone::<P>(limits::<Message>(100));
    let mut giver = pool.giver();
    let (to, from) = std::sync::mpsc::sync_channel(8);
    let giving = std::thread::spawn(move || from.iter().for_each(|sent| assert!(giver.give(sent).is_ok())));
    (0..loans).for_each(|loan| to.send(pool.take_to_send(loan as u64).unwrap()).unwrap());
    drop(to);
    giving.join().unwrap();
    let counted = pool.statistics();
    assert_eq!(counted.takes, loans as u64);
    assert!(counted.size <= most_made, "{counted:?}");
}

#[test]
fn object_pool_loans_that_end_on_another_thread_come_home() {
    let loans = if cfg!(miri) { 100 } else { 20_000 };
    comes_home::<Arc<IndexedCas<Message>>>(loans, 100);
    comes_home::<Tls>(loans, 200);
    comes_home::<ThreadLocal<Message>>(loans, 100 + 2 * CHAIN);
}

#[test]
fn object_pool_a_loan_of_another_pool_is_given_back_to_the_caller() {
    fn refuses<P: Remote<Object = Message> + Pool>() {
        let (pool, other) = (alone::<P>(limits::<Message>(10)), alone::<P>(limits::<Message>(10)));
        let sent = pool.take_to_send(1).unwrap();
        let back = other.giver().give(sent).expect_err("a foreign loan was taken in");
        assert!(pool.giver().give(back).is_ok());
    }
    refuses::<Arc<IndexedCas<Message>>>();
    refuses::<Tls>();
    refuses::<ThreadLocal<Message>>();
}

#[test]
fn object_pool_a_crew_shares_its_limit_and_frees_what_a_member_kept() {
    let of_ten = Limits { objects_max: 10, ..limits::<Message>(20) };
    let mut crew = ThreadLocal::<Message>::crew(of_ten, 2);
    crew[0].warm_up(100).unwrap();
    assert!(crew[1].take().is_err());
    drop(crew.remove(0));
    assert!(crew[0].take().is_ok());
}
