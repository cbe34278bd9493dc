//! The routes of machines: what they push, and what they and `cscli` read and take back.

use super::alert::{Pushed, of_decision, of_report, read as read_push};
use super::duration::read_go_duration;
use super::filter::Filter;
use super::handler::message;
use super::machine::{Machine, Refused, json, refused};
use crate::neutral::neutralise;
use crate::peer::Peer;
use crate::state::ApiState;
use axum::body::Bytes;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::blocklist::Entry;
use domain::{Client, Order, OrderKind, StampedDecision, Timestamp};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use storage::{DecisionFilter, NewOrder, OrderFilter, Page};

/// Longest body of a machine: CrowdSec's pushes carry the events behind an alert, which are not read here.
pub(super) const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most alerts that are listed at once, whatever is asked.
const LISTED_MAX: usize = 1_000;
/// Most rows of a log that are looked through for a list: a filter that matches little must not read all of it.
const LOOKED_AT_MAX: usize = 20_000;
/// Most decisions that one request ends: `decisions delete --all` is no kill switch, `portcullis suspend` is.
const ENDED_MAX: usize = 1_000;
/// How long the machine leaves a client alone after a machine lifted its block, in seconds: as after any lift by default.
const GRACE_SECS: u32 = 24 * 3600;
/// Longest query parameter that is read.
const PARAMETER_BYTES_MAX: usize = 512;

/// `POST /v1/alerts`.
pub(super) async fn push(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Result<Response, Refused> {
    let now = state.now();
    let pushed =
        read_push(&body, machine.is_operator(), now).map_err(|why| refused(StatusCode::BAD_REQUEST, &why))?;
    let all = || pushed.iter().flatten();
    let configured = state.blocklist.configured();
    for one in all().filter(|one| matches!(one.kind, OrderKind::Block { .. })) {
        // It would be written down and never be carried out.
        if let Some(reason) = configured.protects(&one.client, now) {
            let why = format!("the configured allowlist protects {} ({reason})", one.client);
            return Err(refused(StatusCode::BAD_REQUEST, &why));
        }
    }
    let reports = all().filter(|one| !one.kind.is_a_persons_word()).count();
    if !state
        .machines
        .takes(machine.name(), u32::try_from(reports).unwrap_or(u32::MAX), now)
    {
        return Err(refused(
            StatusCode::TOO_MANY_REQUESTS,
            "too many reports within a minute",
        ));
    }
    let mut ids = Vec::with_capacity(pushed.len());
    for alert in pushed {
        let mut first = None;
        for Pushed { kind, client, reason } in alert {
            let seq = give(&state, (kind, client, reason), &machine, peer, now).await?.0;
            first.get_or_insert(seq);
        }
        ids.extend(first.map(|seq| seq.to_string()));
    }
    state.blocklist.wake();
    Ok(json(StatusCode::CREATED, ids.into()))
}

/// Writes an entry of the journal; gives its number and how many decisions it ended.
async fn give(
    state: &ApiState,
    (kind, client, reason): (OrderKind, Client, String),
    machine: &Machine,
    peer: Peer,
    now: Timestamp,
) -> Result<(u64, u64), Refused> {
    let order = NewOrder {
        kind,
        client,
        reason,
        by: machine.name().to_owned(),
        from: peer.address.ip().to_string(),
    };
    let receipt = state.store.append_order(&order, now).await.map_err(failed)?;
    state.metrics.ordered(order.kind.as_str(), &order.by);
    // A block is known by its decision's number, which a list shows.
    let seq = receipt.decision.map_or(receipt.order.seq, |row| row.seq);
    Ok((seq, receipt.revoked))
}

fn failed(error: storage::Error) -> Refused {
    tracing::error!(%error, "could not answer a machine");
    refused(StatusCode::INTERNAL_SERVER_ERROR, "the store does not answer")
}

/// What a list of alerts is narrowed by, beside what narrows decisions.
struct Asked {
    filter: Filter,
    is_active: bool,
    is_simulated: bool,
    scenario: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    limit: usize,
}

impl Asked {
    fn parse(query: &str, now: Timestamp) -> Result<Self, Refused> {
        let named: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, value)| name.len() + value.len() <= PARAMETER_BYTES_MAX)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let text = |name: &str| named.get(name).map_or("", String::as_str);
        let ago = |name: &str| match text(name) {
            "" => Ok(None),
            text => match read_go_duration(text) {
                Some(millis) => Ok(Some(now.minus_millis(millis))),
                None => Err(refused(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &format!("while parsing {name} duration: invalid duration"),
                )),
            },
        };
        let mut filter = Filter::parse(query)
            .map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, &neutralise(&error.to_string())))?;
        filter.of_alerts(text("decision_type"), text("origin"));
        Ok(Self {
            filter,
            is_active: text("has_active_decision") == "true",
            is_simulated: text("simulated") != "false",
            scenario: text("scenario").to_owned(),
            since: ago("since")?,
            until: ago("until")?,
            limit: match text("limit").parse() {
                Ok(0) | Err(_) => LISTED_MAX,
                Ok(limit) => LISTED_MAX.min(limit),
            },
        })
    }

    fn accepts_time(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }
}

