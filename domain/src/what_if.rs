//! What less or more would have done: the part of an explanation that a person can check.

use crate::{Action, ThreatKind};

/// What less or more of the one quantity that a threat hangs on would have done, all else being equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhatIf {
    /// Which threat.
    pub threat: ThreatKind,
    /// What the quantity counts, as in "tries to sign in".
    pub quantity: &'static str,
    /// How much of it there was.
    pub value: f32,
    /// The action that this much asks for; `None` when nobody is told.
    pub asks_for: Option<Action>,
    /// The most of it at which nobody would have been told; `None` when nobody is, or less would have changed nothing.
    pub silent_at: Option<f32>,
    /// The most of it at which the action would have been a milder one; `None` when it is the mildest.
    pub milder_at: Option<f32>,
    /// The least of it that would be enough for a block; `None` when it is enough, or no amount would be.
    pub blocked_at: Option<f32>,
}

impl WhatIf {
    /// What would have had to be less for the threat not to have fired, in words; `None` when less of the quantity would
    /// have changed nothing.
    #[must_use]
    pub fn less(&self) -> Option<String> {
        let silent = self.silent_at.map(|most| {
            format!(
                "it would not have fired with at most {} {} instead of {}",
                at_most(most),
                self.quantity,
                amount(self.value)
            )
        });
        let milder = self.milder_at.map(|most| {
            // The last request often tips the scales: then both numbers look alike.
            let less = match at_most(most) {
                most if most == amount(self.value) => "a little less".to_owned(),
                most => format!("at most {most}"),
            };
            let act = self.asks_for.map_or("act", Action::as_str);
            format!("{less} would not have been enough to {act}")
        });
        match (silent, milder) {
            (Some(silent), Some(milder)) => Some(format!("{silent}; {milder}")),
            (silent, milder) => silent.or(milder),
        }
    }

    /// Both in one; `None` when there is nothing to say.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match (self.less(), self.more()) {
            (Some(less), Some(more)) => Some(format!("{less}; {more}")),
            (less, more) => less.or(more),
        }
    }

    /// What would be enough for a block, in words; `None` when it is enough.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        let quantity = self.quantity;
        match self.blocked_at {
            _ if self.asks_for == Some(Action::Block) => None,
            Some(least) => Some(format!(
                "at least {} {quantity} instead of {} would be enough for a block, all else being equal",
                at_least(least),
                amount(self.value)
            )),
            None => Some(format!("no more {quantity} alone would be enough for a block")),
        }
    }
}

/// Past this a tenth is noise.
const TENTHS_UP_TO: f32 = 100.0;

/// A quantity as people read it.
#[must_use]
pub fn amount(value: f32) -> String {
    rounded(value, f32::round)
}

/// Rounded so that it stays true of "at most".
fn at_most(value: f32) -> String {
    rounded(value, f32::floor)
}

/// Rounded so that it stays true of "at least".
fn at_least(value: f32) -> String {
    rounded(value, f32::ceil)
}

fn rounded(value: f32, round: fn(f32) -> f32) -> String {
    let steps = if value < TENTHS_UP_TO { 10.0 } else { 1.0 };
    format!("{}", round(value * steps) / steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESSING: WhatIf = WhatIf {
        threat: ThreatKind::CredentialCracking,
        quantity: "tries to sign in",
        value: 8.4,
        asks_for: Some(Action::Throttle),
        silent_at: Some(6.27),
        milder_at: Some(7.92),
        blocked_at: Some(14.16),
    };

    #[test]
    fn what_less_would_have_done_is_rounded_to_what_is_true() {
        assert_eq!(
            GUESSING.less().unwrap(),
            "it would not have fired with at most 6.2 tries to sign in instead of 8.4; at most 7.9 would not have been \
             enough to throttle"
        );
        let tipped = WhatIf {
            milder_at: Some(8.402),
            ..GUESSING
        };
        assert!(
            tipped
                .less()
                .unwrap()
                .ends_with("; a little less would not have been enough to throttle")
        );
        let unmoved = WhatIf {
            silent_at: None,
            milder_at: None,
            ..GUESSING
        };
        assert_eq!(unmoved.less(), None);
    }

    #[test]
    fn what_would_be_enough_for_a_block_is_said_of_those_who_are_not_blocked() {
        assert_eq!(
            GUESSING.more().unwrap(),
            "at least 14.2 tries to sign in instead of 8.4 would be enough for a block, all else being equal"
        );
        let never = WhatIf {
            blocked_at: None,
            ..GUESSING
        };
        assert!(
            never
                .more()
                .unwrap()
                .starts_with("no more tries to sign in alone")
        );
        let blocked = WhatIf {
            asks_for: Some(Action::Block),
            ..never
        };
        assert_eq!(blocked.more(), None);
    }
}
