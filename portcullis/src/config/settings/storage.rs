//! `[storage]`: where decisions, orders and checkpoints are kept, and for how long.

use super::{Section, setting};
use crate::config::setting::Fallback::Value;
use crate::config::setting::Kind;
use crate::config::setting::Reload::{Live, Restart};

/// Longest retention, in days: ten years.
const DAYS_MAX: i64 = 3660;

/// Smallest size of the store, in bytes: an empty one with its indexes and some air.
const STORE_BYTES_MIN: i64 = 16 * 1024 * 1024;

/// Smallest size of a spool, in bytes: two segments, so that one can be read while the other is written.
const SPOOL_BYTES_MIN: i64 = 16 * 1024 * 1024;

/// Largest size of the store, in bytes: 16 TB.
const STORE_BYTES_MAX: i64 = 16 * 1024 * 1024 * 1024 * 1024;

pub(super) const STORAGE: Section = Section {
    path: "storage",
    is_optional: false,
    about: "Where decisions, orders and checkpoints are kept.",
    settings: &[
        setting(
            "storage.url",
            Kind::Url(&["sqlite:", "postgres:", "postgresql:"]),
            Value(r#""sqlite:///var/lib/portcullis/portcullis.db""#),
            Restart,
            "The database: a SQLite file, or postgres://user:password@host/database. Can be given like a secret.",
        ),
        setting(
            "storage.checkpoints",
            Kind::Url(&["file:"]),
            Value(r#""file:///var/lib/portcullis/checkpoints""#),
            Restart,
            "The folder that checkpoints go to. One process at a time uses it.",
        ),
        setting(
            "storage.checkpoint_secs",
            Kind::Integer(1, 3600),
            Value("10"),
            Live,
            "Time between checkpoints, in seconds: how much is read again after a crash.",
        ),
        setting(
            "storage.bytes_max",
            Kind::Integer(STORE_BYTES_MIN, STORE_BYTES_MAX),
            Value("2147483648"),
            Restart,
            "Size of the database, in bytes. Above it the oldest of what may be dropped goes, whatever its age.",
        ),
        setting(
            "storage.spool_bytes_max",
            Kind::Integer(SPOOL_BYTES_MIN, STORE_BYTES_MAX),
            Value("268435456"),
            Restart,
            "Size of each source's spool, in bytes: lines that were taken over and are not read yet. It lies in the folder of \
             the checkpoints. Above it senders are asked to wait, and datagrams are dropped.",
        ),
    ],
};

pub(super) const RETENTION: Section = Section {
    path: "storage.retention",
    is_optional: false,
    about: "How long what is kept. Orders, keys and active decisions always are.",
    settings: &[
        setting(
            "storage.retention.decisions_days",
            Kind::Integer(1, DAYS_MAX),
            Value("90"),
            Restart,
            "Decisions, counted from their end.",
        ),
        setting(
            "storage.retention.alerts_days",
            Kind::Integer(1, DAYS_MAX),
            Value("90"),
            Restart,
            "Alerts, counted from their last change.",
        ),
        setting(
            "storage.retention.clients_days",
            Kind::Integer(1, DAYS_MAX),
            Value("14"),
            Restart,
            "Pages of clients, counted from their last change.",
        ),
        setting(
            "storage.retention.stats_days",
            Kind::Integer(1, DAYS_MAX),
            Value("30"),
            Restart,
            "Figures per minute.",
        ),
        setting(
            "storage.retention.rejected_days",
            Kind::Integer(1, DAYS_MAX),
            Value("7"),
            Restart,
            "Samples of lines that could not be read.",
        ),
    ],
};
