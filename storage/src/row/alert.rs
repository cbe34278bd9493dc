//! An alert as a row: the columns that are searched, and the whole as JSON.

use super::decision::parse_id;
use super::{corrupt, parse_client};
use crate::engine::{Row, Value, params};
use crate::{
    Error, StoredAlert, StoredEvidence, StoredMember, StoredReason, StoredThreat, StoredVerdict,
    StoredWhatIf, Whereabouts,
};
use domain::{Action, Completeness, Effort, ThreatKind, Timestamp};
use serde::{Deserialize, Serialize};

/// Inserts or replaces one row.
pub(crate) const UPSERT: &str = "INSERT INTO alerts (id, scope, value, threats, action, score, alerted_at, \
    updated_at, search_text, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, value = excluded.value, threats = excluded.threats, \
    action = excluded.action, score = excluded.score, alerted_at = excluded.alerted_at, \
    updated_at = excluded.updated_at, search_text = excluded.search_text, body = excluded.body";

/// The columns that [`read`] reads.
pub(crate) const COLUMNS: &str = "body, judgement, judged_by, judged_at, judged_because";

/// Longest text that is searched, in bytes: the client, the threats, the sentences, and requests up to here.
const SEARCH_BYTES_MAX: usize = 8 * 1024;

#[derive(Serialize, Deserialize)]
struct Body {
    id: String,
    scope: String,
    value: String,
    threats: Vec<(String, f32)>,
    score: f32,
    p_value: f64,
    action: String,
    first_seen: i64,
    alerted_at: i64,
    action_at: Option<i64>,
    requests_before_alert: u64,
    requests_before_action: Option<u64>,
    reasons: Vec<ReasonBody>,
    // Rows of earlier versions have none of these.
    #[serde(default)]
    what_if: Vec<WhatIfBody>,
    evidence: Vec<EvidenceBody>,
    #[serde(default)]
    members: Vec<MemberBody>,
    #[serde(default)]
    members_in_all: u64,
    #[serde(default)]
    blind_spots: Vec<String>,
    #[serde(default)]
    network: Option<u32>,
    #[serde(default)]
    country: Option<String>,
    /// The step of the least effort, and thousandths of whole effort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completeness: Option<(u8, u16)>,
    held_back: Option<String>,
    model: String,
    updated_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ReasonBody {
    feature: String,
    /// JSON has no infinities: they are stored as null and read as NaN, which the API shows as absent.
    value: Option<f32>,
    typical: Option<f32>,
    contribution: f32,
    sentence: String,
}

#[derive(Serialize, Deserialize)]
struct WhatIfBody {
    threat: String,
    quantity: String,
    value: Option<f32>,
    silent_at: Option<f32>,
    milder_at: Option<f32>,
    blocked_at: Option<f32>,
    sentence: String,
}

#[derive(Serialize, Deserialize)]
struct MemberBody {
    scope: String,
    value: String,
    requests: u64,
    first_seen: i64,
    action: String,
    action_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct EvidenceBody {
    source: u32,
    line: u64,
    at: i64,
    request: String,
    status: u16,
}

/// Parameters of [`UPSERT`].
pub(crate) fn write(alert: &StoredAlert) -> Result<Vec<Value>, Error> {
    let body = serde_json::to_string(&body_of(alert)).map_err(|error| corrupt("an alert to store", error))?;
    let kinds: Vec<&str> = alert.threats.iter().map(|threat| threat.kind.as_str()).collect();
    Ok(params![
        alert.id.to_string(),
        alert.client.scope().as_str(),
        alert.client.value().into_owned(),
        format!(",{},", kinds.join(",")),
        alert.action.as_str(),
        f64::from(alert.score),
        alert.alerted_at,
        alert.updated_at,
        search_text(alert),
        body,
    ])
}

fn search_text(alert: &StoredAlert) -> String {
    let mut text = alert.client.to_string();
    let parts = alert
        .threats
        .iter()
        .map(|threat| threat.kind.as_str())
        .chain(alert.reasons.iter().map(|reason| reason.sentence.as_str()))
        .chain(alert.evidence.iter().map(|evidence| evidence.request.as_str()));
    for part in parts {
        if text.len() > SEARCH_BYTES_MAX {
            break;
        }
        text.push('\n');
        text.push_str(part);
    }
    let mut end = text.len().min(SEARCH_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.to_lowercase()
}

fn body_of(alert: &StoredAlert) -> Body {
    let reason = |reason: &StoredReason| ReasonBody {
        feature: reason.feature.clone(),
        value: reason.value.is_finite().then_some(reason.value),
        typical: reason.typical.is_finite().then_some(reason.typical),
        contribution: reason.contribution,
        sentence: reason.sentence.clone(),
    };
    let evidence = |evidence: &StoredEvidence| EvidenceBody {
        source: evidence.source,
        line: evidence.line,
        at: evidence.at.as_millis(),
        request: evidence.request.clone(),
        status: evidence.status,
    };
    Body {
        id: alert.id.to_string(),
        scope: alert.client.scope().as_str().to_owned(),
        value: alert.client.value().into_owned(),
        threats: alert
            .threats
            .iter()
            .map(|threat| (threat.kind.as_str().to_owned(), threat.confidence))
            .collect(),
        score: alert.score,
        p_value: alert.p_value,
        action: alert.action.as_str().to_owned(),
        first_seen: alert.first_seen.as_millis(),
        alerted_at: alert.alerted_at.as_millis(),
        action_at: alert.action_at.map(Timestamp::as_millis),
        requests_before_alert: alert.requests_before_alert,
        requests_before_action: alert.requests_before_action,
        reasons: alert.reasons.iter().map(reason).collect(),
        what_if: alert.what_if.iter().map(WhatIfBody::of).collect(),
        evidence: alert.evidence.iter().map(evidence).collect(),
        members: alert.members.iter().map(MemberBody::of).collect(),
        members_in_all: alert.members_in_all,
        blind_spots: alert.blind_spots.clone(),
        network: alert.whereabouts.network,
        country: alert.whereabouts.country.clone(),
        completeness: alert
            .completeness
            .map(|found| (found.effort.step(), found.whole_permille)),
        held_back: alert.held_back.clone(),
        model: alert.model.clone(),
        updated_at: alert.updated_at.as_millis(),
    }
}

/// Reads [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<StoredAlert, Error> {
    let json = row.text()?;
    let verdict = read_verdict(&mut row)?;
    Ok(StoredAlert {
        verdict,
        ..read_body(&json)?
    })
}

fn read_verdict(row: &mut Row) -> Result<Option<StoredVerdict>, Error> {
    let Some(name) = row.text_or_null()? else {
        return Ok(None);
    };
    Ok(Some(StoredVerdict {
        judgement: super::order::judgement(&name)?,
        by: row.text()?,
        at: super::read_time(row)?,
        reason: row.text()?,
    }))
}

fn read_body(json: &str) -> Result<StoredAlert, Error> {
    let body: Body = serde_json::from_str(json).map_err(|error| corrupt("an alert", error))?;
    let threat = |(kind, confidence): &(String, f32)| {
        Ok::<_, Error>(StoredThreat {
            kind: parse_threat(kind)?,
            confidence: *confidence,
        })
    };
    let action = parse_action(&body.action)?;
    Ok(StoredAlert {
        id: parse_id(&body.id)?,
        client: parse_client(&body.scope, &body.value)?,
        threats: body.threats.iter().map(threat).collect::<Result<_, _>>()?,
        score: body.score,
        p_value: body.p_value,
        action,
        first_seen: Timestamp::from_millis(body.first_seen),
        alerted_at: Timestamp::from_millis(body.alerted_at),
        action_at: body.action_at.map(Timestamp::from_millis),
        requests_before_alert: body.requests_before_alert,
        requests_before_action: body.requests_before_action,
        reasons: body.reasons.into_iter().map(read_reason).collect(),
        what_if: body
            .what_if
            .into_iter()
            .map(WhatIfBody::read)
            .collect::<Result<_, _>>()?,
        evidence: body.evidence.into_iter().map(read_evidence).collect(),
        members: body
            .members
            .iter()
            .map(MemberBody::read)
            .collect::<Result<_, _>>()?,
        members_in_all: body.members_in_all,
        blind_spots: body.blind_spots,
        whereabouts: Whereabouts {
            network: body.network,
            country: body.country,
        },
        completeness: body.completeness.and_then(read_completeness),
        held_back: body.held_back,
        model: body.model,
        updated_at: Timestamp::from_millis(body.updated_at),
        verdict: None,
    })
}

/// Of a step that nobody knows nothing is said.
fn read_completeness((step, whole_permille): (u8, u16)) -> Option<Completeness> {
    Some(Completeness {
        effort: Effort::from_step(step)?,
        whole_permille,
    })
}

fn parse_threat(name: &str) -> Result<ThreatKind, Error> {
    ThreatKind::from_name(name).ok_or_else(|| corrupt("a threat", format!("unknown {name:?}")))
}

fn parse_action(name: &str) -> Result<Action, Error> {
    name.parse().map_err(|error| corrupt("an alert", error))
}

impl WhatIfBody {
    fn of(what_if: &StoredWhatIf) -> Self {
        // As of reasons: JSON has no infinities.
        let finite = |value: &f32| value.is_finite();
        Self {
            threat: what_if.threat.as_str().to_owned(),
            quantity: what_if.quantity.clone(),
            value: Some(what_if.value).filter(finite),
            silent_at: what_if.silent_at.filter(finite),
            milder_at: what_if.milder_at.filter(finite),
            blocked_at: what_if.blocked_at.filter(finite),
            sentence: what_if.sentence.clone(),
        }
    }

