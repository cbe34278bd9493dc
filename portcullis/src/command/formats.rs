//! `portcullis formats`: the known formats; what one file is, field by field, and what it cannot show.

use super::parse::open;
use anyhow::Context;
use domain::{AddressSource, HashKey, RequestRecord};
use ingest::detect::SAMPLE_LINES;
use ingest::{Column, Detection, FORMATS, Format, LineBatch, Parser, ParserConfig, mask};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Routes are digested but never shown: any key does.
const KEY: HashKey = HashKey::new([0; 16]);

/// Keys that are named for one field; home-made JSON has many aliases.
const KEYS_MAX: usize = 3;

/// Characters that are shown of an example.
const EXAMPLE_CHARS_MAX: usize = 60;

/// Arguments of `portcullis formats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Says what one file is, field by field, and what it cannot show
    Explain {
        /// Log file, plain, .gz or .zst; `-` for standard input
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be opened or the results cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    let code = match &args.command {
        None => {
            list(&mut out)?;
            ExitCode::SUCCESS
        }
        Some(Command::Explain { file }) => explain(file, &mut out)?,
    };
    match io::stdout().lock().write_all(&out) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(code),
        written => written.map(|()| code).context("could not write what was found"),
    }
}

fn list(out: &mut impl Write) -> io::Result<()> {
    for format in FORMATS {
        writeln!(out, "{:<16} {}", format.name(), format.description())?;
    }
    writeln!(
        out,
        "\nWrappers of Vector, Fluent Bit, Filebeat, Docker, CRI and syslog are taken off by themselves."
    )
}

