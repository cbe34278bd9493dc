//! Kong: its logging plugins write everything but what nobody configured.

use super::Advice;
use crate::format::Column;

pub(super) const ADVICE: Advice = Advice {
    recommended: RECOMMENDED,
    lines: &[
        (
            Column::Consumer,
            "an authentication plugin on the route (key-auth, jwt, oauth2): its consumer is then in the log",
        ),
        (
            Column::Fingerprint,
            r#"custom_fields_by_lua: { ja4: "return kong.request.get_header('x-ja4')" } behind a proxy that computes it"#,
        ),
    ],
};

const RECOMMENDED: &str = r#"plugins:
- name: file-log
  config:
    path: /var/log/kong/access.json.log
    custom_fields_by_lua:
      request.headers.authorization: "return nil"
"#;
