//! What is done about a client, mildest first.

use std::fmt;
use std::str::FromStr;

/// What is done about a client. The order is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Shown to people, never enforced.
    Observe,
    /// The client must prove to be a person or a known program.
    Challenge,
    /// The client is slowed down.
    Throttle,
    /// The client is refused.
    Block,
}

/// A word that is not an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown action {0:?}: expected observe, challenge, throttle or block")]
pub struct UnknownAction(pub String);

impl Action {
    /// Every action, mildest first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Challenge, Self::Throttle, Self::Block];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Challenge => "challenge",
            Self::Throttle => "throttle",
            Self::Block => "block",
        }
    }

    /// Whether a gateway does something about it.
    #[must_use]
    pub fn is_enforced(self) -> bool {
        self > Self::Observe
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| UnknownAction(text.to_owned()))
    }
}
