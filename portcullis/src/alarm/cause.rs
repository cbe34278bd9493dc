//! The likely causes in words. Names of fields and figures only: no text from a log.

use super::survey::FIELDS;
use super::{Leader, Minute, Offset, Seen, SourceKind};

/// User agents that come with one address, from which it looks like a proxy: people behind one address rarely have so many.
const AGENTS_OF_PROXY: u32 = 8;

/// A clock that is wrong by a time zone is off by whole quarters of an hour, but for this much.
const ZONE_SLACK_SECS: i64 = 90;

/// Of a source that is silent: what came in so many minutes beside what is usual.
pub(super) fn silent(seen: &Seen, lines: u64, usual: f64, minutes: i64) -> String {
    let likely = match seen.kind {
        SourceKind::Topic => {
            "the gateway or its shipper stopped writing to the topic, or the topic was renamed"
        }
        SourceKind::File => "the gateway stopped writing, or writes to another file since a rotation",
        SourceKind::Syslog => "the sender stopped, or a firewall or `allow` keeps its messages away",
        SourceKind::Push | SourceKind::Gateway => {
            "the gateway stopped, its shipper did, or its key was revoked"
        }
        SourceKind::Brokers | SourceKind::Process => "reading stopped",
    };
    format!(
        "{lines} lines in {minutes} minutes where {usual:.0} are usual at this hour of the week: {likely}."
    )
}

/// Of lines that cannot be read, of so many and as usual.
pub(super) fn unreadable(rejected: u64, lines: u64, usual: Option<f64>) -> String {
    let before = match usual {
        Some(share) => format!("{} are usual", percent(share)),
        None => "what is usual is not known yet".to_owned(),
    };
    let share = percent(rejected as f64 / lines.max(1) as f64);
    format!(
        "{share} of {lines} lines cannot be read ({before}): the gateway's log format changed, or the setting names another one."
    )
}

/// Of fields that are gone, by their numbers.
pub(super) fn vanished(fields: &[usize], looked: u64) -> String {
    let names: Vec<&str> = fields.iter().filter_map(|at| Some(FIELDS.get(*at)?.0)).collect();
    format!(
        "{} stood in nearly every line and is missing from the last {looked}: the gateway's log format changed, or a shipper drops it.",
        names.join(", ")
    )
}

/// Of one address that sends more than half.
pub(super) fn one_address(leader: Leader, share: f64) -> String {
    let share = percent(share);
    let address = leader.address;
    if leader.agents >= AGENTS_OF_PROXY || !is_public(leader.address) {
        format!(
            "{share} of the requests come from {address}, with {} or more user agents: it looks like a proxy or load balancer whose \
             word about the client is not believed, so that its clients count as one.",
            leader.agents
        )
    } else {
        format!(
            "{share} of the requests come from {address}, with {} user agents: either one client sends more than all others, or it is \
             a proxy whose word about the client is not believed.",
            leader.agents
        )
    }
}

/// Whether an address can be a client's across the internet.
fn is_public(address: std::net::IpAddr) -> bool {
    match address.to_canonical() {
        std::net::IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
        std::net::IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

/// Of a clock that is ahead of ours, or behind.
pub(super) fn clock(offset: Offset, is_ahead: bool) -> String {
    let secs = offset.millis / 1000 / i64::from(offset.requests.max(1));
    let from_quarter = (secs + 450).rem_euclid(900) - 450;
    let is_zone = secs >= 900 && from_quarter.abs() <= ZONE_SLACK_SECS;
    let likely = match (is_zone, is_ahead) {
        (true, _) => "that is a time zone: the log writes local time without saying so",
        (false, true) => "the gateway's clock, or this machine's, is wrong",
        (false, false) => "its shipper holds lines back, or a clock is wrong",
    };
    let side = if is_ahead { "after" } else { "before" };
    format!("requests are dated {secs} seconds {side} they arrive, on average: {likely}.")
}

/// Of what waits and does not get less.
pub(super) fn lag(seen: &Seen, first: u64, minutes: i64) -> String {
    let unit = unit(seen.kind);
    format!(
        "{} {unit} wait, after {first} {minutes} minutes ago: more comes than is read here.",
        seen.waits
    )
}

/// Of what waits while nothing is read.
pub(super) fn not_reading(seen: &Seen, minute: &Minute) -> String {
    let likely = if minute.is_held {
        "what was decided cannot be stored, so that reading is held"
    } else if minute.is_troubled {
        "the brokers report trouble"
    } else if seen.kind == SourceKind::Topic {
        "its partitions are with another member of the group, or the brokers give nothing"
    } else {
        "the file or spool cannot be read"
    };
    if seen.waits == 0 {
        return format!("No line was read, and what waits is not known: {likely}.");
    }
    format!(
        "{} {} wait and no line was read: {likely}.",
        seen.waits,
        unit(seen.kind)
    )
}

/// Of lines that were lost.
pub(super) fn lost(seen: &Seen) -> String {
    match seen.kind {
        SourceKind::Topic | SourceKind::Brokers => format!(
            "{} offsets were deleted before they were read: the topic's retention is shorter than we were behind.",
            seen.lost
        ),
        _ => format!(
            "{} lines found no room, in the spool or in the kernel before it: more came than was read.",
            seen.lost
        ),
    }
}

/// Of a gateway that serves whom it is to refuse.
pub(super) fn not_enforced(leaked: u64, blocked: u64) -> String {
    let share = percent(leaked as f64 / blocked as f64);
    format!(
        "{leaked} of {blocked} requests ({share}) of clients that are blocked were served: the gateway does not carry decisions out, or not everywhere."
    )
}

/// Of a guard that holds back.
pub(super) fn guard_holds(times: u64) -> String {
    format!(
        "{times} times within a minute an established client was not acted on: more of those who have used the site for long stand out than \
         the guard lets be hit. Either very many of them attack, or what speaks against them is wrong."
    )
}

/// Of doing less than everything.
pub(super) fn degraded(step: u8) -> String {
    let what = match step {
        1 => "clients are scored less often",
        _ => "clients are scored less often, and less evidence of each is kept",
    };
    format!("more comes than can be handled with everything on: {what} (step {step}).")
}

const fn unit(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Topic | SourceKind::Gateway | SourceKind::Brokers | SourceKind::Process => "messages",
        SourceKind::File | SourceKind::Syslog | SourceKind::Push => "bytes",
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
