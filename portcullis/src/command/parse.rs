//! `portcullis parse`: one JSON object per line of a log: what was read from it, or why it was rejected.

use crate::openapi;
use crate::wiring::{format_choice, named_identity};
use anyhow::Context;
use domain::{AddressSource, Client, Documented, HashKey, Position, RequestRecord, TrustedProxies};
use ingest::detect::SAMPLE_LINES;
use ingest::route::{self, DocumentedRoutes, PathId};
use ingest::{
    FormatChoice, IdentityPolicy, LineBatch, LineReader, NamedIdentity, Networks, Parser, ParserConfig,
    Reason, Reject, mask,
};
use ipnet::IpNet;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Nothing that this command writes depends on the key, but for the hashes that stand for API keys.
const KEY: HashKey = HashKey::new(*b"portcullis parse");

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 18;

/// Arguments of `portcullis parse`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Format of the lines; `portcullis formats` lists them
    #[arg(long, value_name = "NAME", default_value = "auto")]
    format: String,
    /// Show secrets in queries and URLs instead of masking them
    #[arg(long)]
    unmasked: bool,
    /// Proxies whose word about the next hop is believed, as ranges
    #[arg(long, value_name = "RANGE")]
    trusted_proxy: Vec<IpNet>,
    /// Database of autonomous systems, in MaxMind's format (GeoLite2-ASN or one like it), to name the client's
    #[arg(long, value_name = "FILE")]
    networks: Option<PathBuf>,
    /// Document of OpenAPI 3 or Swagger 2 that names your API's routes; may be given several times
    #[arg(long, value_name = "FILE")]
    openapi: Vec<PathBuf>,
    /// Show what was taken out of paths: the segment from 0, the kind, the number or a hash
    #[arg(long)]
    ids: bool,
    /// Names to take for the client before its address: consumer, subject, api_key, session, certificate
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = named_identity)]
    identity: Vec<NamedIdentity>,
    /// Log files, plain, .gz or .zst; `-` or none for standard input
    files: Vec<PathBuf>,
}

/// Runs the command. A file that cannot be read is reported, the others are read, and the exit code says so.
///
/// # Errors
/// When the format is not known or the results cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = args.parser()?;
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &standard_input
    } else {
        args.files.as_slice()
    };
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut is_whole = true;
    for (source, path) in files.iter().enumerate() {
        let source = u32::try_from(source).context("more files than sources can be numbered")?;
        let file = (files.len() > 1).then_some(path.as_path());
        match open(path, source) {
            Ok(mut reader) => {
                let written = write_file(&mut reader, &config, args.shown(file), &mut out);
                match written.and_then(|()| out.flush()) {
                    // A reader that has seen enough (`| head`) is no failure.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                    written => written.context("could not write what was read")?,
                }
                if let Some(problem) = reader.problem() {
                    tell(&problem.to_string());
                    is_whole = false;
                }
            }
            Err(problem) => {
                tell(&problem.to_string());
                is_whole = false;
            }
        }
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Args {
    fn shown<'a>(&self, file: Option<&'a Path>) -> Shown<'a> {
        Shown {
            unmasked: self.unmasked,
            ids: self.ids,
            file,
        }
    }

    fn parser(&self) -> anyhow::Result<ParserConfig> {
        openapi::set(&self.openapi)?;
        Ok(ParserConfig {
            format: format_choice(&self.format)?,
            trusted: TrustedProxies::new(self.trusted_proxy.clone()),
            identity: IdentityPolicy::preferring(self.identity.clone()),
            networks: self.networks.as_deref().map(Networks::open).transpose()?,
            documents: openapi::in_force().cloned(),
            ..ParserConfig::new(KEY)
        })
    }
}

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path, source: u32) -> Result<LineReader, ingest::SourceError> {
    if path.as_os_str() == "-" {
        LineReader::stdin(source)
    } else {
        LineReader::open(path, source)
    }
}

/// Writes a problem to standard error: results alone go to standard output.
fn tell(problem: &str) {
    let _ = writeln!(io::stderr(), "{}", api::neutralise(problem));
}

/// What is shown of a line beside what always is.
#[derive(Debug, Clone, Copy, Default)]
struct Shown<'a> {
    unmasked: bool,
    ids: bool,
    /// The file that it is from, where there are several.
    file: Option<&'a Path>,
}

