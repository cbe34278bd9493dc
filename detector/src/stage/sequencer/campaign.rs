//! A campaign in decisions and words: its small members are blocked each by itself, for a short while.

use super::{Block, Circumstances, Sequencer};
use crate::neighbours::{Accused, Reach, reach};
use crate::policy::{Bounds, CAMPAIGN_BLOCK_SECS, Charge, Measure, RoleSet, source_cap_reason};
use crate::signal::RouteRole;
use crate::stage::cohort::{Cohort, CohortKey, Excess, Suspected};
use crate::stage::kin::{Kin, KinNames};
use domain::{Action, Alert, Client, Decision, Origin, Reason, ThreatClaim, ThreatKind};

/// One request may be anybody's: a page can make its readers' browsers send it.
const FAINT_REQUESTS_MIN: u64 = 2;

/// Who came in a surge is acted on from so many failures on: everybody mistypes once or twice, surge or not.
const SURGE_REQUESTS_MIN: u64 = 3;

/// A campaign grew: its alert anew, and what is done about small members.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The campaign, with all the members that it lists.
    pub alert: Alert,
    /// One each for the members that are to be blocked now.
    pub decisions: Vec<Decision>,
    /// Whose requests count as stopped from now on, by keyed hash; empty in shadow mode.
    pub blocked: Vec<(u64, Client)>,
}

/// What is done about members.
#[derive(Default)]
struct Acts {
    decisions: Vec<Decision>,
    blocked: Vec<(u64, Client, Block)>,
    /// Why some were spared, or less was done: the cap of their source is spent, or a clause says so.
    spared: Option<String>,
}

impl Sequencer {
    /// Acts on the small members of a campaign that nothing protects, unless something holds all of it back, and writes the
    /// campaign down.
    pub fn join(
        &mut self,
        (key, threat): (&CohortKey, ThreatKind),
        cohort: &mut Cohort,
        (excess, held_back): (Excess, Option<String>),
        around: Circumstances<'_>,
    ) -> Joined {
        let sentence = sentence((key, threat), excess);
        let acts = match (&held_back, around.policy.action(excess.confidence)) {
            (None, Some(wanted)) if wanted.is_enforced() => self.act_on_members(
                (key, threat),
                cohort,
                (wanted, excess.confidence, &sentence),
                around,
            ),
            _ => Acts::default(),
        };
        let Acts {
            mut decisions,
            blocked,
            spared,
        } = acts;
        let held_back = held_back.or(spared);
        for (owner, client, block) in &blocked {
            self.blocks.put(*owner, client, *block);
        }
        let alert = Alert {
            held_back,
            ..alert(
                (key.as_client(&cohort.name), threat),
                cohort,
                excess,
                sentence,
                around,
            )
        };
        decisions
            .iter_mut()
            .for_each(|decision| decision.alert_id = Some(alert.id));
        Joined {
            alert,
            decisions,
            blocked: blocked
                .into_iter()
                .map(|(owner, client, _)| (owner, client))
                .collect(),
        }
    }

    /// Acts on the members that nothing protects, as far as the caps of their sources allow.
    fn act_on_members(
        &mut self,
        (key, threat): (&CohortKey, ThreatKind),
        cohort: &mut Cohort,
        (wanted, confidence, sentence): (Action, f32, &str),
        around: Circumstances<'_>,
    ) -> Acts {
        let requests_min = match key {
            CohortKey::Surge { .. } => SURGE_REQUESTS_MIN,
            _ => 0,
        };
        // Strangers share an agent; of a range that is a campaign those count who show little, too.
        let is_range = matches!(key, CohortKey::Range(_));
        let faint = cohort
            .faint
            .iter_mut()
            .filter(|known| is_range && known.member.requests >= FAINT_REQUESTS_MIN);
        let mut acts = Acts::default();
        for suspected in cohort.suspects.iter_mut().chain(faint) {
            let is_due = suspected.threat == threat
                && suspected.member.requests >= requests_min
                && self.is_to_be_acted_on(suspected, around);
            if !is_due {
                continue;
            }
            let offences = self.offenders.offences(suspected.key, around.now, around.policy);
            let measure = measure(suspected, (threat, confidence, offences), wanted, around);
            acts.spared = measure.held_back().or(acts.spared);
            if !measure.action.is_enforced() {
                continue;
            }
            if let Some(reason) = dear(suspected, measure.action, around) {
                acts.spared = Some(reason);
                continue;
            }
            let source = suspected.source;
            if let Some(cap) = self.caps.is_spent(around.sources, source, around.now) {
                self.caps.held_back += 1;
                acts.spared = Some(source_cap_reason(source, cap));
                continue;
            }
            if !measure.is_shadow() {
                self.note_by_source(measure.action, source, around);
            }
            let act = Act::of(suspected, (&measure, offences), around);
            note(suspected, &act, around);
            acts.decisions
                .push(decision(suspected, &act, (threat, sentence), around));
            if measure.action == Action::Block && !around.is_shadow(&measure) {
                let block = act.block(around);
                acts.blocked
                    .push((suspected.owner, suspected.member.client.clone(), block));
            }
        }
        acts
    }

