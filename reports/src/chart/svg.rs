//! SVG text as a plotters backend: float precision, colours by class, titles, no sizes fixed. What is drawn lives in
//! the chart files.

use super::{Figure, Words, pen};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::convert::Infallible;
use std::fmt::{self, Write};

/// Backend units in one pixel of the viewBox: plotters knows whole units only, so the plane is drawn enlarged.
pub const SCALE: i32 = 10;

/// Height of all chart text, pixels.
pub const TEXT_PX: i32 = 12;

/// What drawing returns: layout can fail, writing to memory cannot.
pub type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

/// What a chart draws on.
pub type Area<'a> = DrawingArea<Backend<'a>, Shift>;

/// Pixels in backend units.
pub const fn px(pixels: i32) -> i32 {
    pixels * SCALE
}

/// Draws one picture of this many pixels.
///
/// # Panics
/// Where the chart's layout has no room for its plot: a mistake in the chart, not in the data.
pub(crate) fn figure(
    words: Words,
    (width, height): (i32, i32),
    paint: impl FnOnce(&Area<'_>) -> Drawn,
) -> Figure {
    let mut sheet = Sheet::default();
    let backend = Backend { size: (px(width) as u32, px(height) as u32), sheet: &mut sheet };
    paint(&backend.into_drawing_area()).expect("a chart leaves room for its plot");
    sheet.flush();
    let Words { chart, subject, title, finding } = words;
    let svg = format!(
        "<svg class=\"c {chart}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
         <title>{}</title><desc>{}</desc>{}{}</svg>",
        Escaped(&title),
        Escaped(&finding),
        sheet.shapes,
        sheet.texts
    );
    Figure { subject, finding, svg }
}

/// Text on its way into markup; every character with a meaning there is replaced.
#[derive(Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(c),
        })
    }
}

/// A coordinate or distance in backend units, written in pixels with at most one decimal.
struct Length(i32);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        match (self.0.abs() / SCALE, self.0.abs() % SCALE) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (whole, tenth) => write!(f, "{sign}{whole}.{tenth}"),
        }
    }
}

/// Two lengths; a minus sign parts them as well as a space does.
struct Pair(i32, i32);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", Length(self.0), if self.1 < 0 { "" } else { " " }, Length(self.1))
    }
}

/// The markup so far; strokes of one class that follow each other share a path, and text lies on top of all shapes.
#[derive(Debug, Default)]
struct Sheet {
    shapes: String,
    texts: String,
    class: String,
    path: String,
    at: BackendCoord,
}

impl Sheet {
    fn stroke(&mut self, class: String, points: impl IntoIterator<Item = BackendCoord>) {
        if self.class != class {
            self.flush();
            self.class = class;
        }
        self.at = trace(&mut self.path, self.at, points);
    }

    fn flush(&mut self) {
        if !self.path.is_empty() {
            let _ = write!(self.shapes, "<path class=\"{}\" d=\"{}\"/>", self.class, self.path);
            self.path.clear();
        }
        self.class.clear();
    }

    fn fill(&mut self, class: &str, path: &str) {
        self.flush();
        let _ = write!(self.shapes, "<path class=\"f {class}\" d=\"{path}z\"/>");
    }
}

/// Appends a polyline to a path that ends at `at`, in relative steps, which are shorter than positions. Returns where
/// the path ends then.
fn trace(
    path: &mut String,
    mut at: BackendCoord,
    points: impl IntoIterator<Item = BackendCoord>,
) -> BackendCoord {
    for (index, (x, y)) in points.into_iter().enumerate() {
        let _ = match (index, x - at.0, y - at.1) {
            (0, ..) if path.is_empty() => write!(path, "M{}", Pair(x, y)),
            (0, dx, dy) => write!(path, "m{}", Pair(dx, dy)),
            (_, 0, 0) => write!(path, "z"),
            (_, dx, 0) => write!(path, "h{}", Length(dx)),
            (_, 0, dy) => write!(path, "v{}", Length(dy)),
            (_, dx, dy) => write!(path, "l{}", Pair(dx, dy)),
        };
        at = (x, y);
    }
    at
}

/// The plotters backend. Stroke widths and dashes belong to the pen's class in CSS, so plotters' own are not written.
#[derive(Debug)]
pub struct Backend<'a> {
    size: (u32, u32),
    sheet: &'a mut Sheet,
}

