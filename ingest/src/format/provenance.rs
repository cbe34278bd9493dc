//! How it is known that a format is what its gateway writes.

/// How far a format was compared with the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// A real server wrote it in our tests, and every field came out as the request that was sent.
    Run,
    /// Its fixtures hold a line that somebody's real server wrote.
    Seen,
    /// Its fixtures were written after the vendor's page: nothing real was read yet.
    Documented,
}

impl Tier {
    /// Its public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Seen => "seen",
            Self::Documented => "documented",
        }
    }
}

/// A tier, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// How far.
    pub tier: Tier,
    /// The server and its version, the place where the line stands, or the vendor's page.
    pub source: &'static str,
}

impl Provenance {
    /// That server, of that version, wrote it in our tests.
    #[must_use]
    pub const fn run(source: &'static str) -> Self {
        Self {
            tier: Tier::Run,
            source,
        }
    }

    /// A real line stands in that place.
    #[must_use]
    pub const fn seen(source: &'static str) -> Self {
        Self {
            tier: Tier::Seen,
            source,
        }
    }

    /// That page describes it.
    #[must_use]
    pub const fn documented(source: &'static str) -> Self {
        Self {
            tier: Tier::Documented,
            source,
        }
    }
}
