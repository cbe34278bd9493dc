//! What there is once: time, the open tick, trust, what people ordered, what has yet to take effect.

use super::CheckpointError;
use super::form::{ActionForm, AllowForm, ClientForm, MomentForm, RangeForm, counter, moment, to_moment};
use crate::detector::{Detector, Input, Tick};
use crate::limits::{SHARDS, SOURCES_MAX};
use crate::names::{Name, Names};
use crate::neighbours::{Behind, Neighbours};
use crate::policy::PolicySettings;
use crate::source::{SourceTerms, Sources};
use crate::time::Watermarks;
use domain::{AllowEntry, Allowlist, DecisionId, Judgement, Order, OrderKind};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadForm {
    seq: u64,
    now: MomentForm,
    tick_started_at: Option<MomentForm>,
    tick_records: u64,
    /// Numbers of the shards with records in the open tick.
    touched: Vec<u16>,
    watermarks: Watermarks,
    terms: Vec<TermsForm>,
    is_led: bool,
    allows: Vec<AllowForm>,
    allows_forgotten: u64,
    inputs: Vec<InputForm>,
    /// Whose the names are, in the order of their hashes.
    names: Vec<(u64, Name)>,
    names_forgotten: u64,
    /// Who comes from which address, in the order of their hashes.
    neighbours: Vec<(u64, Behind)>,
    neighbours_forgotten: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TermsForm {
    most: ActionForm,
    lateness_millis: i64,
    cap: u32,
    counted_with: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
enum InputForm {
    Order(OrderForm),
    Policy {
        policy: PolicySettings,
        own_ranges: Vec<RangeForm>,
        entries: Vec<AllowForm>,
        protects_private: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct OrderForm {
    seq: u64,
    kind: OrderKindForm,
    client: ClientForm,
    reason: String,
    by: String,
    from: String,
    at: MomentForm,
}

#[derive(Debug, Serialize, Deserialize)]
enum OrderKindForm {
    Block {
        ttl_secs: u32,
    },
    Lift {
        grace_secs: u32,
    },
    Revoke {
        decision: [u8; 16],
    },
    Allow {
        until: Option<MomentForm>,
    },
    Disallow,
    Verdict {
        alert: [u8; 16],
        alerted_at: MomentForm,
        is_attack: bool,
    },
    Suspend {
        until: Option<MomentForm>,
    },
    Resume,
    Report {
        scenario: String,
        until: Option<MomentForm>,
        events: u32,
    },
}

impl HeadForm {
    pub(super) fn of<S>(detector: &Detector<S>) -> Self {
        Self {
            seq: detector.seq,
            now: moment(detector.now),
            tick_started_at: detector.tick.started_at.map(moment),
            tick_records: detector.tick.records as u64,
            touched: detector.touched.iter().map(|shard| shard as u16).collect(),
            watermarks: detector.watermarks.clone(),
            terms: detector.sources.named().iter().map(TermsForm::of).collect(),
            is_led: detector.sources.is_led,
            allows: detector
                .allowances
                .ordered()
                .iter()
                .map(AllowForm::from)
                .collect(),
            allows_forgotten: detector.allowances.forgotten,
            inputs: detector.inputs.iter().filter_map(InputForm::of).collect(),
            names: detector.names.sorted(),
            names_forgotten: detector.names.forgotten,
            neighbours: detector.neighbours.sorted(),
            neighbours_forgotten: detector.neighbours.forgotten,
        }
    }

    /// What people ordered onto the allowlist, and how much of it was forgotten.
    pub(super) fn allows(&self) -> Result<(Vec<AllowEntry>, u64), CheckpointError> {
        let entries: Result<_, _> = self.allows.iter().cloned().map(AllowForm::read).collect();
        Ok((entries?, counter(self.allows_forgotten)?))
    }

    pub(super) fn fill<S>(self, detector: &mut Detector<S>) -> Result<(), CheckpointError> {
        if self.watermarks.sources() > SOURCES_MAX {
            return Err(CheckpointError::Damaged("more sources than there can be"));
        }
        detector.seq = counter(self.seq)?;
        detector.now = to_moment(self.now);
        detector.tick = Tick {
            started_at: self.tick_started_at.map(to_moment),
            records: counter(self.tick_records)? as usize,
        };
        let is_rising = self.touched.is_sorted_by(|left, right| left < right);
        if !is_rising
            || self
                .touched
                .last()
                .is_some_and(|last| usize::from(*last) >= SHARDS)
        {
            return Err(CheckpointError::Damaged("a shard that there is not"));
        }
        self.touched
            .iter()
            .for_each(|shard| detector.touched.insert(usize::from(*shard)));
        detector.watermarks = self.watermarks;
        detector.sources = Sources::default();
        for (source, terms) in (0..).zip(self.terms) {
            detector.sources.set(source, terms.read());
        }
        detector.sources.is_led = self.is_led;
        let inputs: Result<_, _> = self.inputs.into_iter().map(InputForm::read).collect();
        detector.inputs = inputs?;
        detector.names = Names::restore(self.names, counter(self.names_forgotten)?);
        detector.neighbours = Neighbours::restore(self.neighbours, counter(self.neighbours_forgotten)?);
        Ok(())
    }
}

impl TermsForm {
    fn of(terms: &SourceTerms) -> Self {
        Self {
            most: terms.most.into(),
            lateness_millis: terms.lateness_millis,
            cap: terms.cap,
            counted_with: terms.counted_with,
        }
    }

    fn read(self) -> SourceTerms {
        SourceTerms {
            most: self.most.into(),
            lateness_millis: self.lateness_millis,
            cap: self.cap,
            counted_with: self.counted_with,
        }
    }
}

impl InputForm {
    /// `None` for rules, clauses and effort: they are of the present, and whoever restores the checkpoint says them.
    fn of(input: &Input) -> Option<Self> {
        Some(match input {
            Input::Rules(..) | Input::Clauses(_) | Input::Listed(_) | Input::Effort(_) => return None,
            Input::Order(order) => Self::Order(OrderForm::of(order)),
            Input::Policy(policy, allowlist) => Self::Policy {
                policy: PolicySettings::clone(policy),
                own_ranges: allowlist
                    .own_ranges()
                    .iter()
                    .copied()
                    .map(RangeForm::from)
                    .collect(),
                entries: allowlist.entries().iter().map(AllowForm::from).collect(),
                protects_private: allowlist.protects_private(),
            },
        })
    }

    fn read(self) -> Result<Input, CheckpointError> {
        match self {
            Self::Order(order) => Ok(Input::Order(order.read()?)),
            Self::Policy {
                policy,
                own_ranges,
                entries,
                protects_private,
            } => {
                let own_ranges: Result<_, _> = own_ranges.into_iter().map(RangeForm::read).collect();
                let entries: Result<_, _> = entries.into_iter().map(AllowForm::read).collect();
                let allowlist = Allowlist::new(own_ranges?, entries?, protects_private);
                Ok(Input::Policy(Box::new(policy), allowlist))
            }
        }
    }
}

impl OrderForm {
    fn of(order: &Order) -> Self {
        Self {
            seq: order.seq,
            kind: OrderKindForm::of(&order.kind),
            client: (&order.client).into(),
            reason: order.reason.clone(),
            by: order.by.clone(),
            from: order.from.clone(),
            at: moment(order.at),
        }
    }

    fn read(self) -> Result<Order, CheckpointError> {
        Ok(Order {
            seq: self.seq,
            kind: self.kind.read(),
            client: self.client.read()?,
            reason: self.reason,
            by: self.by,
            from: self.from,
            at: to_moment(self.at),
        })
    }
}

impl OrderKindForm {
    fn of(kind: &OrderKind) -> Self {
        match *kind {
            OrderKind::Report {
                ref scenario,
                until,
                events,
            } => Self::Report {
                scenario: scenario.clone(),
                until: until.map(moment),
                events,
            },
            OrderKind::Block { ttl_secs } => Self::Block { ttl_secs },
            OrderKind::Lift { grace_secs } => Self::Lift { grace_secs },
            OrderKind::Revoke { decision } => Self::Revoke { decision: decision.0 },
            OrderKind::Allow { until } => Self::Allow {
                until: until.map(moment),
            },
            OrderKind::Disallow => Self::Disallow,
            OrderKind::Suspend { until } => Self::Suspend {
                until: until.map(moment),
            },
            OrderKind::Resume => Self::Resume,
            OrderKind::Verdict {
                alert,
                alerted_at,
                judgement,
            } => Self::Verdict {
                alert: alert.0,
                alerted_at: moment(alerted_at),
                is_attack: judgement == Judgement::Attack,
            },
        }
    }

    fn read(self) -> OrderKind {
        match self {
            Self::Block { ttl_secs } => OrderKind::Block { ttl_secs },
            Self::Lift { grace_secs } => OrderKind::Lift { grace_secs },
            Self::Revoke { decision } => OrderKind::Revoke {
                decision: DecisionId(decision),
            },
            Self::Allow { until } => OrderKind::Allow {
                until: until.map(to_moment),
            },
            Self::Disallow => OrderKind::Disallow,
            Self::Suspend { until } => OrderKind::Suspend {
                until: until.map(to_moment),
            },
            Self::Resume => OrderKind::Resume,
            Self::Report {
                scenario,
                until,
                events,
            } => OrderKind::Report {
                scenario,
                until: until.map(to_moment),
                events,
            },
            Self::Verdict {
                alert,
                alerted_at,
                is_attack,
            } => OrderKind::Verdict {
                alert: DecisionId(alert),
                alerted_at: to_moment(alerted_at),
                judgement: match is_attack {
                    true => Judgement::Attack,
                    false => Judgement::FalsePositive,
                },
            },
        }
    }
}
