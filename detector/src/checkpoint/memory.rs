//! What all clients have in common: population, cohorts, offenders, guard, blocks. Tables are written in key order.

use super::CheckpointError;
use super::form::{
    ActionForm, ClientForm, EvidenceForm, MomentForm, RangeForm, ThreatForm, counter, moment, to_moment,
};
use super::held::BlockForm;
use super::rule::CountsForm;
use super::shard::CandidateForm;
use crate::memory::Memory;
use crate::neighbours::Narrowed;
use crate::policy::{Guard, SourceCaps};
use crate::population::Population;
use crate::stage::cohort::{Act, Cohort, History, Suspected, Tally};
use crate::stage::sequencer::{Block, Offender};
use domain::{Evidence, Member};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MemoryForm {
    population: Population,
    cohorts: Vec<(u64, CohortForm)>,
    cohort_clients: u64,
    cohort_suspects: Vec<u64>,
    cohorts_forgotten: u64,
    offenders: Vec<(u64, OffenderForm)>,
    offenders_forgotten: u64,
    guard: Guard,
    caps: SourceCaps,
    graces: Vec<(u64, MomentForm)>,
    blocks: Vec<(u64, BlockForm)>,
    range_blocks: Vec<(RangeForm, BlockForm)>,
    blocks_forgotten: u64,
    claims_to_crawl: Vec<(u64, i64)>,
    claims_left_out: u64,
    reports: Vec<(u64, i64)>,
    reports_left_out: u64,
    waiting: Vec<CandidateForm>,
    counts: CountsForm,
}

#[derive(Debug, Serialize, Deserialize)]
struct CohortForm {
    clients: u32,
    last_millis: i64,
    suspects: Vec<SuspectedForm>,
    faint: Vec<SuspectedForm>,
    acts: Vec<ActForm>,
    name: String,
    history: History,
}

