//! `experiment [--commit NAME] [--long REQUESTS] [--anyway]`: what the detection of a commit is worth on simulated traffic whose
//! seeds and parameters were drawn from that commit's name, beside the goals.
//!
//! It is our own simulator: figures on it show that nothing is blind and nothing is broken, and say little about any real
//! site. Prints Markdown; progress goes to standard error. It measures and judges, and fails only when it cannot measure.

#![allow(clippy::print_stdout, reason = "a program whose output is its report")]

mod counts;
mod draw;
mod plan;
mod run;

use anyhow::{Context as _, Result, bail, ensure};
use counts::{Caught, Causes, Days, Ways, add_ways, causes, count, list};
use draw::Draws;
use models::interval::{Proportion, upper_limit};
use run::{Bench, Run};
use std::collections::BTreeMap;
use std::process::Command;

/// Recall that every way of attacking is to reach, slow ways, and members of campaigns.
const GOAL: f64 = 0.95;
const GOAL_SLOW: f64 = 0.85;
const GOAL_CAMPAIGN: f64 = 0.90;
/// Budgets, in wrongly acted-on clients per million client-days.
const BUDGETS: [f64; 3] = [1_000.0, 100.0, 10.0];
/// Requests of the sixty days, unless they are said: enough client-days for the smallest budget.
const LONG_REQUESTS: u64 = 18_000_000;
/// What decides who is acted on: it must be as the commit has it.
const DETECTION: [&str; 6] = [
    "domain",
    "ingest/src",
    "detector/src",
    "models/src",
    "models/shipped",
    "portcullis/src/analysis",
];

struct Options {
    commit: Option<String>,
    long_requests: u64,
    is_forced: bool,
}

fn main() -> Result<()> {
    let options = options()?;
    let commit = frozen(&options)?;
    let bench = Bench::new()?;
    let draws = Draws::new(&commit);
    println!("# Detection on simulated traffic\n");
    println!("Our own simulator; seeds and parameters drawn from the name of commit {commit}.\n");
    recall(&bench, &draws)?;
    innocents(&bench, &draws)?;
    contamination(&bench, &draws)?;
    poisoning(&bench, &draws)?;
    long(&bench, &draws, options.long_requests)
}

fn options() -> Result<Options> {
    let mut options = Options {
        commit: None,
        long_requests: LONG_REQUESTS,
        is_forced: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--commit" => options.commit = Some(value()?),
            "--long" => {
                options.long_requests = value()?.parse().context("--long needs a number of requests")?;
            }
            "--anyway" => options.is_forced = true,
            _ => bail!("usage: experiment [--commit NAME] [--long REQUESTS] [--anyway]"),
        }
    }
    Ok(options)
}

/// The full name of the commit whose detection this is. Detection that differs from it was not frozen.
fn frozen(options: &Options) -> Result<String> {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .current_dir(portcullis_tests::component::checkout())
            .args(arguments)
            .output()
            .context("could not run git")
    };
    let name = options.commit.as_deref().unwrap_or("HEAD");
    let resolved = git(&["rev-parse", "--verify", &format!("{name}^{{commit}}")])?;
    ensure!(resolved.status.success(), "no commit is called {name}");
    let commit = String::from_utf8(resolved.stdout)?.trim().to_owned();
    let mut compare = vec!["diff", "--quiet", commit.as_str(), "--"];
    compare.extend(DETECTION);
    let is_same = git(&compare)?.status.success();
    ensure!(
        is_same || options.is_forced,
        "detection differs from commit {commit}: commit it first, name another commit with --commit, or say --anyway"
    );
    if !is_same {
        println!("**Not frozen: detection differs from the commit.**\n");
    }
    Ok(commit)
}

/// Plays runs and hands each one's figures over.
fn play(
    bench: &Bench,
    runs: &[Run],
    mut take: impl FnMut(&Run, &serde_json::Value) -> Result<()>,
) -> Result<()> {
    for run in runs {
        eprintln!("{} seed {} requests {}", run.scenario, run.seed, run.requests);
        take(run, &bench.play(run)?)?;
    }
    Ok(())
}

