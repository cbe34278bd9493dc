//! What must hold of gateways that are told what to carry out.

use super::{is_loopback, report};
use crate::config::check::Checked;
use crate::config::problem::Problem;
use crate::config::settings::gateways::KINDS;

/// Each is of one kind, and no two have one name: their leases and metrics go by it.
pub(super) fn check_gateways(checked: &Checked, problems: &mut Vec<Problem>) {
    let mut names: Vec<&str> = Vec::new();
    for at in 0.. {
        let path = format!("gateways[{at}]");
        if checked.entry(&format!("{path}.on_stop")).is_none() {
            return;
        }
        let is_there = |kind: &&&str| {
            let inside = format!("{path}.{kind}.");
            checked
                .entries
                .iter()
                .any(|entry| entry.path.starts_with(&inside))
        };
        let kinds: Vec<&str> = KINDS.iter().filter(is_there).copied().collect();
        if kinds.len() != 1 {
            let found = match kinds.as_slice() {
                [] => "a gateway of no kind".to_owned(),
                several => format!("a gateway that is {} at once", several.join(" and ")),
            };
            let expected = format!(
                "one table inside it: {}",
                KINDS.map(|kind| format!("[gateways.{kind}]")).join(", ")
            );
            report(checked, problems, &format!("{path}.name"), found, expected);
        }
        check_addresses(checked, &path, problems);
        let name = format!("{path}.name");
        if let Some(text) = checked.text(&name) {
            if names.contains(&text) {
                report(
                    checked,
                    problems,
                    &name,
                    format!("\"{text}\" a second time"),
                    "a name of its own",
                );
            }
            names.push(text);
        }
    }
}

/// What goes to others goes there by TLS.
fn check_addresses(checked: &Checked, path: &str, problems: &mut Vec<Problem>) {
    for (url, expected) in [
        ("webhook.url", "an https:// address: messages name your clients"),
        ("cloudflare.api", "an https:// address: the token goes there"),
        (
            "aws_wafv2.endpoint",
            "an https:// address: messages name your clients",
        ),
    ] {
        let url = format!("{path}.{url}");
        let is_open = |text: &str| text.starts_with("http://") && !is_loopback(text);
        if checked.text(&url).is_some_and(is_open) {
            let found = "an address off the loopback without TLS";
            report(checked, problems, &url, found, expected);
        }
    }
}
