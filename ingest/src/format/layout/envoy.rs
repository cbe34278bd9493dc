//! Envoy's command operators: `%START_TIME%`, `%REQ(X?Y):Z%`.
//!
//! Envoy writes what clients send as it stands (`source/common/formatter` copies header values without escaping):
//! a quote in a user agent ends the field, and what follows it shifts the fields behind it. So its text formats are
//! forgeable, and only JSON is evidence.

use super::field::{Escape, Field, Kind, Piece};
use super::time::{Moment, Unit};
use super::{Token, written};
use crate::format::choice::Language;
use crate::format::{Format, WrongFormat};
use crate::gateway::Gateway;
use std::sync::Arc;

/// Envoy's own language.
pub(in crate::format) const ENVOY: Language = Language {
    name: "envoy",
    example: r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "%REQ(USER-AGENT)%""#,
    read,
};

const PAGE: &str = "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage";

fn read(text: &str) -> Result<Arc<dyn Format>, WrongFormat> {
    if text.trim_start().starts_with('{') {
        return Err(WrongFormat::new(
            "JSON of Envoy's needs no description: expected format envoy_json, or auto",
        ));
    }
    let about = ("envoy", "a text format of Envoy's that you wrote down", PAGE);
    written::text(Gateway::Envoy, about, parse(text)?)
}

/// The tokens of a description, which may be pasted with the escapes of YAML or JSON.
///
/// # Errors
/// When an operator is not closed, or a way of writing the time is unknown.
pub(in crate::format) fn parse(text: &str) -> Result<(Vec<Token>, Escape), WrongFormat> {
    let description = text.trim().replace("\\\"", "\"");
    let description = description.trim_end_matches("\\n");
    let mut tokens = Vec::new();
    let mut rest = description;
    while let Some(at) = rest.find('%') {
        tokens.push(Token::Text(rest[..at].to_owned()));
        let body = &rest[at + 1..];
        if let Some(after) = body.strip_prefix('%') {
            tokens.push(Token::Text("%".to_owned()));
            rest = after;
            continue;
        }
        let len = operator_len(body).ok_or_else(|| WrongFormat::new("an operator without its closing %"))?;
        tokens.push(Token::Field(operator(&body[..len])?));
        rest = &body[len + 1..];
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok((tokens, Escape::Nothing))
}

/// An operator ends at the next percent sign that stands outside of its parentheses.
fn operator_len(body: &str) -> Option<usize> {
    let mut is_inside = false;
    body.bytes().position(|byte| {
        match byte {
            b'(' => is_inside = true,
            b')' => is_inside = false,
            _ => {}
        }
        byte == b'%' && !is_inside
    })
}

fn operator(text: &str) -> Result<Field, WrongFormat> {
    let (name, argument) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.rsplit_once(')').map(|(argument, _length)| argument)),
        None => (text.split_once(':').map_or(text, |(name, _length)| name), None),
    };
    let field = |piece, kind| Field::new(&format!("%{text}%"), piece, kind);
    Ok(match (name, argument) {
        ("START_TIME", None | Some("")) => field(Piece::At, Kind::Moment(Moment::Rfc3339)),
        ("START_TIME", Some(format)) => field(Piece::At, Kind::Moment(start_time(format)?)),
        ("REQ", Some(headers)) => header(text, headers),
        ("PROTOCOL", _) => field(Piece::Protocol, Kind::Word),
        ("RESPONSE_CODE", _) => field(Piece::Status, Kind::Word),
        ("BYTES_RECEIVED", _) => field(Piece::BytesIn, Kind::Word),
        ("BYTES_SENT", _) => field(Piece::BytesOut, Kind::Word),
        ("DURATION", _) => field(Piece::Duration(1.0), Kind::Word),
        ("RESP", Some(header)) if header.eq_ignore_ascii_case("x-envoy-upstream-service-time") => {
            field(Piece::Upstream(1.0), Kind::Word)
        }
        ("DOWNSTREAM_REMOTE_ADDRESS" | "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", _) => {
            field(Piece::Peer, Kind::Word)
        }
        ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", _) => {
            field(Piece::Peer, Kind::Word).ranked(1)
        }
        ("DOWNSTREAM_TLS_VERSION", _) => field(Piece::Tls, Kind::Word),
        ("DOWNSTREAM_PEER_SUBJECT", _) => field(Piece::Certificate, Kind::Free),
        ("TLS_JA4_FINGERPRINT", _) => field(Piece::Fingerprint, Kind::Word),
        ("TLS_JA3_FINGERPRINT", _) => field(Piece::Fingerprint, Kind::Word).ranked(1),
        (
            "RESPONSE_FLAGS"
            | "RESPONSE_FLAGS_LONG"
            | "RESPONSE_CODE_DETAILS"
            | "UPSTREAM_HOST"
            | "UPSTREAM_CLUSTER"
            | "UPSTREAM_CLUSTER_RAW"
            | "UPSTREAM_LOCAL_ADDRESS"
            | "DOWNSTREAM_LOCAL_ADDRESS"
            | "REQUEST_DURATION"
            | "RESPONSE_DURATION"
            | "CONNECTION_ID"
            | "HOSTNAME",
            _,
        ) => field(Piece::Ignored, Kind::Word),
        _ => field(Piece::Ignored, Kind::Free),
    })
}

/// `%REQ(X?Y)%`: the first header, or the second where it is missing. Both say the same, or the field says nothing.
fn header(text: &str, headers: &str) -> Field {
    let last = headers.rsplit('?').next().unwrap_or(headers).to_ascii_lowercase();
    let field = |piece, kind| Field::new(&format!("%{text}%"), piece, kind);
    match last.as_str() {
        ":method" => field(Piece::Method, Kind::Word),
        ":path" | "x-envoy-original-path" => field(Piece::Target, Kind::Free),
        ":authority" | "host" => field(Piece::Host, Kind::Free),
        "user-agent" => field(Piece::UserAgent, Kind::Free),
        "referer" => field(Piece::Referer, Kind::Free),
        "x-forwarded-for" => field(Piece::Forwarded, Kind::Free),
        "x-api-key" => field(Piece::ApiKey, Kind::Free),
        "authorization" => field(Piece::Token, Kind::Free),
        _ => field(Piece::Ignored, Kind::Free),
    }
}

fn start_time(format: &str) -> Result<Moment, WrongFormat> {
    match format {
        "%s" => Ok(Moment::Epoch(Unit::Seconds)),
        _ => Moment::from_strftime(format).map_err(|directive| {
            WrongFormat::new(format!("%START_TIME({format})%: {directive} is not read"))
        }),
    }
}
