//! `ablation [--requests N] [--seeds N] [--only NAME,NAME]`: what each feature is worth to the model, as `docs/features.md`.
//!
//! For each seed clean traffic is simulated and a bundle fitted to it, the way `train` does, with all features, with all but
//! one, with one alone, and with and without each group. Each ranks the client-days of simulated traffic with attacks, of
//! other sites and other clients, by their highest score. Differences are taken seed by seed. `--only` measures the features
//! named and no groups: for whoever tries a new one.

mod evidence;
mod independence;
mod measure;
mod play;
mod table;

use anyhow::{Context as _, Result, bail};
use detector::feature::{COUNT, FEATURES, Group};
use measure::{Worth, worth};
use play::Traffic;
use std::io::Write as _;
use table::{absolute, difference};

/// First seed: other ones than those of the shipped model and of the attacks that it must not forget.
const FIRST_SEED: u64 = 31_000;

/// Seeds lie so far apart that no scenario of one is a scenario of another.
const SEED_STEP: u64 = 1_000;

/// What to measure.
struct Options {
    requests: u64,
    seeds: u64,
    /// Features to measure; empty for all of them.
    only: Vec<String>,
}

impl Options {
    fn measures(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn main() -> Result<()> {
    let options = options()?;
    let traffic = (0..options.seeds)
        .map(|seed| Traffic::of(FIRST_SEED + seed * SEED_STEP, options.requests))
        .collect::<Result<Vec<Traffic>>>()?;
    let mut out = std::io::stdout().lock();
    let every: Vec<usize> = (0..COUNT).collect();
    let all = measured(&traffic, &every, 1)?;
    head(&mut out, &options, &traffic)?;
    writeln!(
        out,
        "| features | AUROC | recall at 1% | recall at 0.1% |\n| --- | --- | --- | --- |"
    )?;
    writeln!(out, "| all {COUNT} |{}", absolute(&all))?;
    let again = measured(&traffic, &every, 2)?;
    writeln!(out, "| the same, drawn anew: noise |{}", difference(&again, &all))?;
    if options.only.is_empty() {
        by_group(&mut out, &traffic, &all)?;
    }
    by_feature(&mut out, &traffic, &all, &options)?;
    if options.only.is_empty() {
        writeln!(out)?;
        independence::write(&mut out, &traffic)?;
        evidence::write(&mut out, &traffic)?;
    }
    writeln!(out, "\n{}", include_str!("left_out.md").trim_end())?;
    Ok(())
}

fn by_group(out: &mut impl std::io::Write, traffic: &[Traffic], all: &[Worth]) -> Result<()> {
    for group in Group::ALL {
        let without = measured(traffic, &places(|place| FEATURES[place].group != group), 1)?;
        writeln!(out, "| without {} |{}", group.as_str(), difference(&without, all))?;
    }
    for group in Group::ALL {
        let alone = measured(traffic, &places(|place| FEATURES[place].group == group), 1)?;
        writeln!(out, "| {} alone |{}", group.as_str(), absolute(&alone))?;
    }
    Ok(())
}

fn by_feature(
    out: &mut impl std::io::Write,
    traffic: &[Traffic],
    all: &[Worth],
    options: &Options,
) -> Result<()> {
    writeln!(out, "\n## Feature by feature\n")?;
    writeln!(
        out,
        "| feature | group | unit | speaks for an attack | AUROC without | recall at 1% without | recall at 0.1% without | AUROC alone |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    let features = FEATURES.iter().enumerate();
    for (place, feature) in features.filter(|(_, feature)| options.measures(feature.name)) {
        let without = measured(traffic, &places(|other| other != place), 1)?;
        let alone = absolute(&measured(traffic, &[place], 1)?);
        let area = alone.split('|').next().unwrap_or_default();
        writeln!(
            out,
            "| `{}` | {} | {} | {} |{}{area}|",
            feature.name,
            feature.group.as_str(),
            feature.unit,
            feature.direction.as_str(),
            difference(&without, all)
        )?;
    }
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options {
        requests: 60_000,
        seeds: 5,
        only: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        if name == "--only" {
            options.only = value.split(',').map(str::to_owned).collect();
            continue;
        }
        let number = value.parse().ok();
        let number = number.with_context(|| format!("{name} takes a number"))?;
        match name.as_str() {
            "--requests" => options.requests = number,
            "--seeds" if number >= 2 => options.seeds = number,
            "--seeds" => bail!("--seeds: at least 2, or nothing tells a difference from noise"),
            _ => bail!("usage: ablation [--requests N] [--seeds N] [--only NAME,NAME]"),
        }
    }
    Ok(options)
}

fn head(out: &mut impl std::io::Write, options: &Options, traffic: &[Traffic]) -> Result<()> {
    let labels = || traffic.iter().flat_map(|traffic| &traffic.labelled.is_attack);
    let attacks = labels().filter(|attack| **attack).count();
    writeln!(out, "{}", include_str!("head.md").trim_end())?;
    writeln!(
        out,
        "\n{} seeds, {} requests for each scenario; {attacks} client-days of attackers among {} harmless ones.\n",
        options.seeds,
        options.requests,
        labels().count() - attacks
    )?;
    Ok(())
}

/// Places of the features that pass.
fn places(keeps: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..COUNT).filter(|place| keeps(*place)).collect()
}

/// What a choice is worth on each seed's traffic.
fn measured(traffic: &[Traffic], chosen: &[usize], seed: u64) -> Result<Vec<Worth>> {
    traffic
        .iter()
        .map(|traffic| worth(traffic, chosen, seed))
        .collect()
}
