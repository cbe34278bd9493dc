//! How long attackers are let through: one small plot a kind, the share that was acted on by then.

use super::canvas::{ACCENT, Canvas, DIM, INK, LINE, Point, SMALL, TEXT, render};
use super::scale::{Linear, Logarithmic};
use crate::evaluation::{Figures, Tally};
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

/// Small plots beside each other, and the pixels of one.
const COLUMNS: usize = 3;
const PANEL: (f64, f64) = (304.0, 190.0);
const MARGIN: f64 = 24.0;
const TOP: f64 = 84.0;
/// Pixels around the curve within a small plot: left, right, top, bottom.
const AROUND: (f64, f64, f64, f64) = (44.0, 14.0, 30.0, 30.0);
/// The curve of all attackers, behind that of a kind.
const BEHIND: RGBColor = RGBColor(0xc3, 0xcb, 0xd7);

/// What a delay is counted in.
pub(super) struct Axis {
    title: &'static str,
    meaning: &'static str,
    /// Of a tally, its delays, sorted.
    delays: fn(&Tally) -> &[u64],
    /// Delays that are marked, with their names. The first and the last are the ends.
    ticks: &'static [(u64, &'static str)],
}

/// In milliseconds.
pub(super) const TIME: Axis = Axis {
    title: "Time to detection",
    meaning: "share of the attackers acted on within that time of their first attack; grey: all attackers",
    delays: |tally| &tally.millis,
    ticks: &[
        (100, "0.1s"),
        (1_000, "1s"),
        (10_000, "10s"),
        (60_000, "1min"),
        (600_000, "10min"),
        (3_600_000, "1h"),
        (86_400_000, "1d"),
    ],
};

/// In requests.
pub(super) const REQUESTS: Axis = Axis {
    title: "Requests to detection",
    meaning: "share of the attackers acted on by that request from their first attack on; grey: all attackers",
    delays: |tally| &tally.requests,
    ticks: &[
        (1, "1"),
        (3, "3"),
        (10, "10"),
        (30, "30"),
        (100, "100"),
        (300, "300"),
        (1_000, "1,000"),
    ],
};

/// Draws it.
pub(super) fn plot(figures: &Figures, axis: &Axis) -> anyhow::Result<String> {
    let mut panels = vec![("all attackers".to_owned(), &figures.all)];
    // A single kind is all of them.
    if figures.kinds.len() > 1 {
        let kinds = figures.kinds.iter();
        panels.extend(kinds.map(|(kind, tally)| (kind.replace('_', " "), tally)));
    }
    let rows = panels.len().div_ceil(COLUMNS);
    let width = 2.0 * MARGIN + COLUMNS as f64 * PANEL.0;
    let height = TOP + rows as f64 * PANEL.1 + 12.0;
    render((width as u32, height as u32), |canvas| {
        canvas.title(axis.title, axis.meaning)?;
        for (number, (name, tally)) in panels.iter().enumerate() {
            let corner = (
                MARGIN + (number % COLUMNS) as f64 * PANEL.0,
                TOP + (number / COLUMNS) as f64 * PANEL.1,
            );
            let panel = Panel::at(corner, axis);
            panel.frame(canvas, name, tally, axis)?;
            if number > 0 {
                canvas.path(&panel.curve(&figures.all, axis), BEHIND, 2)?;
            }
            canvas.path(&panel.curve(tally, axis), ACCENT, 2)?;
        }
        Ok(())
    })
}

/// One small plot.
struct Panel {
    corner: Point,
    x: Logarithmic,
    y: Linear,
}

impl Panel {
    fn at(corner: Point, axis: &Axis) -> Self {
        let (left, right) = (corner.0 + AROUND.0, corner.0 + PANEL.0 - AROUND.1);
        let ends = |tick: Option<&(u64, &str)>| tick.map_or(1.0, |tick| tick.0 as f64);
        Self {
            corner,
            x: Logarithmic {
                values: (ends(axis.ticks.first()), ends(axis.ticks.last())),
                pixels: (left, left, right),
            },
            y: Linear {
                values: (0.0, 1.0),
                pixels: (corner.1 + PANEL.1 - AROUND.3, corner.1 + AROUND.2),
            },
        }
    }

    fn frame(&self, canvas: &Canvas<'_>, name: &str, tally: &Tally, axis: &Axis) -> anyhow::Result<()> {
        let (left, right) = (self.x.pixels.1, self.x.pixels.2);
        let title = self.corner.1 + 14.0;
        canvas.text(name, (left, title), TEXT, INK, HPos::Left)?;
        let counts = format!("{} of {}", tally.caught, tally.attackers);
        canvas.text(&counts, (right, title), SMALL, DIM, HPos::Right)?;
        for share in [0.0, 0.5, 1.0] {
            let y = self.y.at(share);
            canvas.path(&[(left, y), (right, y)], LINE, 1)?;
            let label = format!("{:.0}%", share * 100.0);
            canvas.text(&label, (left - 8.0, y), SMALL, DIM, HPos::Right)?;
        }
        for (value, label) in axis.ticks {
            let x = self.x.at(*value as f64);
            let bottom = self.y.at(0.0);
            canvas.path(&[(x, bottom), (x, bottom + 4.0)], LINE, 1)?;
            canvas.text(label, (x, bottom + 13.0), SMALL - 1.5, DIM, HPos::Center)?;
        }
        Ok(())
    }

    /// The steps of a tally: attackers acted on before they attacked stand at the left end.
    fn curve(&self, tally: &Tally, axis: &Axis) -> Vec<Point> {
        let delays = (axis.delays)(tally);
        let share = |caught: u64| caught as f64 / tally.attackers.max(1) as f64;
        let mut points = vec![(self.x.pixels.1, self.y.at(share(tally.early)))];
        for (number, delay) in delays.iter().enumerate() {
            let x = self.x.at(*delay as f64);
            let before = self.y.at(share(tally.early + number as u64));
            let after = self.y.at(share(tally.early + number as u64 + 1));
            points.extend([(x, before), (x, after)]);
        }
        let last = self.y.at(share(tally.early + delays.len() as u64));
        points.push((self.x.pixels.2, last));
        points
    }
}
