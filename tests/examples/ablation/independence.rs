//! Whether groups of features err on the same harmless clients: how often two of them find one unusual together, beside how
//! often they would if they had nothing to do with each other.

use crate::measure::highest;
use crate::play::{KEY, Traffic};
use anyhow::Result;
use detector::feature::{FEATURES, Group};
use models::interval::Proportion;
use std::io::Write;

/// Share of the harmless client-days of a seed that a group finds unusual.
pub(crate) const UNUSUAL: f64 = 0.01;

/// More often together than so many times the product, and two groups count as one.
const DEPENDENT: f64 = 2.0;

/// Which harmless client-days each group finds unusual, in the order of [`Group::ALL`].
type Flags = Vec<Vec<bool>>;

/// Writes the table of pairs.
pub(crate) fn write(out: &mut impl Write, traffic: &[Traffic]) -> Result<()> {
    let mut flags: Flags = vec![Vec::new(); Group::ALL.len()];
    for traffic in traffic {
        for (place, (group, flags)) in Group::ALL.into_iter().zip(&mut flags).enumerate() {
            let chosen: Vec<usize> = (0..FEATURES.len())
                .filter(|feature| FEATURES[*feature].group == group)
                .collect();
            let scores = highest(traffic, &chosen, 1)?;
            let harmless = scores.iter().zip(&traffic.labelled.is_attack);
            let harmless = harmless.filter(|(_, attack)| !**attack).map(|(score, _)| *score);
            flags.extend(unusual(&harmless.collect::<Vec<f32>>(), place));
        }
    }
    writeln!(out, "{}\n", include_str!("independence.md").trim_end())?;
    let names = Group::ALL[1..].iter().map(|group| group.as_str());
    writeln!(out, "| | {} |", names.collect::<Vec<&str>>().join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(Group::ALL.len()))?;
    for (row, group) in Group::ALL.iter().enumerate().take(Group::ALL.len() - 1) {
        write!(out, "| {} |", group.as_str())?;
        for column in 1..Group::ALL.len() {
            let cell = if column > row {
                cell(&flags[row], &flags[column])
            } else {
                String::new()
            };
            write!(out, " {cell} |")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Marks the highest. Of those that share one score, a lot that is the group's own decides.
pub(crate) fn unusual(scores: &[f32], group: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let lot = |place: usize| KEY.hash(&(group, place));
    order.sort_by(|left, right| {
        let by_score = scores[*right].total_cmp(&scores[*left]);
        by_score.then_with(|| lot(*left).cmp(&lot(*right)))
    });
    let mut marks = vec![false; scores.len()];
    for place in &order[..(scores.len() as f64 * UNUSUAL) as usize] {
        marks[*place] = true;
    }
    marks
}

/// How many times the product both mark, with its exact interval; bold from [`DEPENDENT`] on.
pub(crate) fn cell(left: &[bool], right: &[bool]) -> String {
    let share = |marks: &[bool]| marks.iter().filter(|mark| **mark).count() as f64 / marks.len() as f64;
    let product = share(left) * share(right);
    let both = left
        .iter()
        .zip(right)
        .filter(|(left, right)| **left && **right)
        .count();
    let both = Proportion::new(both as u64, left.len() as u64);
    let [times, low, high] = [both.estimate, both.low, both.high].map(|share| share / product);
    let bold = if times > DEPENDENT { "**" } else { "" };
    format!("{bold}{times:.1}{bold} [{low:.1}, {high:.1}]")
}
