//! Why a checkpoint cannot be used.

/// Why a checkpoint cannot be used. None of it is worth retrying with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is none, or not as it was saved.
    #[error("could not read the checkpoint: it is damaged ({0})")]
    Damaged(&'static str),
    /// A newer binary saved it.
    #[error(
        "could not read the checkpoint: its version {found} is newer than {known}, the newest known here"
    )]
    Newer {
        /// Its version.
        found: u16,
        /// The newest that is known.
        known: u16,
    },
    /// An older binary saved it, with less in it than is needed now.
    #[error(
        "could not use the checkpoint: its version {found} is older than {known}, the only one read here"
    )]
    Older {
        /// Its version.
        found: u16,
        /// The one that is read.
        known: u16,
    },
    /// It was saved with other features or threats: the windows mean something else now.
    #[error("could not use the checkpoint: it was saved by a binary with other features")]
    Features,
    /// It was saved under settings that cannot change under it.
    #[error("could not use the checkpoint: {setting} was {saved} when it was saved and is {present} now")]
    Settings {
        /// Which: `hash_key` (told by fingerprints) or `clients_max`.
        setting: &'static str,
        /// What it was.
        saved: String,
        /// What it is.
        present: String,
    },
}

impl CheckpointError {
    /// Whether the checkpoint is whole but of no use here, so that starting with an empty detector is the way on. A
    /// damaged one has an older one before it; a newer one wants the newer binary.
    #[must_use]
    pub fn starts_anew(&self) -> bool {
        matches!(self, Self::Older { .. } | Self::Features | Self::Settings { .. })
    }
}
