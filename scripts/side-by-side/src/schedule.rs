//! What is asked next, so that every tool gets the same time and every cell of a tool the same number of verdicts. Pure.

use crate::log::Verdict;
use crate::neighbour::Neighbour;
use crate::tool::Tool;
use perfbench_harness::stats::random::Random;

/// One question that is asked again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Who is asked.
    pub tool: Tool,
    /// About which piece of work.
    pub work: &'static str,
    /// What runs beside.
    pub neighbour: Neighbour,
    /// The candidate's slowdown, percent.
    pub asked_percent: f64,
}

impl Cell {
    fn holds(&self, verdict: &Verdict) -> bool {
        self.tool == verdict.tool
            && self.work == verdict.work
            && self.neighbour == verdict.neighbour
            && self.asked_percent == verdict.asked_percent
    }
}

/// Every combination.
pub fn cells(tools: &[Tool], works: &[&'static str], neighbours: &[Neighbour], effects: &[f64]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &tool in tools {
        for &work in works {
            for &neighbour in neighbours {
                let cell = |&asked_percent: &f64| Cell { tool, work, neighbour, asked_percent };
                cells.extend(effects.iter().map(cell));
            }
        }
    }
    cells
}

/// The next question: of the tool that has had the least time, the cell with the fewest verdicts. Cells that have as
/// many come in another order each time around. None where all have `n`.
pub fn next<'a>(cells: &'a [Cell], verdicts: &[Verdict], n: usize) -> Option<&'a Cell> {
    let count = |cell: &Cell| verdicts.iter().filter(|verdict| cell.holds(verdict)).count();
    let spent_s = |tool: Tool| -> f64 {
        let mine = verdicts.iter().filter(|v| v.tool == tool && cells.iter().any(|cell| cell.holds(v)));
        mine.map(|verdict| verdict.seconds).sum()
    };
    let open: Vec<(&Cell, usize)> =
        cells.iter().map(|cell| (cell, count(cell))).filter(|(_, count)| *count < n).collect();
    let (first, _) = open.iter().min_by(|(a, _), (b, _)| spent_s(a.tool).total_cmp(&spent_s(b.tool)))?;
    let mine = open.iter().filter(|(cell, _)| cell.tool == first.tool);
    mine.min_by_key(|(cell, count)| (*count, place(cell, *count))).map(|(cell, _)| *cell)
}

/// Where a cell stands in a shuffled round.
fn place(cell: &Cell, round: usize) -> u64 {
    Random::hash(&format!("{round} {cell:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Call;
    use crate::log::tests::verdict;

    fn answered(cell: &Cell, seconds: f64) -> Verdict {
        Verdict { seconds, ..verdict(cell.tool, cell.work, cell.asked_percent, Call::Silent, 0.0) }
    }

    fn play(cells: &[Cell], n: usize, seconds: impl Fn(Tool) -> f64, stop: usize) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        while let Some(cell) = next(cells, &verdicts, n).filter(|_| verdicts.len() < stop) {
            verdicts.push(answered(cell, seconds(cell.tool)));
        }
        verdicts
    }

    #[test]
    fn every_cell_gets_n_verdicts_and_no_more() {
        let cells = cells(&[Tool::Tango, Tool::Criterion], &["a", "b"], &[Neighbour::None], &[0.0, 2.0]);
        let verdicts = play(&cells, 3, |_| 1.0, usize::MAX);
        assert_eq!(verdicts.len(), 24);
        assert!(cells.iter().all(|cell| verdicts.iter().filter(|verdict| cell.holds(verdict)).count() == 3));
    }

    #[test]
    fn a_slow_tool_and_a_quick_one_get_the_same_time() {
        let cells = cells(&[Tool::Tango, Tool::Criterion], &["a", "b"], &[Neighbour::None], &[0.0, 2.0]);
        let verdicts = play(&cells, 1000, |tool| if tool == Tool::Tango { 1.0 } else { 10.0 }, 110);
        assert_eq!(verdicts.iter().filter(|verdict| verdict.tool == Tool::Tango).count(), 100);
    }

    #[test]
    fn a_stopped_run_has_asked_every_cell_of_a_tool_about_equally_often() {
        let cells = cells(&[Tool::Tango], &["a", "b", "c"], &[Neighbour::None], &[0.0, 2.0]);
        let verdicts = play(&cells, 100, |_| 1.0, 20);
        let counts = cells.iter().map(|cell| verdicts.iter().filter(|verdict| cell.holds(verdict)).count());
        assert!(counts.into_iter().all(|count| (3..=4).contains(&count)));
    }

    #[test]
    fn verdicts_of_other_cells_count_for_nothing() {
        let asked = cells(&[Tool::Tango], &["a"], &[Neighbour::None], &[0.0]);
        let others = cells(&[Tool::Tango], &["b"], &[Neighbour::None], &[0.0]);
        let verdicts = vec![answered(&others[0], 100.0)];
        assert_eq!(next(&asked, &verdicts, 1), Some(&asked[0]));
    }
}
