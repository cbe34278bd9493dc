//! The cap on what one source may lead to: whoever can write a gateway's log could name anybody, and at most so many clients
//! within an hour are acted on by the word of one gateway.
//!
//! It holds for conclusive acts as well: a forged log holds whatever convicts fastest. Past it alerts are still told, with
//! the reason why nothing is done; a person's orders pass.

use crate::source::Sources;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Clients that one source may have acted on within an hour, unless its settings say otherwise: botnets of that size were
/// seen at one site, and blocklists of gateways hold as many without becoming slow.
pub const SOURCE_CAP_DEFAULT: u32 = 10_000;

/// The span over which they are counted, in milliseconds.
const SPAN_MILLIS: i64 = 3600 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    started_millis: i64,
    acted_on: u32,
}

/// How many clients were acted on by the word of each source in the present hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCaps {
    /// By the number of the source that they are counted with; no more entries than there are sources.
    spans: BTreeMap<u32, Span>,
    /// Times that a client was not acted on because of it.
    pub held_back: u64,
}

impl SourceCaps {
    /// Whether a source may have no further client acted on at that moment, with its cap.
    pub(crate) fn is_spent(&self, sources: &Sources, source: u32, now: Timestamp) -> Option<u32> {
        let terms = sources.get(source);
        let span = self.spans.get(&terms.counted_with.unwrap_or(source))?;
        let is_over = now.as_millis().saturating_sub(span.started_millis) >= SPAN_MILLIS;
        (!is_over && span.acted_on >= terms.cap).then_some(terms.cap)
    }

    /// Counts a client that is acted on by the word of a source.
    pub(crate) fn note(&mut self, sources: &Sources, source: u32, now: Timestamp) {
        let fresh = Span {
            started_millis: now.as_millis(),
            acted_on: 0,
        };
        let owner = sources.get(source).counted_with.unwrap_or(source);
        let span = self.spans.entry(owner).or_insert(fresh);
        if now.as_millis().saturating_sub(span.started_millis) >= SPAN_MILLIS {
            *span = fresh;
        }
        span.acted_on = span.acted_on.saturating_add(1);
    }
}

/// Why a client is not acted on when the cap of its source is spent.
pub(crate) fn reason(source: u32, cap: u32) -> String {
    format!("source {source} has led to {cap} blocked or slowed down within an hour: its cap")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceTerms;

    #[test]
    fn sources_that_are_counted_together_spend_one_cap_until_the_hour_is_over() {
        let mut sources = Sources::default();
        for source in [3, 4] {
            let terms = SourceTerms {
                cap: 2,
                counted_with: Some(3),
                ..SourceTerms::default()
            };
            sources.set(source, terms);
        }
        let at = |secs: i64| Timestamp::from_secs(1_000_000 + secs);
        let mut caps = SourceCaps::default();
        caps.note(&sources, 3, at(0));
        assert_eq!(caps.is_spent(&sources, 4, at(1)), None);
        caps.note(&sources, 4, at(1));
        assert_eq!(caps.is_spent(&sources, 3, at(2)), Some(2));
        assert_eq!(caps.is_spent(&sources, 4, at(2)), Some(2));
        assert_eq!(caps.is_spent(&sources, 5, at(2)), None);
        assert_eq!(caps.is_spent(&sources, 4, at(3600)), None);
        caps.note(&sources, 4, at(3600));
        assert_eq!(caps.is_spent(&sources, 3, at(3601)), None);
    }
}
