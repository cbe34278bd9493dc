//! docs/formats.md: what is known of every format, written from the lists that the program reads by.

use super::{FORMATS, Format, LANGUAGES, Tier};
use crate::envelope::DEPTH_MAX;
use domain::{AddressSource, Client, Position, RequestRecord, Route, Timestamp};
use std::borrow::Cow;
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/formats.md");

const HEAD: &str = "# Log formats

Written by a test from the lists in `ingest/src/format`; `UPDATE_GOLDEN=1 cargo test -p portcullis-ingest --lib the_document_is`
writes it anew.

`portcullis formats explain FILE` says which of these a file of yours is, which field comes from where, and what cannot be
seen in it. A setting `format` takes a name from this page, a description in one of the languages below, or `auto`.
";

const TIERS: &str = "
## How far a format is known

| tier | means |
|---|---|
| run | a real server wrote it in our tests, and every field came out as the request that was sent |
| seen | its fixtures hold a line that somebody's real server wrote |
| documented | its fixtures were written after the page that is named: nothing real was read yet |
";

fn wrappers() -> String {
    format!(
        "
## Wrappers

Taken off by themselves, up to {DEPTH_MAX} deep: Vector and Filebeat (`message`), Fluent Bit and Docker (`log`), Logstash
(`event.original`), journald (`MESSAGE`), CRI, syslog (RFC 3164 and 5424), log entries of Google Cloud (`textPayload`,
`jsonPayload`), bodies of OpenTelemetry, JSON that a shipper has put under a key (`json`, `parsed`, `nginx`, …), quoted JSON.
Messages that carry many records are cut apart: arrays of Kong and APISIX, `logEvents` of CloudWatch Logs, `records` of Azure
Event Hubs, OTLP in JSON, and with `messages = \"otlp\"` in protobuf.
"
    )
}

/// The request that every format is asked to write.
fn example() -> RequestRecord<'static> {
    let address = std::net::IpAddr::from([203, 0, 113, 9]);
    RequestRecord {
        at: Timestamp::from_millis(1_795_391_322_512),
        client: Client::from_address(address),
        former: None,
        claim: None,
        address: Some(address),
        address_source: AddressSource::Peer,
        method: Cow::Borrowed("GET"),
        host: Some(Cow::Borrowed("shop.example")),
        path: Cow::Borrowed("/orders/17"),
        query: Some(Cow::Borrowed("page=2")),
        route: Route::default(),
        status: 200,
        bytes_in: Some(412),
        bytes_out: Some(5120),
        duration_ms: Some(31.0),
        upstream_ms: Some(29.0),
        protocol: Some(Cow::Borrowed("HTTP/1.1")),
        user_agent: Some(Cow::Borrowed("curl/8.7.1")),
        referer: None,
        tls: Some(Cow::Borrowed("TLSv1.3")),
        fingerprint: Some(Cow::Borrowed("t13d1516h2_8daaf6152771_b186095e22b6")),
        network: None,
        is_malformed: false,
        is_ambiguous: false,
        is_stopped: false,
        position: Position::default(),
    }
}

fn page() -> String {
    let mut out = HEAD.to_owned();
    out.push_str("\n| format | written by | tier |\n|---|---|---|\n");
    for format in FORMATS {
        let (name, gateway) = (format.name(), format.gateway().as_str());
        let tier = format.provenance().tier.as_str();
        let _ = writeln!(out, "| [`{name}`](#{name}) | {gateway} | {tier} |");
    }
    out.push_str(TIERS);
    out.push_str("\n## Languages\n\nWhat is in no list is written down by who operates it, the language's name first:\n");
    for language in LANGUAGES {
        let _ = write!(out, "\n```\n{}: {}\n```\n", language.name, language.example);
    }
    out.push_str(&wrappers());
    for format in FORMATS {
        section(*format, &mut out);
    }
    out
}

fn section(format: &dyn Format, out: &mut String) {
    let provenance = format.provenance();
    let known = match provenance.tier {
        Tier::Run => "Run",
        Tier::Seen => "Seen",
        Tier::Documented => "Documented",
    };
    let mut line = Vec::new();
    format.render(&example(), &mut line);
    let line = String::from_utf8_lossy(&line);
    let description = format.description();
    let _ = write!(
        out,
        "\n## {}\n\n{}{}. {known}: {}.\n\n```\n{line}\n```\n\n",
        format.name(),
        description[..1].to_uppercase(),
        &description[1..],
        provenance.source,
    );
    if format.is_forgeable() {
        out.push_str("A client can shift its fields: no line is evidence for a block.\n\n");
    }
    out.push_str("Cannot show:\n\n");
    for sentence in format.blind_spots() {
        let _ = writeln!(out, "- {sentence}");
    }
}

#[test]
fn the_document_is_what_the_formats_say_of_themselves() {
    let made = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &made).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        kept == made,
        "docs/formats.md is not what the lists say: run this test with UPDATE_GOLDEN=1"
    );
}
