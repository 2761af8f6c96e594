//! A line's way between every two CPUs as a map of cells: which cores are near to each other.

use super::lanes::WIDE_PX;
use super::plane::text_style;
use super::svg::{self, Area, Drawn, px};
use super::{Chart, Figure, Place, Words, pen};
use crate::words::plural;
use perfbench_harness::record::{CorePair, Limit};
use plotters::element::{Circle, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "cores",
    about: "One way of a cache line between every two CPUs, nanoseconds: the row leads, the column follows. The darker a cell, \
            the longer the way; the steps are equal ratios. Where cells hold no figures, a dot marks the pairs that are far.",
    place: Place::Machine,
    draw: |report, _| report.limits.iter().filter_map(draw).collect(),
};

/// Shades, from the shortest way to the longest.
const SHADES: [RGBColor; 5] = [pen::HEAT_0, pen::HEAT_1, pen::HEAT_2, pen::HEAT_3, pen::HEAT_4];

const LEFT_PX: i32 = 40;
const TOP_PX: i32 = 24;
const CELLS_PX: i32 = 540;
const CELL_PX: Range<i32> = 8..30;
const LEGEND_PX: i32 = 22;

/// Cells at least this wide hold their figure, and their CPU is named at the edge.
const FIGURE_PX: i32 = 26;
const NAME_PX: i32 = 18;

/// One pair needs no map.
fn draw(limit: &Limit) -> Option<Figure> {
    if limit.pairs.len() < 2 {
        return None;
    }
    let map = Map::of(&limit.pairs);
    let words = Words {
        chart: "cores",
        subject: limit.name.clone(),
        title: "A cache line's way between every two CPUs".into(),
        finding: map.finding(),
    };
    let cells_px = map.cell_px * map.cpus.len() as i32;
    let height_px = TOP_PX + cells_px.max(LEGEND_PX * SHADES.len() as i32) + 6;
    Some(svg::figure(words, (WIDE_PX, height_px), |area| {
        map.names(area)?;
        map.pairs.iter().try_for_each(|pair| map.cells(pair, area))?;
        map.legend(LEFT_PX + cells_px + 24, area)
    }))
}

struct Map<'a> {
    pairs: &'a [CorePair],
    cpus: Vec<usize>,
    ns: Range<f64>,
    cell_px: i32,
}

impl<'a> Map<'a> {
    fn of(pairs: &'a [CorePair]) -> Self {
        let mut cpus: Vec<usize> = pairs.iter().flat_map(|pair| pair.cpus).collect();
        cpus.sort_unstable();
        cpus.dedup();
        // A logarithm has no place for nought; a record from elsewhere may hold it all the same.
        let ways = || pairs.iter().flat_map(|pair| pair.one_way_ns).filter(|ns| (1e-3..1e12).contains(ns));
        let ns = ways().fold(f64::INFINITY, f64::min)..ways().fold(1e-3, f64::max);
        let cell_px = (CELLS_PX / cpus.len() as i32).clamp(CELL_PX.start, CELL_PX.end);
        Self { pairs, cpus, ns, cell_px }
    }

    fn finding(&self) -> String {
        let by_way = |a: &&CorePair, b: &&CorePair| a.mean_ns().total_cmp(&b.mean_ns());
        let (shortest, longest) = (self.pairs.iter().min_by(by_way), self.pairs.iter().max_by(by_way));
        let told = |pair: Option<&CorePair>| {
            pair.map_or(String::new(), |pair| {
                format!("{:.0} ns (CPUs {} and {})", pair.mean_ns(), pair.cpus[0], pair.cpus[1])
            })
        };
        let far = self.pairs.iter().filter(|pair| pair.is_far()).count();
        let all = plural(self.pairs.len(), "pair");
        format!("From {} to {}; {far} of {all} are far.", told(shortest), told(longest))
    }

    /// Which shade a way has; all ways alike have the first.
    fn shade(&self, ns: f64) -> usize {
        let octaves = (self.ns.end / self.ns.start).max(1.2).log2();
        let step = (ns / self.ns.start).log2() / octaves * SHADES.len() as f64;
        (step.max(0.0) as usize).min(SHADES.len() - 1)
    }

    /// Corners of a cell in the backend's units.
    fn cell(&self, row: usize, column: usize) -> [(i32, i32); 2] {
        let at = |row: usize, column: usize| {
            (px(LEFT_PX + column as i32 * self.cell_px), px(TOP_PX + row as i32 * self.cell_px))
        };
        [at(row, column), at(row + 1, column + 1)]
    }

    fn place(&self, cpu: usize) -> usize {
        self.cpus.binary_search(&cpu).expect("every CPU of a pair is on the map")
    }

