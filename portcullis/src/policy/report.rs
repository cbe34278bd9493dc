//! Who would have been hit: what was decided in shadow, put together by the clause that decided.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Clients of a row that are named.
const NAMED: usize = 3;

/// What no clause decided: the whole product was in shadow.
const PRODUCT: &str = "policy.mode";

/// Decisions that are alike.
#[derive(Debug, Default)]
struct Alike<'a> {
    decisions: u64,
    clients: BTreeSet<(&'a str, &'a str)>,
    successes: u64,
    since: Option<&'a str>,
    until: Option<&'a str>,
}

/// Puts decisions in shadow together by clause, threat and action, as the API lists them; the costliest rows first, by the successful
/// requests of those that would have been hit.
pub(crate) fn report(decisions: &[Value]) -> Vec<Value> {
    let mut rows: BTreeMap<[&str; 3], Alike<'_>> = BTreeMap::new();
    for decision in decisions {
        let field = |name: &str| decision[name].as_str().unwrap_or_default();
        let key = [source(field("reason")), field("threat"), field("action")];
        let row = rows.entry(key).or_default();
        row.decisions += 1;
        row.clients.insert((field("scope"), field("value")));
        let price = &decision["price"]["successful_requests"];
        row.successes += price.as_u64().unwrap_or_default();
        let at = decision["event_at"].as_str();
        // Times of one form stand in the order of their letters.
        row.since = row.since.into_iter().chain(at).min();
        row.until = row.until.into_iter().chain(at).max();
    }
    let mut rows: Vec<([&str; 3], Alike<'_>)> = rows.into_iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.successes, row.clients.len())));
    let row = |([source, threat, action], row): &([&str; 3], Alike<'_>)| {
        let named = row.clients.iter().take(NAMED).map(|(_, value)| *value);
        json!({
            "source": source,
            "threat": threat,
            "action": action,
            "decisions": row.decisions,
            "clients": row.clients.len(),
            "successful_requests": row.successes,
            "first_at": row.since,
            "last_at": row.until,
            "examples": named.collect::<Vec<_>>().join(" "),
        })
    };
    rows.iter().map(row).collect()
}

/// The clause that a decision's reason names at its end, as the detector writes it.
fn source(reason: &str) -> &str {
    let named = reason.rsplit_once(" (clause ");
    let named = named.and_then(|(_, rest)| rest.strip_suffix(')'));
    named.unwrap_or(PRODUCT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(value: &str, reason: &str, successes: u64, at: &str) -> Value {
        json!({"scope": "ip", "value": value, "threat": "scraping", "action": "block", "reason": reason,
               "price": {"successful_requests": successes}, "event_at": at})
    }

    #[test]
    fn decisions_are_put_together_by_clause_and_what_they_would_have_cost() {
        let named = "it took 300 pages (of 2) (clause scrapers of policy shop 3)";
        let rows = report(&[
            decision("192.0.2.7", "it took 9 pages", 1, "2026-11-28T10:00:00Z"),
            decision("192.0.2.8", named, 40, "2026-11-28T12:00:00Z"),
            decision("192.0.2.8", named, 2, "2026-11-28T11:00:00Z"),
            decision("192.0.2.9", named, 0, "2026-11-28T13:00:00Z"),
        ]);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0],
            json!({"source": "scrapers of policy shop 3", "threat": "scraping", "action": "block", "decisions": 3,
                   "clients": 2, "successful_requests": 42, "first_at": "2026-11-28T11:00:00Z",
                   "last_at": "2026-11-28T13:00:00Z", "examples": "192.0.2.8 192.0.2.9"})
        );
        assert_eq!(
            (&rows[1]["source"], &rows[1]["clients"]),
            (&json!("policy.mode"), &json!(1))
        );
        assert!(report(&[]).is_empty());
    }
}
