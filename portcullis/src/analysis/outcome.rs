//! What a pass found: one line per client that was alerted on, campaigns, and totals.

use super::alerts;
use detector::population::LearnedRole;
use detector::{Detector, Output, Scorer, Table};
use domain::{Action, Alert, Client, Member, Scope, ThreatKind};
use ingest::{Merge, Progress, RejectSample};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Members that a campaign's line shows: a log of a million clients shows no longer list than this.
const MEMBERS_MAX: usize = 100_000;

/// Of whom a line tells: a client, or those of a cohort who do the same.
type Told = (Client, Option<ThreatKind>);

/// What became of one client, or one campaign.
#[derive(Debug, Clone)]
pub(crate) struct ClientOutcome {
    /// The alert with the strongest action.
    pub alert: Alert,
    /// All its requests, those included that a block would have prevented.
    pub requests: u64,
    /// Requests that came while a block would have been in force.
    pub prevented: u64,
}

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whoever was alerted on, by client; the strongest alert of each.
    pub clients: Vec<ClientOutcome>,
    /// Lines read.
    pub lines: u64,
    /// Lines that became records.
    pub parsed: u64,
    /// Lines that did not.
    pub rejected: u64,
    /// Clients seen, those forgotten included.
    pub distinct_clients: u64,
    /// Files by format.
    pub formats: BTreeMap<String, u64>,
    /// Rejected lines by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Samples of rejected lines: file, reason, bytes with everything unprintable escaped.
    pub samples: Vec<(String, RejectSample)>,
    /// What was wrong with files as a whole.
    pub problems: Vec<String>,
    /// Names of the files, by source number.
    pub files: Vec<String>,
    /// Bytes read.
    pub bytes: u64,
    /// Clients forgotten because there were more than the cap.
    pub forgotten: u64,
    /// How full the detector's tables were at the end, and what was left out of them.
    pub tables: Vec<Table>,
    /// What was learned of routes whose words tell nothing.
    pub roles: Vec<LearnedRole>,
    /// Version name of the model.
    pub model: String,
    lost: Option<Vec<&'static str>>,
    first: HashMap<Told, Alert>,
}

/// Rejected lines that are shown.
const SAMPLES_MAX: usize = 20;

