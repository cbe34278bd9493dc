//! A report of another machine in JSON.

use super::{ClientName, shown};
use domain::{Order, OrderKind};
use serde::Serialize;
use utoipa::ToSchema;

/// What another machine saw, as the journal holds it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    /// Position in the journal.
    seq: u64,
    /// About whom.
    client: ClientName,
    /// What it saw, in its own words.
    scenario: String,
    /// Until when it would act on it; null where it only reports.
    until: Option<String>,
    /// Requests or lines that it saw.
    events: u32,
    /// What it says of it.
    message: String,
    /// Name of the machine's key.
    machine: String,
    /// Address it came from.
    from: String,
    /// When it came.
    at: String,
}

impl ReportView {
    pub(crate) fn new(order: &Order) -> Self {
        let (scenario, until, events) = match &order.kind {
            OrderKind::Report {
                scenario,
                until,
                events,
            } => (scenario.as_str(), *until, *events),
            // The store gives reports alone.
            _ => ("", None, 0),
        };
        Self {
            seq: order.seq,
            client: ClientName::new(&order.client),
            scenario: shown(scenario),
            until: until.map(|at| at.to_string()),
            events,
            message: shown(&order.reason),
            machine: shown(&order.by),
            from: shown(&order.from),
            at: order.at.to_string(),
        }
    }
}
