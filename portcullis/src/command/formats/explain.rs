//! What one file is: its format, its fields, three of its lines, what cannot be read, what cannot be seen.

use super::field::{FIELDS, Field};
use crate::command::parse::open;
use crate::wiring::format_choice;
use domain::{AddressSource, HashKey, RequestRecord, ThreatKind};
use ingest::detect::SAMPLE_LINES;
use ingest::{
    Column, Detection, Format, FormatChoice, IdentityPolicy, LineBatch, Loss, NamedIdentity, Parser,
    ParserConfig,
};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Routes are digested but never shown: any key does.
const KEY: HashKey = HashKey::new([0; 16]);

/// Keys that are named for one field; home-made JSON has many aliases.
const KEYS_MAX: usize = 3;

/// Characters that are shown of an example.
const EXAMPLE_CHARS_MAX: usize = 60;

/// Characters that are shown of the names under which a line holds a field.
const FROM_CHARS_MAX: usize = 43;

/// Characters that are shown of a field of one line.
const VALUE_CHARS_MAX: usize = 100;

/// Lines that are shown field by field.
const LINES_SHOWN: usize = 3;

/// What the first lines of a file hold of one field.
#[derive(Debug, Clone, Default)]
struct Tally {
    filled: usize,
    example: Option<String>,
}

