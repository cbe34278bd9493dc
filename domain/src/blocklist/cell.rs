//! The decisions about one client.

use super::Entry;

/// A decision that is unexpired and not ended; whether it is in force depends on orders and allowlists.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) entry: Entry,
    pub(super) is_in_force: bool,
}

/// The decisions about one client; empty only while its place is free. Nearly always one, which therefore stands in
/// the cell itself: a lookup that hits follows one pointer less into cold memory.
#[derive(Debug, Default)]
pub(super) struct Cell {
    first: Option<Candidate>,
    rest: Vec<Candidate>,
}

impl Cell {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.first.iter().chain(&self.rest)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Candidate> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn push(&mut self, candidate: Candidate) {
        match self.first {
            None => self.first = Some(candidate),
            Some(_) => self.rest.push(candidate),
        }
    }

    /// Takes the decision of a position out.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Candidate> {
        if self.first.as_ref()?.entry.seq == seq {
            let next = self.rest.pop();
            return std::mem::replace(&mut self.first, next);
        }
        let place = self
            .rest
            .iter()
            .position(|candidate| candidate.entry.seq == seq)?;
        Some(self.rest.swap_remove(place))
    }
}
