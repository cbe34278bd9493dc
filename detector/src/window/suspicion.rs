//! What speaks for an attack: points that decay over the longest horizon, and counts of the acts behind them.

use crate::population::RouteStanding;
use crate::signal::{Outcome, RouteRole, Signals, Tool, ToolKind, tells_wrong_password};
use crate::window::{Distinct, TOO_MANY_REQUESTS};
use domain::RequestRecord;
use serde::{Deserialize, Serialize};

/// A step between numbered objects up to this is a walk's; ordinary use jumps.
const WALK_STEP_MAX: u64 = 3;

/// A request that is bad only after so long is one that was never finished: bad ones are told at once.
const STALL_MILLIS: f32 = 10_000.0;

/// A page with a form on it has so many bytes; what tells a program who it is now has fewer.
const FORM_BYTES_MIN: u32 = 1500;

/// What a path counts that asks who it is: it may well be there, and a session that ran out gets the same answer.
const UNPROVEN: f32 = 0.25;

/// What is left of a count after a day: a row of failures does not go on over such a pause.
const FORGOTTEN: f32 = 0.001;

/// Tells paths that were redirected from those that missed.
const REDIRECTED: u64 = 0x72_6564_6972_0000;

/// Tells probes that were redirected from all other paths.
const REDIRECTED_PROBE: u64 = 0x70_726f_6265_0000;

/// What a payload counts that was sent before: somebody searches for an odd word again, and looks at the second page.
const SENT_AGAIN: f32 = 0.25;

/// Stands for every path that names a day.
const ANY_DAY: u64 = 0x6461_7973;

/// How new a request's path is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Novelty {
    /// How its route stands among clients.
    pub(super) standing: RouteStanding,
    /// Whether the client did not ask for the path before.
    pub(super) is_new_path: bool,
}

/// What speaks for an attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Suspicion {
    /// Sum of the weights of different probes that did not succeed.
    pub probes: f32,
    /// The attack tool that a user agent names.
    pub tool: Tool,
    /// Sum of the weights of different payloads.
    pub payloads: f32,
    /// Requests with payloads; one that was sent before counts a quarter.
    pub payload_requests: f32,
    /// Different folders of the site in which a path was found that only scanners ask for: where so much is found,
    /// everything is.
    pub probes_found: u8,
    /// Classes of payloads, one bit each.
    pub payload_classes: u8,
    /// Requests, as long remembered as what was asked for in vain.
    pub asked: f32,
    /// Those of them that succeeded.
    pub found: f32,
    /// Those of them that failed by the client's doing.
    pub failed: f32,
    /// Different paths that missed on routes nobody else uses.
    pub novel_misses: f32,
    /// Different paths that were redirected on routes nobody else uses.
    pub novel_redirects: f32,
    /// Different routes that nobody else uses and that were answered 200 with one size: as good as missing, where a site
    /// answers every path with its one page.
    pub soft_misses: f32,
    /// Sign-ins answered exactly like the one before, and not refused: a wrong password on a page that says so itself.
    pub same_answers: f32,
    /// State-changing requests where money or an account is at stake, answered with 4xx that is no refusal and no missing
    /// path: wrong codes, cards, vouchers.
    pub failed_writes: f32,
    /// Different paths on routes for a new password that were opened: a link from a mail, or guesses at one.
    pub resets: f32,
    /// Sign-ins that were not as long as the one before, where logs tell how much clients send.
    pub sent_differs: f32,
    /// Requests that the client began and did not finish in time.
    pub stalls: f32,
    /// Steps between numbered objects that a walk makes.
    pub walk_steps: f32,
    /// Steps of any size between numbered objects.
    pub steps: f32,
    /// Acts of odd protocol: unreadable requests, proxy tests, odd methods.
    pub protocol: f32,
    /// Acts that may speak for an attack: probes, payloads, whatever fails. Halved with the next when full.
    acts: u8,
    /// Those of them that a page of somebody else's can have made a browser do, or a message a program that shows links.
    planted: u8,
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
    /// Whether a user agent of it says that it is a browser.
    pub is_declared_browser: bool,
    /// Whether a sign-in of it was answered with a page, and not with a token.
    pub is_shown_a_form: bool,
    /// Whether the latest failure was a form shown again, and not a refusal.
    is_failing_silently: bool,
    /// Bytes of the latest answer on a route that nobody else uses.
    soft_bytes: u32,
    /// The folder of that route, 0 for the root.
    soft_folder: u16,
    /// The first route for signing in that it sent a password to, 0 for none.
    pub sign_in_route: u64,
    /// Bytes of the latest sign-in, 0 where unknown.
    last_sent: u32,
    /// Status and bytes of the latest answer to a sign-in, 0 for none.
    last_answer: u32,
    probed: Distinct<1>,
    missed: Distinct<4>,
}

