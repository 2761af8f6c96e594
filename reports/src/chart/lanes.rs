//! The frame of charts that have one line a row: label at the left, marks on a shared axis, numbers at the right.
//! Which marks is the affair of each chart.

use super::plane::{Failed, text_style};
use super::svg::{self, Area, Backend, Drawn, px, width_px};
use super::{Figure, Words, pen};
use perfbench_harness::stats::Interval;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, TRANSPARENT};
use std::ops::Range;

const TOP_PX: i32 = 4;
const AXIS_PX: i32 = 38;
const GAP_PX: i32 = 12;
const LABEL_PX: Range<i32> = 40..300;

/// Width of a chart that fills the page's column, pixels.
pub const WIDE_PX: i32 = 760;

/// One line of the chart.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Written at the left.
    pub label: String,
    /// Written at the right: the numbers.
    pub note: String,
}

/// The axis below the lanes.
pub struct Axis<'a, X> {
    /// plotters' scale with its ticks.
    pub scale: X,
    /// What of it is shown.
    pub range: Range<f64>,
    /// How a tick is written.
    pub label: &'a dyn Fn(&f64) -> String,
    /// What it shows, with its unit.
    pub about: &'a str,
    /// Height of a lane, pixels.
    pub lane_px: i32,
    /// Room for labels and for notes, the same in pictures that share an axis.
    pub margins_px: (i32, i32),
}

/// Room for the labels and the notes of all these lanes.
pub fn margins_px<'a>(lanes: impl IntoIterator<Item = &'a Lane>) -> (i32, i32) {
    lanes.into_iter().fold((LABEL_PX.start, LABEL_PX.start), |(left, right), lane| {
        let wide = |text, known: i32| known.max(width_px(text) + GAP_PX).min(LABEL_PX.end);
        (wide(&lane.label, left), wide(&lane.note, right))
    })
}

/// Draws the frame and lets `paint` add the marks.
pub fn draw<X>(
    words: Words,
    lanes: &[Lane],
    axis: Axis<'_, X>,
    paint: impl FnOnce(&Plot<'_, '_, X>) -> Drawn,
) -> Figure
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let height = TOP_PX + axis.lane_px * lanes.len() as i32 + AXIS_PX;
    svg::figure(words, (WIDE_PX, height), |area| {
        let plot = frame(area, lanes, axis)?;
        paint(&plot)
    })
}

fn frame<'a, 'b, X>(area: &'b Area<'a>, lanes: &[Lane], axis: Axis<'_, X>) -> Result<Plot<'a, 'b, X>, Failed>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let (left, right) = axis.margins_px;
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(TOP_PX))
        .margin_left(px(left))
        .margin_right(px(right))
        .x_label_area_size(px(AXIS_PX))
        .build_cartesian_2d(axis.scale, lanes.len() as f64..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .axis_style(pen::GRID)
        .bold_line_style(pen::GRID)
        .light_line_style(TRANSPARENT)
        .label_style(text_style(pen::MUTED))
        .axis_desc_style(text_style(pen::MUTED))
        .set_all_tick_mark_size(px(3))
        .x_label_formatter(axis.label)
        .x_desc(axis.about)
        .draw()?;
    let plot = Plot { chart, area, range: axis.range };
    plot.name(lanes, left, WIDE_PX - right)?;
    Ok(plot)
}

/// The lanes on their axis, ready for marks; what lies beyond the axis becomes an arrow at its end.
pub struct Plot<'a, 'b, X: AsRangedCoord> {
    chart: ChartContext<'b, Backend<'a>, Cartesian2d<X::CoordDescType, RangedCoordf64>>,
    area: &'b Area<'a>,
    range: Range<f64>,
}

impl<X> Plot<'_, '_, X>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64>,
{
    /// One lane across a whole picture, without axis or labels.
    pub fn bare<'b, 'a>(area: &'b Area<'a>, scale: X, range: Range<f64>) -> Result<Plot<'a, 'b, X>, Failed> {
        let chart = ChartBuilder::on(area).build_cartesian_2d(scale, 1.0..0.0)?;
        Ok(Plot { chart, area, range })
    }

