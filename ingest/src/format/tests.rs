//! Every format against its fixtures, through its own rendering, and against hostile input.

use super::*;
use crate::{FormatChoice, IdentityPolicy, NamedIdentity, Parser, ParserConfig};
use domain::{AddressSource, Client, HashKey, Position, Route, Scope, Timestamp, TrustedProxies};
use proptest::prelude::*;
use std::borrow::Cow;
use std::fmt::Write;

const KEY: HashKey = HashKey::new([7; 16]);

fn parser_of(format: &'static dyn Format) -> Parser {
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Named(format),
        ..ParserConfig::new(KEY)
    });
    for line in format.header().iter().flat_map(|header| header.lines()) {
        let _ = parser.parse(line.as_bytes(), Position::default());
    }
    parser
}

/// What was read from a line, as the fixtures write it: only what is there.
fn describe(line: &str, parser: &mut Parser) -> String {
    let record = match parser.parse(line.as_bytes(), Position::default()) {
        Ok(record) => record,
        Err(reject) => return format!("rejected: {reject}"),
    };
    let mut out = format!(
        "{} {} ({:?}) {}",
        record.at, record.client, record.address_source, record.status
    );
    let mut text = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(out, " {name}={value:?}");
        }
    };
    text(
        "method",
        Some(&record.method)
            .filter(|method| !method.is_empty())
            .map(|method| &**method),
    );
    text("host", record.host.as_deref());
    text("path", Some(&record.path));
    text("query", record.query.as_deref());
    text("protocol", record.protocol.as_deref());
    text("user_agent", record.user_agent.as_deref());
    text("referer", record.referer.as_deref());
    text("tls", record.tls.as_deref());
    text("fingerprint", record.fingerprint.as_deref());
    let mut number = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(out, " {name}={value}");
        }
    };
    number("bytes_in", record.bytes_in.map(|bytes| bytes.to_string()));
    number("bytes_out", record.bytes_out.map(|bytes| bytes.to_string()));
    number("duration_ms", record.duration_ms.map(|millis| millis.to_string()));
    number("upstream_ms", record.upstream_ms.map(|millis| millis.to_string()));
    number("malformed", record.is_malformed.then(|| "yes".to_owned()));
    number("ambiguous", record.is_ambiguous.then(|| "yes".to_owned()));
    out
}

fn fixture_path(format: &dyn Format) -> String {
    format!("{}/fixtures/{}.txt", env!("CARGO_MANIFEST_DIR"), format.name())
}

fn fixture(format: &dyn Format) -> String {
    let path = fixture_path(format);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("every format has fixtures: {path}: {error}"))
}

/// The lines of a fixture file that begin with `> `.
fn fixture_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("> "))
}

/// Set to write the fixtures' expectations anew; then read the difference before you commit it.
const UPDATE: &str = "PORTCULLIS_UPDATE_FIXTURES";

#[test]
fn every_format_reads_its_fixtures() {
    for format in FORMATS {
        let text = fixture(*format);
        let mut read = String::new();
        let mut parser = parser_of(*format);
        for line in fixture_lines(&text) {
            let _ = writeln!(read, "> {line}\n  {}", describe(line, &mut parser));
        }
        assert!(!read.is_empty(), "{} has no fixtures", format.name());
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(fixture_path(*format), &read).expect("fixtures can be written");
            continue;
        }
        for (expected, read) in text.lines().zip(read.lines()) {
            assert_eq!(
                expected,
                read,
                "{}: {UPDATE}=1 accepts what was read",
                format.name()
            );
        }
        assert_eq!(
            text.len(),
            read.len(),
            "{}: {UPDATE}=1 accepts what was read",
            format.name()
        );
    }
}

#[test]
fn names_are_unique_and_found() {
    for format in FORMATS {
        let found = by_name(format.name()).map(Format::description);
        assert_eq!(found, Some(format.description()), "{}", format.name());
    }
}

#[test]
fn every_format_says_what_it_cannot_show() {
    for format in FORMATS {
        assert!(!format.blind_spots().is_empty(), "{}", format.name());
        let columns = format.columns();
        let has = |wanted: Column| columns.iter().any(|(column, _)| *column == wanted);
        for needed in [Column::At, Column::Status] {
            assert!(has(needed), "{} {needed:?}", format.name());
        }
        // A format without a peer says at least who the client claims to be.
        assert!(has(Column::Peer) || has(Column::Forwarded), "{}", format.name());
    }
    let blind = by_name("nginx_combined").expect("a known format").blind_spots();
    assert!(blind.iter().any(|sentence| sentence.contains("virtual host")));
}

