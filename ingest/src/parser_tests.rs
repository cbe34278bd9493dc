//! Lines as they come: wrapped, mixed, damaged.

use super::*;
use crate::reject::SAMPLES_MAX;
use domain::Client;

const KEY: HashKey = HashKey::new([7; 16]);
const LINE: &str =
    r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET /users/7 HTTP/1.1" 200 512 "-" "curl/8""#;

fn parser() -> Parser {
    Parser::new(ParserConfig::new(KEY))
}

fn check(line: &str, expected: Result<&str, &str>) {
    let mut parser = parser();
    let read = parser.parse(line.as_bytes(), Position::default());
    let read = read
        .map(|record| record.path.into_owned())
        .map_err(|reject| reject.to_string());
    assert_eq!(read.as_deref().map_err(String::as_str), expected, "{line}");
}

/// The line as a JSON string.
fn quoted(line: &str) -> String {
    format!(
        "\"{}\"",
        line.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

#[test]
fn wrapped_lines_are_read_at_any_allowed_depth() {
    let line = quoted(LINE);
    let vector = format!(r#"{{"file":"/x","message":{line},"timestamp":"2026-11-22T23:48:43Z"}}"#);
    let docker = format!(
        r#"{{"log":{},"stream":"stdout","time":"2026-11-22T23:48:43Z"}}"#,
        quoted(&format!("{LINE}\n"))
    );
    let cri = format!("2026-11-22T23:48:42.493035218+01:00 stdout F {LINE}");
    let syslog = format!("<190>Nov 22 23:48:42 gateway nginx: {LINE}");
    for wrapped in [&vector, &docker, &cri, &syslog] {
        check(wrapped, Ok("/users/7"));
    }
    let mut nested = LINE.to_owned();
    for depth in 1..=DEPTH_MAX + 1 {
        nested = format!(r#"{{"message":{}}}"#, quoted(&nested));
        let expected = if depth <= DEPTH_MAX {
            Ok("/users/7")
        } else {
            Err("envelopes nested deeper than 6")
        };
        check(&nested, expected);
    }
}

#[test]
fn an_envelope_around_rubbish_says_that_the_inside_is_rubbish() {
    check(
        r#"{"message":"three short words"}"#,
        Err("no known format: 3 fields where nginx_combined has 9"),
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    check("", Err("empty line"));
    check("  \t ", Err("empty line"));
    check("word", Err("no known format: 1 field where nginx_combined has 9"));
    check(
        "{}",
        Err("no known format: a JSON object with none of the known sets of fields"),
    );
    check("{", Err("broken JSON"));
    check(
        "[1,2]",
        Err("no known format: 1 field where nginx_combined has 9"),
    );
    check(
        "2026-11-22T23:48:42.1Z stdout P half of",
        Err("part of a line that the container runtime cut"),
    );
    check(
        &"[".repeat(1 << 20),
        Err("no known format: 1 field where nginx_combined has 9"),
    );
    check(&format!("{{\"a\":{}", "[".repeat(1 << 20)), Err("broken JSON"));
    check(
        &format!("{{\"request\":{}", "{\"headers\":".repeat(1 << 17)),
        Err("broken JSON"),
    );
}

#[test]
fn a_stream_may_change_its_format_and_its_wrapper() {
    let json =
        r#"{"msec":1795391322.5,"remote_addr":"203.0.113.9","method":"GET","uri":"/json","status":200}"#;
    let wrapped = format!(r#"{{"log":{}}}"#, quoted(LINE));
    let mut parser = parser();
    for (line, expected) in [
        (LINE, "nginx_combined"),
        (json, "nginx_json"),
        (&wrapped, "nginx_combined"),
        (LINE, "nginx_combined"),
    ] {
        assert!(
            parser.parse(line.as_bytes(), Position::default()).is_ok(),
            "{line}"
        );
        assert_eq!(parser.last_format().map(Format::name), Some(expected));
    }
}

#[test]
fn a_chosen_format_reads_nothing_else() {
    let format = FormatChoice::Named(crate::format::by_name("kong_json").expect("a known format"));
    let mut parser = Parser::new(ParserConfig {
        format,
        ..ParserConfig::new(KEY)
    });
    let reject = parser
        .parse(LINE.as_bytes(), Position::default())
        .expect_err("another format");
    assert_eq!(reject.to_string(), "kong_json: broken JSON");
}

#[test]
fn mains_forwarded_chain_does_not_make_a_line_ambiguous() {
    let line = format!(
        r#"{} "198.51.100.1, 203.0.113.77""#,
        LINE.replace("203.0.113.9", "10.0.0.1")
    );
    let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a range")]);
    let mut parser = Parser::new(ParserConfig {
        trusted,
        ..ParserConfig::new(KEY)
    });
    let record = parser
        .parse(line.as_bytes(), Position::default())
        .expect("a record");
    assert_eq!(
        record.client,
        Client::Ip("203.0.113.77".parse().expect("an address"))
    );
    assert_eq!(
        (record.address_source, record.is_ambiguous),
        (AddressSource::TrustedHop, false)
    );
}

#[test]
fn a_thousand_hops_are_read_to_the_named_limit() {
    let chain = vec!["10.1.1.1"; 1000].join(", ");
    let line = format!(
        r#"{} "203.0.113.77, {chain}""#,
        LINE.replace("203.0.113.9", "10.0.0.1")
    );
    let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a range")]);
    let mut parser = Parser::new(ParserConfig {
        trusted,
        ..ParserConfig::new(KEY)
    });
    let record = parser
        .parse(line.as_bytes(), Position::default())
        .expect("a record");
    assert_eq!(record.client.to_string(), "10.1.1.1");
}

#[test]
fn bytes_that_are_no_utf8_are_replaced_and_counted() {
    let mut line = LINE.as_bytes().to_vec();
    let at = line.iter().position(|byte| *byte == b'7').expect("a seven");
    line[at] = 0xff;
    let mut parser = parser();
    let record = parser.parse(&line, Position::default()).expect("a record");
    assert_eq!(record.path, "/users/\u{fffd}");
    assert_eq!(
        parser.counts(),
        ParserCounts {
            parsed: 1,
            ambiguous: 0,
            not_utf8: 1
        }
    );
}

#[test]
fn rejections_are_counted_by_reason_and_sampled() {
    let mut parser = parser();
    for line in 1..=50 {
        let _ = parser.parse(b"rubbish", Position { source: 0, line });
        let _ = parser.parse(b"", Position { source: 0, line });
    }
    let counts: Vec<(&str, u64)> = parser.rejects().counts().collect();
    assert_eq!(counts, [("empty", 50), ("unknown_format", 50)]);
    assert_eq!(parser.rejects().samples().len(), SAMPLES_MAX);
}

#[test]
fn a_usual_line_is_borrowed() {
    let record = parser()
        .parse(LINE.as_bytes(), Position::default())
        .expect("a record");
    assert!(matches!(record.path, Cow::Borrowed(_)) && matches!(record.user_agent, Some(Cow::Borrowed(_))));
    assert_eq!(into_owned(record.clone()), record);
}

#[test]
fn a_text_among_json_is_no_broken_json() {
    let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
    let json = r#"{"msec":1795391322.512,"remote_addr":"203.0.113.9","method":"GET","uri":"/","status":200}"#;
    assert!(parser.parse(json.as_bytes(), Position::default()).is_ok());
    let reject = parser
        .parse(b"some words", Position::default())
        .expect_err("no line");
    assert_eq!(reject.reason, Reason::UnknownText { fields: 2 });
}

#[test]
fn what_a_token_claims_is_read_where_it_is_allowed_and_the_token_is_not_kept() {
    let token = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2ln";
    let nginx = format!(
        r#"{{"msec":1795860903.412,"remote_addr":"203.0.113.9","method":"GET","uri":"/orders/7","status":200,"http_authorization":"{token}"}}"#
    );
    let kong = format!(
        r#"{{"response":{{"size":9,"status":200}},"client_ip":"203.0.113.9","request":{{"method":"GET","uri":"/orders/7","headers":{{"authorization":"{token}"}}}},"started_at":1795860903412}}"#
    );
    for line in [&nginx, &kong] {
        let read = |shows_claims| {
            let mut parser = Parser::new(ParserConfig {
                identity: IdentityPolicy {
                    prefer: Vec::new(),
                    shows_claims,
                },
                ..ParserConfig::new(KEY)
            });
            parser
                .parse(line.as_bytes(), Position::default())
                .map(into_owned)
                .expect("a record")
        };
        let record = read(true);
        let hash = format!("{:016x}", record.claim.expect("a claim"));
        assert!(KEY.hash_secret(b"alice").starts_with(&hash), "{line}");
        assert_eq!(record.client.to_string(), "203.0.113.9");
        let written = format!("{record:?}");
        assert!(
            !written.contains("alice") && !written.contains("eyJ"),
            "{written}"
        );
        assert_eq!(read(false).claim, None);
    }
}
