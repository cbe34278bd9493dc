//! The demo's figures in words: pure text, for the terminal and for the end.

use super::tally::{Attack, Tally};
use domain::Action;
use std::fmt::Write as _;
use std::time::Duration;

/// Attacks that the live table shows: what fits a small terminal.
const LIVE_ATTACKS_MAX: usize = 16;
/// Harmless clients that the end names one by one.
const WRONGED_NAMED_MAX: usize = 20;

/// What is shown at one moment.
pub(super) struct Snapshot<'a> {
    /// Since the demo began.
    pub(super) elapsed: Duration,
    /// Where the dashboard is.
    pub(super) url: &'a str,
    /// Requests a second, over the last few seconds.
    pub(super) rate: f64,
    /// Alerts raised.
    pub(super) alerts: u64,
    /// Blocks decided.
    pub(super) blocks: u64,
    /// Lines sent and not read yet.
    pub(super) unread: u64,
    /// What truly happened.
    pub(super) tally: &'a Tally,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// With the terminal's colours.
    Coloured,
    /// As it is.
    Plain,
}

/// A colour of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

impl Paint {
    fn paint(self, colour: Colour, text: &str) -> String {
        match self {
            Self::Coloured => format!("\x1b[{}m{text}\x1b[0m", colour as u8),
            Self::Plain => text.to_owned(),
        }
    }
}

/// The whole live view.
pub(super) fn view(snapshot: &Snapshot<'_>, paint: Paint) -> String {
    let tally = snapshot.tally;
    let wronged = tally.wronged(Action::Block).len();
    let wronged_colour = if wronged == 0 { Colour::Green } else { Colour::Red };
    let title = format!("Portcullis demo  {}  {}", clock(snapshot.elapsed), snapshot.url);
    let mut out = format!(
        "{}   (Ctrl-C ends it)\n{} requests  {:.0}/s   {} clients   {} alerts   {} blocks   {} requests refused   {}\n",
        paint.paint(Colour::Bold, &title),
        grouped(tally.requests),
        snapshot.rate,
        grouped(tally.clients() as u64),
        snapshot.alerts,
        snapshot.blocks,
        grouped(tally.refused),
        paint.paint(wronged_colour, &format!("{wronged} innocent clients blocked")),
    );
    let attacks = tally.attacks();
    if attacks.is_empty() {
        out.push_str(
            "\nharmless traffic so far: the first attack comes about half a minute after the start\n",
        );
    } else {
        let latest = &attacks[attacks.len().saturating_sub(LIVE_ATTACKS_MAX)..];
        out.push('\n');
        write_attacks(&mut out, latest, start_of(snapshot), paint);
    }
    out
}

/// One line for logs and scripts.
pub(super) fn line(snapshot: &Snapshot<'_>) -> String {
    let tally = snapshot.tally;
    format!(
        "{} {} requests ({:.0}/s), {} unread, {} clients, {} alerts, {} blocks, {} requests refused, {} attacks seen, \
         {} stopped, {} innocent clients blocked",
        clock(snapshot.elapsed),
        tally.requests,
        snapshot.rate,
        snapshot.unread,
        tally.clients(),
        snapshot.alerts,
        snapshot.blocks,
        tally.refused,
        tally.attacks().len(),
        tally
            .attacks()
            .iter()
            .filter(|attack| attack.blocked_at.is_some())
            .count(),
        tally.wronged(Action::Block).len(),
    )
}

/// What was done, at the end.
pub(super) fn report(snapshot: &Snapshot<'_>) -> String {
    let tally = snapshot.tally;
    let mut out = format!(
        "\n{} of traffic: {} requests of {} clients, {} alerts, {} blocks, {} requests refused, {} slowed down.\n\n",
        clock(snapshot.elapsed),
        grouped(tally.requests),
        grouped(tally.clients() as u64),
        snapshot.alerts,
        snapshot.blocks,
        grouped(tally.refused),
        grouped(tally.slowed),
    );
    if tally.attacks().is_empty() {
        out.push_str("No attack had begun.\n");
    } else {
        write_attacks(&mut out, tally.attacks(), start_of(snapshot), Paint::Plain);
    }
    let earlier = tally.earlier();
    if earlier.attacks > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "and before those {} attacks, of which {} were blocked",
            earlier.attacks, earlier.blocked
        );
    }
    write_wronged(&mut out, tally);
    out
}

/// The moment that the table counts from: the demo's start, as far as requests tell.
fn start_of(snapshot: &Snapshot<'_>) -> domain::Timestamp {
    snapshot.tally.began_at().unwrap_or_default()
}

