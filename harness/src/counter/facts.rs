//! What became of each event of each source on this machine, for `doctor` and the record's header.

use super::{Anchor, Event, Group, Place, Reading, Selection, Source, readings};
use crate::isa::Isa;
use crate::record::CounterFacts;
use crate::unavailable::Unavailable;

/// Every event of the sources that count in the process that asks.
pub fn facts() -> Vec<CounterFacts> {
    Selection::all().of(Place::Shared).sources().flat_map(facts_of).collect()
}

/// What became of each event of one source: an empty region is read, and a reading without a value says why.
pub fn facts_of(source: &dyn Source) -> Vec<CounterFacts> {
    let mut anchor = Anchor::default();
    let (_, readings) = readings(source, &Selection::all(), &mut anchor, 1, &mut |pass| pass.inside(|| ()));
    let fact = |(event, reading): (Event, Reading)| CounterFacts {
        name: format!("{}: {}", source.name(), reading.name),
        about: event.about.into(),
        unavailable: reading.value.err(),
    };
    source.events().into_iter().zip(readings).map(fact).collect()
}

/// Every event of the sources that count in a process of their own, as far as can be told without one: whether what they
/// need is there.
pub fn facts_apart() -> Vec<CounterFacts> {
    let simulated = [Group::Callgrind].map(|group| Selection::all().only(group));
    let measured = Selection::all().of(Place::Own);
    let sources = std::iter::once(&measured).chain(&simulated).flat_map(Selection::sources);
    sources.flat_map(apart).collect()
}

fn apart(source: &'static dyn Source) -> Vec<CounterFacts> {
    let refusal: Option<Unavailable> = source.under(Isa::NONE).err();
    source.ended();
    let fact = |event: Event| CounterFacts {
        name: format!("{}: {}", source.name(), event.name),
        about: event.about.into(),
        unavailable: refusal.clone(),
    };
    source.events().into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_a_process_of_its_own_is_told_with_what_it_lacks() {
        let facts = facts_apart();
        assert!(facts.iter().any(|fact| fact.name.starts_with("callgrind: ")), "{facts:?}");
        assert!(facts.iter().all(|fact| fact.unavailable.as_ref().is_none_or(|why| !why.detail.is_empty())));
    }
}
