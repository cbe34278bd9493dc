//! HAProxy: `log-format` with the `json` converter, which escapes what clients send.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Forwarded,
            r#"capture request header X-Forwarded-For len 255, and "x_forwarded_for":"%[capture.req.hdr(3),json(utf8s)]" in log-format"#,
        ),
        (
            Column::ApiKey,
            r#"capture request header X-Api-Key len 128, and "api_key":"%[capture.req.hdr(4),json(utf8s)]" in log-format; only its keyed hash is kept"#,
        ),
        (
            Column::Certificate,
            r#""certificate":"%[ssl_c_s_dn,json(utf8s)]" in log-format, behind verify required"#,
        ),
        (
            Column::Host,
            r#"capture request header Host len 255, and "host":"%[capture.req.hdr(0),json(utf8s)]" in log-format"#,
        ),
        (Column::BytesIn, r#""bytes_uploaded":%U in log-format"#),
        (Column::BytesOut, r#""bytes_read":%B in log-format"#),
        (Column::Duration, r#""time_active_ms":%Ta in log-format"#),
        (Column::Upstream, r#""time_response_ms":%Tr in log-format"#),
        (
            Column::UserAgent,
            r#"capture request header User-Agent len 512, and "user_agent":"%[capture.req.hdr(1),json(utf8s)]" in log-format"#,
        ),
        (
            Column::Referer,
            r#"capture request header Referer len 512, and "referer":"%[capture.req.hdr(2),json(utf8s)]" in log-format"#,
        ),
        (Column::Tls, r#""ssl_version":"%sslv" in log-format"#),
        (
            Column::Fingerprint,
            r#""ja4":"%[var(txn.ja4),json(utf8s)]" in log-format, with a script that computes it (haproxy-ja4)"#,
        ),
        (Column::At, r#""time_ms":%Ts%ms in log-format"#),
    ],
};

const RECOMMENDED: &str = r#"frontend web
    option httplog
    capture request header Host len 255
    capture request header User-Agent len 512
    capture request header Referer len 512
    capture request header X-Forwarded-For len 255
    log-format '{"time_ms":%Ts%ms,"client_ip":"%ci","method":"%[capture.req.method,json(utf8s)]","uri":"%[capture.req.uri,json(utf8s)]","protocol":"%[capture.req.ver,json(utf8s)]","host":"%[capture.req.hdr(0),json(utf8s)]","user_agent":"%[capture.req.hdr(1),json(utf8s)]","referer":"%[capture.req.hdr(2),json(utf8s)]","x_forwarded_for":"%[capture.req.hdr(3),json(utf8s)]","status_code":%ST,"bytes_uploaded":%U,"bytes_read":%B,"time_active_ms":%Ta,"time_response_ms":%Tr,"ssl_version":"%sslv","termination_state":"%tsc"}'
"#;
