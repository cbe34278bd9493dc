//! What a pass found: one line per client that was alerted on, campaigns, and totals.

use super::alerts;
use detector::population::LearnedRole;
use detector::{Detector, Output, Scorer, Table};
use domain::{Action, Alert, Client, Member, Scope, ThreatKind};
use ingest::{Merge, Progress, RejectSample};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Members that a campaign's line shows: a log of a million clients shows no longer list than this.
const MEMBERS_MAX: usize = 100_000;

/// Clients and campaigns that a report tells of, some four kilobytes each. When there are more, the half that was given the
/// weakest actions, of equals with the lowest scores, is only counted from then on; one that is alerted on again counts again.
const TOLD_MAX: usize = 200_000;

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
    /// Clients that are told of no more because there were too many, by action.
    pub left_out: BTreeMap<Action, u64>,
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
        for alert in alerts(outputs).map(shrunk) {
            // Several people may use one range for different things: each of its campaigns has a line.
            let act = alert.threats.first().map(|claim| claim.kind);
            let told = (alert.client.clone(), act.filter(|_| !alert.members.is_empty()));
            match self.first.get_mut(&told) {
                None => {
                    if self.first.len() >= TOLD_MAX {
                        for action in weaker_half(&mut self.first) {
                            *self.left_out.entry(action).or_default() += 1;
                        }
                    }
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
        let mut actions = self.left_out.clone();
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
        is_of_many(&self.alert)
    }
}

fn is_of_many(alert: &Alert) -> bool {
    !alert.members.is_empty()
        || matches!(
            alert.client.scope(),
            Scope::UserAgent | Scope::Route | Scope::Host
        )
}

/// An alert without the room that its texts and lists were given to grow: it is held until the report is written.
fn shrunk(mut alert: Alert) -> Alert {
    for reason in &mut alert.reasons {
        reason.sentence.shrink_to_fit();
    }
    for shown in &mut alert.evidence {
        shown.request.shrink_to_fit();
    }
    alert.threats.shrink_to_fit();
    alert.reasons.shrink_to_fit();
    alert.what_if.shrink_to_fit();
    alert.evidence.shrink_to_fit();
    alert.members.shrink_to_fit();
    alert
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

/// Takes out the half that was given the weakest actions, and gives the actions of clients among them.
fn weaker_half(told: &mut HashMap<Told, Alert>) -> Vec<Action> {
    let mut ranked: Vec<(Action, u32, Told)> = told
        .iter()
        // Scores lie between 0 and 1: their bits have their order.
        .map(|(who, alert)| (alert.action, alert.score.max(0.0).to_bits(), who.clone()))
        .collect();
    ranked.sort_unstable();
    ranked.truncate(told.len() / 2);
    let mut actions = Vec::new();
    for (action, _, who) in ranked {
        let alert = told.remove(&who);
        let is_client = alert.is_some_and(|alert| !is_of_many(&alert));
        actions.extend(is_client.then_some(action));
    }
    actions
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DecisionId, Timestamp};

    fn alert(number: u32) -> Alert {
        let at = Timestamp::from_secs(1_800_000_000);
        Alert {
            id: DecisionId([0; 16]),
            client: Client::from_address(std::net::Ipv4Addr::from(number).into()),
            threats: Vec::new(),
            score: (number % 1000) as f32 / 1000.0,
            p_value: 1e-4,
            action: if number.is_multiple_of(10) {
                Action::Block
            } else {
                Action::Observe
            },
            first_seen: at,
            alerted_at: at,
            action_at: None,
            requests_before_alert: 1,
            requests_before_action: None,
            reasons: Vec::new(),
            what_if: Vec::new(),
            evidence: Vec::new(),
            held_back: None,
            model: String::new(),
            members: Vec::new(),
            completeness: None,
        }
    }

    #[test]
    fn more_alerts_than_there_is_room_for_leave_out_the_weakest_and_count_them() {
        let mut outcome = Outcome::new();
        let all = 2 * TOLD_MAX as u32;
        for number in 0..all {
            outcome.take(&mut vec![Output::Alert(alert(number))]);
        }
        assert!(outcome.first.len() <= TOLD_MAX);
        let blocked = outcome
            .first
            .values()
            .filter(|alert| alert.action == Action::Block);
        assert_eq!(blocked.count() as u32, all / 10, "whoever is blocked stays");
        let told = outcome.first.len() as u64;
        assert_eq!(told + outcome.left_out[&Action::Observe], u64::from(all));
        assert!(!outcome.left_out.contains_key(&Action::Block));
    }
}
