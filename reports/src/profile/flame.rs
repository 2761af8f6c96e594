//! Flame graphs by inferno, with a title and a finding in words, and colours that suit light and dark. The same picture
//! stands alone as a file, with inferno's search script, and inside a page, without any script.

use super::facts::verdict;
use super::tally::tally;
use super::{View, folded};
use crate::chart::svg::Escaped;
use crate::words::plural;
use inferno::differential;
use inferno::flamegraph::color::{BackgroundColor, Color, MultiPalette};
use inferno::flamegraph::{self, Options, Palette};
use perfbench_harness::record::Profile;

/// Width of the picture, pixels.
const WIDTH: usize = 1200;

/// Height of its text, pixels; inferno leaves three of it above the frames, two and ten pixels below.
const FONT: usize = 12;

/// Narrower frames than this share of the width, in percent, are left out.
const LEAST_PERCENT: f64 = 0.1;

/// How a difference is read; no colour is the only sign of one.
pub const LEGEND: &str = "Widths are those of this profile. Red frames have more of the time than in the base, blue ones less, \
    the paler the less so; each frame's title says by how much. What is gone has no width: the table names it.";

/// What a dark page makes of the parts that are no frames.
const DARK: &str =
    "@media (prefers-color-scheme:dark){#background stop{stop-color:#15181c}svg>text{fill:#e6e7e9}}";

/// The flame graph as a file of its own.
pub fn standalone(view: &View<'_>) -> String {
    let svg = draw(view, false);
    let head = format!("<title>{}</title><desc>{}</desc>", Escaped(&title(view)), Escaped(&finding(view)));
    svg.replacen(" onload=", " role=\"img\" onload=", 1)
        .replacen("<defs>", &format!("{head}<defs>"), 1)
        .replacen("</style>", &format!("{DARK}</style>"), 1)
}

/// The frames alone, for a page: no script, no identifiers, no background.
pub fn inline(view: &View<'_>) -> String {
    let svg = draw(view, true);
    let frames = svg.split_once("<svg id=\"frames\"").map_or("", |(_, rest)| rest);
    let frames = frames.split_once('>').map_or("", |(_, rest)| rest);
    let all = height(&svg);
    let height = all.saturating_sub(5 * FONT + 10);
    format!(
        "<svg class=\"flame\" viewBox=\"0 {} {WIDTH} {height}\" role=\"img\"><title>{}</title><desc>{}</desc>\
         <svg x=\"10\" width=\"{}\" height=\"{all}\">{}",
        3 * FONT,
        Escaped(&title(view)),
        Escaped(&finding(view)),
        WIDTH - 20,
        without_counts(frames)
    )
}

/// One line above the picture.
fn title(view: &View<'_>) -> String {
    let samples = plural(view.profile.samples.len(), "sample");
    match view.base {
        None => format!("{}: {samples}", view.profile.row),
        Some(base) => format!("{}: {samples}, against {} of {}", view.profile.row, base.row, base.started),
    }
}

/// What the picture says.
fn finding(view: &View<'_>) -> String {
    let verdict = verdict(&tally(view.profile));
    if view.base.is_some() { format!("{verdict}. {LEGEND}") } else { verdict }
}

fn draw(view: &View<'_>, plain: bool) -> String {
    let stacks = match view.base {
        None => folded::render(view.profile),
        Some(base) => differential(base, view.profile),
    };
    let mut options = options(view, plain);
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, sorted(&stacks), &mut svg).expect("a profile has samples");
    String::from_utf8(svg).expect("inferno writes text")
}

fn sorted(stacks: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = stacks.lines().collect();
    lines.sort_unstable();
    lines
}

/// Folded stacks with two counts each, the base's made as many as this profile's.
fn differential(base: &Profile, now: &Profile) -> String {
    let (before, after) = (folded::render(base), folded::render(now));
    let options = differential::Options { normalize: true, strip_hex: false };
    let mut both = Vec::new();
    differential::from_readers(options, before.as_bytes(), after.as_bytes(), &mut both)
        .expect("reading from memory cannot fail");
    String::from_utf8(both).expect("inferno writes text")
}