/// What the first lines of a file are.
struct Sample {
    tallies: Vec<Tally>,
    read: usize,
    claimed: usize,
    ambiguous: usize,
    /// Which name of the lines' was taken for what.
    taken: Vec<(Column, String)>,
    /// The first lines that were read: their numbers and fields.
    shown: Vec<(u64, Vec<(&'static str, String)>)>,
}

/// Explains a file from its first lines; exit code 1 when no format reads any of them.
pub(super) fn explain(path: &Path, format: &str, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let choice = format_choice(format)?;
    let is_chosen = !matches!(choice, FormatChoice::Auto);
    let mut reader = open(path, 0)?;
    let mut batch = LineBatch::default();
    reader.fill(&mut batch);
    let detection = ingest::detect(batch.lines().take(SAMPLE_LINES).map(|line| line.bytes));
    let mut parser = Parser::new(ParserConfig {
        format: choice,
        // Whatever name a line carries is to be seen.
        identity: IdentityPolicy::preferring(NamedIdentity::ALL.to_vec()),
        ..ParserConfig::new(KEY)
    });
    if let Some(detection) = &detection {
        parser.begin_with(detection);
    }
    let sample = Sample::read(&batch, &mut parser);
    let name = api::neutralise(&path.to_string_lossy()).into_owned();
    let Some(format) = parser.last_format().filter(|_| sample.read > 0) else {
        writeln!(out, "{name}: no known format reads any of its first lines")?;
        write_rejects(&parser, out)?;
        writeln!(
            out,
            "\n`portcullis formats` lists the known formats, and shows how one of your own is written down."
        )?;
        return Ok(ExitCode::FAILURE);
    };
    write_summary(
        &name,
        format,
        detection.as_ref().filter(|_| !is_chosen),
        &sample,
        &parser,
        out,
    )?;
    write_fields(format, &sample, out)?;
    write_lines(&sample, out)?;
    write_rejects(&parser, out)?;
    write_warnings(format, &sample, out)?;
    write_losses(format, &sample, out)?;
    Ok(ExitCode::SUCCESS)
}

impl Sample {
    fn read(batch: &LineBatch, parser: &mut Parser) -> Self {
        let mut sample = Self {
            tallies: vec![Tally::default(); FIELDS.len()],
            read: 0,
            claimed: 0,
            ambiguous: 0,
            taken: Vec::new(),
            shown: Vec::new(),
        };
        for line in batch.lines().take(SAMPLE_LINES) {
            let Ok(record) = parser.parse(line.bytes, line.position) else {
                continue;
            };
            sample.add(line.position.line, &record);
            if let Some(format) = parser.last_format() {
                let taken = ingest::mapping(format, line.bytes);
                let new = taken.into_iter().filter(|pair| !sample.taken.contains(pair));
                let new: Vec<_> = new.collect();
                sample.taken.extend(new);
            }
        }
        sample
    }

    fn add(&mut self, line: u64, record: &RequestRecord<'_>) {
        self.read += 1;
        self.claimed += usize::from(record.address_source == AddressSource::Claimed);
        self.ambiguous += usize::from(record.is_ambiguous);
        let mut fields = Vec::new();
        for (field, tally) in FIELDS.iter().zip(&mut self.tallies) {
            if let Some(value) = (field.value)(record) {
                tally.filled += 1;
                fields.push((field.name, value.clone()));
                tally.example.get_or_insert(value);
            }
        }
        if self.shown.len() < LINES_SHOWN {
            self.shown.push((line, fields));
        }
    }

    /// The columns that the format carries and the file fills.
    fn filled(&self, format: &dyn Format) -> Vec<(Column, String)> {
        let is_shown = |column: Column| {
            let mut fields = FIELDS.iter().zip(&self.tallies);
            fields.any(|(field, tally)| field.columns.contains(&column) && tally.filled > 0)
        };
        let is_filled = |column: Column| match column {
            Column::Peer => self.claimed < self.read,
            // What no proxy forwarded is no loss.
            Column::Forwarded => true,
            other => is_shown(other),
        };
        let mut columns = format.columns();
        columns.retain(|(column, _)| is_filled(*column));
        columns
    }
}

fn write_summary(
    name: &str,
    format: &dyn Format,
    detection: Option<&Detection>,
    sample: &Sample,
    parser: &Parser,
    out: &mut impl Write,
) -> io::Result<()> {
    let provenance = format.provenance();
    writeln!(out, "{name}: {} ({})", format.name(), format.description())?;
    writeln!(
        out,
        "how we know the format: {}, {}",
        provenance.tier.as_str(),
        provenance.source
    )?;
    let lines = sample.read as u64 + parser.rejects().total();
    writeln!(out, "read {} of its first {lines} lines", sample.read)?;
    let envelopes = detection.map_or(&[][..], |detection| &detection.envelopes);
    if !envelopes.is_empty() {
        let wrappers: Vec<&str> = envelopes.iter().map(|envelope| envelope.as_str()).collect();
        writeln!(out, "wrapped in: {}", wrappers.join(", then "))?;
    }
    Ok(())
}

fn write_fields(format: &dyn Format, sample: &Sample, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{:<12} {:>8}  {:<44} example", "field", "filled", "from")?;
    let carried = format.columns();
    for (field, tally) in FIELDS.iter().zip(&sample.tallies) {
        // What was taken says more than what could have been.
        let from = keys_of(field, &sample.taken).or_else(|| keys_of(field, &carried));
        let filled = match (&from, sample.read) {
            (None, _) | (_, 0) => "-".to_owned(),
            (Some(_), read) => format!("{}%", tally.filled * 100 / read),
        };
        let line = format!(
            "{:<12} {filled:>8}  {:<44} {}",
            field.name,
            shown(from.as_deref().unwrap_or("not in this format"), FROM_CHARS_MAX),
            shown(tally.example.as_deref().unwrap_or(""), EXAMPLE_CHARS_MAX)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The names under which a line holds a field.
fn keys_of(field: &Field, carried: &[(Column, String)]) -> Option<String> {
    let keys: Vec<&str> = carried
        .iter()
        .filter(|(column, _)| field.columns.contains(column))
        .map(|(_, key)| key.as_str())
        .collect();
    match keys.len() {
        0 => None,
        len if len > KEYS_MAX => Some(format!("{}, …", keys[..KEYS_MAX].join(", "))),
        _ => Some(keys.join(", ")),
    }
}

/// The beginning of a value, harmless to a terminal.
fn shown(value: &str, chars_max: usize) -> String {
    let head: String = value.chars().take(chars_max).collect();
    let tail = if head.len() < value.len() { "…" } else { "" };
    format!("{}{tail}", api::neutralise(&head))
}

fn write_lines(sample: &Sample, out: &mut impl Write) -> io::Result<()> {
    for (line, fields) in &sample.shown {
        writeln!(out, "\nline {line}:")?;
        for (name, value) in fields {
            writeln!(out, "  {name:<12} {}", shown(value, VALUE_CHARS_MAX))?;
        }
    }
    Ok(())
}

fn write_rejects(parser: &Parser, out: &mut impl Write) -> io::Result<()> {
    let rejects = parser.rejects();
    if rejects.total() == 0 {
        return Ok(());
    }
    writeln!(out, "\nnot read, {} lines:", rejects.total())?;
    for sample in rejects.samples() {
        writeln!(out, "  line {}: {}", sample.position.line, sample.reject)?;
        writeln!(
            out,
            "    {}",
            ingest::mask::url(&shown(&sample.text, VALUE_CHARS_MAX))
        )?;
    }
    Ok(())
}

fn write_warnings(format: &dyn Format, sample: &Sample, out: &mut impl Write) -> io::Result<()> {
    if sample.claimed > 0 {
        writeln!(
            out,
            "\nin {} of {} lines the client is only claimed: it is shown, and never acted on",
            sample.claimed, sample.read
        )?;
    }
    if format.is_forgeable() {
        writeln!(
            out,
            "\n{} writes what clients send into this format as it stands, so that a quote in a user agent shifts the \
             fields after it:\nwhoever is named by such a line is shown to people, and never acted on",
            format.gateway().as_str()
        )?;
    } else if sample.ambiguous > 0 {
        writeln!(
            out,
            "\n{} of {} lines can be read in more than one way: they are shown, and never acted on",
            sample.ambiguous, sample.read
        )?;
    }
    Ok(())
}

/// What the fields that are there do not show, the threats that are missed, and the configuration that would add them.
fn write_losses(format: &dyn Format, sample: &Sample, out: &mut impl Write) -> io::Result<()> {
    let advice = format.gateway().advice();
    writeln!(out, "\nwhat this log cannot show:")?;
    let known = format.losses();
    // What only this format leaves open: a zone, an address that somebody else made out.
    let mut own = format.blind_spots();
    own.retain(|sentence| known.iter().all(|loss| loss.sentence != *sentence));
    for sentence in own {
        writeln!(out, "  {sentence}")?;
    }
    let mut can_be_added = format.is_forgeable();
    for loss in ingest::format::losses(&sample.filled(format), format.resolution_millis()) {
        writeln!(out, "  {}", loss.sentence)?;
        if let Some(threats) = threats(loss) {
            writeln!(out, "    threats missed or seen late: {threats}")?;
        }
        let line = advice.and_then(|advice| loss.columns.iter().find_map(|column| advice.line(*column)));
        if let Some(line) = line {
            can_be_added = true;
            writeln!(out, "    to add it: {line}")?;
        }
    }
    match advice.filter(|_| can_be_added) {
        Some(advice) => writeln!(
            out,
            "\neverything at once, in the configuration of {}:\n\n{}",
            format.gateway().as_str(),
            advice.recommended.trim_end()
        ),
        None => Ok(()),
    }
}

fn threats(loss: &Loss) -> Option<String> {
    if loss.threats.is_empty() {
        return None;
    }
    if loss.threats.len() == ThreatKind::ALL.len() {
        return Some("all, as far as somebody is to be blocked".to_owned());
    }
    let names: Vec<&str> = loss.threats.iter().map(|threat| threat.as_str()).collect();
    Some(names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> (String, bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        std::fs::write(&path, text).expect("a file");
        let mut out = Vec::new();
        let code = explain(&path, "auto", &mut out).expect("a file that can be read");
        (String::from_utf8(out).expect("text"), code == ExitCode::SUCCESS)
    }

    #[test]
    fn a_file_is_explained_field_by_field() {
        let line = r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET /x?token=s3cret HTTP/1.1" 200 5 "-" "curl/8""#;
        let (text, is_known) = explained(&format!("{line}\nrubbish\n"));
        assert!(is_known);
        for part in [
            "nginx_combined",
            "read 1 of its first 2 lines",
            "token=***",
            "which virtual host",
            "line 2: no known format",
            "threats missed or seen late: token_abuse",
            "to add it: \"request_time\":$request_time in log_format",
            "log_format portcullis escape=json",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains("s3cret"));
    }

    #[test]
    fn an_unknown_file_is_said_to_be_unknown() {
        let (text, is_known) = explained("a b c\n");
        assert!(!is_known);
        assert!(
            text.contains("no known format: 3 fields where nginx_combined has 9"),
            "{text}"
        );
    }
}
