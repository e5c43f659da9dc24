//! Draws the comparison as an SVG that needs nothing else, for light and dark pages.

use std::fmt::Write as _;

use crate::Outcome;
use crate::contender::Kind;
use crate::report::{Measured, Report, figure};

/// The panels that are shown, one for each workload, each with what a reader must know about it.
const PANELS: [(&str, &str); 5] = [
    ("new-64", "New streams, 64 commands in flight"),
    (
        "warm-64",
        "One more event on streams of 10 that were touched before, 64 in flight",
    ),
    (
        "cold-64",
        "One more event on streams of 10 not seen before, 64 in flight",
    ),
    (
        "contended-10",
        "64 clients on 10 streams, tried again until accepted",
    ),
    (
        "contended-1",
        "64 clients on 1 stream, tried again until accepted",
    ),
];

const WIDTH: f64 = 800.0;
/// The places where names end, where the scale begins, and where it ends.
const NAMES: f64 = 152.0;
const LEFT: f64 = 162.0;
const RIGHT: f64 = 712.0;
const TOP: f64 = 92.0;
const ROW: f64 = 18.0;
const HEADING: f64 = 34.0;
const FOOT: f64 = 40.0;

const STYLE: &str = "
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 18px; font-weight: 600 }
    .heading { font-size: 13px; font-weight: 600 }
    .small { font-size: 11px; fill: #59636e }
    .page { fill: #ffffff }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .product { stroke: #0969da; fill: #0969da }
    .peer { stroke: #818b98; fill: #818b98 }
    .limit { stroke: #9a6700; fill: #ffffff }
    .stem { stroke-width: 5 } .limit.stem { stroke-width: 2; stroke-dasharray: 3 3 }
    .spread { stroke-width: 1.5 }
    .dot { stroke-width: 2 }
    text.ours { font-weight: 600; fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .small { fill: #9198a1 }
      .page { fill: #0d1117 }
      .grid { stroke: #3d444d }
      .product { stroke: #4493f8; fill: #4493f8 }
      .peer { stroke: #9198a1; fill: #9198a1 }
      .limit { stroke: #d29922; fill: #0d1117 }
      text.ours { fill: #4493f8 }
    }";

/// The picture of a report.
pub(crate) fn draw(report: &Report) -> Outcome<String> {
    let panels: Vec<_> = PANELS
        .iter()
        .map(|(workload, heading)| (*heading, lines(report, workload)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let figures = panels.iter().flat_map(|(_, lines)| lines);
    let scale = Scale::over(figures.filter_map(|line| line.spread()))
        .ok_or("nothing that the chart shows was measured; run `cargo xtask bench peers`")?;
    let rows: usize = panels.iter().map(|(_, lines)| lines.len()).sum();
    let bottom = TOP + rows as f64 * ROW + panels.len() as f64 * HEADING;
    let mut svg = head(report, bottom + FOOT);
    scale.draw(&mut svg, bottom);
    let mut y = TOP;
    for (heading, lines) in panels {
        y += HEADING;
        let _ = writeln!(
            svg,
            r#"<text class="heading" x="14" y="{}">{}</text>"#,
            y - 10.0,
            text(heading)
        );
        for line in lines {
            draw_line(&mut svg, line, &scale, y + ROW / 2.0);
            y += ROW;
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The contenders that did the workload. For new streams nothing needs to be selected first, so that limit is left out.
fn lines<'r>(report: &'r Report, workload: &str) -> Vec<&'r Measured> {
    let shown = |line: &&Measured| {
        let beside_the_point = workload == "new-64" && line.contender == "raw select + insert";
        line.workload == workload && !line.rounds.is_empty() && !beside_the_point
    };
    report.measured.iter().filter(shown).collect()
}

fn head(report: &Report, height: f64) -> String {
    let rounds = report.measured.iter().map(|line| line.rounds.len()).max();
    // `PostgreSQL, server_version 15.18 (Debian 15.18-0+deb12u1), fsync on, ...`
    let words = report.postgres.split([' ', ',']);
    let server = words.skip_while(|word| *word != "server_version").nth(1);
    let server = server.unwrap_or("of an unknown version");
    let title = "Commands per second on PostgreSQL: Seriatim and other Rust libraries";
    let how = format!(
        "More is better. Logarithmic scale. Dot: median of the rounds ({}) of one run, done in turn; line through it: least to most.",
        rounds.unwrap_or(0)
    );
    let machine = format!(
        "{}, client and server on it; PostgreSQL {server}, every commit durable.",
        report.machine
    );
    let when = format!(
        "{}, commit {}.{}",
        report.date,
        report.commit,
        if report.quick {
            " A QUICK RUN: not a measurement."
        } else {
            ""
        },
    );
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{}">
<style>{STYLE}
</style>
<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>
<text class="title" x="14" y="30">{}</text>
<text class="small" x="14" y="50">{}</text>
<text class="small" x="14" y="66">{}</text>
<text class="small" x="14" y="82">{}</text>
"#,
        text(title),
        text(title),
        text(&how),
        text(&machine),
        text(&when),
    )
}

/// Powers of ten from left to right.
struct Scale {
    least: i32,
    most: i32,
}

impl Scale {
    fn over(spreads: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let all = spreads.filter(|(least, _)| *least > 0.0);
        let (least, most) = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        let least = least.log10().floor() as i32;
        Some(Self {
            least,
            most: (most.log10().ceil() as i32).max(least + 1),
        })
    }

    fn x(&self, figure: f64) -> f64 {
        let decades = f64::from(self.most - self.least);
        let share = (figure.max(f64::MIN_POSITIVE).log10() - f64::from(self.least)) / decades;
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn draw(&self, svg: &mut String, bottom: f64) {
        for power in self.least..=self.most {
            let figure = 10f64.powi(power);
            let (x, top) = (self.x(figure), TOP + 4.0);
            let label = match power {
                ..0 => figure.to_string(),
                _ => group(figure),
            };
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/><text class="small" x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#,
                bottom + 16.0
            );
        }
        let _ = writeln!(
            svg,
            r#"<text class="small" x="{:.1}" y="{}" text-anchor="middle">commands per second</text>"#,
            f64::midpoint(LEFT, RIGHT),
            bottom + 32.0
        );
    }
}

/// A name, a stem up to the median, what the rounds gave, and the figure.
fn draw_line(svg: &mut String, line: &Measured, scale: &Scale, y: f64) {
    let (Some(median), Some((least, most))) = (line.median(), line.spread()) else {
        return;
    };
    let (kind, ours) = match line.kind {
        Kind::Product => ("product", r#" class="ours""#),
        Kind::Peer => ("peer", ""),
        Kind::Limit => ("limit", ""),
    };
    let (x, from, to) = (scale.x(median), scale.x(least), scale.x(most));
    let baseline = y + 4.0;
    let _ = writeln!(
        svg,
        r#"<text{ours} x="{NAMES}" y="{baseline}" text-anchor="end">{name}</text><line class="{kind} stem" x1="{LEFT}" x2="{x:.1}" y1="{y}" y2="{y}"/><line class="{kind} spread" x1="{from:.1}" x2="{to:.1}" y1="{y}" y2="{y}"/><circle class="{kind} dot" cx="{x:.1}" cy="{y}" r="5"/><text{ours} x="{label:.1}" y="{baseline}">{figure}</text>"#,
        name = text(&line.contender),
        label = to.max(x + 5.0) + 6.0,
        figure = figure(median),
    );
}

/// A power of ten with its thousands apart.
fn group(value: f64) -> String {
    let digits = format!("{value:.0}");
    match digits.len() {
        ..4 => digits,
        length => format!("{},{}", &digits[..length - 3], &digits[length - 3..]),
    }
}

/// As text in XML.
fn text(plain: &str) -> String {
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_holds_all_that_was_measured() {
        let scale = Scale::over([(8.5, 60.0), (0.0, 3.0), (500.0, 81_000.0)].into_iter()).unwrap();
        assert_eq!((scale.least, scale.most), (0, 5));
        assert_eq!((scale.x(1.0), scale.x(100_000.0)), (LEFT, RIGHT));
        assert!(Scale::over([].into_iter()).is_none());
    }

    #[test]
    fn names_cannot_break_the_picture() {
        assert_eq!(text(r#"a < b & "c""#), "a &lt; b &amp; &quot;c&quot;");
    }
}