/// `GET /v1/alerts`: decisions and reports, newest first; `null` where there are none.
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let now = state.now();
    let asked = Asked::parse(query.as_deref().unwrap_or_default(), now)?;
    let mut found = if asked.is_active {
        in_force(&state, &asked, &machine, now)
    } else {
        decided(&state, &asked, now).await?
    };
    if asked.is_simulated {
        found.extend(reported(&state, &asked, now).await?);
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    found.truncate(asked.limit);
    let alerts: Vec<Value> = found.into_iter().map(|(_, alert)| alert).collect();
    Ok(json(
        StatusCode::OK,
        if alerts.is_empty() {
            Value::Null
        } else {
            alerts.into()
        },
    ))
}

type Numbered = (u64, Value);

/// From memory: as fast as a bouncer's lookup, and with the database gone.
fn in_force(state: &ApiState, asked: &Asked, machine: &Machine, now: Timestamp) -> Vec<Numbered> {
    let gateway = machine.key.key.gateway.as_deref();
    let mut found = state.lapi.matching(&asked.filter, gateway, now);
    found.retain(|entry| asked.accepts_time(entry.created_at) && asked.accepts_scenario(entry));
    found.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
    found.truncate(asked.limit);
    let wire = state.lapi.wire();
    let alert = |entry: &Entry| (entry.seq, of_decision(entry, "", wire, now));
    found.iter().map(alert).collect()
}

impl Asked {
    fn accepts_scenario(&self, entry: &Entry) -> bool {
        self.scenario.is_empty()
            || format!("{}{}", super::wire::SCENARIO_PREFIX, entry.threat).contains(&self.scenario)
    }
}

/// Decisions of any time.
async fn decided(state: &ApiState, asked: &Asked, now: Timestamp) -> Result<Vec<Numbered>, Refused> {
    let mut found = Vec::new();
    let mut page = Page::first(storage::PAGE_MAX);
    for _ in 0..LOOKED_AT_MAX / storage::PAGE_MAX as usize {
        let rows = state
            .store
            .query_decisions(&DecisionFilter::default(), &page, now)
            .await
            .map_err(failed)?;
        for row in &rows.items {
            let entry = Entry::new(row);
            let is_wanted = asked.filter.accepts(&entry, state.lapi.wire().origin())
                && asked.accepts_time(entry.created_at)
                && asked.accepts_scenario(&entry);
            if is_wanted && found.len() < asked.limit {
                found.push((row.seq, told(state, row, now)));
            }
        }
        page.cursor = rows.next;
        if page.cursor.is_none() || found.len() >= asked.limit {
            break;
        }
    }
    Ok(found)
}

fn told(state: &ApiState, row: &StampedDecision, now: Timestamp) -> Value {
    let mut entry = Entry::new(row);
    if let Some(revoked_at) = row.revoked_at {
        entry.expires_at = entry.expires_at.min(revoked_at);
    }
    of_decision(&entry, &row.decision.reason, state.lapi.wire(), now)
}

/// What machines reported; with `has_active_decision` only what they would still act on.
async fn reported(state: &ApiState, asked: &Asked, now: Timestamp) -> Result<Vec<Numbered>, Refused> {
    let mut found = Vec::new();
    let mut page = Page::first(storage::PAGE_MAX);
    let filter = OrderFilter {
        is_reports: true,
        ..OrderFilter::default()
    };
    for _ in 0..LOOKED_AT_MAX / storage::PAGE_MAX as usize {
        let rows = state.store.query_orders(&filter, &page).await.map_err(failed)?;
        let wanted = rows.items.iter().filter(|order| asked.accepts_report(order, now));
        found.extend(wanted.filter_map(|order| Some((order.seq, of_report(order, now)?))));
        page.cursor = rows.next;
        if page.cursor.is_none() || found.len() >= asked.limit {
            break;
        }
    }
    Ok(found)
}

