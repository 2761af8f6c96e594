//! The page of a profile: one self-contained file that loads nothing and runs nothing. The template says what stands
//! where, this file how a figure is put.

use super::annotate::{Annotated, Line, annotated};
use super::difference::{Change, changes, reservations, sides};
use super::facts::{band, doubts, facts, origin, verdict};
use super::tally::{Function, Tally, ns_per_op, tally, tally_of_thread};
use super::{View, flame};
use crate::chart::style;
use crate::words;
use askama::Template;
use perfbench_harness::record::Profile;

/// Functions told at most: what has fewer samples tells nothing.
const FUNCTIONS: usize = 40;

const STYLE: &str = include_str!("../../templates/page.css");
const OWN_STYLE: &str = include_str!("../../templates/profile.css");

/// The page.
///
/// # Panics
/// Where a template fails to render, which only running out of memory could cause.
pub fn render(view: &View<'_>) -> String {
    let page = Page {
        style: format!("{}{STYLE}{OWN_STYLE}", style::COLOURS),
        profile: view.profile,
        tally: tally(view.profile),
        flame: flame::inline(&View { base: None, ..*view }),
        difference: view.base.map(|base| Difference {
            sides: sides(base, view.profile),
            reservations: reservations(base, view.profile),
            flame: flame::inline(view),
            changes: changes(base, view.profile),
        }),
        code: annotated(view).ok().flatten(),
    };
    page.render().expect("writing to memory cannot fail")
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Page<'a> {
    style: String,
    profile: &'a Profile,
    tally: Tally<'a>,
    flame: String,
    difference: Option<Difference<'a>>,
    code: Option<Annotated<'a>>,
}

/// What stands beside a base.
struct Difference<'a> {
    sides: String,
    reservations: Vec<String>,
    flame: String,
    changes: Vec<Change<'a>>,
}

/// A thread by name with its samples.
struct Thread<'a> {
    name: &'a str,
    tally: Tally<'a>,
}

impl Page<'_> {
    fn headline(&self) -> String {
        words::sentence(&verdict(&self.tally))
    }

    fn origin(&self) -> String {
        origin(self.profile)
    }

    fn doubts(&self) -> Vec<String> {
        doubts(self.profile)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        facts(self.profile)
    }

    fn functions(&self) -> &[Function<'_>] {
        &self.tally.functions[..FUNCTIONS.min(self.tally.functions.len())]
    }

    fn left_out(&self) -> Option<String> {
        let count = self.tally.functions.len().saturating_sub(FUNCTIONS);
        (count > 0)
            .then(|| format!("{} more are in the flame graph alone.", words::plural(count, "function")))
    }

    fn threads(&self) -> Vec<Thread<'_>> {
        let thread = |(index, name)| Thread { name, tally: tally_of_thread(self.profile, index) };
        self.profile.threads.iter().map(String::as_str).enumerate().map(thread).collect()
    }

    /// The functions of a thread in which it was itself, hottest first.
    fn hottest<'t>(&self, thread: &'t Thread<'_>) -> Vec<&'t Function<'t>> {
        thread.tally.functions.iter().filter(|function| function.own > 0).take(5).collect()
    }

    fn count(&self, samples: &usize) -> String {
        words::number(*samples as f64)
    }

    /// Share, band and time per operation of samples among a tally's.
    fn cells(&self, tally: &Tally<'_>, samples: &usize) -> [String; 3] {
        let share = tally.share(*samples);
        let per_op = ns_per_op(self.profile).map_or("-".into(), |ns| words::time(ns * share.value));
        [words::percent(share.value), band(&share), per_op]
    }

    fn shares(&self, change: &Change<'_>) -> [String; 2] {
        [change.before, change.after].map(|share| words::percent(share.value))
    }

    fn times(&self, change: &Change<'_>) -> [String; 2] {
        [change.before_ns, change.after_ns].map(|ns| ns.map_or("-".into(), words::time))
    }

    /// Share and band of an instruction; empty where no sample fell on it.
    fn weight(&self, line: &Line<'_>) -> [String; 2] {
        match line.samples {
            0 => [String::new(), String::new()],
            _ => [words::percent(line.share.value), band(&line.share)],
        }
    }

    /// How strongly an instruction stands out, of five steps.
    fn heat(&self, line: &Line<'_>) -> usize {
        [0.01, 0.03, 0.1, 0.3].iter().filter(|step| line.share.value >= **step).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;

    fn page(base: Option<&Profile>) -> String {
        let (profile, sources) = (fixture::profile(), fixture::sources());
        render(&View { base, ..fixture::view(&profile, &sources) })
    }

    fn escaped(text: &str) -> String {
        askama::filters::escape(text, askama::filters::Html).unwrap().to_string()
    }

    #[test]
    fn every_function_every_fact_and_every_doubt_is_on_the_page() {
        let (profile, page) = (fixture::profile(), page(None));
        for function in &tally(&profile).functions {
            assert!(page.contains(&escaped(function.name)), "{}", function.name);
        }
        let sentences = facts(&profile).into_iter().map(|(_, sentence)| sentence).chain(doubts(&profile));
        for sentence in sentences.chain([origin(&profile)]) {
            assert!(page.contains(&escaped(&sentence)), "{sentence}");
        }
    }

    #[test]
    fn the_page_loads_nothing_runs_nothing_and_its_policy_forbids_both() {
        let base = fixture::base();
        let page = page(Some(&base));
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"));
        for loader in [" src=", "<link", "@import", "url(", "<iframe", "<img", "<object", "<script", "onload"]
        {
            assert!(!page.contains(loader), "{loader}");
        }
        assert_eq!(page.matches("http").count(), page.matches("http-equiv").count());
    }

    #[test]
    fn no_id_stands_twice_and_every_inner_link_leads_somewhere() {
        let base = fixture::base();
        for page in [page(None), page(Some(&base))] {
            let after = |mark: &'static str| {
                page.split(mark)
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap_or_default())
                    .collect::<Vec<_>>()
            };
            let ids = after(" id=\"");
            let distinct: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(ids.len(), distinct.len());
            assert!(after("href=\"#").iter().all(|link| distinct.contains(link)));
            assert_eq!(page.matches("<h1>").count(), 1);
        }
    }

    #[test]
    fn a_base_adds_its_difference_and_without_code_the_page_says_so() {
        let (base, sources) = (fixture::base(), fixture::sources());
        let other = Profile { clock: "cycles".into(), ..base.clone() };
        assert!(page(Some(&other)).contains("was cycles in the base"));
        assert!(page(Some(&base)).contains("points more") && !page(None).contains("points more"));
        let profile = Profile { code: Vec::new(), ..fixture::profile() };
        assert!(render(&fixture::view(&profile, &sources)).contains("no machine code"));
    }

    #[test]
    fn what_a_profile_says_cannot_become_markup() {
        let mut profile = fixture::profile();
        profile.frames[7].function = "<script>alert(1)</script>".into();
        let page = render(&fixture::view(&profile, &fixture::sources()));
        assert!(!page.contains("<script"));
    }

    /// The CI layer that opens pages in a browser names a folder; without one there is nothing to write.
    #[test]
    fn the_profile_pages_that_a_browser_checks_are_written_where_it_asks_for_them() {
        let Some(folder) = std::env::var_os("PERFBENCH_PAGES").map(std::path::PathBuf::from) else { return };
        let base = fixture::base();
        for (name, base) in [("profile", None), ("profile-difference", Some(&base))] {
            std::fs::write(folder.join(format!("{name}.html")), page(base)).unwrap();
        }
    }
}
