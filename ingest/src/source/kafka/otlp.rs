//! OTLP's protobuf: the log records of one message, written as OTLP's JSON, a line each.
//!
//! The messages are those of
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto>, with the
//! fields that access logs use. Texts are read as bytes: one client's broken UTF-8 must not cost the other records of its
//! batch.

use super::{SplitFault, SplitLimits};
use prost::Message;
use serde::{Serialize, Serializer};
use std::ops::Range;

/// Longest message that is read, in bytes: what receivers of OTLP over gRPC take. Two bytes of it may become fifty in
/// memory, so that more would be too much.
pub const OTLP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Writes the log records of a message behind what `text` holds, and their places in it to `lines`; returns what is wrong
/// with the rest, if anything.
pub fn otlp_records(
    payload: &[u8],
    limits: SplitLimits,
    text: &mut Vec<u8>,
    lines: &mut Vec<Range<usize>>,
) -> Option<SplitFault> {
    if payload.len() > OTLP_BYTES_MAX.min(limits.payload_bytes_max) {
        return Some(SplitFault::PayloadTooLong);
    }
    let Ok(logs) = LogsData::decode(payload) else {
        return Some(SplitFault::BrokenOtlp);
    };
    let (before, base) = (lines.len(), text.len());
    let scopes = logs
        .resource_logs
        .iter()
        .flat_map(|resource| &resource.scope_logs);
    for record in scopes.flat_map(|scope| &scope.log_records) {
        if lines.len() - before == limits.lines_max || text.len() - base > limits.payload_bytes_max {
            return Some(SplitFault::TooManyLines);
        }
        let start = text.len();
        if sonic_rs::to_writer(&mut *text, record).is_err() {
            text.truncate(start);
            return Some(SplitFault::BrokenOtlp);
        }
        lines.push(start..text.len());
    }
    None
}

#[derive(Clone, PartialEq, Message)]
struct LogsData {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(serialize_with = "as_text")]
    time_unix_nano: u64,
    #[prost(fixed64, tag = "11")]
    #[serde(serialize_with = "as_text")]
    observed_time_unix_nano: u64,
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct KeyValue {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(serialize_with = "as_lossy")]
    key: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct AnyValue {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    #[serde(flatten)]
    value: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::enum_variant_names, reason = "the names of OTLP's JSON")]
enum Kind {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(serialize_with = "as_lossy")]
    StringValue(Vec<u8>),
    #[prost(bool, tag = "2")]
    BoolValue(bool),
    #[prost(int64, tag = "3")]
    #[serde(serialize_with = "as_text")]
    IntValue(i64),
    #[prost(double, tag = "4")]
    #[serde(serialize_with = "as_finite")]
    DoubleValue(f64),
    #[prost(message, tag = "5")]
    ArrayValue(ArrayValue),
    #[prost(message, tag = "6")]
    KvlistValue(KeyValueList),
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    values: Vec<KeyValue>,
}

/// Whole numbers are texts in OTLP's JSON: JavaScript would lose their last digits.
fn as_text<N: ToString, S: Serializer>(number: &N, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&number.to_string())
}

fn as_lossy<S: Serializer>(text: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&String::from_utf8_lossy(text))
}