impl Asked {
    fn accepts_report(&self, order: &Order, now: Timestamp) -> bool {
        let OrderKind::Report { scenario, until, .. } = &order.kind else {
            return false;
        };
        (!self.is_active || until.is_some_and(|until| until > now))
            && self.accepts_time(order.at)
            && (self.scenario.is_empty() || scenario.contains(&self.scenario))
            && self.filter.accepts_client(&order.client)
    }
}

/// `GET /v1/alerts/{id}`.
pub(super) async fn read(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let now = state.now();
    let missing = || refused(StatusCode::NOT_FOUND, "object not found");
    let seq: u64 = id.parse().map_err(|_| missing())?;
    if let Some(row) = decision_at(&state, seq).await? {
        return Ok(json(StatusCode::OK, told(&state, &row, now)));
    }
    let orders = state
        .store
        .tail_orders(seq.saturating_sub(1), 1)
        .await
        .map_err(failed)?;
    let alert = orders
        .first()
        .filter(|order| order.seq == seq)
        .and_then(|order| of_report(order, now));
    alert.map(|alert| json(StatusCode::OK, alert)).ok_or_else(missing)
}

async fn decision_at(state: &ApiState, seq: u64) -> Result<Option<StampedDecision>, Refused> {
    let rows = state
        .store
        .tail_decisions(seq.saturating_sub(1), 1)
        .await
        .map_err(failed)?;
    Ok(rows.into_iter().find(|row| row.seq == seq))
}

/// `DELETE /v1/alerts`: what was decided and reported is a record.
pub(super) async fn keep() -> Response {
    message(
        StatusCode::FORBIDDEN,
        "alerts are a record and stay: delete the decision, which lifts it",
    )
}

/// `DELETE /v1/decisions`: lifts whoever matches. A watcher lifts nobody.
pub(super) async fn delete_decisions(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let now = state.now();
    operator_only(&machine)?;
    let asked = Asked::parse(query.as_deref().unwrap_or_default(), now)?;
    let mut found = state
        .lapi
        .matching(&asked.filter, machine.key.key.gateway.as_deref(), now);
    found.retain(|entry| asked.accepts_scenario(entry));
    if found.len() > ENDED_MAX {
        let why = format!(
            "{} decisions match, at most {ENDED_MAX} are ended at once: see portcullis suspend",
            found.len()
        );
        return Err(refused(StatusCode::BAD_REQUEST, &why));
    }
    let mut clients: Vec<Client> = Vec::new();
    for entry in found {
        if !clients.contains(&entry.client) {
            clients.push(entry.client);
        }
    }
    let mut ended = 0;
    for client in clients {
        let lift = OrderKind::Lift {
            grace_secs: GRACE_SECS,
        };
        ended += end(&state, (lift, client), &machine, peer, now).await?;
    }
    state.blocklist.wake();
    Ok(deleted(ended))
}

/// `DELETE /v1/decisions/{id}`: ends one decision.
pub(super) async fn delete_decision(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let now = state.now();
    operator_only(&machine)?;
    let row = match id.parse() {
        Ok(seq) => decision_at(&state, seq).await?,
        Err(_) => None,
    };
    let Some(row) = row else {
        let id: String = id.chars().take(32).collect();
        let why = format!("decision with id '{id}' doesn't exist: unable to delete");
        return Err(refused(StatusCode::INTERNAL_SERVER_ERROR, &why));
    };
    let revoke = OrderKind::Revoke {
        decision: row.decision.id,
    };
    let ended = end(&state, (revoke, row.decision.client), &machine, peer, now).await?;
    state.blocklist.wake();
    Ok(deleted(ended))
}

fn operator_only(machine: &Machine) -> Result<(), Refused> {
    match machine.is_operator() {
        true => Ok(()),
        false => Err(refused(StatusCode::FORBIDDEN, "access forbidden")),
    }
}

async fn end(
    state: &ApiState,
    (kind, client): (OrderKind, Client),
    machine: &Machine,
    peer: Peer,
    now: Timestamp,
) -> Result<u64, Refused> {
    let reason = "deleted through /v1/decisions".to_owned();
    Ok(give(state, (kind, client, reason), machine, peer, now).await?.1)
}

/// A number in a text, as CrowdSec answers.
fn deleted(count: u64) -> Response {
    json(
        StatusCode::OK,
        serde_json::json!({ "nbDeleted": count.to_string() }),
    )
}
