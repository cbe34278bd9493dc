//! The screen as text. Everything from logs and people is neutralised.

use super::{FeatureForm, Screen, ThreatForm};
use api::neutralise;
use domain::amount;
use std::io::{self, Write};

/// A score that so few clean clients reach is worth a word where nothing else is.
const ODD_P: f64 = 0.01;

/// Writes the screen for a person.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn write(screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    write_head(screen, out)?;
    write_threats(screen, out)?;
    write_list("what was missing for a block", &screen.missing_for_block, out)?;
    write_list("what held it back", &screen.held_back, out)?;
    write_features(&screen.features, out)?;
    if !screen.evidence.is_empty() {
        writeln!(out, "\nrequests that weighed most")?;
    }
    for entry in &screen.evidence {
        let place = format!("{}:{}", entry.file, entry.line);
        let (place, request) = (neutralise(&place), neutralise(&entry.request));
        writeln!(out, "  {place}  {} {} {request}", entry.at, entry.status)?;
    }
    write_list("also", &screen.notes, out)?;
    write_list("what the log could not show", &screen.blind_spots, out)?;
    write_list("problems", &screen.problems, out)
}

fn write_head(screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let client = &screen.client;
    writeln!(out, "{} {}", client.scope, neutralise(&client.value))?;
    if let Some(requests) = screen.requests {
        let parts = [("failed", screen.failed), ("stopped", screen.stopped)];
        let parts = parts
            .iter()
            .filter_map(|(name, count)| count.map(|count| format!(", {count} {name}")));
        let parts: String = parts.collect();
        writeln!(
            out,
            "  {requests} requests{parts}; counted from {} to {}",
            screen.first_seen.as_deref().unwrap_or("?"),
            screen.last_seen.as_deref().unwrap_or("?")
        )?;
    }
    if let Some(score) = screen.score {
        let rare = screen.p_value.map_or_else(String::new, |p_value| {
            format!("; {} of clean clients score as high", percent(p_value))
        });
        writeln!(out, "  score {score:.3}{rare}")?;
    }
    let wanted = screen
        .wanted
        .as_ref()
        .filter(|wanted| Some(*wanted) != screen.action.as_ref());
    let wanted = wanted.map_or_else(String::new, |wanted| {
        format!("; its evidence alone asks for {wanted}")
    });
    match (&screen.action, &screen.action_at) {
        (Some(action), Some(at)) => {
            let after = screen.requests_before_action.unwrap_or_default();
            writeln!(out, "  action {action} at {at} after {after} requests{wanted}")
        }
        _ if screen.threats.is_empty() => {
            let is_odd = screen.p_value.is_some_and(|p_value| p_value < ODD_P);
            let but = if is_odd { " but its score" } else { "" };
            writeln!(out, "  no action: nothing speaks against it{but}")
        }
        _ => writeln!(out, "  no action: it was never alerted on{wanted}"),
    }
}

fn write_threats(screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if screen.threats.is_empty() {
        return match amounts(screen) {
            Some(amounts) => writeln!(out, "  too little of anything to name a threat: {amounts}"),
            None => Ok(()),
        };
    }
    match screen.thresholds {
        Some(limits) => writeln!(
            out,
            "\nthreats (confidence: observe from {:.2}, throttle from {:.2}, block from {:.2})",
            limits.observe, limits.throttle, limits.block
        )?,
        None => writeln!(out, "\nthreats (confidence)")?,
    }
    for threat in &screen.threats {
        write_threat(threat, out)?;
    }
    if let Some(amounts) = amounts(screen) {
        writeln!(out, "  evidence: {amounts}")?;
    }
    Ok(())
}

/// How much there is of each kind of evidence; `None` when there is none.
fn amounts(screen: &Screen) -> Option<String> {
    let amounts = screen.kinds_of_evidence.iter();
    let amounts: Vec<String> = amounts
        .map(|trace| format!("{} {}", amount(trace.amount), neutralise(&trace.name)))
        .collect();
    (!amounts.is_empty()).then(|| amounts.join(", "))
}

fn write_threat(threat: &ThreatForm, out: &mut dyn Write) -> io::Result<()> {
    let alone = threat
        .by_evidence
        .map_or_else(String::new, |alone| format!(" ({alone:.3} by evidence alone)"));
    writeln!(
        out,
        "  {} {:.3}{alone}",
        neutralise(&threat.kind),
        threat.confidence
    )?;
    if !threat.sentence.is_empty() {
        writeln!(out, "    {}", neutralise(&threat.sentence))?;
    }
    if let Some(sentence) = &threat.less {
        writeln!(out, "    {}", neutralise(sentence))?;
    }
    Ok(())
}

fn write_features(features: &[FeatureForm], out: &mut dyn Write) -> io::Result<()> {
    if features.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<28} {:>10} {:>10} {:>14}  unit",
        "features furthest from usual", "value", "typical", "of the score"
    )?;
    for feature in features {
        let line = format!(
            "  {:<26} {:>10.2} {:>10} {:>13.0}%  {}",
            neutralise(&feature.name),
            feature.value,
            feature
                .typical
                .map_or_else(|| "-".to_owned(), |typical| format!("{typical:.2}")),
            feature.contribution * 100.0,
            neutralise(&feature.unit)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_list(heading: &str, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "  {}", neutralise(line)))
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        few if few < 0.01 => "under 0.01%".to_owned(),
        few if few < 1.0 => format!("{few:.2}%"),
        many => format!("{many:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::EvidenceForm;

    #[test]
    fn hostile_text_is_harmless_and_an_empty_screen_says_that_nothing_is_against_it() {
        let screen = Screen {
            evidence: vec![EvidenceForm {
                file: "a\u{1b}[2J.log".to_owned(),
                line: 3,
                at: "2026-11-22T23:48:42Z".to_owned(),
                request: "GET /\u{202e}".to_owned(),
                status: 404,
            }],
            held_back: vec!["allowlist: \u{7}".to_owned()],
            ..Screen::default()
        };
        let mut out = Vec::new();
        write(&screen, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("nothing speaks against it"));
        assert!(text.contains(".log:3"));
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text:?}");
    }
}
