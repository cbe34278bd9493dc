//! The policy: from confidence to action, with an expiry, escalation and mercy. Pure.

pub mod budget;
mod charge;
mod clause;
#[cfg(test)]
mod clause_tests;
mod guard;
mod hours;
mod listed;
mod price;
mod source_cap;
mod warm_up;
mod when;

pub use charge::{Bounds, Charge, RoleSet};
pub use clause::{Clause, ClauseProblem, ClauseSet, Measure};
pub(crate) use guard::HITS_MAX;
pub use guard::{Ask, Guard, GuardSettings, Stake, Stakes};
pub use hours::{DAY_MINUTES, Hours, OFFSET_MINUTES_MAX, Span, WEEKDAYS};
pub use listed::Listed;
pub use price::PriceBudget;
pub(crate) use source_cap::reason as source_cap_reason;
pub use source_cap::{SOURCE_CAP_DEFAULT, SourceCaps};
pub use warm_up::WarmUp;
pub use when::When;

use crate::threat::strengthen;
use domain::{Action, Client, Scope};
use serde::{Deserialize, Serialize};

/// How long a small member of a campaign is blocked, in seconds: it shows little by itself, and somebody else may have
/// its address soon.
pub const CAMPAIGN_BLOCK_SECS: u32 = 15 * 60;

/// Largest budget of wrong blocks per million client-days: a score that more clean clients reach is not looked at twice.
pub const BUDGET_MAX: f64 = 2000.0;

/// Settings of the policy. Checked by [`Settings::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySettings {
    /// Confidence from which a client is shown.
    pub observe_from: f32,
    /// Confidence from which a client is slowed down.
    pub throttle_from: f32,
    /// Confidence from which a client is blocked.
    pub block_from: f32,
    /// How long a client is slowed down, in seconds.
    pub throttle_secs: u32,
    /// How long a client is blocked the first time, in seconds.
    pub block_secs: u32,
    /// Longest block, in seconds, whatever the escalation.
    pub block_secs_max: u32,
    /// Each further offence multiplies the block's time by this.
    pub escalation: u32,
    /// An offence is forgotten after this time without another, in seconds.
    pub memory_secs: u32,
    /// A pause of this length ends an episode, in seconds.
    pub episode_secs: u32,
    /// Clients that may be wrongly blocked by their score alone, per million client-days; `None` blocks nobody by score
    /// alone.
    pub false_positive_budget: Option<f64>,
    /// How long a site must have been seen before anything but a conclusive act is acted on, in seconds of its traffic; 0 for
    /// not at all: whoever judges a finished log knows that it is past.
    pub warm_up_secs: u32,
    /// Longest action about a secret (an API key, a session) by its keyed hash, in seconds: so long the key that replaced one stays
    /// valid beside it, so that nothing decided outlives its key.
    pub secret_secs_max: u32,
    /// Record decisions without enforcing them.
    pub is_shadow: bool,
    /// When new blocks are held back to protect established clients.
    pub guard: GuardSettings,
    /// Whom a block of an address may hit besides its client.
    pub price: PriceBudget,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            observe_from: 0.5,
            throttle_from: 0.8,
            block_from: 0.92,
            throttle_secs: 15 * 60,
            block_secs: 4 * 3600,
            block_secs_max: 7 * 24 * 3600,
            escalation: 2,
            memory_secs: 7 * 24 * 3600,
            episode_secs: 3600,
            false_positive_budget: None,
            warm_up_secs: 0,
            secret_secs_max: 7 * 24 * 3600,
            is_shadow: false,
            guard: GuardSettings::default(),
            price: PriceBudget::default(),
        }
    }
}

