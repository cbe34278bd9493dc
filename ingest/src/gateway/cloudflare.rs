//! Cloudflare: the fields of a Logpush job for HTTP requests.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (Column::Host, "ClientRequestHost in field_names"),
        (Column::BytesIn, "ClientRequestBytes in field_names"),
        (Column::BytesOut, "EdgeResponseBytes in field_names"),
        (Column::Duration, "EdgeTimeToFirstByteMs in field_names"),
        (Column::Upstream, "OriginResponseDurationMs in field_names"),
        (Column::UserAgent, "ClientRequestUserAgent in field_names"),
        (Column::Referer, "ClientRequestReferer in field_names"),
        (Column::Tls, "ClientSSLProtocol in field_names"),
        (Column::Fingerprint, "JA4 in field_names (with Bot Management)"),
        (
            Column::Certificate,
            "an mTLS rule, and ClientMTLSAuthCertFingerprint in field_names",
        ),
    ],
};

const RECOMMENDED: &str = r#"{"dataset":"http_requests","output_options":{"timestamp_format":"rfc3339","field_names":["ClientIP","ClientRequestHost","ClientRequestMethod","ClientRequestURI","ClientRequestProtocol","ClientRequestBytes","ClientRequestReferer","ClientRequestUserAgent","ClientSSLProtocol","EdgeStartTimestamp","EdgeEndTimestamp","EdgeResponseStatus","EdgeResponseBytes","EdgeTimeToFirstByteMs","OriginResponseDurationMs","JA3Hash","JA4","RayID"]}}
"#;
