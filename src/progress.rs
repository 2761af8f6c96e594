//! Draws the harness's events on stderr: a bar on a terminal, a line a group elsewhere. There is no ticker: the bar is
//! redrawn when an event comes, which is never while a region is timed.

use crate::args::How;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perfbench_harness::event::{Event, Onlooker};
use std::io::IsTerminal;
use std::time::Instant;

/// An onlooker that draws.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    groups: (usize, usize),
    started: Instant,
    budget_s: f64,
}

impl Progress {
    /// The progress display that the user asked for.
    pub fn new(how: How, quiet: bool, budget_s: f64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let how = match how {
            _ if quiet => How::None,
            How::Auto if terminal => How::Bar,
            How::Auto => How::Lines,
            how => how,
        };
        let bar = (how == How::Bar).then(bar);
        Self { bar, lines: how == How::Lines, groups: (0, 0), started: Instant::now(), budget_s }
    }

    /// Clears the bar, so that what follows starts on a fresh line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Says something that is neither a result nor progress, unless nothing is to be said.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| anstream::eprintln!("{text}")),
            None if self.lines => anstream::eprintln!("{text}"),
            None => {}
        }
    }

    fn draw(&self, message: &str) {
        let Some(bar) = &self.bar else { return };
        let elapsed_s = self.started.elapsed().as_secs_f64();
        bar.set_position((elapsed_s / self.budget_s * 1000.0).min(1000.0) as u64);
        let left_s = (self.budget_s - elapsed_s).max(0.0);
        bar.set_message(format!("{message}  about {left_s:.0} s left"));
        bar.tick();
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}").expect("the template is well formed");
    bar.set_style(style);
    bar
}

impl Onlooker for Progress {
    fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned(plan) => self.groups.1 = plan.groups.len(),
            Event::Preparing(what) => self.draw(what),
            Event::Limit(limit) => self.draw(&format!("machine limit {}", limit.name)),
            Event::GroupStarted { group } => {
                self.groups.0 += 1;
                self.draw(&format!("{group}  preparing"));
            }
            Event::Launched { group, done, of } => self.draw(&format!("{group}  launch {done}/{of}")),
            Event::GroupDone { rows } => {
                if let (true, Some(row)) = (self.lines, rows.first()) {
                    let (done, all) = self.groups;
                    self.say(&format!("[{done}/{all}] {}  {} rows", row.group(), rows.len()));
                }
            }
            Event::Warning(text) => self.say(&format!(" ! {text}")),
        }
    }
}
