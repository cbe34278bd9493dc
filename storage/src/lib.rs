//! Decisions, orders, alerts, keys and checkpoints: SQLite and PostgreSQL behind one interface.
//!
//! Begin with [`Store`], the one interface, and [`open`], which picks the backend from a URL. Decisions go down one
//! log, a person's orders up another; `api` and `enforcer` read them here and never call the detector.

mod access;
mod alerts;
mod checkpoint;
#[cfg(test)]
mod contract;
mod engine;
mod error;
mod live;
mod logs;
mod migration;
mod operation;
mod page;
pub mod postgres;
mod row;
mod sql;
pub mod sqlite;
mod store;
mod watch;

pub use access::{ApiKey, Bouncer, NewApiKey, Role, Session};
pub use alerts::{
    AlertFilter, CLIENT_JSON_BYTES_MAX, ClientSummary, MEMBERS_KEPT_MAX, StoredAlert, StoredEvidence,
    StoredMember, StoredReason, StoredThreat, StoredVerdict, StoredWhatIf, VerdictFilter, Whereabouts,
};
pub use checkpoint::{
    CHECKPOINT_BYTES_MAX, CHECKPOINT_VERSION, CHECKPOINTS_KEPT, Checkpoint, CheckpointStore,
};
pub use error::Error;
pub use live::{
    BlocklistChange, EVENTS_MAX, HISTORY_SECS, LiveBlocklist, LiveEvent, LiveStatus, POLL_INTERVAL,
};
pub use logs::{
    DecisionFilter, Fence, NewOrder, OrderFilter, OrderReceipt, REASON_BYTES_MAX, REPORTS_KEPT,
    SCENARIO_BYTES_MAX, StateFilter, VERDICT_GRACE_SECS,
};
pub use operation::{
    ALARMS_KEPT, AlarmRecord, HOURS_KEPT, HourRecord, Lease, MODEL_CARD_BYTES_MAX, ModelRecord, REJECTED_MAX,
    REJECTED_SAMPLE_BYTES_MAX, RejectedSample, Retention, RetentionReport, StatsBucket, StoreHealth,
};
pub use page::{PAGE_MAX, Page, Paged};
pub use store::{Store, TAIL_MAX};
pub use watch::{
    DriftDay, FeatureDrift, MODEL_WATCH_BYTES_MAX, ModelAgreement, ModelDrift, ModelPart, ModelWatch,
};

use futures::future::BoxFuture;
use std::path::Path;
use std::sync::Arc;

/// A store that is being opened.
pub type Opening<'a> = BoxFuture<'a, Result<Arc<dyn Store>, Error>>;

/// A kind of database, as the configuration names it.
pub struct Backend {
    /// Its name.
    pub name: &'static str,
    /// How its URLs begin.
    pub scheme: &'static str,
    /// Opens and migrates it; takes what follows the scheme, or the whole URL where the driver wants that.
    pub open: fn(&str) -> Opening<'_>,
}

/// Every backend. One contract suite runs against each.
pub const BACKENDS: &[Backend] = &[
    Backend {
        name: "sqlite",
        scheme: "sqlite:",
        open: |url| {
            let path = url.strip_prefix("sqlite:").unwrap_or(url);
            let path = path.strip_prefix("//").unwrap_or(path);
            Box::pin(sqlite::open(Path::new(path)))
        },
    },
    Backend {
        name: "postgres",
        scheme: "postgres:",
        open: |url| Box::pin(postgres::open(url)),
    },
    Backend {
        name: "postgres",
        scheme: "postgresql:",
        open: |url| Box::pin(postgres::open(url)),
    },
];

/// Opens the store of a URL: `sqlite:portcullis.db`, `sqlite:///var/lib/portcullis/portcullis.db`,
/// `postgres://user@host/database`.
///
/// # Errors
/// [`Error::Refused`] when no backend has that scheme, and what the backend's own `open` says.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    let Some(backend) = BACKENDS.iter().find(|backend| url.starts_with(backend.scheme)) else {
        let schemes: Vec<&str> = BACKENDS.iter().map(|backend| backend.scheme).collect();
        return Err(Error::Refused {
            doing: "open the database",
            why: format!("its URL begins with none of {}", schemes.join(" ")),
        });
    };
    (backend.open)(url).await
}
