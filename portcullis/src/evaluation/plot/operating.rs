//! Recall against false positives, at several thresholds, beside the budgets.

use super::canvas::{ACCENT, Canvas, DIM, INK, LINE, PALE, Point, SMALL, TEXT, WARM, render};
use super::scale::{Linear, Logarithmic};
use crate::evaluation::sweep::{self, Sweep};
use crate::evaluation::{ClientDays, MILLION};
use plotters::style::text_anchor::HPos;

const SIZE: (u32, u32) = (960, 600);
/// Pixels of the plot's left end (where no false positive was seen), of its logarithmic part, and its top and bottom.
const LEFT: f64 = 120.0;
const LOGARITHMIC: (f64, f64) = (200.0, 910.0);
const TOP: f64 = 96.0;
const BOTTOM: f64 = 510.0;

/// Thresholds that caught and hit the same.
struct Place {
    first: sweep::Point,
    last: sweep::Point,
    is_used: bool,
}

impl Place {
    fn label(&self) -> String {
        if self.first.threshold == self.last.threshold {
            format!("{:.2}", self.first.threshold)
        } else {
            format!("{:.2}\u{2013}{:.2}", self.first.threshold, self.last.threshold)
        }
    }
}

/// Both scales.
struct Scales {
    x: Logarithmic,
    y: Linear,
}

impl Scales {
    /// From the decade under the smallest bound to the one over the largest.
    fn over(sweep: &Sweep, budgets: &[f64]) -> Self {
        let rates = sweep.points.iter().map(|point| point.days.rate());
        let bounds = rates.flat_map(|rate| [rate.low, rate.high].map(|end| end * MILLION));
        let values = bounds.chain(budgets.iter().copied()).filter(|value| *value > 0.0);
        let (low, high) = values.fold((f64::INFINITY, 1.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let low = if low.is_finite() { low } else { 1.0 };
        let decade = |value: f64, up: f64| 10_f64.powf((value.log10() + up).floor());
        // At least one decade, so that the ends differ.
        let (low, high) = (decade(low, 0.0), decade(high, 1.0));
        Self {
            x: Logarithmic {
                values: (low, high.max(low * 10.0)),
                pixels: (LEFT, LOGARITHMIC.0, LOGARITHMIC.1),
            },
            y: Linear {
                values: (0.0, 1.0),
                pixels: (BOTTOM, TOP),
            },
        }
    }

    fn of(&self, point: &sweep::Point) -> Point {
        let rate = point.days.rate().estimate * MILLION;
        (self.x.at(rate), self.y.at(point.recall.estimate))
    }
}

/// Draws it.
pub(super) fn plot(sweep: &Sweep, budgets: &[f64]) -> anyhow::Result<String> {
    let scales = Scales::over(sweep, budgets);
    let places = places(sweep);
    let days = sweep.points.first().map(|point| point.days).unwrap_or_default();
    render(SIZE, |canvas| {
        canvas.title(
            "Recall against false positives",
            "each dot: the logs judged anew, acting from that confidence on; bars: exact 95% intervals",
        )?;
        axes(canvas, &scales, days)?;
        for &budget in budgets {
            draw_budget(canvas, &scales, budget)?;
        }
        let line: Vec<Point> = sweep.points.iter().map(|point| scales.of(point)).collect();
        canvas.path(&line, ACCENT, 2)?;
        for place in &places {
            draw_interval(canvas, &scales, place)?;
        }
        for (number, place) in places.iter().enumerate() {
            draw_place(canvas, &scales, place, number)?;
        }
        Ok(())
    })
}

/// Neighbouring thresholds with the same figures become one place.
fn places(sweep: &Sweep) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for point in &sweep.points {
        let fits = |place: &&mut Place| place.last.recall == point.recall && place.last.days == point.days;
        match places.last_mut().filter(fits) {
            Some(place) => {
                place.last = *point;
                place.is_used |= point.is_used;
            }
            None => places.push(Place {
                first: *point,
                last: *point,
                is_used: point.is_used,
            }),
        }
    }
    places
}

fn axes(canvas: &Canvas<'_>, scales: &Scales, days: ClientDays) -> anyhow::Result<()> {
    for recall in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        let y = scales.y.at(recall);
        canvas.path(&[(LEFT - 20.0, y), (LOGARITHMIC.1, y)], LINE, 1)?;
        let label = format!("{:.0}%", recall * 100.0);
        canvas.text(&label, (LEFT - 30.0, y), SMALL, DIM, HPos::Right)?;
    }
    let mut value = scales.x.values.0;
    while value <= scales.x.values.1 * 1.001 {
        let x = scales.x.at(value);
        canvas.path(&[(x, TOP), (x, BOTTOM)], LINE, 1)?;
        canvas.text(&grouped(value), (x, BOTTOM + 16.0), SMALL, DIM, HPos::Center)?;
        value *= 10.0;
    }
    canvas.text("none", (LEFT, BOTTOM + 16.0), SMALL, DIM, HPos::Center)?;
    canvas.text("recall", (24.0, TOP - 18.0), TEXT, INK, HPos::Left)?;
    let middle = (LEFT + LOGARITHMIC.1) / 2.0;
    let label = "false positives per million client-days";
    canvas.text(label, (middle, BOTTOM + 42.0), TEXT, INK, HPos::Center)?;
    let note = days.resolution().map_or_else(
        || "no client-days of others: false positives cannot be judged".to_owned(),
        |resolution| {
            format!(
                "{} client-days of others: a rate below {} cannot be shown",
                grouped(days.all as f64),
                grouped(resolution)
            )
        },
    );
    canvas.text(&note, (middle, BOTTOM + 66.0), SMALL, DIM, HPos::Center)
}