    /// Both cells of a pair: each direction has its own.
    fn cells(&self, pair: &CorePair, area: &Area<'_>) -> Drawn {
        let [first, second] = pair.cpus.map(|cpu| self.place(cpu));
        self.fill(self.cell(first, second), pair.one_way_ns[0], pair, area)?;
        self.fill(self.cell(second, first), pair.one_way_ns[1], pair, area)
    }

    fn fill(&self, corners: [(i32, i32); 2], ns: f64, pair: &CorePair, area: &Area<'_>) -> Drawn {
        area.draw(&Rectangle::new(corners, SHADES[self.shade(ns)].filled()))?;
        let centre = ((corners[0].0 + corners[1].0) / 2, (corners[0].1 + corners[1].1) / 2);
        if self.cell_px >= FIGURE_PX {
            let style = text_style(pen::INK).pos(Pos::new(HPos::Center, VPos::Center));
            area.draw_text(&format!("{ns:.0}"), &style, centre)
        } else if pair.is_far() {
            area.draw(&Circle::new(centre, px(1), pen::INK.filled()))
        } else {
            Ok(())
        }
    }

    /// CPU numbers at the left and above, every fourth where cells are narrow.
    fn names(&self, area: &Area<'_>) -> Drawn {
        let every = if self.cell_px >= NAME_PX { 1 } else { 4 };
        let style = |side, height| text_style(pen::MUTED).pos(Pos::new(side, height));
        for (index, cpu) in self.cpus.iter().enumerate().step_by(every) {
            let [(x, y), (right, bottom)] = self.cell(index, index);
            let left = (px(LEFT_PX - 6), (y + bottom) / 2);
            area.draw_text(&cpu.to_string(), &style(HPos::Right, VPos::Center), left)?;
            let above = ((x + right) / 2, px(TOP_PX - 4));
            area.draw_text(&cpu.to_string(), &style(HPos::Center, VPos::Bottom), above)?;
        }
        area.draw_text("CPU", &style(HPos::Left, VPos::Bottom), (0, px(TOP_PX - 4)))
    }

    fn legend(&self, left_px: i32, area: &Area<'_>) -> Drawn {
        let ratio = (self.ns.end / self.ns.start).max(1.2).powf(1.0 / SHADES.len() as f64);
        let style = text_style(pen::MUTED).pos(Pos::new(HPos::Left, VPos::Center));
        for (index, shade) in SHADES.iter().enumerate() {
            let top = px(TOP_PX + index as i32 * LEGEND_PX);
            let side = px(LEGEND_PX - 4);
            area.draw(&Rectangle::new(
                [(px(left_px), top), (px(left_px) + side, top + side)],
                shade.filled(),
            ))?;
            let (from, to) =
                (self.ns.start * ratio.powi(index as i32), self.ns.start * ratio.powi(index as i32 + 1));
            area.draw_text(
                &format!("{from:.0} - {to:.0} ns"),
                &style,
                (px(left_px + LEGEND_PX + 2), top + side / 2),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::two_clusters;

    fn limit(pairs: Vec<CorePair>) -> Limit {
        let record = crate::fixture::record();
        let bounce = record.limits.iter().find(|limit| limit.name == "line_bounce");
        Limit { pairs, ..bounce.cloned().unwrap() }
    }

    #[test]
    fn two_clusters_of_eight_show_as_two_dark_and_two_light_blocks() {
        let figure = draw(&limit(two_clusters(16, 96.0))).unwrap();
        assert!(
            figure.finding.starts_with("From 24 ns (CPUs 0 and 1) to 96 ns (CPUs 7 and 15)"),
            "{}",
            figure.finding
        );
        let cells = |class: &str| figure.svg.matches(&format!("class=\"f {class}\"")).count();
        assert_eq!((cells("h0"), cells("h4")), (2 * 8 * 7 + 1, 2 * 8 * 8 + 1));
    }

    #[test]
    fn pairs_that_are_far_are_counted_and_marked_where_no_figure_fits() {
        let figure = draw(&limit(two_clusters(32, 190.0))).unwrap();
        assert!(figure.finding.ends_with("256 of 496 pairs are far."), "{}", figure.finding);
        assert!(figure.svg.contains("class=\"ink d1\""));
    }

    #[test]
    fn one_pair_is_no_map() {
        assert!(draw(&limit(two_clusters(2, 30.0))).is_none());
    }

    #[test]
    fn a_record_with_a_nought_in_it_draws_all_the_same() {
        let mut pairs = two_clusters(4, 96.0);
        pairs[0].one_way_ns = [0.0, f64::NAN];
        assert!(draw(&limit(pairs)).is_some());
    }
}
