//! NGINX: `log_format` with `escape=json`.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Forwarded,
            r#""x_forwarded_for":"$http_x_forwarded_for" in log_format"#,
        ),
        (
            Column::Subject,
            r#""jwt_claim_sub":"$jwt_claim_sub" in log_format (NGINX Plus, behind auth_jwt)"#,
        ),
        (
            Column::ApiKey,
            r#""api_key":"$http_x_api_key" in log_format; only its keyed hash is kept"#,
        ),
        (
            Column::Session,
            r#""session":"$cookie_session" in log_format, with your cookie's name; only its keyed hash is kept"#,
        ),
        (
            Column::Certificate,
            r#""certificate":"$ssl_client_s_dn" in log_format, behind ssl_verify_client on"#,
        ),
        (Column::Host, r#""host":"$host" in log_format"#),
        (
            Column::BytesIn,
            r#""request_length":$request_length in log_format"#,
        ),
        (
            Column::BytesOut,
            r#""body_bytes_sent":$body_bytes_sent in log_format"#,
        ),
        (Column::Duration, r#""request_time":$request_time in log_format"#),
        (
            Column::Upstream,
            r#""upstream_response_time":"$upstream_response_time" in log_format"#,
        ),
        (
            Column::UserAgent,
            r#""user_agent":"$http_user_agent" in log_format"#,
        ),
        (Column::Referer, r#""referer":"$http_referer" in log_format"#),
        (Column::Tls, r#""ssl_protocol":"$ssl_protocol" in log_format"#),
        (
            Column::Fingerprint,
            r#""ja4":"$http_ssl_ja4" in log_format, with a module that computes it (nginx-ssl-ja4)"#,
        ),
        (Column::At, r#""msec":$msec in log_format: milliseconds"#),
        (
            Column::Query,
            r#""request_uri":"$request_uri" in log_format: $uri has no query"#,
        ),
    ],
};

/// As it is shipped.
const RECOMMENDED: &str = include_str!("../../../deploy/nginx/log-format.conf");
