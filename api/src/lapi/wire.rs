//! One decision as CrowdSec's clients see it.

use super::duration::push_go_duration;
use domain::blocklist::Entry;
use domain::{Action, DecisionId, Scope};
use std::fmt::Write as _;

/// How our decisions look to CrowdSec's clients.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    origin: Box<str>,
    origin_json: Box<str>,
}

impl Wire {
    /// Decisions appear under that origin. Some bouncers take only origins that they know, such as `crowdsec`.
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            origin_json: json_text(origin).into(),
        }
    }

    /// The origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Appends a decision's JSON, holding for `millis` more (negative: over since). Members stand in the order in
    /// which CrowdSec's own serialiser writes them.
    pub(crate) fn push(&self, out: &mut String, entry: &Entry, millis: i64) {
        let Some(kind) = kind_name(entry.action) else {
            return;
        };
        out.push_str(r#"{"duration":""#);
        push_go_duration(out, millis);
        // Writing to a string cannot fail. Scenario, scope and type are our own plain words.
        let _ = write!(
            out,
            r#"","id":{},"origin":{},"scenario":"{SCENARIO_PREFIX}{}","scope":"{}","type":"{kind}","uuid":""#,
            entry.seq,
            self.origin_json,
            entry.threat,
            scope_name(entry.client.scope()),
        );
        push_uuid(out, entry.id);
        out.push_str(r#"","value":"#);
        match entry.client.range() {
            // Addresses and ranges need no escapes.
            Some(_) => {
                let _ = write!(out, "\"{}\"", entry.client);
            }
            None => out.push_str(&json_text(&entry.client.value())),
        }
        out.push('}');
    }
}

/// What stands before the threat in a scenario's name.
pub(crate) const SCENARIO_PREFIX: &str = "portcullis/";

/// Whether the bouncers of some gateway are served a decision. A conditional one never: they would carry it out
/// without looking at the condition.
pub(crate) fn is_served_somewhere(entry: &Entry) -> bool {
    !entry.is_conditional() && kind_name(entry.action).is_some()
}

/// Whether the bouncer of a gateway is served a decision.
pub(crate) fn is_served(entry: &Entry, gateway: Option<&str>) -> bool {
    is_served_somewhere(entry) && entry.holds_at(gateway)
}

/// The word for an action; `None` for one that is not carried out.
pub(crate) const fn kind_name(action: Action) -> Option<&'static str> {
    match action {
        Action::Observe => None,
        Action::Challenge => Some("captcha"),
        Action::Throttle => Some("throttle"),
        Action::Block => Some("ban"),
    }
}

/// CrowdSec's word for a scope; its clients treat any other as custom.
pub(crate) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Ip => "Ip",
        Scope::Range => "Range",
        Scope::Country => "Country",
        Scope::As => "AS",
        other => other.as_str(),
    }
}

/// The decision's identity in the form of a UUID, so that a bouncer's log leads back to it.
fn push_uuid(out: &mut String, id: DecisionId) {
    // By hand: a whole list has a hundred thousand of them.
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (place, byte) in id.0.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(crate::neutral::neutralise(text).as_ref()).to_string()
}
