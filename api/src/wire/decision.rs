//! Decisions in JSON and CSV.

use super::{ClientName, CompletenessView, shown};
use crate::neutral::push_csv_field;
use domain::StampedDecision;
use serde::Serialize;
use utoipa::ToSchema;

/// Whom a decision would hit besides its target.
#[derive(Debug, Serialize, ToSchema)]
struct PriceView {
    /// Other established clients that it covers.
    clients: u64,
    /// Successful requests within the last window.
    successful_requests: u64,
    /// Upper bound of the relative error.
    error: f32,
}

/// What is to be done about a client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// Its identity.
    pub(crate) id: String,
    /// Position in the decision log.
    seq: u64,
    /// What kind of thing it names.
    scope: String,
    /// Whom it names, as it may be shown.
    value: String,
    /// The client's exact name, see `ClientName`.
    #[serde(rename = "ref")]
    reference: String,
    /// What must match as well.
    conditions: Vec<ClientName>,
    /// Gateways it holds for; empty for all.
    gateways: Vec<String>,
    /// What to do.
    action: String,
    /// Higher goes first where there is no room for all.
    priority: u8,
    /// Who decided.
    origin: String,
    /// What it costs if it is wrong.
    price: PriceView,
    /// Against which threat.
    threat: String,
    /// The alert it came from.
    alert_id: Option<String>,
    /// One sentence for a person.
    reason: String,
    /// Event time of the request that tipped it.
    event_at: String,
    /// How long it holds.
    ttl_secs: u32,
    /// When it was stored.
    created_at: String,
    /// When it ends.
    expires_at: String,
    /// Whether it is carried out.
    mode: String,
    /// Version name of the model.
    model: String,
    /// How complete the evidence is that it rests on; null when everything was done, and for a person's order.
    completeness: Option<CompletenessView>,
    /// When it was lifted.
    revoked_at: Option<String>,
    /// By whom.
    revoked_by: Option<String>,
}

impl DecisionView {
    pub(crate) fn new(stamped: &StampedDecision) -> Self {
        let decision = &stamped.decision;
        let client = ClientName::new(&decision.client);
        Self {
            id: decision.id.to_string(),
            seq: stamped.seq,
            scope: client.scope,
            value: client.value,
            reference: client.reference,
            conditions: decision.conditions.iter().map(ClientName::new).collect(),
            gateways: decision.gateways.iter().map(|name| shown(name)).collect(),
            action: decision.action.to_string(),
            priority: decision.priority,
            origin: decision.origin.as_str().to_owned(),
            price: PriceView {
                clients: decision.price.clients,
                successful_requests: decision.price.successful_requests,
                error: decision.price.error,
            },
            threat: decision.threat.to_string(),
            alert_id: decision.alert_id.map(|id| id.to_string()),
            reason: shown(&decision.reason),
            event_at: decision.event_at.to_string(),
            ttl_secs: decision.ttl_secs,
            created_at: stamped.created_at.to_string(),
            expires_at: stamped.expires_at.to_string(),
            mode: decision.mode.as_str().to_owned(),
            model: shown(&decision.model),
            completeness: decision.completeness.map(CompletenessView::new),
            revoked_at: stamped.revoked_at.map(|at| at.to_string()),
            revoked_by: stamped.revoked_by.as_deref().map(shown),
        }
    }

    /// The first line of the CSV form.
    pub(crate) const CSV_HEADER: &'static str =
        "id,scope,value,action,threat,origin,mode,reason,created_at,expires_at,revoked_at,revoked_by\n";

    /// Appends its line of the CSV form.
    pub(crate) fn push_csv(&self, out: &mut String) {
        let fields: [&str; 12] = [
            &self.id,
            &self.scope,
            &self.value,
            &self.action,
            &self.threat,
            &self.origin,
            &self.mode,
            &self.reason,
            &self.created_at,
            &self.expires_at,
            self.revoked_at.as_deref().unwrap_or_default(),
            self.revoked_by.as_deref().unwrap_or_default(),
        ];
        push_csv_line(out, &fields);
    }
}

/// Appends fields as one line.
pub(super) fn push_csv_line(out: &mut String, fields: &[&str]) {
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_csv_field(out, field);
    }
    out.push('\n');
}