fn recall(bench: &Bench, draws: &Draws) -> Result<()> {
    let mut ways = Ways::new();
    play(bench, &plan::attacks(draws), |_, figures| {
        add_ways(&mut ways, figures)
    })?;
    // Members of campaigns are judged below, from two requests on.
    ways.retain(|(_, way), _| !way.ends_with("_campaign"));
    play(bench, &plan::campaigns(draws), |_, figures| {
        let mut members = Ways::new();
        add_ways(&mut members, figures)?;
        for (key, caught) in members {
            let sum = ways.entry(key).or_default();
            sum.attackers += caught.attackers;
            sum.caught += caught.caught;
            sum.named += caught.named;
        }
        Ok(())
    })?;
    println!("## Recall by kind and way\n");
    println!("| kind | way | attackers | recall | named rightly | goal | |");
    println!("|---|---|---:|---|---:|---:|---|");
    for ((kind, way), caught) in &ways {
        let goal = goal(way);
        let recall = caught.recall();
        println!(
            "| {kind} | {way} | {} | {} | {} | {goal:.2} | {} |",
            caught.attackers,
            percent(recall),
            named(*caught),
            reached(recall, goal)
        );
    }
    println!();
    Ok(())
}

fn goal(way: &str) -> f64 {
    if way.ends_with("_campaign") {
        GOAL_CAMPAIGN
    } else if way.ends_with("_slow") {
        GOAL_SLOW
    } else {
        GOAL
    }
}

fn reached(recall: Proportion, goal: f64) -> &'static str {
    match recall {
        Proportion { trials: 0, .. } => "not played",
        Proportion { estimate, .. } if estimate >= goal => "met",
        Proportion { high, .. } if high >= goal => "short, within the interval",
        _ => "**short**",
    }
}

fn percent(share: Proportion) -> String {
    let [estimate, low, high] = [share.estimate, share.low, share.high].map(|value| value * 100.0);
    format!("{estimate:.1}% [{low:.1}, {high:.1}]")
}

fn named(caught: Caught) -> String {
    if caught.caught == 0 {
        return "-".to_owned();
    }
    format!("{} of {}", caught.named, caught.caught)
}

fn innocents(bench: &Bench, draws: &Draws) -> Result<()> {
    let mut scenarios: BTreeMap<&str, (Days, Causes)> = BTreeMap::new();
    play(bench, &plan::innocents(draws), |run, figures| {
        let (days, found) = scenarios.entry(run.scenario).or_default();
        days.add(Days::of(&figures["false_positives"])?);
        for (cause, clients) in causes(figures)? {
            *found.entry(cause).or_default() += clients;
        }
        Ok(())
    })?;
    println!("## Innocents acted on\n");
    println!(
        "Every cause should stand for one client at most: what they do, taken for what, blocked or only slowed down, how many \
         clients.\n"
    );
    println!("| scenario | client-days | acted on | per million | causes |");
    println!("|---|---:|---:|---|---|");
    for scenario in plan::INNOCENT {
        let (days, found) = scenarios
            .get(scenario)
            .with_context(|| format!("{scenario} was not played"))?;
        let causes: Vec<String> = found
            .iter()
            .map(|((label, threat), clients)| format!("{label} as {threat}: {clients}"))
            .collect();
        println!(
            "| {scenario} | {} | {} | {} | {} |",
            days.all,
            days.acted,
            per_million(*days),
            causes.join("; ")
        );
    }
    println!();
    Ok(())
}

fn per_million(days: Days) -> String {
    let rate = days.rate();
    let [estimate, low, high] = [rate.estimate, rate.low, rate.high].map(|value| value * 1e6);
    format!("{estimate:.0} [{low:.0}, {high:.0}]")
}

