//! The small forms: clients, moments, actions, evidence. Each says how it is read back.

use super::CheckpointError;
use domain::{Action, AllowEntry, Client, Evidence, Position, Scope, ThreatKind, Timestamp};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// A counter past this was never counted.
const COUNTER_MAX: u64 = 1 << 56;

/// A counter as it was, when it can have been counted.
pub(super) fn counter(value: u64) -> Result<u64, CheckpointError> {
    if value < COUNTER_MAX {
        Ok(value)
    } else {
        Err(CheckpointError::Damaged("a counter that nobody counted"))
    }
}

/// A moment, in milliseconds.
pub(super) type MomentForm = i64;

pub(super) fn moment(at: Timestamp) -> MomentForm {
    at.as_millis()
}

/// What is beyond the last year is clamped, as everywhere.
pub(super) fn to_moment(millis: MomentForm) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum ActionForm {
    Observe,
    Challenge,
    Throttle,
    Block,
}

impl From<Action> for ActionForm {
    fn from(action: Action) -> Self {
        match action {
            Action::Observe => Self::Observe,
            Action::Challenge => Self::Challenge,
            Action::Throttle => Self::Throttle,
            Action::Block => Self::Block,
        }
    }
}

impl From<ActionForm> for Action {
    fn from(form: ActionForm) -> Self {
        match form {
            ActionForm::Observe => Self::Observe,
            ActionForm::Challenge => Self::Challenge,
            ActionForm::Throttle => Self::Throttle,
            ActionForm::Block => Self::Block,
        }
    }
}

/// A threat by its public name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ThreatForm(String);

impl From<ThreatKind> for ThreatForm {
    fn from(kind: ThreatKind) -> Self {
        Self(kind.as_str().to_owned())
    }
}

impl ThreatForm {
    pub(super) fn read(&self) -> Result<ThreatKind, CheckpointError> {
        ThreatKind::from_name(&self.0).ok_or(CheckpointError::Damaged("an unknown threat"))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum RangeForm {
    V4([u8; 4], u8),
    V6([u8; 16], u8),
}

impl From<IpNet> for RangeForm {
    fn from(range: IpNet) -> Self {
        match range {
            IpNet::V4(v4) => Self::V4(v4.addr().octets(), v4.prefix_len()),
            IpNet::V6(v6) => Self::V6(v6.addr().octets(), v6.prefix_len()),
        }
    }
}

impl RangeForm {
    pub(super) fn read(self) -> Result<IpNet, CheckpointError> {
        let range = match self {
            Self::V4(octets, prefix) => Ipv4Net::new(octets.into(), prefix).map(IpNet::V4),
            Self::V6(octets, prefix) => Ipv6Net::new(octets.into(), prefix).map(IpNet::V6),
        };
        range.map_err(|_| CheckpointError::Damaged("a range with too long a prefix"))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum ClientForm {
    Ip([u8; 4]),
    Range(RangeForm),
    Named { scope: String, value: String },
}

impl From<&Client> for ClientForm {
    fn from(client: &Client) -> Self {
        match client {
            Client::Ip(address) => Self::Ip(address.octets()),
            Client::Range(range) => Self::Range((*range).into()),
            Client::Named { scope, value } => Self::Named {
                scope: scope.as_str().to_owned(),
                value: value.to_string(),
            },
        }
    }
}

impl ClientForm {
    pub(super) fn read(self) -> Result<Client, CheckpointError> {
        match self {
            Self::Ip(octets) => Ok(Client::Ip(octets.into())),
            Self::Range(range) => Ok(Client::Range(range.read()?)),
            Self::Named { scope, value } => Ok(Client::Named {
                scope: Scope::from_name(&scope).ok_or(CheckpointError::Damaged("an unknown scope"))?,
                value: value.into(),
            }),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EvidenceForm {
    source: u32,
    line: u64,
    at: MomentForm,
    request: String,
    status: u16,
}

impl From<&Evidence> for EvidenceForm {
    fn from(evidence: &Evidence) -> Self {
        Self {
            source: evidence.position.source,
            line: evidence.position.line,
            at: moment(evidence.at),
            request: evidence.request.clone(),
            status: evidence.status,
        }
    }
}

impl From<EvidenceForm> for Evidence {
    fn from(form: EvidenceForm) -> Self {
        Self {
            position: Position {
                source: form.source,
                line: form.line,
            },
            at: to_moment(form.at),
            request: form.request,
            status: form.status,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AllowForm {
    client: ClientForm,
    reason: String,
    until: Option<MomentForm>,
}

impl From<&AllowEntry> for AllowForm {
    fn from(entry: &AllowEntry) -> Self {
        Self {
            client: (&entry.client).into(),
            reason: entry.reason.clone(),
            until: entry.until.map(moment),
        }
    }
}

impl AllowForm {
    pub(super) fn read(self) -> Result<AllowEntry, CheckpointError> {
        Ok(AllowEntry {
            client: self.client.read()?,
            reason: self.reason,
            until: self.until.map(to_moment),
        })
    }
}