/// JSON has no word for what is no number.
fn as_finite<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        to.serialize_f64(*number)
    } else {
        to.serialize_unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parser, ParserConfig};
    use domain::{HashKey, Position};
    use proptest::prelude::*;

    fn text(text: &str) -> Option<AnyValue> {
        Some(AnyValue {
            value: Some(Kind::StringValue(text.as_bytes().to_vec())),
        })
    }

    fn pair(key: &str, value: Option<AnyValue>) -> KeyValue {
        KeyValue {
            key: key.as_bytes().to_vec(),
            value,
        }
    }

    fn request(path: &str, agent: &[u8]) -> LogRecord {
        let status = Kind::IntValue(404);
        let size = Kind::DoubleValue(12.0);
        LogRecord {
            time_unix_nano: 1_795_391_322_512_000_000,
            observed_time_unix_nano: 0,
            body: text("request"),
            attributes: vec![
                pair("http.request.method", text("GET")),
                pair("url.path", text(path)),
                pair("network.peer.address", text("203.0.113.9")),
                pair(
                    "http.response.status_code",
                    Some(AnyValue { value: Some(status) }),
                ),
                pair("http.response.body.size", Some(AnyValue { value: Some(size) })),
                KeyValue {
                    key: b"user_agent.original".to_vec(),
                    value: Some(AnyValue {
                        value: Some(Kind::StringValue(agent.to_vec())),
                    }),
                },
            ],
        }
    }

    fn message(records: Vec<LogRecord>) -> Vec<u8> {
        let scope = ScopeLogs { log_records: records };
        let resource = ResourceLogs {
            scope_logs: vec![scope],
        };
        LogsData {
            resource_logs: vec![resource],
        }
        .encode_to_vec()
    }

    fn lines(payload: &[u8], limits: SplitLimits) -> (Vec<String>, Option<SplitFault>) {
        let (mut text, mut places) = (Vec::new(), Vec::new());
        let fault = otlp_records(payload, limits, &mut text, &mut places);
        let line = |place: Range<usize>| String::from_utf8(text[place].to_vec()).expect("JSON");
        (places.into_iter().map(line).collect(), fault)
    }

    #[test]
    fn records_in_protobuf_are_requests() {
        let payload = message(vec![request("/a", b"x\xff\"y"), request("/b", b"z")]);
        let (lines, fault) = lines(&payload, SplitLimits::default());
        assert_eq!((lines.len(), fault), (2, None));
        let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
        for (line, path, agent) in [(&lines[0], "/a", "x\u{fffd}\"y"), (&lines[1], "/b", "z")] {
            let record = parser.parse(line.as_bytes(), Position::default()).expect(line);
            assert_eq!(
                (&*record.path, record.status, record.bytes_out),
                (path, 404, Some(12))
            );
            assert_eq!(record.at.to_string(), "2026-11-22T23:48:42.512Z");
            assert_eq!(record.user_agent.as_deref(), Some(agent));
            assert_eq!(record.address, "203.0.113.9".parse().ok());
        }
        assert_eq!(parser.last_format().map(crate::Format::name), Some("otlp_json"));
    }

    #[test]
    fn limits_hold_and_what_is_no_protobuf_is_said_to_be_none() {
        let few = SplitLimits {
            lines_max: 1,
            payload_bytes_max: 10_000,
        };
        let payload = message(vec![request("/a", b"x"), request("/b", b"y")]);
        let (read, fault) = lines(&payload, few);
        assert_eq!((read.len(), fault), (1, Some(SplitFault::TooManyLines)));
        let (read, fault) = lines(&[0; 10_001], few);
        assert_eq!((read.len(), fault), (0, Some(SplitFault::PayloadTooLong)));
        let (read, fault) = lines(br#"{"resourceLogs":[]}"#, few);
        assert_eq!((read.len(), fault), (0, Some(SplitFault::BrokenOtlp)));
        assert_eq!(lines(b"", few), (Vec::new(), None));
    }

    #[test]
    fn every_kind_of_value_is_written() {
        let kinds = [
            (Kind::BoolValue(true), r#"{"boolValue":true}"#),
            (Kind::IntValue(-7), r#"{"intValue":"-7"}"#),
            (Kind::DoubleValue(f64::NAN), r#"{"doubleValue":null}"#),
            (
                Kind::ArrayValue(ArrayValue {
                    values: vec![AnyValue { value: None }],
                }),
                r#"{"arrayValue":{"values":[{}]}}"#,
            ),
            (
                Kind::KvlistValue(KeyValueList {
                    values: vec![pair("a", text("b"))],
                }),
                r#"{"kvlistValue":{"values":[{"key":"a","value":{"stringValue":"b"}}]}}"#,
            ),
        ];
        for (kind, expected) in kinds {
            let value = AnyValue { value: Some(kind) };
            assert_eq!(sonic_rs::to_string(&value).expect("JSON"), expected);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = lines(&payload, SplitLimits::default());
        }
    }
}