    /// Whether a suspect is small, was here within the length of an episode, is not acted on already, and nothing speaks
    /// for it. Whoever has its address hours later may be somebody else.
    fn is_to_be_acted_on(&self, suspected: &Suspected, around: Circumstances<'_>) -> bool {
        let (client, at) = (&suspected.member.client, suspected.last_at);
        let is_settled = suspected.until.is_some_and(|until| at < until)
            || self
                .blocks
                .find(suspected.owner, client)
                .is_some_and(|block| at < block.until);
        let is_gone = around.now.millis_since(at) > i64::from(around.policy.episode_secs) * 1000;
        suspected.is_small
            && !is_gone
            && !is_settled
            && self
                .protection(suspected.owner, client, at, around.allowlist)
                .is_none()
    }
}

/// Why a member's address is left alone: too many others come from it, and what one request or three show of a member does not tell
/// it from them.
fn dear(suspected: &Suspected, action: Action, around: Circumstances<'_>) -> Option<String> {
    let behind = around.neighbours.get(suspected.owner)?;
    let accused = Accused {
        kin: Kin::default(),
        names: &KinNames::default(),
        successes: 0.0,
    };
    match reach(behind, (action, None), accused, &around.policy.price, around.now) {
        Reach::Whole(_) => None,
        Reach::Slow(_, reason) | Reach::Nobody(_, reason) => Some(reason),
        Reach::Program { .. } => Some("others come from its address".to_owned()),
    }
}

/// What is done about one member.
struct Act<'m> {
    measure: &'m Measure<'m>,
    ttl_secs: u32,
}

impl<'m> Act<'m> {
    /// A clause may make it shorter, and no longer.
    fn of(
        suspected: &Suspected,
        (measure, offences): (&'m Measure<'m>, u32),
        around: Circumstances<'_>,
    ) -> Self {
        let secs = measure
            .step_secs(around.policy, measure.action, offences)
            .map_or(CAMPAIGN_BLOCK_SECS, |secs| secs.min(CAMPAIGN_BLOCK_SECS));
        Self {
            measure,
            ttl_secs: around.policy.within_epoch(&suspected.member.client, secs),
        }
    }

    fn block(&self, around: Circumstances<'_>) -> Block {
        Block {
            from: around.now,
            until: around.now.plus_secs(i64::from(self.ttl_secs)),
            is_ordered: false,
            is_partial: !self.measure.gateways().is_empty(),
            only: None,
        }
    }
}

/// What the policy says about a member, of which little is known: what is usual is the most that a clause may ask for.
fn measure<'p>(
    suspected: &Suspected,
    (threat, confidence, offences): (ThreatKind, f32, u32),
    usual: Action,
    around: Circumstances<'p>,
) -> Measure<'p> {
    let roles: &[RouteRole] = match threat {
        ThreatKind::CredentialStuffing | ThreatKind::CredentialCracking => {
            &[RouteRole::Login, RouteRole::OneTimeCode, RouteRole::PasswordReset]
        }
        _ => &[],
    };
    let charge = Charge {
        threat,
        confidence,
        evidence: confidence,
        is_conclusive: false,
        roles: RoleSet::of(roles),
        client: &suspected.member.client,
        requests: suspected.member.requests,
        is_established: false,
        is_declared_crawler: false,
        is_crowd: false,
        offences,
        at: around.now,
        origin: Origin::Model,
        feature: &|_| None,
    };
    around.clauses.measure(&charge, Bounds::no_stronger(usual))
}

