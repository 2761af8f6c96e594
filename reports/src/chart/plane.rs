//! The frame of charts with two logarithmic or like axes: scales, grid, and labels beside the lines instead of a legend.

use super::lanes::WIDE_PX;
use super::svg::{self, Area, Backend, Drawn, TEXT_PX, px, width_px};
use super::{Figure, Words, pen};
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::combinators::{BindKeyPoints, IntoLogRange, LogCoord, WithKeyPoints};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, TRANSPARENT, TextStyle};
use std::convert::Infallible;
use std::ops::Range;

const HEIGHT_PX: i32 = 300;
const LEFT_PX: i32 = 62;
const BOTTOM_PX: i32 = 38;
const TOP_PX: i32 = 18;
const RIGHT_PX: i32 = 170;

/// What plotters answers where a layout fails.
pub type Failed = DrawingAreaErrorKind<Infallible>;

/// A logarithmic scale with given ticks.
pub type LogScale = WithKeyPoints<LogCoord<f64>>;

/// The scale of a range with ticks.
pub fn log_scale(range: &Range<f64>, ticks: Vec<f64>) -> LogScale {
    range.clone().log_scale().with_key_points(ticks)
}

/// The style of all chart text.
pub fn text_style(pen: RGBColor) -> TextStyle<'static> {
    ("sans-serif", px(TEXT_PX)).into_font().color(&pen)
}

/// One axis of the plane.
pub struct Axis<'a, T> {
    /// plotters' scale with its ticks.
    pub scale: T,
    /// How a tick is written.
    pub label: &'a dyn Fn(&f64) -> String,
    /// What it shows.
    pub about: &'a str,
}

/// Draws the frame and lets `paint` add the lines.
pub fn draw<X>(
    words: Words,
    x: Axis<'_, X>,
    y: Axis<'_, LogScale>,
    paint: impl FnOnce(&Plot<'_, '_, X>) -> Drawn,
) -> Figure
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    svg::figure(words, (WIDE_PX, HEIGHT_PX), |area| {
        area.draw_text(y.about, &text_style(pen::MUTED), (0, 0))?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(px(TOP_PX))
            .margin_right(px(RIGHT_PX))
            .x_label_area_size(px(BOTTOM_PX))
            .y_label_area_size(px(LEFT_PX))
            .build_cartesian_2d(x.scale, y.scale)?;
        chart
            .configure_mesh()
            .axis_style(pen::GRID)
            .bold_line_style(pen::GRID)
            .light_line_style(TRANSPARENT)
            .label_style(text_style(pen::MUTED))
            .axis_desc_style(text_style(pen::MUTED))
            .set_all_tick_mark_size(px(3))
            .x_label_formatter(x.label)
            .y_label_formatter(y.label)
            .x_desc(x.about)
            .draw()?;
        paint(&Plot { chart, area })
    })
}

/// The plane with its axes, ready for lines.
pub struct Plot<'a, 'b, X: AsRangedCoord> {
    chart: ChartContext<'b, Backend<'a>, Cartesian2d<X::CoordDescType, LogScale>>,
    area: &'b Area<'a>,
}

impl<X> Plot<'_, '_, X>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64>,
{
    /// A line through points, all of which lie on the plane.
    pub fn line(&self, points: &[(f64, f64)], pen: RGBColor) -> Drawn {
        self.chart.plotting_area().draw(&PathElement::new(points.to_vec(), pen))
    }

    /// A disc.
    pub fn dot(&self, point: (f64, f64), pen: RGBColor) -> Drawn {
        self.chart.plotting_area().draw(&Circle::new(point, px(3), pen.filled()))
    }

    /// Text that starts right above a point.
    pub fn note(&self, text: &str, point: (f64, f64), pen: RGBColor) -> Drawn {
        let (x, y) = self.chart.backend_coord(&point);
        let style = text_style(pen).pos(Pos::new(HPos::Left, VPos::Bottom));
        let latest = px(WIDE_PX - width_px(text));
        self.area.draw_text(text, &style, ((x + px(3)).min(latest), y - px(2)))
    }

    /// Names lines at their right ends, moved apart where they would cover each other.
    pub fn name(&self, ends: &[(String, (f64, f64), RGBColor)]) -> Drawn {
        let style = |pen: RGBColor| text_style(pen).pos(Pos::new(HPos::Left, VPos::Center));
        let places: Vec<_> = ends.iter().map(|(_, point, _)| self.chart.backend_coord(point)).collect();
        let apart = spread(&places.iter().map(|(_, y)| *y).collect::<Vec<_>>(), px(TEXT_PX + 3));
        let right = self.chart.plotting_area().get_x_axis_pixel_range().end;
        for (((label, _, pen), (x, y)), text_y) in ends.iter().zip(places).zip(apart) {
            let text_x = right + px(14);
            self.area
                .draw(&PathElement::new(vec![(x, y), (right, y), (text_x - px(3), text_y)], pen::FAINT))?;
            self.area.draw_text(label, &style(*pen), (text_x, text_y))?;
        }
        Ok(())
    }
}

/// Heights at least `least` apart, in the order of the wanted ones, moved by equal shares where they crowd.
fn spread(wanted: &[i32], least: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|i| wanted[*i]);
    let mut placed = wanted.to_vec();
    let mut crowds: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let mut crowd = vec![index];
        settle(&crowd, wanted, least, &mut placed);
        while crowds.last().is_some_and(|above| placed[above[above.len() - 1]] + least > placed[crowd[0]]) {
            let above = crowds.pop().unwrap_or_default();
            crowd = [above, crowd].concat();
            settle(&crowd, wanted, least, &mut placed);
        }
        crowds.push(crowd);
    }
    placed
}

/// Places a crowd at equal steps around the mean of what its members want.
fn settle(crowd: &[usize], wanted: &[i32], least: i32, placed: &mut [i32]) {
    let count = crowd.len() as i32;
    let mean = crowd.iter().map(|i| wanted[*i]).sum::<i32>() / count;
    let top = mean - least * (count - 1) / 2;
    for (index, step) in crowd.iter().zip(0..) {
        placed[*index] = top + least * step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_and_keep_their_order() {
        assert_eq!(spread(&[100, 104, 300], 20), [92, 112, 300]);
        assert_eq!(spread(&[50, 50, 50], 10), [40, 50, 60]);
    }
}
