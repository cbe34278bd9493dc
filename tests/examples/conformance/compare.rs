//! What was read of a line, beside what its suite says.

use crate::{Expected, Row};
use domain::{HashKey, Position, RequestRecord, Timestamp};
use ingest::format::Memory;
use ingest::{FORMATS, Format, Parser, ParserConfig, envelope};
use std::collections::HashMap;

const KEY: HashKey = HashKey::new([7; 16]);

/// A row and how it came out.
pub(crate) struct Judged<'a> {
    pub(crate) row: &'a Row,
    pub(crate) verdict: Verdict,
}

pub(crate) enum Verdict {
    Right,
    /// Right by our rule and not by the suite's.
    OnPurpose(String),
    Wrong(String),
}

impl Verdict {
    pub(crate) fn is_right(&self) -> bool {
        !matches!(self, Self::Wrong(_))
    }
}

/// Reads every row, each stream by a parser of its own that finds the format out.
pub(crate) fn judge(rows: &[Row]) -> Vec<Judged<'_>> {
    let mut parsers: HashMap<&str, Parser> = HashMap::new();
    let mut judged = Vec::with_capacity(rows.len());
    for row in rows {
        let parser = parsers
            .entry(row.stream.as_str())
            .or_insert_with(|| Parser::new(ParserConfig::new(KEY)));
        let verdict = match (
            parser.parse(row.line.as_bytes(), Position::default()),
            &row.expected,
        ) {
            (Err(_), None) => Verdict::Right,
            (Err(reject), Some(_)) => Verdict::Wrong(format!("rejected: {reject}")),
            (Ok(record), None) => Verdict::Wrong(format!(
                "is no request, and was read: {} {}",
                record.method, record.path
            )),
            (Ok(record), Some(expected)) => compare(&row.line, &record, expected, parser.last_format()),
        };
        judged.push(Judged { row, verdict });
    }
    judged
}

fn compare(
    line: &str,
    record: &RequestRecord<'_>,
    expected: &Expected,
    format: Option<&dyn Format>,
) -> Verdict {
    let name = format.map_or("", Format::name);
    let mut wrong = Vec::new();
    if !expected.formats.is_empty() && !expected.formats.contains(&name) {
        wrong.push(format!("read as {name}"));
    }
    let mut differ = |what: &str, read: &str, wanted: &Option<String>| {
        if let Some(wanted) = wanted
            && !same_text(what, read, wanted)
        {
            wrong.push(format!("{what} {read:?} and not {wanted:?}"));
        }
    };
    differ("method", &record.method, &expected.method);
    let target = match &record.query {
        Some(query) => format!("{}?{query}", record.path),
        None => record.path.to_string(),
    };
    differ("path", &target, &expected.target);
    differ(
        "user agent",
        record.user_agent.as_deref().unwrap_or(""),
        &expected.agent,
    );
    if let Some(status) = expected.status.filter(|status| *status != record.status) {
        wrong.push(format!("status {} and not {status}", record.status));
    }
    if let Some(bytes) = expected.bytes.filter(|bytes| Some(*bytes) != record.bytes_out) {
        wrong.push(format!("bytes {:?} and not {bytes}", record.bytes_out));
    }
    if let Some(time) = &expected.time {
        match moment(time) {
            Some(at) if at == record.at => {}
            // A suite that keeps whole seconds says nothing of the rest.
            Some(at) if !time.contains('.') && at.as_secs() == record.at.as_secs() => {}
            Some(at) => wrong.push(format!("time {} and not {at}", record.at)),
            None => wrong.push(format!("the suite's time {time:?} is none")),
        }
    }
    if expected.is_plausible {
        wrong.extend(absurd(record).map(str::to_owned));
    }
    let address = record
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    let differs = expected.address.as_ref().filter(|wanted| **wanted != address);
    let is_on_purpose = differs.is_some_and(|wanted| is_left_most(line, wanted));
    if let Some(wanted) = differs.filter(|_| !is_on_purpose) {
        wrong.push(format!("address {address} and not {wanted}"));
    }
    match (wrong.is_empty(), differs) {
        (true, Some(wanted)) => Verdict::OnPurpose(format!(
            "address {address}: {wanted} is the left-most entry of the forwarded chain, which the client writes"
        )),
        (true, None) => Verdict::Right,
        (false, _) => Verdict::Wrong(wrong.join("; ")),
    }
}

