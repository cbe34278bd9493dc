//! Horizontal bars: recall of each kind with its interval, and how far single features go.

use super::canvas::{ACCENT, Canvas, DIM, INK, LINE, PALE, SMALL, TEXT, WARM, render};
use super::scale::Linear;
use crate::evaluation::{Figures, SEPARATES_FROM, Separation, Tally};
use models::interval::Proportion;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

/// Pixels of a sheet's width, of a row, and of where rows begin.
const WIDTH: u32 = 960;
const ROW: f64 = 26.0;
const TOP: f64 = 96.0;
/// Pixels in which bars lie.
const BARS: (f64, f64) = (270.0, 800.0);
/// Rows of a plot: further ones would not be read, and are named as left out.
const ROWS_MAX: usize = 60;

/// Features that are shown, the best ones.
const FEATURES_SHOWN: usize = 16;

/// One bar.
struct Row {
    name: String,
    /// A part of the row above it.
    is_part: bool,
    value: f64,
    /// Ends of its interval.
    interval: Option<(f64, f64)>,
    /// Written to its right.
    note: String,
    color: RGBColor,
}

/// Recall of every kind, of its ways where they are told apart, and of all.
pub(super) fn recall(figures: &Figures) -> anyhow::Result<String> {
    let mut rows = vec![recall_row("all attackers".to_owned(), false, &figures.all)];
    for (kind, tally) in &figures.kinds {
        rows.push(recall_row(kind.replace('_', " "), false, tally));
        for (variant, tally) in figures.ways(kind) {
            rows.push(recall_row(variant.replace('_', " "), true, tally));
        }
    }
    let meaning = "share of attackers that were slowed down or blocked, with its exact 95% interval";
    let ticks = [
        (0.0, "0%"),
        (0.25, "25%"),
        (0.5, "50%"),
        (0.75, "75%"),
        (1.0, "100%"),
    ];
    bars("Recall by kind of threat", meaning, &rows, (0.0, 1.0), &ticks)
}

fn recall_row(name: String, is_part: bool, tally: &Tally) -> Row {
    let Proportion {
        estimate,
        low,
        high,
        successes,
        trials,
    } = tally.recall();
    Row {
        name,
        is_part,
        value: estimate,
        interval: (trials > 0).then_some((low, high)),
        note: format!("{successes} of {trials}"),
        color: ACCENT,
    }
}

/// The features that come closest to telling attackers from the others by themselves.
pub(super) fn features(areas: &[Separation]) -> anyhow::Result<String> {
    let rows: Vec<Row> = areas
        .iter()
        .take(FEATURES_SHOWN)
        .map(|separation| Row {
            name: separation.feature.replace('_', " "),
            is_part: false,
            value: separation.area,
            interval: None,
            note: format!("{:.3}", separation.area),
            color: if separation.area >= SEPARATES_FROM {
                WARM
            } else {
                ACCENT
            },
        })
        .collect();
    let meaning = format!(
        "area under the ROC curve of one feature alone, 0.5 for chance; from {SEPARATES_FROM} on the labels are too easy"
    );
    let ticks = [
        (0.5, "0.5"),
        (0.6, "0.6"),
        (0.7, "0.7"),
        (0.8, "0.8"),
        (0.9, "0.9"),
        (1.0, "1"),
    ];
    bars("Single features", &meaning, &rows, (0.5, 1.0), &ticks)
}

fn bars(
    title: &str,
    meaning: &str,
    rows: &[Row],
    ends: (f64, f64),
    ticks: &[(f64, &str)],
) -> anyhow::Result<String> {
    let shown = &rows[..rows.len().min(ROWS_MAX)];
    let left_out = rows.len() - shown.len();
    let bottom = TOP + shown.len() as f64 * ROW;
    let scale = Linear {
        values: ends,
        pixels: BARS,
    };
    render((WIDTH, bottom as u32 + 34), |canvas| {
        canvas.title(title, meaning)?;
        for &(tick, label) in ticks {
            let x = scale.at(tick);
            canvas.path(&[(x, TOP - 6.0), (x, bottom)], LINE, 1)?;
            canvas.text(label, (x, TOP - 16.0), SMALL, DIM, HPos::Center)?;
        }
        for (number, row) in shown.iter().enumerate() {
            bar(canvas, row, scale, TOP + (number as f64 + 0.5) * ROW)?;
        }
        if left_out > 0 {
            let note = format!("{left_out} more are left out");
            canvas.text(&note, (24.0, bottom + 16.0), SMALL, DIM, HPos::Left)?;
        }
        Ok(())
    })
}

fn bar(canvas: &Canvas<'_>, row: &Row, scale: Linear, y: f64) -> anyhow::Result<()> {
    let half = if row.is_part { 5.0 } else { 8.0 };
    let (size, color) = if row.is_part { (SMALL, DIM) } else { (TEXT, INK) };
    canvas.text(&row.name, (BARS.0 - 14.0, y), size, color, HPos::Right)?;
    let fill = if row.interval.is_some() { PALE } else { row.color };
    canvas.bar((BARS.0, y - half), (scale.at(row.value), y + half), fill)?;
    if let Some((low, high)) = row.interval {
        let (low, high) = (scale.at(low), scale.at(high));
        canvas.path(&[(low, y), (high, y)], row.color, 2)?;
        for end in [low, high] {
            canvas.path(&[(end, y - 4.0), (end, y + 4.0)], row.color, 2)?;
        }
        canvas.dot((scale.at(row.value), y), 4, row.color)?;
    }
    canvas.text(&row.note, (BARS.1 + 18.0, y), size, DIM, HPos::Left)
}
