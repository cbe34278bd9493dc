//! Apache httpd: `LogFormat`. Quotes and backslashes in `%{…}i` and `%r` are escaped, so that JSON may be written with it.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Forwarded,
            r#"\"x_forwarded_for\":\"%{X-Forwarded-For}i\" in LogFormat"#,
        ),
        (
            Column::ApiKey,
            r#"\"api_key\":\"%{X-Api-Key}i\" in LogFormat; only its keyed hash is kept"#,
        ),
        (
            Column::Certificate,
            r#"\"certificate\":\"%{SSL_CLIENT_S_DN}x\" in LogFormat, with mod_ssl"#,
        ),
        (Column::Host, r#"\"host\":\"%{Host}i\" in LogFormat"#),
        (
            Column::BytesIn,
            r#"\"request_length\":\"%I\" in LogFormat, with mod_logio"#,
        ),
        (
            Column::BytesOut,
            r#"\"bytes_sent\":\"%O\" in LogFormat, with mod_logio"#,
        ),
        (
            Column::Duration,
            r#"\"duration_us\":%D in LogFormat: microseconds"#,
        ),
        (
            Column::UserAgent,
            r#"\"user_agent\":\"%{User-Agent}i\" in LogFormat"#,
        ),
        (Column::Referer, r#"\"referer\":\"%{Referer}i\" in LogFormat"#),
        (
            Column::Tls,
            r#"\"ssl_protocol\":\"%{SSL_PROTOCOL}x\" in LogFormat, with mod_ssl"#,
        ),
        (
            Column::At,
            r#"\"time\":\"%{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t%{%z}t\" in LogFormat"#,
        ),
    ],
};

const RECOMMENDED: &str = r#"LogFormat "{\"time\":\"%{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t%{%z}t\",\"remote_addr\":\"%{c}a\",\"x_forwarded_for\":\"%{X-Forwarded-For}i\",\"method\":\"%m\",\"host\":\"%{Host}i\",\"request\":\"%r\",\"status\":%>s,\"bytes_sent\":\"%O\",\"request_length\":\"%I\",\"duration_us\":%D,\"referer\":\"%{Referer}i\",\"user_agent\":\"%{User-Agent}i\"}" portcullis
CustomLog /var/log/apache2/access.json.log portcullis
"#;