#[derive(Debug, Serialize, Deserialize)]
struct ActForm {
    threat: ThreatForm,
    unlisted: u32,
    hot_since: Option<MomentForm>,
    evidence: Vec<EvidenceForm>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SuspectedForm {
    key: u64,
    owner: u64,
    source: u32,
    member: MemberForm,
    threat: ThreatForm,
    is_small: bool,
    last_at: MomentForm,
    until: Option<MomentForm>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MemberForm {
    client: ClientForm,
    requests: u64,
    first_seen: MomentForm,
    action: ActionForm,
    action_at: Option<MomentForm>,
    requests_before_action: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OffenderForm {
    client: ClientForm,
    started_at: MomentForm,
    threat: ThreatForm,
    last_at: MomentForm,
    requests_before_alert: u64,
    action: ActionForm,
    asked: ActionForm,
    until: Option<MomentForm>,
    offences: u32,
    is_alerted: bool,
    is_offence: bool,
    memory_secs: Option<u32>,
    is_shadow: bool,
    narrowed: Narrowed,
}

impl MemoryForm {
    pub(super) fn of(memory: &Memory) -> Self {
        let sequencer = &memory.sequencer;
        let mut graces: Vec<(u64, MomentForm)> = sequencer
            .graces
            .iter()
            .map(|(owner, until)| (*owner, moment(*until)))
            .collect();
        graces.sort_unstable();
        let cohorts = memory.cohorts.sorted();
        let offenders = sequencer.offenders.sorted();
        Self {
            population: memory.population.clone(),
            cohorts: cohorts
                .iter()
                .map(|(number, cohort)| (*number, CohortForm::of(cohort)))
                .collect(),
            cohort_clients: memory.cohorts.clients,
            cohort_suspects: memory.cohorts.suspects.to_vec(),
            cohorts_forgotten: memory.cohorts.forgotten,
            offenders: offenders
                .iter()
                .map(|(key, offender)| (*key, OffenderForm::of(offender)))
                .collect(),
            offenders_forgotten: sequencer.offenders.forgotten,
            guard: sequencer.guard.clone(),
            caps: sequencer.caps.clone(),
            graces,
            blocks: sequencer
                .blocks
                .sorted()
                .into_iter()
                .map(|(owner, block)| (owner, block.into()))
                .collect(),
            range_blocks: sequencer
                .blocks
                .ranges()
                .iter()
                .map(|(range, block)| ((*range).into(), (*block).into()))
                .collect(),
            blocks_forgotten: sequencer.blocks.forgotten,
            claims_to_crawl: sequencer.claims_to_crawl.sorted(),
            claims_left_out: sequencer.claims_to_crawl.left_out,
            reports: sequencer.reports.sorted(),
            reports_left_out: sequencer.reports.left_out,
            waiting: memory.waiting.candidates.iter().map(CandidateForm::of).collect(),
            counts: CountsForm::of(&memory.counts),
        }
    }

    pub(super) fn into_memory(self) -> Result<Memory, CheckpointError> {
        if !self.population.scores.is_whole() {
            return Err(CheckpointError::Damaged(
                "a spread of scores without all its bins",
            ));
        }
        if !self.population.roles.is_whole() {
            return Err(CheckpointError::Damaged("more roles than there can be"));
        }
        if !self.population.names.is_whole() {
            return Err(CheckpointError::Damaged(
                "more names of the site than there can be",
            ));
        }
        if !self.population.baselines.is_whole() {
            return Err(CheckpointError::Damaged("a baseline without all its hours"));
        }
        let mut memory = Memory {
            population: self.population,
            counts: self.counts.read()?,
            ..Memory::default()
        };
        let cohorts = self.cohorts.into_iter();
        let cohorts: Result<_, _> = cohorts
            .map(|(number, cohort)| Ok((number, cohort.read()?)))
            .collect();
        let suspects: Result<Vec<u64>, _> = self.cohort_suspects.into_iter().map(counter).collect();
        let suspects = Tally::try_from(suspects?)
            .map_err(|_| CheckpointError::Damaged("suspects of other kinds than there are"))?;
        let counts = (counter(self.cohort_clients)?, suspects);
        memory
            .cohorts
            .restore(cohorts?, counts, counter(self.cohorts_forgotten)?);
        let sequencer = &mut memory.sequencer;
        let offenders = self.offenders.into_iter();
        let offenders: Result<_, _> = offenders
            .map(|(key, offender)| Ok((key, offender.read()?)))
            .collect();
        sequencer
            .offenders
            .restore(offenders?, counter(self.offenders_forgotten)?);
        sequencer.guard = self.guard;
        sequencer.caps = self.caps;
        let graces = self.graces.into_iter();
        sequencer.graces = graces.map(|(owner, until)| (owner, to_moment(until))).collect();
        let blocks = self.blocks.into_iter();
        let blocks = blocks.map(|(owner, block)| (owner, Block::from(block))).collect();
        let ranges = self.range_blocks.into_iter();
        let ranges: Result<_, CheckpointError> = ranges
            .map(|(range, block)| Ok((range.read()?, block.into())))
            .collect();
        sequencer
            .blocks
            .restore(blocks, ranges?, counter(self.blocks_forgotten)?);
        sequencer
            .claims_to_crawl
            .restore(self.claims_to_crawl, counter(self.claims_left_out)?);
        sequencer
            .reports
            .restore(self.reports, counter(self.reports_left_out)?);
        let waiting: Result<_, _> = self.waiting.into_iter().map(CandidateForm::read).collect();
        memory.waiting.candidates = waiting?;
        Ok(memory)
    }
}

impl CohortForm {
    fn of(cohort: &Cohort) -> Self {
        Self {
            clients: cohort.clients,
            last_millis: cohort.last_millis,
            suspects: cohort.suspects.iter().map(SuspectedForm::of).collect(),
            faint: cohort.faint.iter().map(SuspectedForm::of).collect(),
            acts: cohort.acts.iter().map(ActForm::of).collect(),
            name: cohort.name.to_string(),
            history: cohort.history,
        }
    }

    fn read(self) -> Result<Cohort, CheckpointError> {
        let suspects: Result<_, _> = self.suspects.into_iter().map(SuspectedForm::read).collect();
        let faint: Result<_, _> = self.faint.into_iter().map(SuspectedForm::read).collect();
        let acts: Result<_, _> = self.acts.into_iter().map(ActForm::read).collect();
        Ok(Cohort {
            clients: self.clients,
            last_millis: self.last_millis,
            suspects: suspects?,
            faint: faint?,
            acts: acts?,
            name: self.name.into(),
            history: self.history,
        })
    }
}

impl ActForm {
    fn of(act: &Act) -> Self {
        Self {
            threat: act.threat.into(),
            unlisted: act.unlisted,
            hot_since: act.hot_since.map(moment),
            evidence: act.evidence.iter().map(EvidenceForm::from).collect(),
        }
    }

    fn read(self) -> Result<Act, CheckpointError> {
        Ok(Act {
            threat: self.threat.read()?,
            unlisted: self.unlisted,
            hot_since: self.hot_since.map(to_moment),
            evidence: self.evidence.into_iter().map(Evidence::from).collect(),
        })
    }
}

impl SuspectedForm {
    fn of(suspected: &Suspected) -> Self {
        Self {
            key: suspected.key,
            owner: suspected.owner,
            source: suspected.source,
            member: MemberForm::of(&suspected.member),
            threat: suspected.threat.into(),
            is_small: suspected.is_small,
            last_at: moment(suspected.last_at),
            until: suspected.until.map(moment),
        }
    }

    fn read(self) -> Result<Suspected, CheckpointError> {
        Ok(Suspected {
            key: self.key,
            owner: self.owner,
            source: self.source,
            member: self.member.read()?,
            threat: self.threat.read()?,
            is_small: self.is_small,
            last_at: to_moment(self.last_at),
            until: self.until.map(to_moment),
        })
    }
}

impl MemberForm {
    fn of(member: &Member) -> Self {
        Self {
            client: (&member.client).into(),
            requests: member.requests,
            first_seen: moment(member.first_seen),
            action: member.action.into(),
            action_at: member.action_at.map(moment),
            requests_before_action: member.requests_before_action,
        }
    }

    fn read(self) -> Result<Member, CheckpointError> {
        Ok(Member {
            client: self.client.read()?,
            requests: self.requests,
            first_seen: to_moment(self.first_seen),
            action: self.action.into(),
            action_at: self.action_at.map(to_moment),
            requests_before_action: self.requests_before_action,
        })
    }
}

impl OffenderForm {
    fn of(offender: &Offender) -> Self {
        Self {
            client: (&offender.client).into(),
            started_at: moment(offender.started_at),
            threat: offender.threat.into(),
            last_at: moment(offender.last_at),
            requests_before_alert: offender.requests_before_alert,
            action: offender.action.into(),
            asked: offender.asked.into(),
            until: offender.until.map(moment),
            offences: offender.offences,
            is_alerted: offender.is_alerted,
            is_offence: offender.is_offence,
            memory_secs: offender.memory_secs,
            is_shadow: offender.is_shadow,
            narrowed: offender.narrowed.clone(),
        }
    }

    fn read(self) -> Result<Offender, CheckpointError> {
        Ok(Offender {
            client: self.client.read()?,
            started_at: to_moment(self.started_at),
            threat: self.threat.read()?,
            last_at: to_moment(self.last_at),
            requests_before_alert: self.requests_before_alert,
            action: self.action.into(),
            asked: self.asked.into(),
            until: self.until.map(to_moment),
            offences: self.offences,
            is_alerted: self.is_alerted,
            is_offence: self.is_offence,
            memory_secs: self.memory_secs,
            is_shadow: self.is_shadow,
            narrowed: self.narrowed,
        })
    }
}
