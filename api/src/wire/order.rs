//! Orders in JSON and CSV, and the allowlist that they make.

use super::client::NamedClient;
use super::decision::push_csv_line;
use super::{ClientName, DecisionView, shown};
use domain::blocklist::Suspended;
use domain::{AlertId, AllowEntry, Client, DecisionId, Judgement, Order, OrderKind, Timestamp};
use serde::{Deserialize, Serialize};
use storage::OrderReceipt;
use utoipa::ToSchema;

/// Longest block or grace that a person may order, in seconds: a year. Blocks without an end do not exist.
pub(crate) const ORDER_SECS_MAX: u32 = 366 * 86_400;

/// What a person orders.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum OrderKindView {
    /// Block the client for a time.
    Block {
        /// How long.
        ttl_secs: u32,
    },
    /// End every decision about the client and hold the machine's back for a time.
    Lift {
        /// How long the machine may not decide about it anew.
        grace_secs: u32,
    },
    /// End one decision.
    Revoke {
        /// Which.
        decision: String,
    },
    /// Put the client on the allowlist.
    Allow {
        /// Until when; absent for good.
        until: Option<String>,
    },
    /// Take the client off the allowlist.
    Disallow,
    /// Say what an alert was. An attack blocks nobody; a false positive lifts what rests on the alert.
    Verdict {
        /// Which alert.
        alert: String,
        /// `attack` or `false_positive`.
        judgement: String,
    },
    /// Carry nothing out: every gateway's list is emptied, whoever decided. Decisions are still made and kept.
    Suspend {
        /// Until when; absent for until somebody resumes.
        until: Option<String>,
    },
    /// Carry out again what was decided and has not ended.
    Resume,
    /// What another machine saw. It comes through `/v1/alerts` and blocks nobody.
    Report {
        /// What it saw, in its own words.
        scenario: String,
        /// Until when it would act on it; absent where it only reports.
        until: Option<String>,
        /// Requests or lines that it saw.
        events: u32,
    },
}

impl OrderKindView {
    fn new(kind: &OrderKind) -> Self {
        match kind {
            OrderKind::Block { ttl_secs } => Self::Block { ttl_secs: *ttl_secs },
            OrderKind::Lift { grace_secs } => Self::Lift {
                grace_secs: *grace_secs,
            },
            OrderKind::Revoke { decision } => Self::Revoke {
                decision: decision.to_string(),
            },
            OrderKind::Allow { until } => Self::Allow {
                until: until.map(|at| at.to_string()),
            },
            OrderKind::Disallow => Self::Disallow,
            OrderKind::Suspend { until } => Self::Suspend {
                until: until.map(|at| at.to_string()),
            },
            OrderKind::Resume => Self::Resume,
            OrderKind::Report {
                scenario,
                until,
                events,
            } => Self::Report {
                scenario: shown(scenario),
                until: until.map(|at| at.to_string()),
                events: *events,
            },
            OrderKind::Verdict { alert, judgement, .. } => Self::Verdict {
                alert: alert.to_string(),
                judgement: judgement.as_str().to_owned(),
            },
        }
    }

    fn read(&self, now: Timestamp) -> Result<OrderKind, String> {
        let bounded = |secs: u32, name: &str| {
            (1..=ORDER_SECS_MAX)
                .contains(&secs)
                .then_some(secs)
                .ok_or_else(|| format!("{name} must be between 1 and {ORDER_SECS_MAX}"))
        };
        Ok(match self {
            Self::Block { ttl_secs } => OrderKind::Block {
                ttl_secs: bounded(*ttl_secs, "ttl_secs")?,
            },
            Self::Lift { grace_secs } => OrderKind::Lift {
                grace_secs: bounded(*grace_secs, "grace_secs")?,
            },
            Self::Revoke { decision } => OrderKind::Revoke {
                decision: DecisionId::parse(decision).ok_or("decision must have 32 hexadecimal digits")?,
            },
            Self::Allow { until } => OrderKind::Allow {
                until: read_until(until.as_deref(), now)?,
            },
            Self::Suspend { until } => OrderKind::Suspend {
                until: read_until(until.as_deref(), now)?,
            },
            Self::Resume => OrderKind::Resume,
            Self::Report { .. } => {
                return Err("a report comes from a watcher, through /v1/alerts".to_owned());
            }
            Self::Disallow => OrderKind::Disallow,
            Self::Verdict { alert, judgement } => OrderKind::Verdict {
                alert: AlertId::parse(alert).ok_or("alert must have 32 hexadecimal digits")?,
                // The store puts the alert's own in its place.
                alerted_at: now,
                judgement: read_judgement(judgement)?,
            },
        })
    }
}

/// Reads a moment that lies ahead.
fn read_until(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else { return Ok(None) };
    let until = Timestamp::parse_rfc3339(text).ok_or("until must be a time in RFC 3339")?;
    if until <= now {
        return Err("until must lie in the future".to_owned());
    }
    Ok(Some(until))
}

/// Reads what a verdict says.
pub(crate) fn read_judgement(name: &str) -> Result<Judgement, String> {
    Judgement::from_name(name).ok_or_else(|| format!("unknown judgement {name:?}: attack or false_positive"))
}

/// Reads why an order is given.
fn read_reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    if reason.is_empty() || reason.len() > storage::REASON_BYTES_MAX {
        return Err(format!(
            "reason must have 1 to {} bytes",
            storage::REASON_BYTES_MAX
        ));
    }
    Ok(reason.to_owned())
}

