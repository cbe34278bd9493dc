//! What a simulated client truly is.

use domain::ThreatKind;
use std::fmt;

/// The truth about a client, as truth files write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Harmless, with the name of its behaviour: `benign:browser`.
    Benign(&'static str),
    /// An attacker, with the kind of threat.
    Attack(ThreatKind),
}

impl Label {
    /// Whether it is an attacker.
    #[must_use]
    pub const fn is_attack(self) -> bool {
        matches!(self, Self::Attack(_))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Benign(name) => write!(out, "benign:{name}"),
            Self::Attack(kind) => out.write_str(kind.as_str()),
        }
    }
}
