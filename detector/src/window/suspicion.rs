//! What speaks for an attack: points that decay over the longest horizon, and counts of the acts behind them.

use crate::population::RouteStanding;
use crate::signal::{Outcome, Signals};
use crate::window::Distinct;
use domain::RequestRecord;
use serde::{Deserialize, Serialize};

/// A step between numbered objects up to this is a walk's; ordinary use jumps.
const WALK_STEP_MAX: u64 = 3;

/// Stands for every path that names a day.
const ANY_DAY: u64 = 0x6461_7973;

/// What speaks for an attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Suspicion {
    /// Sum of the weights of different probes that did not succeed.
    pub probes: f32,
    /// Sum of the weights of different payloads.
    pub payloads: f32,
    /// Requests with payloads.
    pub payload_requests: f32,
    /// Classes of payloads, one bit each.
    pub payload_classes: u8,
    /// Different paths that missed on routes nobody else uses.
    pub novel_misses: f32,
    /// Different paths that were redirected on routes nobody else uses.
    pub novel_redirects: f32,
    /// Steps between numbered objects that a walk makes.
    pub walk_steps: f32,
    /// Steps of any size between numbered objects.
    pub steps: f32,
    /// Acts of odd protocol: unreadable requests, proxy tests, odd methods.
    pub protocol: f32,
    /// Failed sign-ins since the last success.
    pub failures_in_a_row: u16,
    /// The longest such row that ended in a success.
    pub failures_before_success: u16,
    /// State-changing requests after such a success.
    pub writes_after: u16,
    /// Whether the client asked for robots.txt.
    pub is_robot: bool,
    /// Whether its user agent says that it is a crawler.
    pub is_declared_crawler: bool,
    probed: Distinct<1>,
    missed: Distinct<4>,
}

impl Suspicion {
    /// Shrinks the points by one factor.
    pub fn decay(&mut self, factor: f32) {
        if factor < 1.0 {
            for points in [
                &mut self.probes,
                &mut self.payloads,
                &mut self.payload_requests,
                &mut self.novel_misses,
                &mut self.novel_redirects,
                &mut self.walk_steps,
                &mut self.steps,
                &mut self.protocol,
            ] {
                *points *= factor;
            }
        }
    }

    /// Takes in one request. True when it missed on a route that nobody else uses.
    pub(super) fn observe(
        &mut self,
        record: &RequestRecord<'_>,
        signals: &Signals,
        standing: RouteStanding,
        is_new_path: bool,
    ) -> bool {
        self.observe_sign_in(signals);
        if record.path == "/robots.txt" {
            self.is_robot = true;
        }
        self.observe_payload(signals);
        self.observe_protocol(record, signals);
        self.observe_probe(record, signals);
        is_new_path && self.observe_miss(record, signals, standing)
    }

    fn observe_probe(&mut self, record: &RequestRecord<'_>, signals: &Signals) {
        // Where everything is redirected (to https, to a sign-in page), asking shows less.
        let weight = match signals.outcome {
            Outcome::Success => 0.0,
            Outcome::Redirect => signals.probe.weight * signals.probe.weight * 0.5,
            _ => signals.probe.weight,
        };
        if weight > 0.0
            && self
                .probed
                .insert(record.route.path ^ u64::from(signals.outcome == Outcome::Redirect) << 63)
        {
            self.probes += weight;
        }
    }

    fn observe_payload(&mut self, signals: &Signals) {
        if signals.payload.weight <= 0.0 {
            return;
        }
        self.payloads += signals.payload.weight.min(crate::signal::ENOUGH);
        self.payload_classes |= signals.payload.classes;
        self.payload_requests += 1.0;
    }

    fn observe_protocol(&mut self, record: &RequestRecord<'_>, signals: &Signals) {
        let is_proxy_test = record.method == "CONNECT"
            || record.path.starts_with("http://")
            || record.path.starts_with("https://");
        let is_odd = signals.method == crate::signal::MethodClass::Odd
            && !record.is_malformed
            && signals.outcome.is_client_error();
        if record.is_malformed && record.status != 408 && record.status != 0 {
            self.protocol += 0.5;
        } else if is_proxy_test {
            self.protocol += 1.0;
        } else if is_odd {
            self.protocol += 0.4;
        }
    }

    /// Misses count once per path, and only where neither convention nor another client explains them.
    fn observe_miss(
        &mut self,
        record: &RequestRecord<'_>,
        signals: &Signals,
        standing: RouteStanding,
    ) -> bool {
        if signals.is_convention || record.route.is_asset || record.is_malformed || !standing.is_novel() {
            return false;
        }
        match signals.outcome {
            Outcome::Missing | Outcome::Refused | Outcome::OtherClientError
                if record.status != 499 && record.status != 429 =>
            {
                if self.missed.insert(missed_name(record, signals)) {
                    self.novel_misses += 1.0;
                }
                true
            }
            Outcome::Redirect => {
                self.novel_redirects += 1.0;
                false
            }
            _ => false,
        }
    }

    fn observe_sign_in(&mut self, signals: &Signals) {
        let is_write = signals.method == crate::signal::MethodClass::Write;
        let is_login = signals.role.is_sign_in();
        match signals.outcome {
            Outcome::Refused if is_login || is_write => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
            }
            Outcome::Success | Outcome::Redirect if is_login && is_write => {
                self.failures_before_success = self.failures_before_success.max(self.failures_in_a_row);
                self.failures_in_a_row = 0;
            }
            Outcome::Success if is_write && self.failures_before_success > 0 => {
                self.writes_after = self.writes_after.saturating_add(1);
            }
            _ => {}
        }
    }

    /// Takes in the distance to the previous numbered object.
    pub(super) fn observe_step(&mut self, distance: u64) {
        self.steps += 1.0;
        if (1..=WALK_STEP_MAX).contains(&distance) {
            self.walk_steps += 1.0;
        }
    }

    /// Whether anything at all speaks against the client: only then is evidence kept.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.probes > 0.0
            || self.payloads > 0.0
            || self.novel_misses > 0.0
            || self.protocol > 0.0
            || self.failures_in_a_row > 1
    }

    /// One number to rank suspects by.
    #[must_use]
    pub fn rank(&self) -> f32 {
        self.probes
            + self.payloads
            + self.novel_misses * 0.3
            + self.protocol
            + f32::from(self.failures_in_a_row) * 0.3
    }
}

/// As what a missed path counts: who counts on through numbers or days guesses no second name.
fn missed_name(record: &RequestRecord<'_>, signals: &Signals) -> u64 {
    let has_number = record.route.object.is_some_and(|object| object.number.is_some());
    if signals.is_dated_miss {
        ANY_DAY
    } else if has_number {
        record.route.template
    } else {
        record.route.path
    }
}