/// A field of a request: its name, the columns that may hold it, and its value in a record.
struct Field {
    name: &'static str,
    columns: &'static [Column],
    value: fn(&RequestRecord<'_>) -> Option<String>,
}

/// The fields in the order of the public contract.
const FIELDS: &[Field] = &[
    Field {
        name: "at",
        columns: &[Column::At],
        value: |record| Some(record.at.to_string()),
    },
    Field {
        name: "client",
        columns: &[Column::Peer, Column::Forwarded],
        value: |record| record.address.map(|address| address.to_string()),
    },
    Field {
        name: "method",
        columns: &[Column::Method, Column::RequestLine],
        value: |record| text(Some(&record.method)),
    },
    Field {
        name: "host",
        columns: &[Column::Host],
        value: |record| text(record.host.as_deref()),
    },
    Field {
        name: "path",
        columns: &[Column::Target, Column::Path, Column::RequestLine],
        value: |record| text(Some(&mask::url(&record.path))),
    },
    Field {
        name: "query",
        columns: &[Column::Query, Column::Target, Column::RequestLine],
        value: |record| text(record.query.as_deref().map(mask::query).as_deref()),
    },
    Field {
        name: "status",
        columns: &[Column::Status],
        value: |record| {
            Some(record.status)
                .filter(|status| *status != 0)
                .map(|status| status.to_string())
        },
    },
    Field {
        name: "bytes_in",
        columns: &[Column::BytesIn],
        value: |record| record.bytes_in.map(|bytes| bytes.to_string()),
    },
    Field {
        name: "bytes_out",
        columns: &[Column::BytesOut],
        value: |record| record.bytes_out.map(|bytes| bytes.to_string()),
    },
    Field {
        name: "duration_ms",
        columns: &[Column::Duration],
        value: |record| record.duration_ms.map(|millis| millis.to_string()),
    },
    Field {
        name: "upstream_ms",
        columns: &[Column::Upstream],
        value: |record| record.upstream_ms.map(|millis| millis.to_string()),
    },
    Field {
        name: "protocol",
        columns: &[Column::Protocol, Column::RequestLine],
        value: |record| text(record.protocol.as_deref()),
    },
    Field {
        name: "user_agent",
        columns: &[Column::UserAgent],
        value: |record| text(record.user_agent.as_deref()),
    },
    Field {
        name: "referer",
        columns: &[Column::Referer],
        value: |record| text(record.referer.as_deref().map(mask::url).as_deref()),
    },
    Field {
        name: "tls",
        columns: &[Column::Tls],
        value: |record| text(record.tls.as_deref()),
    },
    Field {
        name: "fingerprint",
        columns: &[Column::Fingerprint],
        value: |record| text(record.fingerprint.as_deref()),
    },
];

fn text(value: Option<&str>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What the first lines of a file hold of one field.
#[derive(Debug, Clone, Default)]
struct Tally {
    filled: usize,
    example: Option<String>,
}

/// Explains a file from its first lines; exit code 1 when no format reads any of them.
fn explain(path: &Path, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut reader = open(path, 0)?;
    let mut batch = LineBatch::default();
    reader.fill(&mut batch);
    let detection = ingest::detect(batch.lines().take(SAMPLE_LINES).map(|line| line.bytes));
    let mut parser = Parser::new(ParserConfig::new(KEY));
    let Some(detection) = detection else {
        for line in batch.lines().take(SAMPLE_LINES) {
            let _ = parser.parse(line.bytes, line.position);
        }
        writeln!(
            out,
            "{}: no known format reads any of its first lines",
            api::neutralise(&path.to_string_lossy())
        )?;
        write_rejects(&parser, out)?;
        return Ok(ExitCode::FAILURE);
    };
    parser.begin_with(&detection);
    let mut tallies = vec![Tally::default(); FIELDS.len()];
    let (mut read, mut claimed) = (0, 0);
    for line in batch.lines().take(SAMPLE_LINES) {
        if let Ok(record) = parser.parse(line.bytes, line.position) {
            read += 1;
            claimed += usize::from(record.address_source == AddressSource::Claimed);
            tally(&record, &mut tallies);
        }
    }
    write_summary(path, &detection, out)?;
    write_fields(&detection, &tallies, read, out)?;
    if claimed > 0 {
        writeln!(
            out,
            "\nin {claimed} of {read} lines the client is only claimed: it is shown, and never acted on"
        )?;
    }
    writeln!(out, "\nwhat this format cannot show:")?;
    for sentence in lost_in(&[detection.format]) {
        writeln!(out, "  {sentence}")?;
    }
    write_rejects(&parser, out)?;
    Ok(ExitCode::SUCCESS)
}

/// What none of the formats can show.
pub(crate) fn lost_in(formats: &[&dyn Format]) -> Vec<&'static str> {
    let mut spots = formats.iter().map(|format| format.blind_spots());
    let mut lost = spots.next().unwrap_or_default();
    for others in spots {
        lost.retain(|sentence| others.contains(sentence));
    }
    lost
}

fn tally(record: &RequestRecord<'_>, tallies: &mut [Tally]) {
    for (field, tally) in FIELDS.iter().zip(tallies) {
        if let Some(value) = (field.value)(record) {
            tally.filled += 1;
            tally.example.get_or_insert(value);
        }
    }
}

fn write_summary(path: &Path, detection: &Detection, out: &mut impl Write) -> io::Result<()> {
    let format = detection.format;
    writeln!(
        out,
        "{}: {} ({})",
        api::neutralise(&path.to_string_lossy()),
        format.name(),
        format.description()
    )?;
    writeln!(
        out,
        "read {} of its first {} lines",
        detection.parsed, detection.sampled
    )?;
    if !detection.envelopes.is_empty() {
        let wrappers: Vec<&str> = detection
            .envelopes
            .iter()
            .map(|envelope| envelope.as_str())
            .collect();
        writeln!(out, "wrapped in: {}", wrappers.join(", then "))?;
    }
    Ok(())
}

fn write_fields(
    detection: &Detection,
    tallies: &[Tally],
    read: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "\n{:<12} {:>8}  {:<44} example", "field", "filled", "from")?;
    let carried = detection.format.columns();
    for (field, tally) in FIELDS.iter().zip(tallies) {
        let keys: Vec<&str> = carried
            .iter()
            .filter(|(column, _)| field.columns.contains(column))
            .map(|(_, key)| key.as_str())
            .collect();
        let filled = match (keys.is_empty(), read) {
            (true, _) | (_, 0) => "-".to_owned(),
            (false, read) => format!("{}%", tally.filled * 100 / read),
        };
        let from = match keys.len() {
            0 => "not in this format".to_owned(),
            len if len > KEYS_MAX => format!("{}, …", keys[..KEYS_MAX].join(", ")),
            _ => keys.join(", "),
        };
        let example: String = tally
            .example
            .iter()
            .flat_map(|text| text.chars())
            .take(EXAMPLE_CHARS_MAX)
            .collect();
        let line = format!(
            "{:<12} {filled:>8}  {from:<44} {}",
            field.name,
            api::neutralise(&example)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_rejects(parser: &Parser, out: &mut impl Write) -> io::Result<()> {
    if parser.rejects().total() == 0 {
        return Ok(());
    }
    writeln!(out, "\nrejected:")?;
    for sample in parser.rejects().samples() {
        writeln!(out, "  line {}: {}", sample.position.line, sample.reject)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> (String, bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        std::fs::write(&path, text).expect("a file");
        let mut out = Vec::new();
        let code = explain(&path, &mut out).expect("a file that can be read");
        (String::from_utf8(out).expect("text"), code == ExitCode::SUCCESS)
    }

    #[test]
    fn every_format_is_listed() {
        let mut out = Vec::new();
        list(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(FORMATS.iter().all(|format| text.contains(format.name())));
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
            "line 2: ",
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
