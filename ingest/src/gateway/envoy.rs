//! Envoy: `json_format`. Its default text format escapes nothing that clients send, and names no peer. The *direct* address
//! is the socket's; the other one is what `X-Forwarded-For` says, unless `use_remote_address` is set.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Peer,
            r#"downstream_direct_remote_address: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%" in json_format"#,
        ),
        (
            Column::Forwarded,
            r#"x-forwarded-for: "%REQ(X-FORWARDED-FOR)%" in json_format"#,
        ),
        (
            Column::Subject,
            r#"jwt_subject: "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%" in json_format, with payload_in_metadata: payload in the jwt_authn filter"#,
        ),
        (
            Column::ApiKey,
            r#"x-api-key: "%REQ(X-API-KEY)%" in json_format; only its keyed hash is kept"#,
        ),
        (
            Column::Certificate,
            r#"downstream_peer_subject: "%DOWNSTREAM_PEER_SUBJECT%" in json_format"#,
        ),
        (
            Column::Host,
            r#"":authority": "%REQ(:AUTHORITY)%" in json_format"#,
        ),
        (
            Column::BytesIn,
            r#"bytes_received: "%BYTES_RECEIVED%" in json_format"#,
        ),
        (Column::BytesOut, r#"bytes_sent: "%BYTES_SENT%" in json_format"#),
        (Column::Duration, r#"duration: "%DURATION%" in json_format"#),
        (
            Column::Upstream,
            r#"x-envoy-upstream-service-time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%" in json_format"#,
        ),
        (
            Column::UserAgent,
            r#"user-agent: "%REQ(USER-AGENT)%" in json_format"#,
        ),
        (Column::Referer, r#"referer: "%REQ(REFERER)%" in json_format"#),
        (
            Column::Tls,
            r#"downstream_tls_version: "%DOWNSTREAM_TLS_VERSION%" in json_format"#,
        ),
        (
            Column::Fingerprint,
            r#"tls_ja4_fingerprint: "%TLS_JA4_FINGERPRINT%" in json_format, with enable_ja4_fingerprinting: true in the tls_inspector (Envoy 1.35 and later)"#,
        ),
        (
            Column::Query,
            r#"path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%" in json_format"#,
        ),
    ],
};

const RECOMMENDED: &str = r#"access_log:
- name: envoy.access_loggers.file
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
    path: /var/log/envoy/access.json.log
    log_format:
      json_format:
        start_time: "%START_TIME%"
        downstream_direct_remote_address: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
        x-forwarded-for: "%REQ(X-FORWARDED-FOR)%"
        method: "%REQ(:METHOD)%"
        ":authority": "%REQ(:AUTHORITY)%"
        path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
        protocol: "%PROTOCOL%"
        response_code: "%RESPONSE_CODE%"
        response_flags: "%RESPONSE_FLAGS%"
        bytes_received: "%BYTES_RECEIVED%"
        bytes_sent: "%BYTES_SENT%"
        duration: "%DURATION%"
        x-envoy-upstream-service-time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"
        user-agent: "%REQ(USER-AGENT)%"
        referer: "%REQ(REFERER)%"
        downstream_tls_version: "%DOWNSTREAM_TLS_VERSION%"
        x-request-id: "%REQ(X-REQUEST-ID)%"
"#;
