//! How much is done for each request when more come than can be handled with everything on.

use std::fmt;

/// How much is done for each request. Every step leaves out what those before it do, and every request is counted in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Effort {
    /// Everything.
    #[default]
    Whole,
    /// Clients are weighed and scored less often. What asks for a look at once still gets it.
    ScoredSeldom,
    /// Fewer requests of each client are kept as evidence, too.
    LittleEvidence,
}

impl Effort {
    /// Every effort, the most first.
    pub const ALL: [Self; 3] = [Self::Whole, Self::ScoredSeldom, Self::LittleEvidence];

    /// Its number: 0 for everything.
    #[must_use]
    pub const fn step(self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::ScoredSeldom => 1,
            Self::LittleEvidence => 2,
        }
    }

    /// The effort of that number.
    #[must_use]
    pub fn from_step(step: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.step() == step)
    }

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::ScoredSeldom => "scored_seldom",
            Self::LittleEvidence => "little_evidence",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How complete the evidence is that something rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// The least effort that was made in the time looked back on.
    pub effort: Effort,
    /// Thousandths of that time in which everything was done.
    pub whole_permille: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_is_read_back_from_its_step() {
        for (step, effort) in (0..).zip(Effort::ALL) {
            assert_eq!((effort.step(), Effort::from_step(step)), (step, Some(effort)));
        }
        assert_eq!(Effort::from_step(3), None);
        assert_eq!(Effort::default().to_string(), "whole");
    }
}
