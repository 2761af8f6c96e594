//! The pens of all charts. A pen's RGB is only an index into this table: what people see is the class's colour in CSS,
//! which differs between light, dark and print.

use plotters::style::RGBColor;

macro_rules! pens {
    ($($index:literal $pen:ident $class:literal $use:literal;)*) => {
        $(#[doc = $use] pub const $pen: RGBColor = RGBColor(0, 0, $index);)*
        const CLASSES: &[&str] = &[$($class),*];
    };
}

pens! {
    0  INK      "ink"      "Text that carries a result.";
    1  MUTED    "muted"    "Axis labels and remarks.";
    2  GRID     "grid"     "Grid lines and axes.";
    3  BAND     "band"     "Shaded areas: noise, the side of a target that meets it.";
    4  TARGET   "target"   "A documented figure.";
    5  NOUGHT   "nought"   "The line that stands for no difference.";
    6  GOOD     "good"     "Faster, met.";
    7  BAD      "bad"      "Slower, missed.";
    8  EVEN     "even"     "Neither, or not resolved.";
    9  FAINT    "faint"    "Single rounds behind their median.";
    10 SERIES_0 "s0"       "First line of a group.";
    11 SERIES_1 "s1"       "Second line of a group.";
    12 SERIES_2 "s2"       "Third line of a group.";
    13 SERIES_3 "s3"       "Fourth line of a group.";
    14 SERIES_4 "s4"       "Fifth line of a group.";
    15 SERIES_5 "s5"       "Sixth line of a group.";
    16 SHARE    "share"    "Bars of a share.";
    17 HEAT_0   "h0"       "The lightest cell of a map.";
    18 HEAT_1   "h1"       "A lighter cell of a map.";
    19 HEAT_2   "h2"       "A cell of a map.";
    20 HEAT_3   "h3"       "A darker cell of a map.";
    21 HEAT_4   "h4"       "The darkest cell of a map.";
}

/// Pens of lines drawn together, each with its own dash beside its colour.
pub const SERIES: [RGBColor; 6] = [SERIES_0, SERIES_1, SERIES_2, SERIES_3, SERIES_4, SERIES_5];

/// The CSS class of a colour that plotters hands to the backend.
pub fn class((_, _, index): (u8, u8, u8)) -> &'static str {
    CLASSES.get(usize::from(index)).expect("charts draw with the pens of the table only")
}