fn write_attacks(out: &mut String, attacks: &[Attack], start: domain::Timestamp, paint: Paint) {
    let _ = writeln!(
        out,
        "{:<29} {:>6} {:>9} {:>9} {:>9} {:>11}   refused of its requests",
        "attack", "began", "detected", "blocked", "403 from", "clients"
    );
    for attack in attacks {
        let after = |at| attack.millis_to(at).map_or_else(|| "-".to_owned(), secs);
        let began = Duration::from_millis(attack.began_at.millis_since(start).max(0).unsigned_abs());
        let name = format!("{:<29}", attack.name);
        let _ = writeln!(
            out,
            "{} {:>6} {:>9} {:>9} {:>9} {:>11}   {} of {}{}",
            paint.paint(colour_of(attack), &name),
            clock(began),
            after(attack.alerted_at),
            after(attack.blocked_at),
            after(attack.refused_at),
            format!("{} of {}", attack.blocked.len(), attack.clients.len()),
            grouped(attack.refused),
            grouped(attack.requests),
            slowed(attack),
        );
    }
}

fn colour_of(attack: &Attack) -> Colour {
    if attack.blocked_at.is_some() {
        Colour::Green
    } else if attack.alerted_at.is_some() || !attack.slowed.is_empty() {
        Colour::Yellow
    } else {
        Colour::Red
    }
}

fn slowed(attack: &Attack) -> String {
    match attack.slowed.len() {
        0 => String::new(),
        clients => format!(", {clients} slowed down"),
    }
}

fn write_wronged(out: &mut String, tally: &Tally) {
    let blocked = tally.wronged(Action::Block);
    let all = tally.wronged(Action::Challenge);
    let _ = writeln!(
        out,
        "\nInnocent clients blocked: {}; slowed down: {}.",
        blocked.len(),
        all.len() - blocked.len()
    );
    for (client, wronged) in all.iter().take(WRONGED_NAMED_MAX) {
        let threat = wronged
            .threat
            .map_or("somebody else's range", |threat| threat.as_str());
        let _ = writeln!(
            out,
            "  {client} is a {} and was taken for {threat}: {}, {} requests refused",
            wronged.behaviour, wronged.action, wronged.refused
        );
    }
    if all.len() > WRONGED_NAMED_MAX {
        let _ = writeln!(out, "  and {} more", all.len() - WRONGED_NAMED_MAX);
    }
}

/// `1:05`, `2:03:09`.
fn clock(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

fn secs(millis: i64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::tally::Sighting;
    use domain::{Client, Scope, ThreatKind, Timestamp};
    use simulator::{Label, Verdict};

    fn snapshot(tally: &Tally) -> Snapshot<'_> {
        Snapshot {
            elapsed: Duration::from_secs(65),
            url: "http://127.0.0.1:8600",
            rate: 1999.6,
            alerts: 3,
            blocks: 2,
            unread: 0,
            tally,
        }
    }

    fn attacked() -> Tally {
        let mut tally = Tally::default();
        for (secs, verdict) in [(0, Verdict::Pass), (1, Verdict::Pass), (4, Verdict::Deny)] {
            tally.note_request(&Sighting {
                at: Timestamp::from_secs(1_000 + secs),
                client: Client::parse(Scope::Ip, "203.0.113.9").unwrap(),
                label: Label::Attack(ThreatKind::Scraping),
                behaviour: "scraping",
                is_attack: true,
                verdict,
            });
        }
        tally
    }

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(123_456), "123,456");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(clock(Duration::from_secs(7_389)), "2:03:09");
        assert_eq!(secs(3_456), "3.4 s");
    }

    #[test]
    fn plain_text_has_no_escapes() {
        let tally = attacked();
        let snapshot = snapshot(&tally);
        let text = [view(&snapshot, Paint::Plain), line(&snapshot), report(&snapshot)].concat();
        assert!(!text.contains('\x1b'), "{text}");
        assert!(view(&snapshot, Paint::Coloured).contains("\x1b[31m"));
    }

    #[test]
    fn the_table_says_when_an_attack_was_first_refused_and_how_often() {
        let tally = attacked();
        let report = report(&snapshot(&tally));
        let row = report.lines().find(|line| line.starts_with("scraping")).unwrap();
        assert!(row.contains("4.0 s") && row.ends_with("1 of 3"), "{row}");
        assert!(
            report.contains("Innocent clients blocked: 0; slowed down: 0."),
            "{report}"
        );
    }
}
