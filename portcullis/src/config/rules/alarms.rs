//! What must hold of webhooks and commands.

use super::{is_loopback, report};
use crate::config::check::Checked;
use crate::config::problem::Problem;
use std::path::Path;

/// Secrets go over connections that nobody can read, headers have names, and programs are named from the root on: another working
/// folder would be another program.
pub(super) fn check_alarms(checked: &Checked, problems: &mut Vec<Problem>) {
    for entry in &checked.entries {
        let Some(text) = checked.text(&entry.path) else {
            continue;
        };
        let wrong = match entry.setting.path {
            "alarms.webhooks[].url" if text.starts_with("http://") && !is_loopback(text) => Some((
                "an address off the loopback without TLS".to_owned(),
                "an https:// address",
            )),
            "alarms.webhooks[].header" if !is_header_name(text) => Some((
                format!("\"{text}\""),
                "the name of a header: letters, digits and dashes",
            )),
            "alarms.commands[].program" if !Path::new(text).is_absolute() => {
                Some((format!("\"{text}\""), "a path that begins with /"))
            }
            "alarms.webhooks[].secret" if !text.bytes().all(is_header_byte) => Some((
                "a secret that is not shown".to_owned(),
                "printable ASCII: it is sent in a header",
            )),
            _ => None,
        };
        if let Some((found, expected)) = wrong {
            report(checked, problems, &entry.path, found, expected);
        }
    }
}

fn is_header_name(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

const fn is_header_byte(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}
