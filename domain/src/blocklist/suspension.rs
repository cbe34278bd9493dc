//! The kill switch: while it is thrown nothing is carried out.

use crate::{Order, OrderKind, Timestamp};

/// That nothing is carried out, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` for until somebody resumes.
    pub until: Option<Timestamp>,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The newest word about everybody.
#[derive(Debug, Default)]
pub(super) struct Suspension {
    seq: u64,
    said: Option<Suspended>,
}

impl Suspension {
    /// Takes an order in; false when a newer one is known.
    pub(super) fn apply(&mut self, order: &Order) -> bool {
        if order.seq <= self.seq {
            return false;
        }
        self.seq = order.seq;
        self.said = match order.kind {
            OrderKind::Suspend { until } => Some(Suspended {
                since: order.at,
                until,
                by: order.by.clone(),
                reason: order.reason.clone(),
            }),
            _ => None,
        };
        true
    }

    /// What holds at a moment.
    pub(super) fn at(&self, now: Timestamp) -> Option<&Suspended> {
        let holds = |said: &&Suspended| said.until.is_none_or(|until| until > now);
        self.said.as_ref().filter(holds)
    }

    /// When it ends by itself.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.said.as_ref().and_then(|said| said.until)
    }
}