type Step = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Backend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Step {
        Ok(())
    }

    fn present(&mut self) -> Step {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Step {
        self.draw_path([point, (point.0 + 1, point.1)], &color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Step {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Step {
        if style.color().alpha > 0.0 {
            self.sheet.stroke(pen::class(style.color().rgb).to_owned(), path);
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Step {
        let corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
        if fill { self.fill_polygon(corners, style) } else { self.draw_path(corners, style) }
    }

    /// A disc is a stroke of no length with round ends, so that many of one class share a path. The smallest stand for
    /// many and go to whole pixels, which are shorter.
    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _: bool,
    ) -> Step {
        let radius_px = radius as i32 / SCALE;
        let place = |v: i32| if radius_px > 1 { v } else { (v + SCALE / 2) / SCALE * SCALE };
        let at = (place(x), place(y));
        self.sheet.stroke(format!("{} d{radius_px}", pen::class(style.color().rgb)), [at, at]);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Step {
        let mut path = String::new();
        trace(&mut path, (0, 0), corners);
        self.sheet.fill(pen::class(style.color().rgb), &path);
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Step {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " m",
            HPos::Right => " e",
        };
        let down = match style.anchor().v_pos {
            VPos::Top => px(TEXT_PX) * 4 / 5,
            VPos::Center => px(TEXT_PX) * 7 / 20,
            VPos::Bottom => -px(TEXT_PX) / 5,
        };
        let class = pen::class(style.color().rgb);
        let place = match style.transform() {
            FontTransform::Rotate270 => {
                format!("transform=\"translate({} {})rotate(-90)\"", Length(x + down), Length(y))
            }
            _ => format!("x=\"{}\" y=\"{}\"", Length(x), Length(y + down)),
        };
        let _ = write!(self.sheet.texts, "<text class=\"{class}{anchor}\" {place}>{}</text>", Escaped(text));
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        _: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((px(width_px(text)) as u32, px(TEXT_PX) as u32))
    }
}

/// Rough width of a text: sans-serif letters are a little over half as wide as the text is high.
pub fn width_px(text: &str) -> i32 {
    text.chars().count() as i32 * TEXT_PX * 11 / 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::element::{Circle, PathElement, Rectangle};
    use plotters::style::Color;

    fn sketch(paint: impl FnOnce(&Area<'_>) -> Drawn) -> String {
        let words =
            Words { chart: "test", subject: "s".into(), title: "a < b".into(), finding: "\"1\" & 2".into() };
        figure(words, (100, 50), paint).svg
    }

    #[test]
    fn coordinates_keep_a_tenth_of_a_pixel() {
        let svg = sketch(|area| area.draw(&PathElement::new(vec![(5, 10), (123, 7)], pen::INK)));
        assert!(svg.contains("<path class=\"ink\" d=\"M0.5 1l11.8-0.3\"/>"), "{svg}");
    }

    #[test]
    fn strokes_of_one_pen_share_a_path_and_another_pen_opens_its_own() {
        let svg = sketch(|area| {
            area.draw(&PathElement::new(vec![(0, 0), (10, 0)], pen::GRID))?;
            area.draw(&PathElement::new(vec![(0, 20), (0, 30)], pen::GRID))?;
            area.draw(&Circle::new((50, 50), px(2), pen::INK.filled()))?;
            area.draw(&Rectangle::new([(0, 0), (20, 10)], pen::BAND.filled()))
        });
        assert!(svg.contains("d=\"M0 0h1m-1 2v1\""), "{svg}");
        assert!(svg.contains("class=\"ink d2\" d=\"M5 5z\""), "{svg}");
        assert!(svg.contains("class=\"f band\" d=\"M0 0h2v1h-2v-1z\""), "{svg}");
    }

    #[test]
    fn a_picture_names_itself_and_its_finding_and_both_are_escaped() {
        let svg = sketch(|_| Ok(()));
        assert!(
            svg.contains("role=\"img\"><title>a &lt; b</title><desc>&quot;1&quot; &amp; 2</desc>"),
            "{svg}"
        );
        assert!(!svg.contains(" width=") && !svg.contains(" height="), "{svg}");
    }
}
