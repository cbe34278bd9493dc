//! The windows of one shard, its suspects, and what its clients did in the open tick.

use super::CheckpointError;
use super::form::{ActionForm, ClientForm, EvidenceForm, MomentForm, ThreatForm, counter, moment, to_moment};
use super::held::{BlockForm, SuspectForm};
use super::rule::HitForm;
use crate::feature;
use crate::neighbours::Use;
use crate::policy::RoleSet;
use crate::population::{
    Counts, Deed, EstablishedChange, EstablishedChanges, Passed, Quantity, Running, Sample, Traffic, Vote,
};
use crate::score::Score;
use crate::stage::client::{Candidate, Changes, Hint, Shard, Shows, Slot};
use crate::stage::kin::{Kin, KinNames};
use crate::stage::sequencer::Block;
use crate::threat::{Claim, THREATS};
use crate::window::Window;
use domain::Evidence;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::net::IpAddr;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardForm<'a> {
    #[serde(borrow)]
    slots: Vec<SlotForm<'a>>,
    hand: u64,
    forgotten: u64,
    suspects: Vec<SuspectForm>,
    changes: ChangesForm,
    stopped: u64,
    leaks: u64,
    unsearched: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SlotForm<'a> {
    key: u64,
    client: ClientForm,
    window: Cow<'a, Window>,
    most: ActionForm,
    blocked: Option<BlockForm>,
    last_rank: f32,
    is_established: bool,
    is_claimed: bool,
    hinted_agent: u32,
    fingerprint: u32,
    host: u32,
    shows: Shows,
    gateway: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChangesForm {
    candidates: Vec<CandidateForm>,
    votes: Vec<(u64, bool)>,
    deeds: Vec<Deed>,
    uses: Vec<Use>,
    grown_up: Vec<(u64, u64)>,
    came_from: Vec<u64>,
    traffic: TrafficForm,
    hints: Vec<HintForm>,
    hits: Vec<HitForm>,
    joined: Vec<(u64, bool)>,
    arrived: Vec<(u64, u64)>,
    newcomers: u32,
    established: Vec<(u16, i64, f64)>,
    work: Vec<(u64, u32)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TrafficForm {
    site: Counts,
    routes: Vec<Passed>,
    samples: Vec<(u64, Option<u64>, Quantity, EvidenceForm)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HintForm {
    seq: u64,
    key: u64,
    owner: u64,
    client: ClientForm,
    source: u32,
    at: MomentForm,
    first_seen: MomentForm,
    requests: u64,
    is_first: bool,
    kin: Kin,
    names: KinNames,
    route: u64,
    shown: Option<(ThreatForm, EvidenceForm)>,
    is_faint: bool,
    surge: Option<Running>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CandidateForm {
    seq: u64,
    key: u64,
    owner: u64,
    client: ClientForm,
    source: u32,
    most: ActionForm,
    is_ambiguous: bool,
    at: MomentForm,
    first_seen: MomentForm,
    requests: u64,
    claims: Vec<ClaimForm>,
    sentences: Vec<(f32, String)>,
    score: f32,
    p_value: f64,
    row: Vec<f32>,
    window: Option<Box<Window>>,
    evidence: Vec<EvidenceForm>,
    is_established: bool,
    successes: f32,
    route: u64,
    address: Option<IpAddr>,
    load: f32,
    kin: Kin,
    names: KinNames,
    agents: f32,
    is_claimed: bool,
    may_be_planted: bool,
    roles: u16,
    is_declared_crawler: bool,
    is_shared: bool,
    used_shared: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimForm {
    /// Number of the threat in the list.
    place: u16,
    kind: ThreatForm,
    confidence: f32,
    is_conclusive: bool,
}

impl<'a> ShardForm<'a> {
    pub(super) fn of(shard: &'a Shard) -> Self {
        Self {
            slots: shard.slots.iter().map(SlotForm::of).collect(),
            hand: shard.slots.hand() as u64,
            forgotten: shard.slots.forgotten,
            suspects: shard.suspects.as_slice().iter().map(SuspectForm::of).collect(),
            changes: ChangesForm::of(&shard.changes),
            stopped: shard.stopped,
            leaks: shard.leaks,
            unsearched: shard.unsearched,
        }
    }

    pub(super) fn fill(self, shard: &mut Shard) -> Result<(), CheckpointError> {
        let slots: Result<Vec<Slot>, _> = self.slots.into_iter().map(SlotForm::read).collect();
        let slots = slots?;
        if slots.iter().any(|slot| Shard::of(slot.key) != shard.number) {
            return Err(CheckpointError::Damaged("a client in the wrong shard"));
        }
        let hand = counter(self.hand)? as usize;
        shard.slots.restore(slots, hand, counter(self.forgotten)?);
        let suspects: Result<_, _> = self.suspects.into_iter().map(SuspectForm::read).collect();
        shard.suspects.restore(suspects?);
        shard.changes = self.changes.read()?;
        shard.stopped = counter(self.stopped)?;
        shard.leaks = counter(self.leaks)?;
        shard.unsearched = counter(self.unsearched)?;
        Ok(())
    }
}

impl<'a> SlotForm<'a> {
    fn of(slot: &'a Slot) -> Self {
        Self {
            key: slot.key,
            client: (&slot.client).into(),
            window: Cow::Borrowed(&slot.window),
            most: slot.most.into(),
            blocked: slot.blocked.map(BlockForm::from),
            last_rank: slot.last_rank,
            is_established: slot.is_established,
            is_claimed: slot.is_claimed,
            hinted_agent: slot.hinted_agent,
            fingerprint: slot.fingerprint,
            host: slot.host,
            shows: slot.shows,
            gateway: slot.gateway,
        }
    }

    fn read(self) -> Result<Slot, CheckpointError> {
        let window = self.window.into_owned();
        for count in [
            window.requests,
            u64::from(window.stopped),
            u64::from(window.failed),
        ] {
            counter(count)?;
        }
        Ok(Slot {
            key: self.key,
            client: self.client.read()?,
            window,
            most: self.most.into(),
            blocked: self.blocked.map(Block::from),
            last_rank: self.last_rank,
            is_established: self.is_established,
            is_claimed: self.is_claimed,
            hinted_agent: self.hinted_agent,
            fingerprint: self.fingerprint,
            host: self.host,
            shows: self.shows,
            gateway: self.gateway,
        })
    }
}

impl ChangesForm {
    fn of(changes: &Changes) -> Self {
        let votes = changes.votes.iter();
        Self {
            candidates: changes.candidates.iter().map(CandidateForm::of).collect(),
            votes: votes.map(|vote| (vote.template, vote.is_success)).collect(),
            deeds: changes.deeds.clone(),
            uses: changes.uses.clone(),
            grown_up: changes.grown_up.clone(),
            came_from: changes.came_from.clone(),
            traffic: TrafficForm::of(&changes.traffic),
            hints: changes.hints.iter().map(HintForm::of).collect(),
            hits: changes.hits.iter().map(HitForm::of).collect(),
            joined: changes.joined.clone(),
            arrived: changes.arrived.clone(),
            newcomers: changes.newcomers,
            established: changes
                .established
                .0
                .iter()
                .map(|(gateway, change)| (*gateway, change.clients, change.successes))
                .collect(),
            work: sorted(&changes.work),
        }
    }

    fn read(self) -> Result<Changes, CheckpointError> {
        let candidates: Result<_, _> = self.candidates.into_iter().map(CandidateForm::read).collect();
        let hints: Result<_, _> = self.hints.into_iter().map(HintForm::read).collect();
        let hits: Result<_, _> = self.hits.into_iter().map(HitForm::read).collect();
        let votes = self.votes.into_iter();
        let established = self.established.into_iter().map(|(gateway, clients, successes)| {
            counter(clients.unsigned_abs())?;
            Ok((gateway, EstablishedChange { clients, successes }))
        });
        let established: Result<_, CheckpointError> = established.collect();
        Ok(Changes {
            candidates: candidates?,
            deeds: self.deeds,
            uses: self.uses,
            grown_up: self.grown_up,
            came_from: self.came_from,
            votes: votes
                .map(|(template, is_success)| Vote { template, is_success })
                .collect(),
            traffic: self.traffic.read()?,
            hints: hints?,
            hits: hits?,
            joined: self.joined,
            arrived: self.arrived,
            newcomers: self.newcomers,
            established: EstablishedChanges(established?),
            work: self.work.into_iter().collect(),
        })
    }
}

impl TrafficForm {
    fn of(traffic: &Traffic) -> Self {
        let samples = traffic.samples.iter();
        Self {
            site: traffic.site,
            routes: traffic.routes.clone(),
            samples: samples
                .map(|sample| {
                    let evidence = (&sample.evidence).into();
                    (sample.seq, sample.template, sample.quantity, evidence)
                })
                .collect(),
        }
    }

    fn read(self) -> Result<Traffic, CheckpointError> {
        let sample = |(seq, template, quantity, evidence): (u64, Option<u64>, Quantity, EvidenceForm)| {
            Ok(Sample {
                seq: counter(seq)?,
                template,
                quantity,
                evidence: evidence.into(),
            })
        };
        let samples: Result<_, _> = self.samples.into_iter().map(sample).collect();
        Ok(Traffic {
            site: self.site,
            routes: self.routes,
            samples: samples?,
        })
    }
}

impl HintForm {
    fn of(hint: &Hint) -> Self {
        Self {
            seq: hint.seq,
            key: hint.key,
            owner: hint.owner,
            client: (&hint.client).into(),
            source: hint.source,
            at: moment(hint.at),
            first_seen: moment(hint.first_seen),
            requests: hint.requests,
            is_first: hint.is_first,
            kin: hint.kin,
            names: hint.names.clone(),
            route: hint.route,
            shown: hint
                .shown
                .as_ref()
                .map(|(threat, evidence)| ((*threat).into(), evidence.into())),
            is_faint: hint.is_faint,
            surge: hint.surge,
        }
    }

    fn read(self) -> Result<Hint, CheckpointError> {
        let shown = self
            .shown
            .map(|(threat, evidence)| Ok((threat.read()?, evidence.into())));
        Ok(Hint {
            seq: counter(self.seq)?,
            key: self.key,
            owner: self.owner,
            client: self.client.read()?,
            source: self.source,
            at: to_moment(self.at),
            first_seen: to_moment(self.first_seen),
            requests: counter(self.requests)?,
            is_first: self.is_first,
            kin: self.kin,
            names: self.names,
            route: self.route,
            shown: shown.transpose()?,
            is_faint: self.is_faint,
            surge: self.surge,
        })
    }
}

impl CandidateForm {
    pub(super) fn of(candidate: &Candidate) -> Self {
        Self {
            seq: candidate.seq,
            key: candidate.key,
            owner: candidate.owner,
            client: (&candidate.client).into(),
            source: candidate.source,
            most: candidate.most.into(),
            is_ambiguous: candidate.is_ambiguous,
            at: moment(candidate.at),
            first_seen: moment(candidate.first_seen),
            requests: candidate.requests,
            claims: candidate.claims.iter().map(ClaimForm::of).collect(),
            sentences: candidate.sentences.clone(),
            score: candidate.score.value,
            p_value: candidate.score.p_value,
            row: candidate.row.clone(),
            window: candidate.window.clone(),
            evidence: candidate.evidence.iter().map(EvidenceForm::from).collect(),
            is_established: candidate.is_established,
            successes: candidate.successes,
            route: candidate.route,
            address: candidate.address,
            load: candidate.load,
            kin: candidate.kin,
            names: candidate.names.clone(),
            agents: candidate.agents,
            is_claimed: candidate.is_claimed,
            may_be_planted: candidate.may_be_planted,
            roles: candidate.roles.to_bits(),
            is_declared_crawler: candidate.is_declared_crawler,
            is_shared: candidate.is_shared,
            used_shared: candidate.used_shared,
        }
    }

    pub(super) fn read(self) -> Result<Candidate, CheckpointError> {
        if self.row.len() != feature::COUNT || self.claims.len() != self.sentences.len() {
            return Err(CheckpointError::Damaged("a window without all its features"));
        }
        let claims: Result<_, _> = self.claims.into_iter().map(ClaimForm::read).collect();
        Ok(Candidate {
            // Known only between scoring and deciding, which no checkpoint parts.
            by_score: None,
            seq: counter(self.seq)?,
            key: self.key,
            owner: self.owner,
            client: self.client.read()?,
            source: self.source,
            most: self.most.into(),
            is_ambiguous: self.is_ambiguous,
            at: to_moment(self.at),
            first_seen: to_moment(self.first_seen),
            requests: counter(self.requests)?,
            claims: claims?,
            sentences: self.sentences,
            score: Score {
                value: self.score,
                p_value: self.p_value,
            },
            row: self.row,
            window: self.window,
            evidence: self.evidence.into_iter().map(Evidence::from).collect(),
            is_established: self.is_established,
            successes: self.successes,
            route: self.route,
            address: self.address,
            load: self.load,
            kin: self.kin,
            names: self.names,
            agents: self.agents,
            is_claimed: self.is_claimed,
            may_be_planted: self.may_be_planted,
            roles: RoleSet::from_bits(self.roles),
            is_declared_crawler: self.is_declared_crawler,
            is_shared: self.is_shared,
            is_reported: false,
            used_shared: self.used_shared,
        })
    }
}

impl ClaimForm {
    fn of((place, claim): &(usize, Claim)) -> Self {
        Self {
            place: *place as u16,
            kind: claim.kind.into(),
            confidence: claim.confidence,
            is_conclusive: claim.is_conclusive,
        }
    }

    fn read(self) -> Result<(usize, Claim), CheckpointError> {
        let place = usize::from(self.place);
        if place >= THREATS.len() {
            return Err(CheckpointError::Damaged("a threat that is not listed"));
        }
        let claim = Claim {
            kind: self.kind.read()?,
            confidence: self.confidence,
            is_conclusive: self.is_conclusive,
        };
        Ok((place, claim))
    }
}

/// Sorted, so that equal tables are equal bytes.
fn sorted(work: &HashMap<u64, u32, FixedState>) -> Vec<(u64, u32)> {
    let mut entries: Vec<(u64, u32)> = work.iter().map(|(key, spent)| (*key, *spent)).collect();
    entries.sort_unstable();
    entries
}
