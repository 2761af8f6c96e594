//! The style of charts: one sheet for pages and for pictures that stand alone.

/// What the chart classes look like; colours come from the variables of [`COLOURS`].
pub const RULES: &str = include_str!("../../templates/chart.css");

/// The colours, light and dark.
pub const COLOURS: &str = include_str!("../../templates/colours.css");

/// A picture as a file of its own, with namespace and style, for a README or an image viewer in either theme.
pub fn standalone(svg: &str) -> String {
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    let style = format!("</desc><style>{COLOURS}{RULES}</style>");
    svg.replacen("</desc>", &style, 1) + "\n"
}