fn draw_budget(canvas: &Canvas<'_>, scales: &Scales, budget: f64) -> anyhow::Result<()> {
    let x = scales.x.at(budget);
    let mut y = TOP;
    while y < BOTTOM {
        canvas.path(&[(x, y), (x, (y + 5.0).min(BOTTOM))], WARM, 1)?;
        y += 9.0;
    }
    let label = format!("budget {}", grouped(budget));
    canvas.text(&label, (x + 6.0, BOTTOM - 12.0), SMALL, WARM, HPos::Left)
}

fn draw_interval(canvas: &Canvas<'_>, scales: &Scales, place: &Place) -> anyhow::Result<()> {
    let (x, y) = scales.of(&place.first);
    let (rate, recall) = (place.first.days.rate(), place.first.recall);
    // Many intervals lie over each other: the one that holds today is drawn strongest.
    let width = if place.is_used { 5 } else { 2 };
    if rate.trials > 0 {
        let ends = [rate.low, rate.high].map(|end| (scales.x.at(end * MILLION), y));
        canvas.path(&ends, PALE, width)?;
    }
    if recall.trials > 0 {
        let ends = [recall.low, recall.high].map(|end| (x, scales.y.at(end)));
        canvas.path(&ends, PALE, width)?;
    }
    Ok(())
}

/// Room that a threshold's label takes.
const LABEL_WIDTH: f64 = 150.0;

fn draw_place(canvas: &Canvas<'_>, scales: &Scales, place: &Place, number: usize) -> anyhow::Result<()> {
    let (x, y) = scales.of(&place.first);
    let (color, radius) = if place.is_used { (INK, 7) } else { (ACCENT, 5) };
    canvas.dot((x, y), radius, color)?;
    // To the upper left and the lower right in turn, off the line, which rises: neighbours often lie close together. At
    // the left edge there is room on the right only.
    let has_room = x > LEFT + LABEL_WIDTH;
    let (x, y, anchor) = if number.is_multiple_of(2) && has_room {
        (x - 10.0, y - 13.0, HPos::Right)
    } else {
        (x + 10.0, y + 15.0, HPos::Left)
    };
    let used = if place.is_used { " (in use)" } else { "" };
    let label = format!("{}{used}", place.label());
    let color = if place.is_used { INK } else { DIM };
    canvas.label(&label, (x, y), SMALL, color, anchor)
}

/// A whole number in groups of three.
fn grouped(value: f64) -> String {
    if value < 1.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [1.0, 999.6, 1_000.0, 1_234_567.0].map(grouped),
            ["1", "1,000", "1,000", "1,234,567"]
        );
    }
}