impl Suspicion {
    /// Shrinks the points by the longest horizon's factor. What was asked for in vain is remembered four times as long:
    /// a patient scanner asks for one path in half an hour, and nobody else's day is a list of different missing paths.
    pub fn decay(&mut self, factor: f32) {
        if factor < 1.0 {
            if factor < FORGOTTEN {
                self.failures_in_a_row = 0;
            }
            // A fourth root of the factor is four times the half-life.
            let slow = factor.sqrt().sqrt();
            for points in [
                &mut self.asked,
                &mut self.found,
                &mut self.failed,
                &mut self.probes,
                &mut self.novel_misses,
                &mut self.novel_redirects,
                &mut self.soft_misses,
            ] {
                *points *= slow;
            }
            for points in [
                &mut self.payloads,
                &mut self.payload_requests,
                &mut self.same_answers,
                &mut self.resets,
                &mut self.failed_writes,
                &mut self.stalls,
                &mut self.sent_differs,
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
        novelty: Novelty,
    ) -> bool {
        let was_answered = record.status != TOO_MANY_REQUESTS;
        let has_failed = signals.outcome.is_client_error() && was_answered;
        self.asked += f32::from(u8::from(was_answered));
        self.found += f32::from(u8::from(signals.outcome == Outcome::Success));
        self.failed += f32::from(u8::from(has_failed));
        let is_told_again = self.observe_answer(record, signals);
        self.observe_sign_in(record, signals, is_told_again);
        if record.path == "/robots.txt" {
            self.is_robot = true;
        }
        if signals.tool.points > self.tool.points {
            self.tool = signals.tool;
        }
        self.observe_payload(record, signals);
        self.observe_protocol(record, signals);
        self.observe_probe(record, signals);
        self.stalls += f32::from(u8::from(is_stall(record)));
        let is_read = signals.method == crate::signal::MethodClass::Read;
        let is_reset = is_read && signals.role == RouteRole::PasswordReset && novelty.is_new_path;
        self.resets += f32::from(u8::from(is_reset && signals.outcome == Outcome::Success));
        self.observe_soft_miss(record, signals, novelty);
        let is_novel_miss = self.observe_miss(record, signals, novelty);
        let is_act = is_novel_miss || signals.probe.weight > 0.0 || signals.payload.weight > 0.0;
        if is_act || has_failed {
            self.observe_act(signals.may_be_planted);
        }
        is_novel_miss
    }

    fn observe_act(&mut self, may_be_planted: bool) {
        if self.acts == u8::MAX {
            (self.acts, self.planted) = (self.acts / 2, self.planted / 2);
        }
        self.acts += 1;
        self.planted += u8::from(may_be_planted);
    }

    /// Whether most of what speaks for an attack may be somebody else's doing: a page can make its readers' browsers ask
    /// any site for anything.
    #[must_use]
    pub fn may_be_planted(&self) -> bool {
        self.planted > self.acts / 2
    }

    /// Takes in what a state-changing request was told, where the status alone does not tell. True for a sign-in that was
    /// answered with the same form as the one before.
    fn observe_answer(&mut self, record: &RequestRecord<'_>, signals: &Signals) -> bool {
        if signals.method != crate::signal::MethodClass::Write {
            return false;
        }
        let is_told_off = signals.outcome == Outcome::OtherClientError
            && !matches!(record.status, 429 | 499)
            && !is_stall(record);
        let is_guessable =
            signals.role.is_sign_in() || matches!(signals.role, RouteRole::Payment | RouteRole::SignUp);
        let is_password = signals.role == RouteRole::Login && is_wrong_password(record);
        self.failed_writes += f32::from(u8::from(is_told_off && is_guessable && !is_password));
        if !signals.role.is_sign_in() {
            return false;
        }
        let answer = short(record.bytes_out.unwrap_or(0)).rotate_left(10) ^ u32::from(record.status);
        if self.sign_in_route == 0 {
            self.sign_in_route = record.route.template;
            if signals.is_role_learned {
                // While nobody knew what the route is for no success on it ended a row of failures.
                self.failures_in_a_row = 0;
            }
        }
        let bytes = short(record.bytes_out.unwrap_or(0));
        let is_same = answer == self.last_answer && bytes > 0 && !crate::signal::issues_tokens(&record.path);
        self.is_shown_a_form |= bytes >= FORM_BYTES_MIN || record.path.ends_with("/xmlrpc.php");
        self.same_answers += f32::from(u8::from(is_same && !signals.outcome.is_client_error()));
        self.last_answer = answer;
        let sent = short(record.bytes_in.unwrap_or(0));
        self.sent_differs += f32::from(u8::from(
            self.last_sent != 0 && sent != 0 && sent != self.last_sent,
        ));
        self.last_sent = sent;
        is_same && self.is_shown_a_form && signals.outcome == Outcome::Success
    }

    fn observe_soft_miss(&mut self, record: &RequestRecord<'_>, signals: &Signals, novelty: Novelty) {
        let is_page = record.status == 200
            && signals.method != crate::signal::MethodClass::Head
            && !record.route.is_asset
            && !signals.is_convention;
        let bytes = short(record.bytes_out.unwrap_or(0));
        if !is_page || bytes == 0 || !novelty.standing.is_novel() {
            return;
        }
        if bytes != self.soft_bytes {
            // Somebody who gets different pages finds what is there.
            (self.soft_bytes, self.soft_folder) = (bytes, folder(&record.path));
            self.soft_misses *= 0.5;
            // Coming back to it is no other path.
            self.missed.insert(record.route.template);
            return;
        }
        // Many small files of one kind lie in one folder; who guesses asks all over the place.
        let folder = folder(&record.path);
        let is_elsewhere = folder != self.soft_folder || folder == 0;
        if is_elsewhere && self.missed.insert(record.route.template) {
            self.soft_misses += 1.0;
        }
        self.soft_folder = folder;
    }

    fn observe_probe(&mut self, record: &RequestRecord<'_>, signals: &Signals) {
        if signals.probe.is_secret()
            && signals.outcome == Outcome::Success
            && self.probed.insert(top(&record.path))
        {
            self.probes_found = self.probes_found.saturating_add(1);
        }
        if signals.probe.weight <= 0.0 || signals.outcome == Outcome::Success {
            return;
        }
        // Where everything is redirected (to https, to a sign-in page), asking shows less.
        let redirected = signals.probe.weight * signals.probe.weight * 0.5;
        let name = record.route.path ^ REDIRECTED_PROBE;
        let was_redirected = self.missed.contains(name);
        if signals.outcome == Outcome::Redirect {
            if self.missed.insert(name) {
                self.probes += redirected;
            }
        } else if self.probed.insert(record.route.path) {
            // What it counted when it was redirected is in the sum already.
            let counted = if was_redirected { redirected } else { 0.0 };
            self.probes += signals.probe.weight - counted;
        }
    }

    fn observe_payload(&mut self, record: &RequestRecord<'_>, signals: &Signals) {
        if signals.payload.weight <= 0.0 {
            return;
        }
        let weight = if self.probed.insert(sent(record)) {
            1.0
        } else {
            SENT_AGAIN
        };
        self.payloads += signals.payload.weight.min(crate::signal::ENOUGH) * weight;
        self.payload_classes |= signals.payload.classes;
        self.payload_requests += weight;
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

    /// Misses count once per path, and only where neither convention nor another client explains them. A path that was
    /// redirected first (to https, to the host's other name) counts when it misses there.
    fn observe_miss(&mut self, record: &RequestRecord<'_>, signals: &Signals, novelty: Novelty) -> bool {
        let is_ordinary = signals.is_convention || record.route.is_asset || !novelty.standing.is_novel();
        if is_ordinary || record.is_malformed {
            return false;
        }
        match signals.outcome {
            Outcome::Missing | Outcome::Refused | Outcome::OtherClientError
                if record.status != 499 && record.status != 429 =>
            {
                let is_new_miss = self.missed.insert(missed_name(record, signals));
                if is_new_miss {
                    self.novel_misses += if record.status == 401 { UNPROVEN } else { 1.0 };
                }
                novelty.is_new_path || is_new_miss
            }
            Outcome::Redirect => {
                let is_new = self.missed.insert(missed_name(record, signals) ^ REDIRECTED);
                self.novel_redirects += f32::from(u8::from(novelty.is_new_path && is_new));
                false
            }
            _ => false,
        }
    }

    fn observe_sign_in(&mut self, record: &RequestRecord<'_>, signals: &Signals, is_told_again: bool) {
        let is_write = signals.method == crate::signal::MethodClass::Write;
        let is_login = signals.role.is_sign_in();
        match signals.outcome {
            Outcome::Refused if is_login || is_write => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.is_failing_silently = false;
            }
            Outcome::OtherClientError if is_login && is_write && is_wrong_password(record) => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.is_failing_silently = false;
            }
            _ if is_told_again => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.is_failing_silently = true;
            }
            // A form of another length is a form still.
            Outcome::Success if is_login && is_write && self.is_failing_silently => {}
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
        self.probes + self.tool.points > 0.0
            || self.payloads > 0.0
            || self.novel_misses > 0.0
            || self.soft_misses > 1.0
            || self.same_answers > 1.0
            || self.failed_writes > 1.0
            || self.stalls > 1.0
            || self.protocol > 0.0
            || self.failures_in_a_row > 1
    }

    /// Share of what it asked for, as long remembered as what it asked for in vain.
    #[must_use]
    pub fn share(&self, count: f32) -> f32 {
        (count / self.asked.max(1.0)).clamp(0.0, 1.0)
    }

    /// Points for a tool of that kind that it names itself.
    #[must_use]
    pub fn tool_points(&self, kind: ToolKind) -> f32 {
        if self.tool.kind == kind {
            self.tool.points
        } else {
            0.0
        }
    }

    /// One number to rank suspects by.
    #[must_use]
    pub fn rank(&self) -> f32 {
        self.probes
            + self.tool.points
            + self.payloads
            + self.novel_misses * 0.3
            + (self.soft_misses + self.same_answers + self.failed_writes + self.stalls) * 0.2
            + self.protocol
            + f32::from(self.failures_in_a_row) * 0.3
    }
}

/// Whether a sign-in was told that what it sent is wrong, without a refusal; one that was never sent whole was not.
pub(super) fn is_wrong_password(record: &RequestRecord<'_>) -> bool {
    tells_wrong_password(record.status, &record.path) && !is_stall(record)
}

/// Whether the client began a request and did not finish it in time.
fn is_stall(record: &RequestRecord<'_>) -> bool {
    let is_long = record.duration_ms.is_some_and(|millis| millis >= STALL_MILLIS);
    !record.is_malformed && (record.status == 408 || (record.status == 400 && is_long))
}

/// A size in four bytes: a window is small, and no page has four gigabytes.
fn short(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Hash of what a request sends, by whatever name its first parameter goes.
fn sent(record: &RequestRecord<'_>) -> u64 {
    use std::hash::BuildHasher;
    let query = record.query.as_deref().unwrap_or("");
    let value = query.split_once('=').map_or(query, |(_, value)| value);
    foldhash::fast::FixedState::with_seed(0x5e).hash_one((&*record.path, value))
}

/// Hash of the first segment of a path.
fn top(path: &str) -> u64 {
    use std::hash::BuildHasher;
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    foldhash::fast::FixedState::with_seed(0x70b).hash_one(first)
}

/// Hash of the folder that a path lies in, 0 for the root.
fn folder(path: &str) -> u16 {
    use std::hash::BuildHasher;
    let end = path.trim_end_matches('/').rfind('/').unwrap_or(0);
    if end == 0 {
        return 0;
    }
    foldhash::fast::FixedState::with_seed(0xf01d).hash_one(&path[..end]) as u16 | 1
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
