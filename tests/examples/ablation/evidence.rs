//! Whether kinds of evidence, and the score beside them, err on the same harmless clients.

use crate::independence::{UNUSUAL, cell, unusual};
use crate::measure::highest;
use crate::play::{Evidence, Traffic};
use anyhow::Result;
use detector::feature::COUNT;
use std::collections::BTreeSet;
use std::io::Write;

/// What the score is called beside the kinds.
const SCORE: &str = "the score";

/// Writes how often harmless clients show each kind, and the table of pairs.
pub(crate) fn write(out: &mut impl Write, traffic: &[Traffic]) -> Result<()> {
    let harmless: Vec<Vec<&Evidence>> = traffic.iter().map(of_harmless).collect();
    let kinds: BTreeSet<&str> = harmless
        .iter()
        .flatten()
        .flat_map(|kinds| kinds.keys().copied())
        .collect();
    let mut flags: Vec<Vec<bool>> = kinds
        .iter()
        .map(|kind| harmless.iter().flat_map(|days| marked(days, kind)).collect())
        .collect();
    flags.push(scored(traffic)?);
    writeln!(out, "\n{}\n", include_str!("evidence.md").trim_end())?;
    writeln!(
        out,
        "| | kind | harmless client-days with any | marked |\n| --- | --- | --- | --- |"
    )?;
    let days = harmless.iter().map(Vec::len).sum::<usize>();
    for (number, (name, flags)) in kinds.iter().chain([&SCORE]).zip(&flags).enumerate() {
        let any = harmless
            .iter()
            .flatten()
            .filter(|kinds| kinds.contains_key(name))
            .count();
        let any = match *name {
            SCORE => "-".to_owned(),
            _ => format!("{:.2}%", 100.0 * any as f64 / days as f64),
        };
        let marked = flags.iter().filter(|flag| **flag).count();
        writeln!(out, "| {} | {name} | {any} | {marked} |", number + 1)?;
    }
    let numbers: Vec<String> = (2..=flags.len()).map(|number| number.to_string()).collect();
    writeln!(
        out,
        "\n| | {} |\n|{}",
        numbers.join(" | "),
        " --- |".repeat(flags.len())
    )?;
    for row in 0..flags.len() - 1 {
        let cells: Vec<String> = (1..flags.len())
            .map(|column| {
                if column > row {
                    cell(&flags[row], &flags[column])
                } else {
                    String::new()
                }
            })
            .collect();
        writeln!(out, "| {} | {} |", row + 1, cells.join(" | "))?;
    }
    Ok(())
}

fn of_harmless(traffic: &Traffic) -> Vec<&Evidence> {
    let labelled = &traffic.labelled;
    let days = labelled.evidence.iter().zip(&labelled.is_attack);
    days.filter(|(_, attack)| !**attack)
        .map(|(evidence, _)| evidence)
        .collect()
}

/// Marks the client-days with most of a kind, and none that has nothing of it.
fn marked(days: &[&Evidence], kind: &str) -> Vec<bool> {
    let amounts: Vec<f32> = days
        .iter()
        .map(|kinds| kinds.get(kind).copied().unwrap_or(0.0))
        .collect();
    let mut sorted = amounts.clone();
    sorted.sort_unstable_by(|left, right| right.total_cmp(left));
    let least = sorted
        .get((sorted.len() as f64 * UNUSUAL) as usize)
        .copied()
        .unwrap_or(0.0);
    amounts.iter().map(|amount| *amount > least).collect()
}

/// Marks the harmless client-days with the highest scores.
fn scored(traffic: &[Traffic]) -> Result<Vec<bool>> {
    let every: Vec<usize> = (0..COUNT).collect();
    let mut flags = Vec::new();
    for traffic in traffic {
        let scores = highest(traffic, &every, 1)?;
        let harmless = scores.iter().zip(&traffic.labelled.is_attack);
        let harmless = harmless.filter(|(_, attack)| !**attack).map(|(score, _)| *score);
        flags.extend(unusual(&harmless.collect::<Vec<f32>>(), COUNT));
    }
    Ok(flags)
}
