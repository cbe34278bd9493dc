//! The model card: what a bundle was trained on, how often it errs, and when not to use it.
//!
//! After M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, generated so that it cannot fall behind.

use std::fmt::Write;

use crate::bundle::ModelBundle;
use crate::drift::PSI_LARGE;
use crate::interval::Proportion;
use crate::view::MODELS;

/// Budgets that the card's table shows, as multiples of the smallest that can be promised.
const BUDGET_STEPS: [f64; 4] = [1.0, 3.0, 10.0, 30.0];

/// Longest description shown; a card is a page.
const DESCRIPTION_CHARS_MAX: usize = 2000;

/// Writes a bundle's card as Markdown. `unit` gives the unit of a feature by its name; the schema has names and directions
/// only.
#[must_use]
pub fn model_card(bundle: &ModelBundle, unit: impl Fn(&str) -> Option<&'static str>) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail: the results say nothing.
    let _ = write_training(&mut card, bundle);
    let _ = write_views(&mut card, bundle);
    let _ = write_assessments(&mut card, bundle);
    let _ = write_error_rates(&mut card, bundle);
    let _ = write_days(&mut card, bundle);
    let _ = write_limits(&mut card, bundle);
    let _ = write_features(&mut card, bundle, unit);
    card
}

fn write_training(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    let provenance = bundle.provenance();
    writeln!(card, "# Model {}\n", one_line(&provenance.name))?;
    writeln!(
        card,
        "Scores how unusual an API client's behaviour is. Trained by {}.\n",
        one_line(&provenance.trained_by)
    )?;
    writeln!(card, "## Trained on\n")?;
    writeln!(card, "{}\n", one_line(&provenance.description))?;
    writeln!(
        card,
        "The file holds aggregates only: trees, means, prototypes of at least several clients, histograms. No address, path or user agent.\n"
    )?;
    writeln!(card, "| | |\n|---|---|")?;
    writeln!(card, "| rows | {} |", provenance.rows)?;
    writeln!(
        card,
        "| rows the views were fitted to, one of each client-day | {} |",
        provenance.fit_rows
    )?;
    writeln!(
        card,
        "| rows each view was calibrated on | {} |",
        provenance.view_rows
    )?;
    writeln!(
        card,
        "| client-days the score was calibrated on | {} |",
        provenance.calibration_client_days
    )?;
    writeln!(card, "| features | {} |", bundle.schema().len())?;
    writeln!(
        card,
        "| schema | version {}, {} |",
        bundle.schema().version(),
        bundle.schema().fingerprint()
    )?;
    writeln!(card, "| seed | {} |\n", provenance.seed)
}

fn write_views(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    writeln!(
        card,
        "## Views\n\n| view | sees | do not rely on it for |\n|---|---|---|"
    )?;
    for name in bundle.view_names() {
        if let Some(spec) = MODELS.iter().find(|spec| spec.name == name) {
            writeln!(card, "| {} | {} | {} |", spec.name, spec.strength, spec.weakness)?;
        }
    }
    writeln!(
        card,
        "\nTheir p-values are combined by the Cauchy combination, ranked among clients with about as many requests, and calibrated by the highest of each client-day.\n"
    )
}

fn write_assessments(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    if bundle.assessments().is_empty() {
        return Ok(());
    }
    writeln!(card, "## Ranking, as area under the ROC curve\n")?;
    write!(card, "| labelled set | seen before | to be found | others |")?;
    let names: Vec<&str> = bundle.view_names().collect();
    names.iter().try_for_each(|name| write!(card, " {name} |"))?;
    writeln!(
        card,
        " combined |\n|---|---|---|---|{}---|",
        "---|".repeat(names.len())
    )?;
    for assessment in bundle.assessments() {
        let seen = if assessment.is_seen { "seen" } else { "unseen" };
        write!(
            card,
            "| {} | {seen} | {} | {} |",
            one_line(&assessment.what),
            assessment.positives,
            assessment.negatives
        )?;
        assessment
            .views
            .iter()
            .try_for_each(|area| write!(card, " {area:.3} |"))?;
        writeln!(card, " {:.3} |", assessment.combined)?;
    }
    writeln!(
        card,
        "\nBy the score alone, without evidence; half of what is to be found in simulated traffic is slow or spread by design.\n"
    )
}