fn contamination(bench: &Bench, draws: &Draws) -> Result<()> {
    println!("## Attackers among the clients\n");
    println!("| attackers | clients | recall | precision | false positives per million client-days |");
    println!("|---:|---:|---|---|---|");
    play(bench, &plan::contaminations(draws), |run, figures| {
        let [caught, attackers, innocent, wrong] =
            ["caught", "attackers", "innocent", "wrong"].map(|name| count(figures, name));
        let (caught, attackers) = (caught?, attackers?);
        println!(
            "| {:.1}% | {} | {} | {} | {} |",
            run.attackers_permille.unwrap_or_default() as f64 / 10.0,
            attackers + innocent?,
            percent(Proportion::new(caught, attackers)),
            percent(Proportion::new(caught, caught + wrong?)),
            per_million(Days::of(&figures["false_positives"])?)
        );
        Ok(())
    })?;
    println!();
    Ok(())
}

/// Whether newcomers are caught as well in the poisoned week as in the other, and whether those who hid are caught at all.
fn poisoning(bench: &Bench, draws: &Draws) -> Result<()> {
    let [mut poisoned, mut control] = [Ways::new(), Ways::new()];
    play(bench, &plan::poisoning(draws), |run, figures| {
        let ways = if run.scenario == "poisoning" {
            &mut poisoned
        } else {
            &mut control
        };
        add_ways(ways, figures)
    })?;
    println!("## A poisoned week\n");
    println!("A tenth of the clients behaves nearly ordinarily for a week, and strikes on the eighth day.\n");
    println!("| kind | newcomers, poisoned | newcomers, not poisoned | sleepers |");
    println!("|---|---|---|---|");
    for kind in plan::KINDS {
        let of = |ways: &Ways, way: &str| {
            let caught = ways
                .get(&(kind.to_owned(), way.to_owned()))
                .copied()
                .unwrap_or_default();
            format!("{} of {}", caught.caught, caught.attackers)
        };
        println!(
            "| {kind} | {} | {} | {} |",
            of(&poisoned, kind),
            of(&control, kind),
            of(&poisoned, &format!("{kind}_sleeper"))
        );
    }
    println!();
    Ok(())
}

fn long(bench: &Bench, draws: &Draws, requests: u64) -> Result<()> {
    println!("## Sixty days\n");
    println!("Harmless clients only, a release every twelve days; what was stopped is not learned from.\n");
    play(bench, &[plan::long(draws, requests)], |_, figures| {
        let by_day = list(figures, "days")?;
        let mut last_week = Days::default();
        let mut worst = Days::default();
        for (number, day) in by_day.iter().rev().enumerate() {
            let day = Days::of(day)?;
            if number < 7 {
                last_week.add(day);
            }
            if worst.all == 0 || day.rate().estimate > worst.rate().estimate {
                worst = day;
            }
        }
        let all = Days::of(&figures["false_positives"])?;
        println!("| | client-days | acted on | per million | lowest rate that could be shown |");
        println!("|---|---:|---:|---|---:|");
        for (name, days) in [("all days", all), ("last week", last_week), ("worst day", worst)] {
            let resolution = upper_limit(0, days.all.max(1), 0.05) * 1e6;
            println!(
                "| {name} | {} | {} | {} | {resolution:.1} |",
                days.all,
                days.acted,
                per_million(days)
            );
        }
        println!();
        for budget in BUDGETS {
            let verdict = |days: Days| {
                if days.rate().low * 1e6 <= budget {
                    "passes"
                } else {
                    "**exceeded**"
                }
            };
            let shown = 3e6 / budget <= all.all as f64;
            println!(
                "- budget {budget:.0}: all days {}, last week {}{}",
                verdict(all),
                verdict(last_week),
                if shown {
                    ""
                } else {
                    "; too few client-days to show it kept"
                }
            );
        }
        println!("\nCauses: {:?}", causes(figures)?);
        Ok(())
    })
}