/// A request as a gateway could have logged it.
fn any_record() -> impl Strategy<Value = RequestRecord<'static>> {
    let text = "[ -~]{1,30}|[\\PC]{1,10}|[\\x01-\\x7f]{1,10}";
    let optional = move |pattern: &'static str| proptest::option::of(pattern);
    let moment = 0i64..4_102_444_800_000;
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(std::net::IpAddr::from)
    ];
    let request = (
        "[A-Z]{1,10}",
        "/[!->@-~]{0,40}|/[\\PC&&[^?\\s]]{0,10}",
        optional("[!-~]{0,30}"),
    );
    let numbers = (
        0u16..1000,
        optional_number(),
        optional_number(),
        optional_millis(),
        optional_millis(),
    );
    let texts = (
        optional("[a-z]{1,8}\\.example"),
        optional(text),
        optional(text),
        optional("TLSv1\\.[23]"),
        optional("t13d[0-9a-f]{6}_[0-9a-f]{12}_[0-9a-f]{12}"),
    );
    (moment, address, request, numbers, texts).prop_map(|(millis, address, request, numbers, texts)| {
        RequestRecord {
            at: Timestamp::from_millis(millis),
            client: Client::from_address(address),
            former: None,
            claim: None,
            address: Some(address.to_canonical()),
            address_source: AddressSource::Peer,
            method: Cow::Owned(request.0),
            host: texts.0.map(Cow::Owned),
            path: Cow::Owned(request.1),
            query: request.2.map(Cow::Owned),
            route: Route::default(),
            status: numbers.0,
            bytes_in: numbers.1,
            bytes_out: numbers.2,
            duration_ms: numbers.3,
            upstream_ms: numbers.4,
            protocol: Some(Cow::Borrowed("HTTP/1.1")),
            user_agent: texts.1.map(Cow::Owned),
            referer: texts.2.map(Cow::Owned),
            tls: texts.3.map(Cow::Owned),
            fingerprint: texts.4.map(Cow::Owned),
            network: None,
            is_malformed: false,
            is_ambiguous: false,
            is_stopped: false,
            position: Position { source: 3, line: 9 },
        }
    })
}

fn optional_number() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(0..1u64 << 53)
}

/// Whole milliseconds: what survives every unit in which they are logged.
fn optional_millis() -> impl Strategy<Value = Option<f32>> {
    proptest::option::of((0u16..60_000).prop_map(f32::from))
}

/// Leaves of a record what the format carries.
fn reduce<'a>(mut record: RequestRecord<'a>, format: &dyn Format) -> RequestRecord<'a> {
    let columns = format.columns();
    let carries = |wanted: Column| columns.iter().any(|(column, _)| *column == wanted);
    let resolution = i64::from(format.resolution_millis());
    record.at = Timestamp::from_millis(record.at.as_millis() / resolution * resolution);
    record.host = record.host.filter(|_| carries(Column::Host));
    record.bytes_in = record.bytes_in.filter(|_| carries(Column::BytesIn));
    record.bytes_out = record.bytes_out.filter(|_| carries(Column::BytesOut));
    record.duration_ms = record.duration_ms.filter(|_| carries(Column::Duration));
    record.upstream_ms = record.upstream_ms.filter(|_| carries(Column::Upstream));
    record.user_agent = record
        .user_agent
        .filter(|text| carries(Column::UserAgent) && text != "-");
    record.referer = record
        .referer
        .filter(|text| carries(Column::Referer) && text != "-");
    record.tls = record.tls.filter(|_| carries(Column::Tls));
    record.fingerprint = record.fingerprint.filter(|_| carries(Column::Fingerprint));
    // Kong does not log the protocol, although it has a place for it.
    let has_protocol = carries(Column::Protocol) || carries(Column::RequestLine);
    record.protocol = record
        .protocol
        .filter(|_| has_protocol && format.name() != "kong_json");
    let has_query = [Column::Query, Column::Target, Column::RequestLine]
        .into_iter()
        .any(carries);
    record.query = record.query.filter(|_| has_query);
    // Without a peer a client is only claimed, and an unescaped line proves nothing.
    if !carries(Column::Peer) {
        record.address_source = AddressSource::Claimed;
    }
    record.is_ambiguous = format.is_forgeable();
    spoil(record, format)
}

/// What becomes of texts that a format cannot write down.
fn spoil<'a>(mut record: RequestRecord<'a>, format: &dyn Format) -> RequestRecord<'a> {
    let each =
        |text: Cow<'a, str>, spoil: &dyn Fn(char) -> char| Cow::Owned(text.chars().map(spoil).collect());
    let own = |text: Option<Cow<'a, str>>, spoil: &dyn Fn(char) -> char| text.map(|text| each(text, spoil));
    if format.is_forgeable() {
        let harmless = |letter: char| match letter {
            '"' => '\'',
            '\0'..' ' | '\x7f' => ' ',
            letter => letter,
        };
        record.path = each(record.path, &harmless);
        record.query = own(record.query, &harmless);
        record.user_agent = own(record.user_agent, &harmless);
        record.referer = own(record.referer, &harmless);
    }
    let is_there = |text: &Cow<'_, str>| !matches!(text.as_ref(), "" | "-");
    match format.name() {
        // Neither stands between quotes.
        "npmplus" => {
            let joined = |letter: char| if letter == ' ' { '+' } else { letter };
            record.user_agent = own(record.user_agent, &joined);
            record.referer = own(record.referer, &joined);
        }
        // A space is written as a plus, and a plus is read as a space: in user agents they cannot be told apart.
        "w3c" => {
            let is_lost = |letter: char| letter.is_ascii() && !letter.is_ascii_graphic();
            let spaced = |letter: char| {
                if is_lost(letter) || letter == '+' {
                    ' '
                } else {
                    letter
                }
            };
            let joined = |letter: char| if is_lost(letter) { '+' } else { letter };
            record.user_agent = own(record.user_agent, &spaced);
            record.referer = own(record.referer, &joined);
            record.query = record.query.filter(is_there);
        }
        "cloudfront" => record.query = record.query.filter(is_there),
        _ => {}
    }
    record
}