fn write_days(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    let check = bundle.days();
    if check.days.is_empty() {
        return writeln!(
            card,
            "All client-days are of one day: how the threshold holds on another cannot be said.\n"
        );
    }
    writeln!(
        card,
        "Days are not alike. With each of the {} days left out, its client-days beyond the threshold from the others, per million (exact 95% intervals):\n",
        check.days.len()
    )?;
    writeln!(card, "| budget | all days | worst day |\n|---|---|---|")?;
    let per_million = |share: Proportion| {
        let (estimate, low, high) = (share.estimate * 1e6, share.low * 1e6, share.high * 1e6);
        format!(
            "{estimate:.0} [{low:.0}, {high:.0}], {} of {}",
            share.successes, share.trials
        )
    };
    for (place, budget) in check.budgets.iter().enumerate() {
        let worst = check.worst(place).map_or_else(String::new, per_million);
        writeln!(
            card,
            "| {budget:.0} | {} | {worst} |",
            per_million(check.pooled(place))
        )?;
    }
    writeln!(card)
}

fn write_error_rates(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    let client_days = bundle.provenance().calibration_client_days as f64;
    writeln!(card, "## False-block rate\n")?;
    writeln!(
        card,
        "Smallest p-value: {:.3e}. If later days are like those of the calibration, then\n",
        bundle.smallest_p_value()
    )?;
    writeln!(
        card,
        "| wrongly blocked per million client-days, at most (95% confidence) | act at p up to |\n|---|---|"
    )?;
    for step in BUDGET_STEPS {
        let per_million = step * 3e6 / client_days;
        if per_million <= 1e6
            && let Ok(threshold) = bundle.threshold_for(per_million)
        {
            writeln!(card, "| {per_million:.1} | {:.3e} |", threshold.p_value)?;
        }
    }
    writeln!(
        card,
        "\nA smaller budget than the first cannot be shown with these client-days, and is refused.\n"
    )
}

fn write_limits(card: &mut String, bundle: &ModelBundle) -> std::fmt::Result {
    writeln!(card, "## When not to use it\n")?;
    writeln!(
        card,
        "- With features computed otherwise than schema {} says: it refuses to load.",
        bundle.schema().fingerprint()
    )?;
    writeln!(
        card,
        "- Where the training rows may have held attacks: a campaign of 3 to 9% of the clients teaches it that the attack is normal."
    )?;
    writeln!(
        card,
        "- After the traffic has changed: when a feature's stability index passes {PSI_LARGE}, recalibrate, and retrain."
    )?;
    writeln!(
        card,
        "- For attacks spread over many clients that are each ordinary: no view of one client sees those."
    )?;
    writeln!(
        card,
        "- By its score alone: the score ranks beyond what the calibration can show; act on the p-value, with the explanation.\n"
    )
}

fn write_features(
    card: &mut String,
    bundle: &ModelBundle,
    unit: impl Fn(&str) -> Option<&'static str>,
) -> std::fmt::Result {
    writeln!(
        card,
        "## Features of ordinary clients\n\nValues as the models see them, after the feature's logarithm where it has one; the unit is that before it.\n"
    )?;
    writeln!(
        card,
        "| feature | unit | suspicious | 0.1% | median | 99% | 99.9% |\n|---|---|---|---|---|---|---|"
    )?;
    for (at, feature) in bundle.schema().features().iter().enumerate() {
        if let Some(seen) = bundle.quantiles(at) {
            writeln!(
                card,
                "| {} | {} | {} | {:.4} | {:.4} | {:.4} | {:.4} |",
                one_line(&feature.name),
                unit(&feature.name).unwrap_or("?"),
                feature.direction,
                seen.p001,
                seen.median,
                seen.p99,
                seen.p999
            )?;
        }
    }
    Ok(())
}

/// Keeps text that came from outside on its line and in its cell.
fn one_line(text: &str) -> String {
    let printable = text.chars().take(DESCRIPTION_CHARS_MAX);
    printable
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::BundleParams;
    use crate::testing::{loud_attacks, training_set};

    #[test]
    fn a_card_says_what_it_was_trained_on_how_it_errs_and_when_not_to_use_it() {
        let set = training_set(&loud_attacks(1, 1000, 0, 5));
        let bundle = ModelBundle::fit(&set, &BundleParams::new("a|b\n# c", 7)).unwrap();
        let card = model_card(&bundle, |name| (name == "f4").then_some("seconds"));
        for expected in [
            "# Model a\\|b # c",
            "generated",
            "| rows | 1000 |",
            "| client-days the score was calibrated on | 400 |",
            "| seed | 7 |",
            "| isolation_forest |",
            "| mahalanobis |",
            "| tail |",
            "Smallest p-value: 2.494e-3",
            "| 7500.0 | 2.494e-3 |",
            "## When not to use it",
            "| f4 | seconds | up |",
            "| prototypes |",
            "All client-days are of one day",
        ] {
            assert!(card.contains(expected), "no {expected:?} in\n{card}");
        }
    }
}