    fn read(self) -> Result<StoredWhatIf, Error> {
        Ok(StoredWhatIf {
            threat: parse_threat(&self.threat)?,
            quantity: self.quantity,
            value: self.value.unwrap_or(f32::NAN),
            silent_at: self.silent_at,
            milder_at: self.milder_at,
            blocked_at: self.blocked_at,
            sentence: self.sentence,
        })
    }
}

impl MemberBody {
    fn of(member: &StoredMember) -> Self {
        Self {
            scope: member.client.scope().as_str().to_owned(),
            value: member.client.value().into_owned(),
            requests: member.requests,
            first_seen: member.first_seen.as_millis(),
            action: member.action.as_str().to_owned(),
            action_at: member.action_at.map(Timestamp::as_millis),
        }
    }

    fn read(&self) -> Result<StoredMember, Error> {
        Ok(StoredMember {
            client: parse_client(&self.scope, &self.value)?,
            requests: self.requests,
            first_seen: Timestamp::from_millis(self.first_seen),
            action: parse_action(&self.action)?,
            action_at: self.action_at.map(Timestamp::from_millis),
        })
    }
}

fn read_reason(reason: ReasonBody) -> StoredReason {
    StoredReason {
        feature: reason.feature,
        value: reason.value.unwrap_or(f32::NAN),
        typical: reason.typical.unwrap_or(f32::NAN),
        contribution: reason.contribution,
        sentence: reason.sentence,
    }
}

fn read_evidence(evidence: EvidenceBody) -> StoredEvidence {
    StoredEvidence {
        source: evidence.source,
        line: evidence.line,
        at: Timestamp::from_millis(evidence.at),
        request: evidence.request,
        status: evidence.status,
    }
}
