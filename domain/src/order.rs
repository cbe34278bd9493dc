//! A person's word: allow, lift, block, and what an alert was. It wins over the machine, also when the detector is dead. And beside it
//! what other machines report, which is nobody's word.

use crate::{AlertId, Client, DecisionId, Timestamp};

/// What a person says that an alert was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// It told of an attack.
    Attack,
    /// It told of somebody harmless.
    FalsePositive,
}

impl Judgement {
    /// Every judgement.
    pub const ALL: [Self; 2] = [Self::Attack, Self::FalsePositive];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::FalsePositive => "false_positive",
        }
    }

    /// The judgement of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|judgement| judgement.as_str() == name)
    }
}

/// What a person ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderKind {
    /// Block the client for that many seconds. Never without an expiry.
    Block {
        /// How long, in seconds; at least one.
        ttl_secs: u32,
    },
    /// End every decision that names the client, and hold machine decisions back for the grace period.
    Lift {
        /// How long the machine may not decide about it anew, in seconds.
        grace_secs: u32,
    },
    /// End one decision.
    Revoke {
        /// Which.
        decision: DecisionId,
    },
    /// Put the client on the allowlist.
    Allow {
        /// Until when; `None` for good.
        until: Option<Timestamp>,
    },
    /// Take the client off the allowlist.
    Disallow,
    /// Say what an alert was. A label: what it ends, lifts end that are given with it.
    Verdict {
        /// Which alert.
        alert: AlertId,
        /// When its client first stood out: the day of which the verdict tells.
        alerted_at: Timestamp,
        /// What it was.
        judgement: Judgement,
    },
    /// Carry nothing out, whoever decided it: every gateway's list is emptied. Decisions are still made and kept, and those that
    /// have not ended hold again afterwards. About [`Client::everybody`].
    Suspend {
        /// Until when; `None` for until somebody resumes.
        until: Option<Timestamp>,
    },
    /// End a suspension. About [`Client::everybody`].
    Resume,
    /// What another machine saw (a CrowdSec watcher): an input to the detector, and never a block by itself.
    Report {
        /// What it saw, in its own words: `crowdsecurity/ssh-bf`.
        scenario: String,
        /// Until when it would act on it; `None` where it only reports.
        until: Option<Timestamp>,
        /// Requests or lines that it saw.
        events: u32,
    },
}

impl OrderKind {
    /// Whether it is about the whole list, and about no client.
    #[must_use]
    pub const fn is_about_everybody(&self) -> bool {
        matches!(self, Self::Suspend { .. } | Self::Resume)
    }

    /// Whether a person ordered it. What a machine reports takes effect on nothing.
    #[must_use]
    pub const fn is_a_persons_word(&self) -> bool {
        !matches!(self, Self::Report { .. })
    }

    /// The public name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Block { .. } => "block",
            Self::Lift { .. } => "lift",
            Self::Revoke { .. } => "revoke",
            Self::Allow { .. } => "allow",
            Self::Disallow => "disallow",
            Self::Verdict { .. } => "verdict",
            Self::Suspend { .. } => "suspend",
            Self::Resume => "resume",
            Self::Report { .. } => "report",
        }
    }
}

/// One entry of the order journal: who, when, why and from where. Append-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Position in the journal.
    pub seq: u64,
    /// What.
    pub kind: OrderKind,
    /// About whom.
    pub client: Client,
    /// Why, in the person's words.
    pub reason: String,
    /// Name of the API key that gave it, or `bootstrap`.
    pub by: String,
    /// Address it came from, or `cli`.
    pub from: String,
    /// When, by the wall clock.
    pub at: Timestamp,
}
