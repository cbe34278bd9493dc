//! What is held against one client: its block, and the requests that show why.

use super::CheckpointError;
use super::form::{EvidenceForm, MomentForm, counter, moment, to_moment};
use crate::policy::RoleSet;
use crate::stage::client::Suspect;
use crate::stage::sequencer::Block;
use domain::Evidence;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct BlockForm {
    from: MomentForm,
    until: MomentForm,
    is_ordered: bool,
    is_partial: bool,
    only: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SuspectForm {
    key: u64,
    rank: f32,
    evidence: Vec<EvidenceForm>,
    overwritten: u64,
    roles: u16,
}

impl From<Block> for BlockForm {
    fn from(block: Block) -> Self {
        Self {
            from: moment(block.from),
            until: moment(block.until),
            is_ordered: block.is_ordered,
            is_partial: block.is_partial,
            only: block.only.map_or(0, NonZeroU32::get),
        }
    }
}

impl From<BlockForm> for Block {
    fn from(form: BlockForm) -> Self {
        Self {
            from: to_moment(form.from),
            until: to_moment(form.until),
            is_ordered: form.is_ordered,
            is_partial: form.is_partial,
            only: NonZeroU32::new(form.only),
        }
    }
}

impl SuspectForm {
    pub(super) fn of(suspect: &Suspect) -> Self {
        Self {
            key: suspect.key,
            rank: suspect.rank,
            evidence: suspect.evidence.iter().map(EvidenceForm::from).collect(),
            overwritten: suspect.overwritten as u64,
            roles: suspect.roles.to_bits(),
        }
    }

    pub(super) fn read(self) -> Result<Suspect, CheckpointError> {
        Ok(Suspect {
            key: self.key,
            rank: self.rank,
            evidence: self.evidence.into_iter().map(Evidence::from).collect(),
            overwritten: counter(self.overwritten)? as usize,
            roles: RoleSet::from_bits(self.roles),
        })
    }
}