/// Writes one object for each line of a file, in order.
fn write_file(
    reader: &mut LineReader,
    config: &ParserConfig,
    shown: Shown<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut parser = Parser::new(config.clone());
    let mut batch = LineBatch::default();
    let mut is_first = true;
    while reader.fill(&mut batch) {
        if is_first && matches!(config.format, FormatChoice::Auto) {
            let sample = batch.lines().take(SAMPLE_LINES).map(|line| line.bytes);
            if let Some(detection) = ingest::detect(sample) {
                parser.begin_with(&detection);
            }
        }
        is_first = false;
        for line in batch.lines() {
            let result = if line.is_cut {
                Err(Reject::from(Reason::TooLong))
            } else {
                parser.parse(line.bytes, line.position)
            };
            let format = parser.last_format().map_or("", |format| format.name());
            let object = match &result {
                Ok(record) => read_object(record, format, shown)?,
                Err(reject) => rejected_object(*reject, line.position, shown.file)?,
            };
            out.write_all(object.as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct IdentityForm<'a> {
    kind: &'static str,
    value: Cow<'a, str>,
}

/// A line that was read. The order of the fields is public; what follows `identity` stands only where it is so.
#[derive(Serialize)]
struct ReadForm<'a> {
    line: u64,
    format: &'a str,
    at: String,
    client: Option<String>,
    method: Option<&'a str>,
    host: Option<&'a str>,
    path: Option<Cow<'a, str>>,
    query: Option<Cow<'a, str>>,
    route: String,
    status: Option<u16>,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    duration_ms: Option<f32>,
    upstream_ms: Option<f32>,
    protocol: Option<&'a str>,
    user_agent: Option<&'a str>,
    referer: Option<Cow<'a, str>>,
    tls: Option<&'a str>,
    fingerprint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
    identity: IdentityForm<'a>,
    #[serde(skip_serializing_if = "is_false")]
    claimed: bool,
    #[serde(skip_serializing_if = "is_false")]
    malformed: bool,
    #[serde(skip_serializing_if = "is_false")]
    ambiguous: bool,
    #[serde(skip_serializing_if = "is_false")]
    undocumented: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<IdForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
}

/// What was taken out of a path: its segment from 0, what it looks like, its number or its hash.
#[derive(Serialize)]
struct IdForm {
    position: u8,
    kind: &'static str,
    #[serde(flatten)]
    value: IdValue,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum IdValue {
    Number(u64),
    Hash(String),
}

/// A line that was rejected.
#[derive(Serialize)]
struct RejectedForm<'a> {
    line: u64,
    rejected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn read_object(record: &RequestRecord<'_>, format: &str, shown: Shown<'_>) -> io::Result<String> {
    let url = |text| {
        if shown.unmasked {
            Cow::Borrowed(text)
        } else {
            mask::url(text)
        }
    };
    let query = |text| {
        if shown.unmasked {
            Cow::Borrowed(text)
        } else {
            mask::query(text)
        }
    };
    let present = |text: &'_ str| !text.is_empty();
    to_line(&ReadForm {
        line: record.position.line,
        format,
        at: record.at.to_string(),
        client: record.address.map(|address| address.to_string()),
        method: Some(&*record.method).filter(|text| present(text)),
        host: record.host.as_deref(),
        path: Some(&*record.path).filter(|text| present(text)).map(url),
        query: record.query.as_deref().map(query),
        route: openapi::template(&record.path),
        status: Some(record.status).filter(|status| *status != 0),
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        duration_ms: record.duration_ms,
        upstream_ms: record.upstream_ms,
        protocol: record.protocol.as_deref(),
        user_agent: record.user_agent.as_deref(),
        referer: record.referer.as_deref().map(url),
        tls: record.tls.as_deref(),
        fingerprint: record.fingerprint.as_deref(),
        network: record.network,
        identity: identity(&record.client),
        claimed: record.address_source == AddressSource::Claimed,
        malformed: record.is_malformed,
        ambiguous: record.is_ambiguous,
        undocumented: record.route.documented == Documented::No,
        ids: if shown.ids { ids(&record.path) } else { Vec::new() },
        file: shown.file.map(Path::to_string_lossy),
    })
}

/// The ids of a path. Their hashes tell equal ones apart from others, and not what they are.
fn ids(path: &str) -> Vec<IdForm> {
    let catalogue = openapi::in_force().map(DocumentedRoutes::catalogue);
    let form = |id: PathId| IdForm {
        position: id.position,
        kind: id.kind.as_str(),
        value: match id.object.number {
            Some(number) => IdValue::Number(number),
            None => IdValue::Hash(format!("{:016x}", id.object.hash)),
        },
    };
    route::ids(path, catalogue.as_deref(), &KEY).map(form).collect()
}

fn identity(client: &Client) -> IdentityForm<'_> {
    IdentityForm {
        kind: client.scope().as_str(),
        value: client.value(),
    }
}

fn rejected_object(reject: Reject, position: Position, file: Option<&Path>) -> io::Result<String> {
    let file = file.map(Path::to_string_lossy);
    to_line(&RejectedForm {
        line: position.line,
        rejected: reject.to_string(),
        file,
    })
}

/// One line of JSON in which a terminal finds nothing to obey: what JSON does not have to escape and terminals or
/// readers act on is escaped all the same, so that the value stays what it was.
fn to_line(form: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(form)?;
    if json.is_ascii() && !json.contains('\u{7f}') {
        return Ok(json);
    }
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\u{7f}' || is_acted_on(character) {
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
    Ok(line)
}

/// C1 controls, line separators, bidirectional and invisible marks.
fn is_acted_on(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_unmasked: bool, expected: &[&str]) {
        let shown = Shown {
            unmasked: is_unmasked,
            ..Shown::default()
        };
        let input = io::Cursor::new(text.to_owned().into_bytes());
        let mut reader = LineReader::from_reader(Box::new(input), "test", 0).expect("a source");
        let mut out = Vec::new();
        write_file(&mut reader, &ParserConfig::new(KEY), shown, &mut out).expect("memory");
        let lines: Vec<&str> = std::str::from_utf8(&out).expect("text").lines().collect();
        assert_eq!(lines, expected);
    }

    const LINE: &str = concat!(
        r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET /users/7?a=b&token=s3cret HTTP/1.1" 200 512 "-" "curl/8.7.1""#,
        "\n"
    );

    #[test]
    fn a_line_becomes_the_object_of_the_public_contract() {
        let expected = concat!(
            r#"{"line":1,"format":"nginx_combined","at":"2026-11-22T23:48:42Z","client":"203.0.113.9","method":"GET","#,
            r#""host":null,"path":"/users/7","query":"a=b&token=QUERY","route":"/users/{id}","status":200,"#,
            r#""bytes_in":null,"bytes_out":512,"duration_ms":null,"upstream_ms":null,"protocol":"HTTP/1.1","#,
            r#""user_agent":"curl/8.7.1","referer":null,"tls":null,"fingerprint":null,"identity":{"kind":"ip","value":"203.0.113.9"}}"#,
        );
        check(LINE, false, &[&expected.replace("QUERY", "***")]);
        check(LINE, true, &[&expected.replace("QUERY", "s3cret")]);
    }

    #[test]
    fn ids_are_shown_where_they_are_asked_for() {
        let line = LINE.replace("/users/7", "/users/7/files/5203a7e7f00d");
        let mut out = Vec::new();
        let input = Box::new(io::Cursor::new(line.into_bytes()));
        let mut reader = LineReader::from_reader(input, "test", 0).expect("a source");
        let shown = Shown {
            ids: true,
            ..Shown::default()
        };
        write_file(&mut reader, &ParserConfig::new(KEY), shown, &mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let hash = KEY.hash(b"5203a7e7f00d".as_slice());
        let expected = format!(
            r#","ids":[{{"position":1,"kind":"number","number":7}},{{"position":3,"kind":"hex","hash":"{hash:016x}"}}]}}"#
        );
        assert!(text.trim_end().ends_with(&expected), "{text}");
    }

    #[test]
    fn a_rejected_line_says_why_and_the_next_is_read() {
        let text = format!(
            "three short words\n\n{}",
            "x".repeat(ingest::source::LINE_BYTES_MAX + 1)
        );
        check(
            &text,
            false,
            &[
                r#"{"line":1,"rejected":"no known format: 3 fields where nginx_combined has 9"}"#,
                r#"{"line":2,"rejected":"empty line"}"#,
                r#"{"line":3,"rejected":"line longer than 1048576 bytes"}"#,
            ],
        );
    }

    #[test]
    fn nothing_in_the_output_moves_a_terminal() {
        let hostile = LINE.replace("curl/8.7.1", "\\x1b[2J\u{9b}1m\u{202e}\u{7f}é");
        let mut reader = LineReader::from_reader(Box::new(io::Cursor::new(hostile.into_bytes())), "test", 0)
            .expect("a source");
        let mut out = Vec::new();
        write_file(&mut reader, &ParserConfig::new(KEY), Shown::default(), &mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains(r#""user_agent":"\u001b[2J\u009b1m\u202e\u007fé""#),
            "{text}"
        );
    }
}
