//! What running leaves behind: figures per minute, models, leases, rejected lines, retention, health.

use crate::ModelWatch;
use domain::Timestamp;

/// Most rejected samples that are kept: enough to see what is wrong, too few to fill a disk.
pub const REJECTED_MAX: u64 = 1000;

/// Longest rejected sample, in bytes; longer ones are cut.
pub const REJECTED_SAMPLE_BYTES_MAX: usize = 2048;

/// Longest model card, in bytes.
pub const MODEL_CARD_BYTES_MAX: usize = 256 * 1024;

/// Figures of one minute. Written whole by one node; a minute's figures are the sum over nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsBucket {
    /// Start of the minute.
    pub minute: Timestamp,
    /// Requests read.
    pub requests: u64,
    /// Lines that could not be read.
    pub rejected: u64,
    /// Clients that sent something.
    pub clients: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// Blocks decided.
    pub blocks: u64,
    /// Requests that we stopped.
    pub stopped: u64,
}

/// Hours of [`HourRecord`] that are kept: a week.
pub const HOURS_KEPT: u32 = 7 * 24;

/// What passed on the site in one hour, beside what is usual at that hour of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourRecord {
    /// Its beginning.
    pub hour: Timestamp,
    /// Requests that counted.
    pub requests: u64,
    /// Failed sign-ins.
    pub failed_sign_ins: u64,
    /// What is usual, requests and failed sign-ins, each from and to; `None` before enough was seen to say so.
    pub usual: Option<[(u64, u64); 2]>,
}

/// Alarms that are kept: those that go on, and the latest of the others.
pub const ALARMS_KEPT: u32 = 500;

/// What a person has to look at because it makes us blind or late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmRecord {
    /// What it is about, as a name that stays the same.
    pub name: String,
    /// The source.
    pub source: String,
    /// Since when.
    pub since: Timestamp,
    /// How bad it is.
    pub severity: String,
    /// The likely cause, in a sentence.
    pub cause: String,
    /// The setting to look at, as its path in the configuration.
    pub setting: String,
    /// What to do next.
    pub next: String,
    /// When it was over; `None` while it goes on.
    pub cleared_at: Option<Timestamp>,
}

/// A model that was or is in use.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRecord {
    /// Its version name.
    pub version: String,
    /// When it was trained.
    pub created_at: Timestamp,
    /// When it began to score.
    pub activated_at: Option<Timestamp>,
    /// When another took over.
    pub retired_at: Option<Timestamp>,
    /// Its card: data, false-block rate, limits. At most [`MODEL_CARD_BYTES_MAX`].
    pub card: serde_json::Value,
    /// What was seen of it while it scored; `None` while nobody looks.
    pub watch: Option<ModelWatch>,
}

/// The right to do something alone, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Grows whenever the holder changes or the lease was let lapse: an old holder's token is never valid again.
    pub fence: u64,
    /// Until when.
    pub until: Timestamp,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedSample {
    /// When it was seen, by the wall clock.
    pub at: Timestamp,
    /// Name of the source.
    pub source: String,
    /// Line or offset.
    pub line: u64,
    /// Why it was rejected.
    pub reason: String,
    /// Its beginning, masked; at most [`REJECTED_SAMPLE_BYTES_MAX`].
    pub sample: String,
}

/// How long what is kept. Orders, keys, models and active decisions are never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Decisions, counted from their end.
    pub decisions_secs: u32,
    /// Alerts, counted from their last change.
    pub alerts_secs: u32,
    /// Client pages, counted from their last change.
    pub clients_secs: u32,
    /// Figures per minute.
    pub stats_secs: u32,
    /// Rejected lines.
    pub rejected_secs: u32,
    /// Size of the whole store in bytes. Above it the oldest of what may be dropped goes, whatever its age.
    pub bytes_max: u64,
}

const DAY_SECS: u32 = 86_400;

impl Default for Retention {
    fn default() -> Self {
        Self {
            // A quarter: long enough to answer "why was I blocked last month?".
            decisions_secs: 90 * DAY_SECS,
            alerts_secs: 90 * DAY_SECS,
            // A page shows the latest windows; a client that came back starts anew.
            clients_secs: 14 * DAY_SECS,
            // 43,200 buckets: a month of minutes.
            stats_secs: 30 * DAY_SECS,
            rejected_secs: 7 * DAY_SECS,
            // Fits the smallest disks people run this on and holds about two million decisions.
            bytes_max: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// What retention dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionReport {
    /// Ended decisions.
    pub decisions: u64,
    /// Alerts.
    pub alerts: u64,
    /// Client pages.
    pub clients: u64,
    /// Figures.
    pub stats: u64,
    /// Rejected lines.
    pub rejected: u64,
    /// Sessions that had ended.
    pub sessions: u64,
    /// What machines reported, beyond the alerts' age or [`crate::REPORTS_KEPT`].
    pub reports: u64,
    /// Bytes that live rows take afterwards.
    pub bytes: u64,
    /// Whether the store is still above its size cap: only what is never dropped is left.
    pub is_over_cap: bool,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// Name of the backend.
    pub backend: &'static str,
    /// Version of the schema.
    pub schema: i64,
    /// Bytes that the database takes on the disk.
    pub bytes: u64,
    /// Position of the newest entry of the two logs.
    pub last_seq: u64,
}
