//! For people. Text from logs is neutralised.

use super::Shown;
use crate::evaluation::{BudgetVerdict, Figures, MILLION, Named, SEPARATES_FROM, Tally};
use api::neutralise;
use models::interval::{Median, Proportion, median};
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) fn write(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let figures = shown.figures;
    if let Some(name) = shown.name {
        writeln!(out, "{name}")?;
    }
    write_shares(figures, out)?;
    write_delays(figures, out)?;
    write_left_out(figures, out)?;
    write_kinds(figures, out)?;
    write_budgets(shown, out)?;
    write_thresholds(shown, out)?;
    write_warnings(figures, out)?;
    if shown.names {
        write_names(figures, out)?;
    }
    if shown.name.is_some() {
        writeln!(out)?;
    }
    Ok(())
}

fn write_shares(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let wrong = figures.wrong.len() as u64;
    let all = &figures.all;
    let (caught, attackers) = (all.caught, all.attackers);
    let lines = [
        (
            "lines read",
            figures.parsed_share(),
            format!("{} of {}", figures.parsed, figures.lines),
        ),
        (
            "precision",
            figures.precision(),
            format!("{caught} of {} acted on", caught + wrong),
        ),
        (
            "recall",
            all.recall(),
            format!(
                "{caught} of {attackers} attackers, {} more only observed",
                all.observed
            ),
        ),
        (
            "false positive rate",
            figures.false_positive_rate(),
            format!("{wrong} of {} others", figures.innocent),
        ),
        (
            "prevented",
            all.prevented_share(),
            format!(
                "{} of {} requests of larger attackers",
                all.prevented, all.preventable
            ),
        ),
    ];
    for (name, share, meaning) in lines {
        writeln!(out, "  {name:<21} {}  {meaning}", percent(share))?;
    }
    if all.members + figures.innocent_members > 0 {
        writeln!(
            out,
            "  {:<21} {}  {} of {attackers} attackers, and {} of {} others, are members of some campaign",
            "in campaigns",
            percent(Proportion::new(all.members, attackers)),
            all.members,
            figures.innocent_members,
            figures.innocent
        )?;
    }
    Ok(())
}

fn percent(share: Proportion) -> String {
    if share.trials == 0 {
        return format!("{:>6} {:16}", "-", "");
    }
    let interval = format!("[{:.1}, {:.1}]", share.low * 100.0, share.high * 100.0);
    format!("{:5.1}% {interval:16}", share.estimate * 100.0)
}

fn write_delays(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let all = &figures.all;
    match median(&all.requests) {
        Some(Median { estimate, low, high }) => {
            let end = |end: Option<u64>| end.map_or_else(|| "?".to_owned(), |end| end.to_string());
            let interval = format!("[{}, {}]", end(low), end(high));
            writeln!(
                out,
                "  requests to detection {estimate:6} {interval:16}  median from the first attack on, {} acted on earlier",
                all.early
            )?;
        }
        None if all.attackers > 0 => writeln!(out, "  requests to detection      -  nobody was caught")?,
        None => {}
    }
    if let Some(Median { estimate, low, high }) = median(&all.millis) {
        let end = |end: Option<u64>| end.map_or_else(|| "?".to_owned(), time);
        let interval = format!("[{}, {}]", end(low), end(high));
        let estimate = time(estimate);
        writeln!(
            out,
            "  time to detection     {estimate:>6} {interval:16}  median from the first attack on"
        )?;
    }
    Ok(())
}

/// A time in its largest fitting unit.
fn time(millis: u64) -> String {
    let secs = millis as f64 / 1e3;
    match secs {
        0.0..9.95 => format!("{secs:.1}s"),
        9.95..99.5 => format!("{secs:.0}s"),
        99.5..5_970.0 => format!("{:.0}min", secs / 60.0),
        5_970.0..172_800.0 => format!("{:.1}h", secs / 3_600.0),
        _ => format!("{:.1}d", secs / 86_400.0),
    }
}

fn write_left_out(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    for (label, (clients, acted)) in &figures.left_out {
        writeln!(
            out,
            "  left out: {label}: {clients}, of which {acted} were acted on"
        )?;
    }
    Ok(())
}

/// Every kind that the truth or an alert names: recall by what is true, precision by what was said.
fn write_kinds(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let names: BTreeSet<&str> = figures
        .kinds
        .keys()
        .map(String::as_str)
        .chain(figures.named.keys().copied())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "  {:<32} {:<32} {:>5}  {:<30} {:>9} {:>8} {:>7}",
        "kind", "recall", "named", "precision of the name", "prevented", "requests", "time"
    )?;
    for name in names {
        let tally = figures.kinds.get(name);
        let named = figures.named.get(name).copied();
        write_kind(&format!("  {name}"), tally, named, out)?;
        for (variant, tally) in figures.ways(name) {
            write_kind(&format!("    {variant}"), Some(tally), None, out)?;
        }
    }
    Ok(())
}

