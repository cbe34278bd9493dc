//! What rules have counted, and what counts for them in the open tick. The rules themselves are settings.

use super::CheckpointError;
use super::form::{ActionForm, ClientForm, EvidenceForm, MomentForm, counter, moment, to_moment};
use crate::limits::{RULE_DISTINCT_MAX, RULE_SAMPLES_MAX};
use crate::rule::{Counts, Hit, Meter};
use domain::Evidence;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CountsForm {
    tables: Vec<(u64, Vec<(u64, MeterForm)>)>,
    swept_at: MomentForm,
    forgotten: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct MeterForm {
    newest: i64,
    slices: [u32; 8],
    level: f64,
    dropped: u32,
    values: Vec<(u64, i64)>,
    samples: Vec<EvidenceForm>,
    since: Option<MomentForm>,
    last: MomentForm,
    quiet_until: Option<MomentForm>,
    is_established: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HitForm {
    seq: u64,
    rule: u64,
    key: u64,
    value: u64,
    target: ClientForm,
    owner: u64,
    window: u64,
    source: u32,
    most: ActionForm,
    is_ambiguous: bool,
    is_claimed: bool,
    is_shared: bool,
    at: MomentForm,
    first_seen: MomentForm,
    requests: u64,
    is_established: bool,
    successes: f32,
    load: f32,
    agents: f32,
    evidence: EvidenceForm,
}

impl CountsForm {
    pub(super) fn of(counts: &Counts) -> Self {
        let tables = counts.sorted().into_iter().map(|(number, meters)| {
            let meters = meters.into_iter();
            (
                number,
                meters.map(|(key, meter)| (key, MeterForm::of(meter))).collect(),
            )
        });
        Self {
            tables: tables.collect(),
            swept_at: moment(counts.swept_at),
            forgotten: counts.forgotten,
        }
    }

    pub(super) fn read(self) -> Result<Counts, CheckpointError> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for (number, meters) in self.tables {
            let meters: Result<Vec<(u64, Meter)>, _> = meters
                .into_iter()
                .map(|(key, meter)| Ok((key, meter.read()?)))
                .collect();
            tables.push((number, meters?));
        }
        Ok(Counts::restore(
            tables,
            to_moment(self.swept_at),
            counter(self.forgotten)?,
        ))
    }
}

impl MeterForm {
    fn of(meter: &Meter) -> Self {
        Self {
            newest: meter.newest,
            slices: meter.slices,
            level: meter.level,
            dropped: meter.dropped,
            values: meter.values.clone(),
            samples: meter.samples.iter().map(EvidenceForm::from).collect(),
            since: meter.since.map(moment),
            last: moment(meter.last),
            quiet_until: meter.quiet_until.map(moment),
            is_established: meter.is_established,
        }
    }

    fn read(self) -> Result<Meter, CheckpointError> {
        let is_sound = self.level.is_finite()
            && self.newest.unsigned_abs() < 1 << 56
            && self.values.len() <= RULE_DISTINCT_MAX as usize
            && self.samples.len() <= RULE_SAMPLES_MAX;
        if !is_sound {
            return Err(CheckpointError::Damaged("a count of a rule that nobody counted"));
        }
        Ok(Meter {
            newest: self.newest,
            slices: self.slices,
            level: self.level,
            dropped: self.dropped,
            values: self.values,
            samples: self.samples.into_iter().map(Evidence::from).collect(),
            since: self.since.map(to_moment),
            last: to_moment(self.last),
            quiet_until: self.quiet_until.map(to_moment),
            is_established: self.is_established,
        })
    }
}

impl HitForm {
    pub(super) fn of(hit: &Hit) -> Self {
        Self {
            seq: hit.seq,
            rule: hit.rule,
            key: hit.key,
            value: hit.value,
            target: (&hit.target).into(),
            owner: hit.owner,
            window: hit.window,
            source: hit.source,
            most: hit.most.into(),
            is_ambiguous: hit.is_ambiguous,
            is_claimed: hit.is_claimed,
            is_shared: hit.is_shared,
            at: moment(hit.at),
            first_seen: moment(hit.first_seen),
            requests: hit.requests,
            is_established: hit.is_established,
            successes: hit.successes,
            load: hit.load,
            agents: hit.agents,
            evidence: (&hit.evidence).into(),
        }
    }

    pub(super) fn read(self) -> Result<Hit, CheckpointError> {
        Ok(Hit {
            seq: counter(self.seq)?,
            rule: self.rule,
            key: self.key,
            value: self.value,
            target: self.target.read()?,
            owner: self.owner,
            window: self.window,
            source: self.source,
            most: self.most.into(),
            is_ambiguous: self.is_ambiguous,
            is_claimed: self.is_claimed,
            is_shared: self.is_shared,
            at: to_moment(self.at),
            first_seen: to_moment(self.first_seen),
            requests: counter(self.requests)?,
            is_established: self.is_established,
            successes: self.successes,
            load: self.load,
            agents: self.agents,
            evidence: self.evidence.into(),
        })
    }
}