/// Writes down what is done about a suspect.
fn note(suspected: &mut Suspected, act: &Act<'_>, around: Circumstances<'_>) {
    let action = act.measure.action;
    suspected.until = Some(around.now.plus_secs(i64::from(act.ttl_secs)));
    let member = &mut suspected.member;
    if action > member.action {
        member.action = action;
        member.action_at = Some(around.now);
        member.requests_before_action = Some(member.requests);
    }
}

/// Its identity is that of the suspicious request, which a preview of the tick knows as well as its end.
fn decision(
    suspected: &Suspected,
    act: &Act<'_>,
    (threat, sentence): (ThreatKind, &str),
    around: Circumstances<'_>,
) -> Decision {
    let client = &suspected.member.client;
    let id = around.hash_key.decision_id(client, threat, suspected.last_at);
    let id = around.identity(id, act.measure);
    let act = (act.measure.action, act.ttl_secs, act.measure);
    Decision {
        // After everybody who is sure by itself.
        priority: 50,
        completeness: around.efforts.between(suspected.member.first_seen, around.now),
        ..around.decided(id, client, (threat, sentence.to_owned()), act, around.now)
    }
}

/// The campaign's alert; its action is the strongest of its members'.
fn alert(
    (client, threat): (Client, ThreatKind),
    cohort: &Cohort,
    excess: Excess,
    sentence: String,
    around: Circumstances<'_>,
) -> Alert {
    let acted_on = cohort.faint.iter().filter(|known| known.until.is_some());
    let akin = cohort.suspects.iter().chain(acted_on);
    let members: Vec<domain::Member> = akin
        .filter(|known| known.threat == threat)
        .map(|known| known.member.clone())
        .collect();
    let first_seen = members.iter().map(|member| member.first_seen).min();
    let first_action = members.iter().filter_map(|member| member.action_at).min();
    let act = cohort.act(threat);
    let alerted_at = act.and_then(|act| act.hot_since).unwrap_or(around.now);
    Alert {
        id: around.hash_key.decision_id(&client, threat, alerted_at),
        client,
        threats: vec![ThreatClaim {
            kind: threat,
            confidence: excess.confidence,
        }],
        score: (1.0 - excess.p_value) as f32,
        p_value: excess.p_value,
        action: members
            .iter()
            .map(|member| member.action)
            .max()
            .unwrap_or(Action::Observe),
        first_seen: first_seen.unwrap_or(alerted_at),
        alerted_at,
        action_at: first_action,
        requests_before_alert: 0,
        requests_before_action: None,
        reasons: vec![Reason {
            feature: "cohort_suspect_share",
            value: excess.share as f32,
            typical: excess.base as f32,
            contribution: 1.0,
            sentence,
        }],
        what_if: Vec::new(),
        evidence: act.map(|act| act.evidence.clone()).unwrap_or_default(),
        held_back: None,
        model: around.scorer.version().to_owned(),
        members,
        completeness: around
            .efforts
            .between(first_seen.unwrap_or(alerted_at), around.now),
    }
}

/// What is said of a campaign. Holds no text from the log.
fn sentence((key, threat): (&CohortKey, ThreatKind), excess: Excess) -> String {
    if matches!(key, CohortKey::Surge { .. }) {
        return format!(
            "{} of {} clients that came new to this route, while far more than usual fail to sign in there, tried for minutes in \
             vain and did nothing else; of those that fail now an ordinary hour has at most {:.0}%",
            excess.suspects,
            excess.clients,
            (1.0 - excess.confidence) * 100.0
        );
    }
    let whole = match key {
        CohortKey::Range(_) => "of one range",
        CohortKey::Agent(0) => "without a user agent",
        CohortKey::Agent(_) => "with one user agent",
        CohortKey::Fingerprint(_) => "with one TLS fingerprint",
        CohortKey::System(_) => "of one autonomous system",
        CohortKey::Host(_) => "of one virtual host",
        CohortKey::Route(_) | CohortKey::Surge { .. } => "that use one way to sign in",
    };
    let act = match threat {
        ThreatKind::CredentialStuffing | ThreatKind::CredentialCracking => "tried to sign in in vain",
        ThreatKind::Reconnaissance => "asked for what does not exist",
        _ => "did the same",
    };
    format!(
        "{} of {} clients {whole} {act} and did hardly anything else; of the other clients here {:.0}% look suspicious",
        excess.suspects,
        excess.clients,
        excess.base * 100.0
    )
}