fn write_kind(
    name: &str,
    tally: Option<&Tally>,
    named: Option<Named>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let counted = |share: Proportion| {
        format!(
            "{} {:>8}",
            percent(share),
            format!("{}/{}", share.successes, share.trials)
        )
    };
    let recall = tally.map_or_else(String::new, |tally| counted(tally.recall()));
    let rightly = tally
        .filter(|tally| tally.caught > 0)
        .map_or_else(String::new, |tally| tally.named.to_string());
    let precision = named.map_or_else(String::new, |named| counted(named.precision()));
    let prevented = tally
        .map(Tally::prevented_share)
        .filter(|share| share.trials > 0)
        .map_or_else(
            || "-".to_owned(),
            |share| format!("{:.1}%", share.estimate * 100.0),
        );
    let requests = tally
        .and_then(|tally| median(&tally.requests))
        .map_or_else(|| "-".to_owned(), |median| median.estimate.to_string());
    let delay = tally
        .and_then(|tally| median(&tally.millis))
        .map_or_else(|| "-".to_owned(), |median| time(median.estimate));
    writeln!(
        out,
        "  {:<32} {recall:<32} {rightly:>5}  {precision:<30} {prevented:>9} {requests:>8} {delay:>7}",
        neutralise(name)
    )
}

fn write_budgets(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let days = shown.figures.days();
    let Some(resolution) = days.resolution() else {
        return Ok(());
    };
    let rate = days.rate();
    writeln!(
        out,
        "  false positives per million client-days: {:.0} [{:.0}, {:.0}], {} of {} client-days of others, the small included",
        rate.estimate * MILLION,
        rate.low * MILLION,
        rate.high * MILLION,
        days.acted,
        days.all
    )?;
    writeln!(
        out,
        "    a rate below {resolution:.0} per million client-days cannot be shown with {} client-days",
        days.all
    )?;
    if let Some((day, of_day)) = shown
        .figures
        .worst_day()
        .filter(|_| shown.figures.by_day.len() > 1)
    {
        let day = day.to_string();
        writeln!(
            out,
            "    the worst of {} days was {}: {} of {} client-days",
            shown.figures.by_day.len(),
            day.get(..10).unwrap_or(&day),
            of_day.acted,
            of_day.all
        )?;
    }
    for (budget, verdict, can_be_shown) in shown.verdicts() {
        let meaning = match verdict {
            BudgetVerdict::Kept => "kept, with 95% confidence",
            BudgetVerdict::Exceeded => "exceeded: its lower bound lies above",
            BudgetVerdict::Open if can_be_shown => "neither shown nor refuted",
            BudgetVerdict::Open => "neither shown nor refuted: too few client-days to show it",
        };
        writeln!(out, "    budget {budget:>6.0}: {meaning}")?;
    }
    Ok(())
}

fn write_thresholds(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(sweep) = shown.sweep else { return Ok(()) };
    writeln!(
        out,
        "  {:<12} {:<32} {:<32} false positives per million client-days",
        "threshold", "recall", "precision"
    )?;
    for point in &sweep.points {
        let mark = if point.is_used { "*" } else { "" };
        let rate = point.days.rate();
        writeln!(
            out,
            "  {:<12} {:<32} {:<32} {:.0} [{:.0}, {:.0}]",
            format!("{:.2}{mark}", point.threshold),
            percent(point.recall),
            percent(point.precision),
            rate.estimate * MILLION,
            rate.low * MILLION,
            rate.high * MILLION
        )?;
    }
    writeln!(
        out,
        "    * the threshold in use; at each, the logs were judged anew"
    )
}

fn write_warnings(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let found = figures.rows.separations();
    let (kinds, all): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.kind.is_some());
    for found in all {
        writeln!(
            out,
            "  warning: {} alone separates the labels (area under its ROC curve {:.3}, from {SEPARATES_FROM} on): they are too easy, or it \
             gives them away",
            found.feature, found.area
        )?;
    }
    let mut names: Vec<&str> = kinds.iter().filter_map(|found| found.kind.as_deref()).collect();
    names.dedup();
    for name in names {
        let features: Vec<&str> = kinds
            .iter()
            .filter(|found| found.kind.as_deref() == Some(name))
            .map(|found| found.feature)
            .collect();
        let features = features.join(", ");
        writeln!(out, "  warning: one feature alone separates {name}: {features}")?;
    }
    if let Some(best) = figures.rows.best() {
        writeln!(
            out,
            "  best single feature: {}, area under its ROC curve {:.3} over {} attackers and {} others",
            best.feature, best.area, best.attackers, best.innocents
        )?;
    }
    Ok(())
}

fn write_names(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    for wrong in figures.wrong.iter().chain(&figures.wrong_small) {
        let client = wrong.client.to_string();
        let (client, label) = (neutralise(&client), neutralise(&wrong.label));
        let threat = wrong.threat.map_or("nothing named", |threat| threat.as_str());
        let feature = wrong.feature.unwrap_or("-");
        let action = wrong.action;
        writeln!(
            out,
            "    wrongly acted on: {client} ({label}): {action}, {threat}, by {feature}"
        )?;
    }
    for missed in &figures.missed {
        let client = missed.client.to_string();
        writeln!(
            out,
            "    missed: {} ({})",
            neutralise(&client),
            neutralise(&missed.label)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_their_largest_fitting_unit() {
        let written = [400, 12_345, 600_000, 7_200_000, 259_200_000].map(time);
        assert_eq!(written, ["0.4s", "12s", "10min", "2.0h", "3.0d"]);
    }
}
