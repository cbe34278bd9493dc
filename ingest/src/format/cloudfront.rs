//! CloudFront's standard logs: tabs between values, values percent-encoded, a header that names the columns.

use super::tabular::{Dialect, Header};
use super::{Column, Family, Format, Memory, Provenance, w3c};
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use std::io::Write;
use std::sync::LazyLock;

/// The columns of a log whose header was not seen: AWS only ever adds some at the end.
const FIELDS: &str = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) \
    cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes \
    time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status \
    fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len \
    sc-range-start sc-range-end";

static KNOWN: LazyLock<Header> = LazyLock::new(|| Header::of(FIELDS));

pub(super) const FORMAT: CloudFront = CloudFront;

/// Tabs between values.
pub(super) struct CloudFront;

impl Format for CloudFront {
    fn name(&self) -> &'static str {
        "cloudfront"
    }

    fn description(&self) -> &'static str {
        "Amazon CloudFront's standard log"
    }

    fn gateway(&self) -> Gateway {
        Gateway::CloudFront
    }

    fn provenance(&self) -> Provenance {
        Provenance::documented(
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html",
        )
    }

    fn family(&self) -> Family {
        Family::Text
    }

    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        if line.starts_with('#') {
            memory.header.note(line);
            return Err(Reason::Comment);
        }
        if !line.contains('\t') {
            return Err(Reason::Missing("tab"));
        }
        if !memory.header.speaks(Dialect::CloudFront) {
            return KNOWN.read(line, Dialect::CloudFront, memory);
        }
        let header = std::mem::take(&mut memory.header);
        let result = header.read(line, Dialect::CloudFront, memory);
        memory.header = header;
        result
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        for (index, field) in FIELDS.split_ascii_whitespace().enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            let text = match field {
                "time-taken" => record
                    .duration_ms
                    .map_or_else(String::new, |millis| (f64::from(millis) / 1000.0).to_string()),
                _ => w3c::value(record, field),
            };
            if text.is_empty() {
                out.push(b'-');
            }
            for byte in text.bytes() {
                let is_plain = byte.is_ascii_graphic() && !br##"<>"#%{|}\^~[]`"##.contains(&byte);
                let written = if is_plain {
                    out.write_all(&[byte])
                } else {
                    write!(out, "%{byte:02X}")
                };
                debug_assert!(written.is_ok(), "a vector takes everything");
            }
        }
    }

    fn columns(&self) -> Vec<(Column, String)> {
        Header::columns(FIELDS)
    }

    fn resolution_millis(&self) -> u32 {
        1000
    }
}