impl PolicySettings {
    /// Names every setting that contradicts itself or another one.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut expect = |holds: bool, text: &str| {
            if !holds {
                problems.push(text.to_owned());
            }
        };
        let ordered = 0.0 < self.observe_from
            && self.observe_from <= self.throttle_from
            && self.throttle_from <= self.block_from
            && self.block_from <= 1.0;
        expect(
            ordered,
            "observe_from, throttle_from and block_from must rise within 0 to 1",
        );
        expect(
            self.throttle_secs > 0 && self.block_secs > 0,
            "throttle_secs and block_secs must be at least 1: nothing is without an expiry",
        );
        expect(
            self.block_secs_max >= self.block_secs,
            "block_secs_max must not be under block_secs",
        );
        expect(
            self.false_positive_budget
                .is_none_or(|budget| budget > 0.0 && budget <= BUDGET_MAX),
            "false_positive_budget must be above 0 and at most 2000 per million client-days",
        );
        expect((1..=16).contains(&self.escalation), "escalation must be 1 to 16");
        expect(
            (0.0..=1.0).contains(&self.guard.clients_share),
            "guard.clients_share must be 0 to 1",
        );
        expect(
            (0.0..=1.0).contains(&self.guard.requests_share),
            "guard.requests_share must be 0 to 1",
        );
        expect(
            (0.0..=1.0).contains(&self.guard.part),
            "guard.part must be 0 to 1",
        );
        problems
    }

    /// The action that a confidence asks for; `None` when there is nothing to show.
    #[must_use]
    pub fn action(&self, confidence: f32) -> Option<Action> {
        if confidence >= self.block_from {
            Some(Action::Block)
        } else if confidence >= self.throttle_from {
            Some(Action::Throttle)
        } else if confidence >= self.observe_from {
            Some(Action::Observe)
        } else {
            None
        }
    }

    /// The strongest action that a clause may lead to where evidence names something that surely: what the same evidence would with
    /// the surest score. What is only ever looked at, or slowed down at most, stays so.
    #[must_use]
    pub fn most(&self, evidence: f32, is_conclusive: bool) -> Action {
        if is_conclusive {
            return Action::Block;
        }
        self.action(strengthen(evidence, 0.0)).unwrap_or(Action::Observe)
    }

    /// How long an action holds after that many earlier offences, in seconds. Never zero.
    #[must_use]
    pub fn ttl_secs(&self, action: Action, offences: u32) -> u32 {
        match action {
            Action::Block => {
                let factor = self.escalation.saturating_pow(offences.min(31));
                self.block_secs.saturating_mul(factor).min(self.block_secs_max)
            }
            _ => self.throttle_secs,
        }
    }

    /// How long an action about a client may hold at most, when it is to hold so long.
    #[must_use]
    pub fn within_epoch(&self, client: &Client, secs: u32) -> u32 {
        match client.scope() {
            Scope::ApiKey | Scope::Session => secs.min(self.secret_secs_max),
            _ => secs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_chooses_the_action() {
        let policy = PolicySettings::default();
        assert_eq!(policy.action(0.4), None);
        assert_eq!(policy.action(0.6), Some(Action::Observe));
        assert_eq!(policy.action(0.85), Some(Action::Throttle));
        assert_eq!(policy.action(0.99), Some(Action::Block));
    }

    #[test]
    fn repeat_offenders_wait_longer_up_to_the_limit() {
        let policy = PolicySettings::default();
        assert_eq!(policy.ttl_secs(Action::Block, 0), 4 * 3600);
        assert_eq!(policy.ttl_secs(Action::Block, 1), 8 * 3600);
        assert_eq!(policy.ttl_secs(Action::Block, 400), 7 * 24 * 3600);
    }

    #[test]
    fn contradictions_are_named() {
        let wrong = PolicySettings {
            throttle_from: 0.1,
            block_secs: 0,
            ..PolicySettings::default()
        };
        assert_eq!(wrong.problems().len(), 2);
        assert!(PolicySettings::default().problems().is_empty());
    }

    #[test]
    fn an_action_about_a_secret_ends_before_its_key_does() {
        let policy = PolicySettings {
            secret_secs_max: 3600,
            ..PolicySettings::default()
        };
        let named = |scope| Client::parse(scope, "a").unwrap();
        assert_eq!(policy.within_epoch(&named(Scope::ApiKey), 14_400), 3600);
        assert_eq!(policy.within_epoch(&named(Scope::Session), 60), 60);
        assert_eq!(policy.within_epoch(&named(Scope::Consumer), 14_400), 14_400);
    }
}