impl Outcome {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// What none of the files' formats can show, a sentence each.
    pub(crate) fn blind_spots(&self) -> Vec<&'static str> {
        self.lost.clone().unwrap_or_default()
    }

    /// Keeps, of each client's alerts, the one with the strongest action; the earliest of equals.
    pub(super) fn take(&mut self, outputs: &mut Vec<Output>) {
        for alert in alerts(outputs) {
            // Several people may use one range for different things: each of its campaigns has a line.
            let act = alert.threats.first().map(|claim| claim.kind);
            let told = (alert.client.clone(), act.filter(|_| !alert.members.is_empty()));
            match self.first.get_mut(&told) {
                None => {
                    self.first.insert(told, alert);
                }
                Some(kept) => keep_stronger(kept, alert),
            }
        }
    }

    pub(super) fn finish<S: Scorer>(&mut self, detector: &Detector<S>, merge: &Merge, progress: &[Progress]) {
        for file in merge.files() {
            let counts = file.parser.counts();
            self.lines += file.reader.lines_read();
            self.parsed += counts.parsed;
            self.rejected += file.parser.rejects().total();
            for (reason, count) in file.parser.rejects().counts() {
                *self.rejections.entry(reason.to_owned()).or_default() += count;
            }
            let name = file.reader.path().display().to_string();
            let left = SAMPLES_MAX.saturating_sub(self.samples.len());
            self.samples.extend(
                file.parser
                    .rejects()
                    .samples()
                    .iter()
                    .take(left)
                    .map(|sample| (name.clone(), sample.clone())),
            );
            self.problems
                .extend(file.reader.problem().map(ToString::to_string));
            if let Some(format) = file.parser.last_format() {
                *self.formats.entry(format.name().to_owned()).or_default() += 1;
                let lost = self.lost.get_or_insert_with(|| format.blind_spots());
                let spots = format.blind_spots();
                lost.retain(|sentence| spots.contains(sentence));
            }
            self.files.push(name);
        }
        self.bytes = progress.iter().map(Progress::bytes_read).sum();
        let totals = detector.totals();
        (self.distinct_clients, self.forgotten) = (totals.clients, totals.forgotten);
        self.tables = detector.tables();
        self.model = detector.model().to_owned();
        self.roles = detector.learned_roles();
        self.clients = std::mem::take(&mut self.first)
            .into_values()
            .map(|alert| {
                let (seen, prevented) = detector
                    .requests_of(&alert.client)
                    .unwrap_or((requests_of(&alert), 0));
                ClientOutcome {
                    requests: seen + prevented,
                    prevented,
                    alert,
                }
            })
            .collect();
        self.clients.sort_by(|left, right| {
            let rank = |outcome: &ClientOutcome| {
                (
                    outcome.alert.action,
                    outcome
                        .alert
                        .threats
                        .first()
                        .map_or(0.0, |claim| claim.confidence),
                )
            };
            let (left_rank, right_rank) = (rank(left), rank(right));
            right
                .alert
                .score
                .total_cmp(&left.alert.score)
                .then(right_rank.0.cmp(&left_rank.0))
                .then(right_rank.1.total_cmp(&left_rank.1))
                .then(left.alert.client.cmp(&right.alert.client))
                .then(left.alert.id.0.cmp(&right.alert.id.0))
        });
    }

    /// How many clients were given each action, campaigns' own lines left out.
    #[must_use]
    pub(crate) fn actions(&self) -> BTreeMap<Action, u64> {
        let mut actions = BTreeMap::new();
        for client in self.clients.iter().filter(|client| !client.is_campaign()) {
            *actions.entry(client.alert.action).or_default() += 1;
        }
        actions
    }
}

impl ClientOutcome {
    /// Whether it is the line of a cohort, or of a route or host that a rule watches.
    #[must_use]
    pub(crate) fn is_campaign(&self) -> bool {
        !self.alert.members.is_empty()
            || matches!(
                self.alert.client.scope(),
                Scope::UserAgent | Scope::Route | Scope::Host
            )
    }
}

fn keep_stronger(kept: &mut Alert, new: Alert) {
    let is_campaign = !new.members.is_empty();
    // A surge is told anew as it grows: its highest hour has the line.
    let is_higher = surge_of(&new) > surge_of(kept);
    if is_campaign || is_higher || new.action > kept.action {
        let (alerted_at, requests) = (kept.alerted_at.min(new.alerted_at), kept.requests_before_alert);
        let members = merged(std::mem::take(&mut kept.members), new.members);
        *kept = Alert {
            alerted_at,
            requests_before_alert: requests,
            members,
            ..new
        };
    }
}

/// How much of something there was in a surge's hour; 0 of everything else.
fn surge_of(alert: &Alert) -> f32 {
    let reason = alert
        .reasons
        .first()
        .filter(|reason| reason.feature == detector::SURGE);
    reason.map_or(0.0, |reason| reason.value)
}

/// The members as they were told last, those included that gave way to later ones.
fn merged(old: Vec<Member>, new: Vec<Member>) -> Vec<Member> {
    let told: HashSet<&Client> = new.iter().map(|member| &member.client).collect();
    let mut members: Vec<Member> = old
        .into_iter()
        .filter(|member| !told.contains(&member.client))
        .take(MEMBERS_MAX)
        .collect();
    members.extend(new);
    members
}

/// Requests of whoever has no window of its own: of a campaign's members, or what was counted of a surge or for a rule.
fn requests_of(alert: &Alert) -> u64 {
    let of_members: u64 = alert.members.iter().map(|member| member.requests).sum();
    of_members
        .max(alert.requests_before_alert)
        .max(surge_of(alert) as u64)
}