/// A text, once the gateway's own escapes are undone; a dash is nothing.
fn same_text(what: &str, read: &str, wanted: &str) -> bool {
    let wanted = if wanted == "-" { "" } else { wanted };
    // CloudFront encodes user agents with percent signs; in a path they are the client's own.
    read == wanted || read == undone(wanted, "\\x") || (what == "user agent" && read == undone(wanted, "%"))
}

fn undone(text: &str, mark: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        out.extend_from_slice(before.as_bytes());
        match after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.extend_from_slice(mark.as_bytes());
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the suite's address is the left-most of a forwarded chain that the line holds, with others behind it.
fn is_left_most(line: &str, wanted: &str) -> bool {
    let inner = envelope::unwrap(line).ok().flatten().map(|(_, inner)| inner);
    let texts = [Some(line), inner.as_deref()].into_iter().flatten();
    let mut tries = texts.flat_map(|text| FORMATS.iter().map(move |format| (*format, text)));
    tries.any(|(format, text)| {
        let raw = format.parse(text, &mut Memory::default());
        let chain = raw
            .ok()
            .and_then(|raw| raw.forwarded.map(std::borrow::Cow::into_owned));
        let entry = |text: &str| text.trim().trim_matches(['[', ']']).to_owned();
        chain.is_some_and(|chain| {
            chain
                .split_once(',')
                .is_some_and(|(first, _)| entry(first) == wanted)
        })
    })
}

/// What cannot be in a request that somebody's real server logged.
fn absurd(record: &RequestRecord<'_>) -> impl Iterator<Item = &'static str> {
    let year = record.at.to_string()[..4].parse::<u32>().unwrap_or(0);
    let is_target = record.path.starts_with('/') || record.path.contains("://") || record.path == "*";
    let checks = [
        (!(1995..2040).contains(&year), "absurd time"),
        (
            record.status != 0 && !(100..600).contains(&record.status),
            "absurd status",
        ),
        (!record.is_malformed && record.method.is_empty(), "no method"),
        (!record.is_malformed && !is_target, "absurd path"),
        (record.address.is_none(), "no address"),
        (record.is_ambiguous, "ambiguous"),
        (
            record.host.as_deref().is_some_and(|host| host.contains(' ')),
            "absurd host",
        ),
        (
            record.bytes_out.is_some_and(|bytes| bytes > 1 << 50),
            "absurd size",
        ),
    ];
    checks
        .into_iter()
        .filter(|(is_absurd, _)| *is_absurd)
        .map(|(_, what)| what)
}

/// A moment as suites write it. Ours is another reader on purpose.
fn moment(text: &str) -> Option<Timestamp> {
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    if text.get(2..3) == Some("/") {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let month = MONTHS.iter().position(|name| text.get(3..6) == Some(*name))?;
        let secs = digits(12, 14)? * 3600 + digits(15, 17)? * 60 + digits(18, 20)?;
        let millis = if text.get(20..21) == Some(".") {
            digits(21, 24)?
        } else {
            0
        };
        let year = i32::try_from(digits(7, 11)?).ok()?;
        let civil = Timestamp::from_civil(year, u32::try_from(month).ok()? + 1, digits(0, 2)?, secs, millis)?;
        let east = match text.split_once(' ') {
            Some((_, zone)) => {
                let number: i64 = zone.parse().ok()?;
                number / 100 * 3600 + number % 100 * 60
            }
            None => 0,
        };
        return Some(civil.minus_millis(east * 1000));
    }
    if let Ok(secs) = text.parse::<f64>() {
        #[allow(clippy::cast_possible_truncation, reason = "a suite's own time")]
        return Some(Timestamp::from_millis((secs * 1000.0).round() as i64));
    }
    let zoned = if text.ends_with('Z') || text.get(19..).is_some_and(|rest| rest.contains(['+', '-'])) {
        text.to_owned()
    } else {
        format!("{}Z", text.replace(['\t', ' '], "T"))
    };
    Timestamp::parse_rfc3339(&zoned)
}