    fn name(&self, lanes: &[Lane], left_px: i32, right_px: i32) -> Drawn {
        let style = |side| text_style(pen::INK).pos(Pos::new(side, VPos::Center));
        for (index, lane) in lanes.iter().enumerate() {
            let (_, y) = self.chart.backend_coord(&(self.range.start, index as f64 + 0.5));
            let half = px(GAP_PX) / 2;
            self.area.draw_text(&lane.label, &style(HPos::Right), (px(left_px) - half, y))?;
            self.area.draw_text(&lane.note, &style(HPos::Left), (px(right_px) + half, y))?;
        }
        Ok(())
    }

    /// A line through all lanes.
    pub fn rule(&self, lanes: usize, x: f64, pen: RGBColor) -> Drawn {
        if !self.range.contains(&x) {
            return Ok(());
        }
        self.chart.plotting_area().draw(&PathElement::new(vec![(x, 0.0), (x, lanes as f64)], pen))
    }

    /// A shaded stretch from `low` to `high` through a range of lanes.
    pub fn band(&self, lanes: Range<f64>, low: f64, high: f64, pen: RGBColor) -> Drawn {
        let (low, high) = (low.max(self.range.start), high.min(self.range.end));
        if low >= high {
            return Ok(());
        }
        let corners = [(low, lanes.start), (high, lanes.end)];
        self.chart.plotting_area().draw(&Rectangle::new(corners, pen.filled()))
    }

    /// A value with its interval in the middle of a lane; both may lie beyond the axis.
    pub fn interval(&self, lane: usize, interval: Interval, pen: RGBColor) -> Drawn {
        let y = lane as f64 + 0.5;
        let (low, high) = (interval.low.max(self.range.start), interval.high.min(self.range.end));
        if low < high {
            self.chart.plotting_area().draw(&PathElement::new(vec![(low, y), (high, y)], pen))?;
        }
        self.beyond(y, interval.low, pen)?;
        self.beyond(y, interval.high, pen)?;
        self.dot(y, interval.value, 4, pen)
    }

    /// A disc at height `y`, in lanes.
    pub fn dot(&self, y: f64, x: f64, radius_px: i32, pen: RGBColor) -> Drawn {
        if x < self.range.start || x > self.range.end {
            return self.beyond(y, x, pen);
        }
        self.chart.plotting_area().draw(&Circle::new((x, y), px(radius_px), pen.filled()))
    }

    /// -1 or 1 where `x` lies beyond the axis at that end.
    pub fn side(&self, x: f64) -> Option<i32> {
        match x {
            x if x < self.range.start => Some(-1),
            x if x > self.range.end => Some(1),
            _ => None,
        }
    }

    /// An arrow at the end of the axis where `x` lies beyond it.
    fn beyond(&self, y: f64, x: f64, pen: RGBColor) -> Drawn {
        let Some(side) = self.side(x) else { return Ok(()) };
        let edge = if side < 0 { self.range.start } else { self.range.end };
        let (tip, y) = self.chart.backend_coord(&(edge, y));
        let back = tip - side * px(6);
        self.area.draw(&Polygon::new(vec![(back, y - px(3)), (tip, y), (back, y + px(3))], pen.filled()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::plane::{LogScale, log_scale};

    fn bare(interval: Interval) -> String {
        let words =
            Words { chart: "test", subject: String::new(), title: String::new(), finding: String::new() };
        let drawn = svg::figure(words, (100, 20), |area| {
            Plot::<LogScale>::bare(area, log_scale(&(1.0..10.0), vec![]), 1.0..10.0)?.interval(
                0,
                interval,
                pen::INK,
            )
        });
        drawn.svg
    }

    #[test]
    fn what_lies_beyond_the_axis_is_an_arrow_and_never_a_dot_on_it() {
        let beyond = bare(Interval { value: 50.0, low: 40.0, high: 60.0 });
        assert!(beyond.contains("class=\"f ink\"") && !beyond.contains("d4"), "{beyond}");
        let inside = bare(Interval { value: 3.0, low: 2.0, high: 4.0 });
        assert!(inside.contains("ink d4") && !inside.contains("class=\"f"), "{inside}");
        let unbounded = bare(Interval { value: 3.0, low: 0.0, high: f64::INFINITY });
        assert_eq!(unbounded.matches("class=\"f ink\"").count(), 2, "{unbounded}");
    }
}