fn options(view: &View<'_>, plain: bool) -> Options<'static> {
    let mut options = Options::default();
    options.title = title(view);
    options.colors = Palette::Multi(MultiPalette::Rust);
    options.bgcolors = Some(BackgroundColor::Flat(Color { r: 253, g: 252, b: 250 }));
    options.deterministic = true;
    options.image_width = Some(WIDTH);
    options.font_size = FONT;
    options.font_type = "sans-serif".into();
    options.min_width = LEAST_PERCENT;
    options.no_javascript = plain;
    options
}

fn height(svg: &str) -> usize {
    let height = svg.split_once(" height=\"").and_then(|(_, rest)| rest.split_once('"'));
    height.and_then(|(height, _)| height.parse().ok()).unwrap_or(0)
}

/// Without the attributes by which inferno's script zooms.
fn without_counts(frames: &str) -> String {
    let mut parts = frames.split(" fg:x=");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once("/>").map_or(part, |_| &part[part.find("/>").unwrap_or(0)..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;
    use roxmltree::{Document, ParsingOptions};

    fn drawn(base: Option<&Profile>, render: fn(&View<'_>) -> String) -> String {
        let (profile, sources) = (fixture::profile(), fixture::sources());
        render(&View { base, ..fixture::view(&profile, &sources) })
    }

    /// Reads a picture and hands over the titles of its frames.
    fn titles(svg: &str) -> Vec<String> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(svg, options).expect("it is well formed");
        let frames =
            document.descendants().filter(|node| node.has_tag_name("g") || node.tag_name().name() == "g");
        let title = |node: roxmltree::Node<'_, '_>| {
            node.children()
                .find(|child| child.tag_name().name() == "title")
                .and_then(|title| title.text())
                .map(str::to_owned)
        };
        frames.filter_map(title).collect()
    }

    #[test]
    fn the_flame_graph_of_the_fixture_is_the_golden() {
        insta::assert_snapshot!(drawn(None, inline).replace("<g>", "\n<g>"));
    }

    #[test]
    fn the_differential_flame_graph_of_the_fixture_is_the_golden() {
        let base = fixture::base();
        insta::assert_snapshot!(drawn(Some(&base), inline).replace("<g>", "\n<g>"));
    }

    #[test]
    fn a_picture_is_drawn_alike_every_time_and_tells_every_function() {
        let base = fixture::base();
        for base in [None, Some(&base)] {
            let svg = drawn(base, standalone);
            assert_eq!(svg, drawn(base, standalone));
            let titles = titles(&svg);
            for frame in &fixture::profile().frames {
                let name = frame.function.replace("; ", ", ");
                assert!(titles.iter().any(|title| title.starts_with(&name)), "{name}: {titles:?}");
            }
            assert!(svg.contains("role=\"img\"") && svg.contains("<desc>55.0 % (52.8"), "{svg}");
        }
    }

    #[test]
    fn inside_a_page_there_is_no_script_no_identifier_and_nothing_to_load() {
        let base = fixture::base();
        for base in [None, Some(&base)] {
            let svg = drawn(base, inline);
            assert!(titles(&svg).len() >= 8, "{svg}");
            for foreign in ["<script", " id=", "http", "fg:", "url("] {
                assert!(!svg.contains(foreign), "{foreign}: {svg}");
            }
        }
    }

    #[test]
    fn a_difference_says_by_how_much_in_every_frame() {
        let base = fixture::base();
        let svg = drawn(Some(&base), standalone);
        assert!(
            titles(&svg).iter().any(|title| title.starts_with("memcpy (100 samples, 5.00%; +5.00%")),
            "{svg}"
        );
    }
}