proptest! {
    #[test]
    fn rendering_and_parsing_is_the_identity_on_what_a_format_carries(record in any_record()) {
        for format in FORMATS {
            let mut line = Vec::new();
            format.render(&record, &mut line);
            prop_assert!(!line.contains(&b'\n'), "{}", format.name());
            let parsed = parser_of(*format).parse(&line, record.position);
            let mut parsed = parsed.map_err(|reject| {
                TestCaseError::fail(format!("{reject}: {}", String::from_utf8_lossy(&line)))
            })?;
            let route = crate::route::of(&parsed.path, parsed.query.as_deref(), &KEY);
            prop_assert_eq!(parsed.route, route);
            parsed.route = Route::default();
            prop_assert_eq!(parsed, reduce(record.clone(), *format), "{}: {}", format.name(), String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn any_bytes_are_read_or_rejected(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut parser = Parser::new(ParserConfig::new(KEY));
        let _ = parser.parse(&line, Position::default());
        for format in FORMATS {
            let _ = parser_of(*format).parse(&line, Position::default());
        }
    }

    #[test]
    fn any_damaged_line_is_read_or_rejected(
        pick in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let texts: Vec<String> = FORMATS.iter().map(|format| fixture(*format)).collect();
        let lines: Vec<&str> = texts.iter().flat_map(|text| fixture_lines(text)).collect();
        let mut line = pick.get(&lines).as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(line.len());
            line[at] = byte;
        }
        line.truncate(cut.index(line.len()) + 1);
        let mut parser = Parser::new(ParserConfig::new(KEY));
        let _ = parser.parse(&line, Position::default());
    }
}

#[test]
fn an_unreadable_request_survives_rendering() {
    for (path, status) in [("", 408), ("\\x16\\x03\\x01", 400)] {
        for format in FORMATS
            .iter()
            .filter(|format| matches!(format.name(), "nginx_combined" | "apache_common" | "nginx_json"))
        {
            let line = format!(r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "{path}" {status} 0 "-" "-""#);
            let combined = by_name("nginx_combined").expect("a known format");
            let record = parser_of(combined)
                .parse(line.as_bytes(), Position::default())
                .expect("a record");
            let mut rendered = Vec::new();
            format.render(&record, &mut rendered);
            let again = parser_of(*format)
                .parse(&rendered, Position::default())
                .expect("a record");
            assert_eq!(
                (&again.path, again.is_malformed, &*again.method),
                (&record.path, true, ""),
                "{}",
                format.name()
            );
        }
    }
}

#[test]
fn an_authenticated_name_survives_rendering() {
    for (format, scope, kind) in [
        ("kong_json", Scope::Consumer, NamedIdentity::Consumer),
        ("nginx_json", Scope::Subject, NamedIdentity::Subject),
    ] {
        let format = by_name(format).expect("a known format");
        let text = fixture(format);
        let line = fixture_lines(&text).next().expect("a fixture");
        let identity = IdentityPolicy::preferring(vec![kind]);
        let config = ParserConfig {
            format: FormatChoice::Named(format),
            identity,
            ..ParserConfig::new(KEY)
        };
        let mut parser = Parser::new(config);
        let record = parser
            .parse(line.as_bytes(), Position::default())
            .expect("a record");
        assert_eq!(record.client.scope(), scope);
        let mut rendered = Vec::new();
        format.render(&record, &mut rendered);
        let again = parser.parse(&rendered, Position::default()).expect("a record");
        assert_eq!(again.client, record.client);
    }
}

#[test]
fn several_addresses_where_one_is_expected_are_a_forwarded_chain() {
    let line = r#"{"ClientAddr":"192.0.2.1:443","ClientHost":"203.0.113.66, 198.51.100.7","DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/","StartUTC":"2026-11-22T23:48:42Z"}"#;
    for (proxies, expected) in [
        (vec![], "192.0.2.1"),
        (vec!["192.0.2.0/24".parse().expect("a range")], "198.51.100.7"),
    ] {
        let mut parser = Parser::new(ParserConfig {
            format: FormatChoice::Named(by_name("traefik_json").expect("a known format")),
            trusted: TrustedProxies::new(proxies),
            ..ParserConfig::new(KEY)
        });
        let record = parser
            .parse(line.as_bytes(), Position::default())
            .expect("a record");
        assert_eq!(
            record.address.map(|address| address.to_string()),
            Some(expected.to_owned())
        );
    }
}
