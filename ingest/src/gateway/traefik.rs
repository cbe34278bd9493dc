//! Traefik: JSON with the headers that tell clients apart, which are dropped by default.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Forwarded,
            "accessLog.fields.headers.names.X-Forwarded-For: keep",
        ),
        (
            Column::ApiKey,
            "accessLog.fields.headers.names.X-Api-Key: keep; only its keyed hash is kept",
        ),
        (
            Column::Certificate,
            "accessLog.fields.names.TLSClientSubject: keep, with clientAuth in the TLS options",
        ),
        (
            Column::UserAgent,
            "accessLog.fields.headers.names.User-Agent: keep",
        ),
        (Column::Referer, "accessLog.fields.headers.names.Referer: keep"),
        (Column::Host, "accessLog.format: json"),
        (Column::Duration, "accessLog.format: json"),
        (Column::Upstream, "accessLog.format: json"),
        (Column::BytesIn, "accessLog.format: json"),
        (Column::Tls, "accessLog.format: json"),
        (Column::At, "accessLog.format: json"),
    ],
};

const RECOMMENDED: &str = r#"accessLog:
  filePath: /var/log/traefik/access.json.log
  format: json
  fields:
    defaultMode: keep
    headers:
      defaultMode: drop
      names:
        User-Agent: keep
        Referer: keep
        X-Forwarded-For: keep
"#;
