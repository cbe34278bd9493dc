//! Caddy: its JSON log holds everything but what no header tells.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Forwarded,
            "servers { trusted_proxies static 10.0.0.0/8 }: client_ip is then the client behind your proxies",
        ),
        (
            Column::Consumer,
            "an authentication directive (basic_auth, or a plugin): user_id is then in the log",
        ),
        (
            Column::Certificate,
            "client_auth in tls: the certificate's subject is then in the log",
        ),
    ],
};

const RECOMMENDED: &str = r#"example.com {
    log {
        output file /var/log/caddy/access.json.log
        format json
    }
}
"#;