/// What a person says of an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVerdictView {
    /// `attack`: blocks nobody. `false_positive`: lifts what rests on the alert, and leaves its clients alone for a day.
    judgement: String,
    /// Why. Never empty: the journal is read by others, later.
    reason: String,
}

impl NewVerdictView {
    /// What is said, and why.
    pub(crate) fn read(&self) -> Result<(Judgement, String), String> {
        Ok((read_judgement(&self.judgement)?, read_reason(&self.reason)?))
    }
}

/// An order to be given. A revoke names its decision, a verdict its alert, every other order a client.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewOrderView {
    /// What.
    #[serde(flatten)]
    kind: OrderKindView,
    /// About whom.
    client: Option<NamedClient>,
    /// Why. Never empty: the journal is read by others, later.
    reason: String,
}

impl NewOrderView {
    /// What is ordered, about whom, and why.
    pub(crate) fn read(&self, now: Timestamp) -> Result<(OrderKind, Option<Client>, String), String> {
        let reason = read_reason(&self.reason)?;
        let kind = self.kind.read(now)?;
        let client = self.client.as_ref().map(NamedClient::read).transpose()?;
        let names_its_own =
            matches!(kind, OrderKind::Revoke { .. } | OrderKind::Verdict { .. }) || kind.is_about_everybody();
        if client.is_none() && !names_its_own {
            return Err("client is missing".to_owned());
        }
        Ok((kind, client, reason))
    }
}

/// An order, as the journal holds it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    /// Position in the journal.
    seq: u64,
    /// What.
    order: OrderKindView,
    /// About whom.
    client: ClientName,
    /// Why.
    reason: String,
    /// Name of the key that gave it.
    by: String,
    /// Address it came from.
    from: String,
    /// When.
    at: String,
}

impl OrderView {
    pub(crate) fn new(order: &Order) -> Self {
        Self {
            seq: order.seq,
            order: OrderKindView::new(&order.kind),
            client: ClientName::new(&order.client),
            reason: shown(&order.reason),
            by: shown(&order.by),
            from: shown(&order.from),
            at: order.at.to_string(),
        }
    }
}

/// The first line of the journal's CSV form.
pub(crate) const ORDERS_CSV_HEADER: &str = "seq,at,kind,detail,scope,value,reason,by,from\n";

/// Appends an order's line of the CSV form.
pub(crate) fn push_order_csv(out: &mut String, order: &Order) {
    let detail = match &order.kind {
        OrderKind::Block { ttl_secs } => format!("{ttl_secs} s"),
        OrderKind::Lift { grace_secs } => format!("{grace_secs} s"),
        OrderKind::Revoke { decision } => decision.to_string(),
        OrderKind::Allow { until } | OrderKind::Suspend { until } => {
            until.map(|at| at.to_string()).unwrap_or_default()
        }
        OrderKind::Disallow | OrderKind::Resume => String::new(),
        OrderKind::Report { scenario, .. } => scenario.clone(),
        OrderKind::Verdict { alert, judgement, .. } => format!("{} {alert}", judgement.as_str()),
    };
    let fields = [
        &order.seq.to_string(),
        &order.at.to_string(),
        order.kind.as_str(),
        &detail,
        order.client.scope().as_str(),
        &order.client.value(),
        &order.reason,
        &order.by,
        &order.from,
    ];
    push_csv_line(out, &fields);
}

/// What an order did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderReceiptView {
    /// The order.
    order: OrderView,
    /// The decision that a block made.
    decision: Option<DecisionView>,
    /// How many decisions it ended.
    revoked: u64,
}

impl OrderReceiptView {
    pub(crate) fn new(receipt: &OrderReceipt) -> Self {
        Self {
            order: OrderView::new(&receipt.order),
            decision: receipt.decision.as_ref().map(DecisionView::new),
            revoked: receipt.revoked,
        }
    }
}

/// Who is never blocked, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllowView {
    /// Who.
    client: ClientName,
    /// Why.
    reason: String,
    /// Until when; null for good.
    until: Option<String>,
    /// Name of the key that ordered it; null for an entry of the configuration.
    by: Option<String>,
}

impl AllowView {
    pub(crate) fn configured(entry: &AllowEntry) -> Self {
        Self {
            client: ClientName::new(&entry.client),
            reason: shown(&entry.reason),
            until: entry.until.map(|at| at.to_string()),
            by: None,
        }
    }

    /// The entry that an allow order made.
    pub(crate) fn ordered(order: &Order, until: Option<Timestamp>) -> Self {
        Self {
            client: ClientName::new(&order.client),
            reason: shown(&order.reason),
            until: until.map(|at| at.to_string()),
            by: Some(shown(&order.by)),
        }
    }
}

/// Whether decisions are carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuspensionView {
    /// True while nothing is carried out, whoever decided it.
    suspended: bool,
    /// Since when; null while decisions are carried out.
    since: Option<String>,
    /// Until when; null for until somebody resumes.
    until: Option<String>,
    /// Name of the key that ordered it.
    by: Option<String>,
    /// Why.
    reason: Option<String>,
}

impl SuspensionView {
    pub(crate) fn new(suspended: Option<&Suspended>) -> Self {
        Self {
            suspended: suspended.is_some(),
            since: suspended.map(|said| said.since.to_string()),
            until: suspended.and_then(|said| said.until).map(|at| at.to_string()),
            by: suspended.map(|said| shown(&said.by)),
            reason: suspended.map(|said| shown(&said.reason)),
        }
    }
}
