//! A decision as a row.

use super::{corrupt, narrow, parse_client, read_client, read_time, read_time_or_null, read_word};
use crate::Error;
use crate::engine::{Row, Value, params};
use domain::{
    Action, Client, Completeness, Decision, DecisionId, Effort, Mode, Origin, Price, StampedDecision,
    ThreatKind, Timestamp,
};

/// The columns, in the order in which [`write`] and [`read`] use them.
pub(crate) const COLUMNS: &str = "seq, id, scope, value, conditions, gateways, action, priority, origin, \
    price_clients, price_requests, price_error, threat, alert_id, reason, event_at, ttl_secs, mode, model, \
    created_at, expires_at, revoked_at, revoked_by, effort_step, whole_permille";

/// Inserts one row.
pub(crate) const INSERT: &str = "INSERT INTO decisions (seq, id, scope, value, conditions, gateways, action, \
    priority, origin, price_clients, price_requests, price_error, threat, alert_id, reason, event_at, ttl_secs, \
    mode, model, created_at, expires_at, revoked_at, revoked_by, superseded_by, \
    effort_step, whole_permille) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
    $22, $23, $24, $25, $26)";

/// Parameters of [`INSERT`].
pub(crate) fn write(row: &StampedDecision, superseded_by: Option<i64>) -> Result<Vec<Value>, Error> {
    let decision = &row.decision;
    let conditions: Vec<(&str, String)> = decision
        .conditions
        .iter()
        .map(|client| (client.scope().as_str(), client.value().into_owned()))
        .collect();
    let json = |error: serde_json::Error| corrupt("a decision to store", error);
    Ok(params![
        row.seq,
        decision.id.to_string(),
        decision.client.scope().as_str(),
        decision.client.value().into_owned(),
        serde_json::to_string(&conditions).map_err(json)?,
        serde_json::to_string(&decision.gateways).map_err(json)?,
        decision.action.as_str(),
        u32::from(decision.priority),
        decision.origin.as_str(),
        decision.price.clients,
        decision.price.successful_requests,
        f64::from(decision.price.error),
        decision.threat.as_str(),
        decision.alert_id.map(|id| id.to_string()),
        decision.reason.as_str(),
        decision.event_at,
        decision.ttl_secs,
        decision.mode.as_str(),
        decision.model.as_str(),
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.revoked_by.clone(),
        superseded_by,
        decision.completeness.map(|found| i64::from(found.effort.step())),
        decision.completeness.map(|found| i64::from(found.whole_permille)),
    ])
}

/// Reads [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<StampedDecision, Error> {
    let row = &mut row;
    let mut stamped = StampedDecision {
        seq: row.count()?,
        decision: read_decision(row)?,
        created_at: read_time(row)?,
        expires_at: read_time(row)?,
        revoked_at: read_time_or_null(row)?,
        revoked_by: row.text_or_null()?,
    };
    stamped.decision.completeness = read_completeness(row)?;
    Ok(stamped)
}

fn read_completeness(row: &mut Row) -> Result<Option<Completeness>, Error> {
    let Some((step, permille)) = row.int_or_null()?.zip(row.int_or_null()?) else {
        return Ok(None);
    };
    let effort = u8::try_from(step).ok().and_then(Effort::from_step);
    Ok(Some(Completeness {
        effort: effort.ok_or_else(|| corrupt("an effort", format!("unknown step {step}")))?,
        whole_permille: narrow("a share of whole effort", permille)?,
    }))
}

fn read_decision(row: &mut Row) -> Result<Decision, Error> {
    Ok(Decision {
        id: parse_id(&row.text()?)?,
        client: read_client(row)?,
        conditions: read_conditions(&row.text()?)?,
        gateways: serde_json::from_str(&row.text()?)
            .map_err(|error| corrupt("a decision's gateways", error))?,
        action: read_word(row, "an action", |word| word.parse::<Action>().ok())?,
        priority: narrow("a priority", row.int()?)?,
        origin: read_word(row, "an origin", Origin::from_name)?,
        price: Price {
            clients: row.count()?,
            successful_requests: row.count()?,
            error: row.real()? as f32,
        },
        threat: read_word(row, "a threat", ThreatKind::from_name)?,
        alert_id: row.text_or_null()?.map(|id| parse_id(&id)).transpose()?,
        reason: row.text()?,
        event_at: Timestamp::from_millis(row.int()?),
        ttl_secs: narrow("a time to live", row.int()?)?,
        mode: read_word(row, "a mode", Mode::from_name)?,
        model: row.text()?,
        completeness: None,
    })
}

pub(crate) fn parse_id(text: &str) -> Result<DecisionId, Error> {
    DecisionId::parse(text).ok_or_else(|| corrupt("a decision's id", format!("{text:?}")))
}

fn read_conditions(json: &str) -> Result<Vec<Client>, Error> {
    let pairs: Vec<(String, String)> =
        serde_json::from_str(json).map_err(|error| corrupt("a decision's conditions", error))?;
    pairs
        .iter()
        .map(|(scope, value)| parse_client(scope, value))
        .collect()
}
