//! Truth files: which client was what.

use crate::label::Label;
use domain::{Client, Timestamp};
use std::io::{self, Write};

/// The truth about one client that sent something.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRow {
    /// Who: an IPv4 address or an IPv6 /64.
    pub client: Client,
    /// What it is.
    pub label: Label,
    /// Name of its behaviour: its way of being what it is.
    pub variant: &'static str,
    /// Whether it hid behind another behaviour before.
    pub is_sleeper: bool,
    /// How many requests it sent.
    pub requests: u64,
    /// When its first attack request was sent; `None` for the harmless, and for attackers that had not begun.
    pub first_attack_at: Option<Timestamp>,
}

/// Writes rows as CSV: `client,label,requests,first_attack_at`. An attacker that has not attacked yet is `unknown`. With
/// ways, an attacker's label has its behaviour after a colon: `scraping:scraping_slow`.
///
/// # Errors
/// When the output cannot be written.
pub fn write_truth(
    out: &mut impl Write,
    rows: impl IntoIterator<Item = TruthRow>,
    with_ways: bool,
) -> io::Result<()> {
    writeln!(out, "client,label,requests,first_attack_at")?;
    for row in rows {
        write!(out, "{},", row.client)?;
        match (row.label, row.first_attack_at) {
            (Label::Attack(_), None) => write!(out, "unknown,{},", row.requests)?,
            (label, None) => write!(out, "{label},{},", row.requests)?,
            (label, Some(at)) => {
                let sleeper = if row.is_sleeper { "_sleeper" } else { "" };
                if with_ways {
                    write!(out, "{label}:{}{sleeper},{},{at}", row.variant, row.requests)?;
                } else {
                    write!(out, "{label},{},{at}", row.requests)?;
                }
            }
        }
        writeln!(out)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Scope, ThreatKind};

    #[test]
    fn an_attacker_that_has_not_attacked_yet_is_left_out_as_unknown() {
        let row = |label, first_attack_at| TruthRow {
            client: Client::parse(Scope::Ip, "203.0.113.9").unwrap(),
            label,
            variant: "scraping_slow",
            is_sleeper: false,
            requests: 7,
            first_attack_at,
        };
        let attack = Label::Attack(ThreatKind::Scraping);
        let at = Timestamp::from_civil(2026, 1, 5, 3600, 0);
        let written = |with_ways| {
            let mut out = Vec::new();
            let rows = [
                row(Label::Benign("office"), None),
                row(attack, at),
                row(attack, None),
            ];
            write_truth(&mut out, rows, with_ways).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(written(true).contains("203.0.113.9,scraping:scraping_slow,7,2026-01-05T01:00:00Z\n"));
        assert_eq!(
            written(false),
            "client,label,requests,first_attack_at\n203.0.113.9,benign:office,7,\n\
             203.0.113.9,scraping,7,2026-01-05T01:00:00Z\n203.0.113.9,unknown,7,\n"
        );
    }
}
