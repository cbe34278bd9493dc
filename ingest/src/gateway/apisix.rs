//! Apache APISIX: the `kafka-logger` plugin with its default meta format.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Consumer,
            "an authentication plugin on the route (key-auth, jwt-auth): its consumer is then in the log",
        ),
        (
            Column::Tls,
            r#""ssl_protocol": "$ssl_protocol" in log_format_extra"#,
        ),
        (
            Column::Duration,
            r#""request_time": "$request_time" in log_format"#,
        ),
        (
            Column::Upstream,
            r#""upstream_response_time": "$upstream_response_time" in log_format"#,
        ),
        (Column::Host, r#""host": "$host" in log_format"#),
        (
            Column::UserAgent,
            r#""user_agent": "$http_user_agent" in log_format"#,
        ),
        (Column::Referer, r#""referer": "$http_referer" in log_format"#),
        (
            Column::BytesIn,
            r#""request_length": "$request_length" in log_format"#,
        ),
        (Column::BytesOut, r#""bytes_sent": "$bytes_sent" in log_format"#),
    ],
};

const RECOMMENDED: &str = r#"{"plugins": {"kafka-logger": {
  "brokers": [{"host": "127.0.0.1", "port": 9092}],
  "kafka_topic": "access",
  "batch_max_size": 100,
  "log_format_extra": {"consumer_name": "$consumer_name", "ssl_protocol": "$ssl_protocol"}
}}}
"#;
