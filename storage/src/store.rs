//! The one interface to what is stored.

use crate::{
    AlarmRecord, AlertFilter, ApiKey, Bouncer, ClientSummary, DecisionFilter, Error, Fence, HourRecord,
    Lease, ModelRecord, ModelWatch, NewApiKey, NewOrder, OrderFilter, OrderReceipt, Page, Paged,
    RejectedSample, Retention, RetentionReport, Session, StatsBucket, StoreHealth, StoredAlert,
};
use async_trait::async_trait;
use domain::{AlertId, Client, Decision, DecisionId, Order, StampedDecision, Timestamp};

/// Most rows that one call of `tail_*` returns, whatever is asked.
pub const TAIL_MAX: u32 = 10_000;

/// Decisions, orders, alerts, keys and the rest, in SQLite or PostgreSQL.
///
/// # The two logs
/// Decisions and orders share one counter: a smaller `seq` was committed earlier, across both, and numbers become
/// visible in their order, so that whoever tails `seq > last` misses nothing. Numbers may have gaps.
///
/// # Failures
/// Every call fails with [`Error`]; [`Error::is_retryable`] says whether the caller should keep its input and try
/// again. A failed call has changed nothing.
#[async_trait]
pub trait Store: Send + Sync {
    // --- the decision log -------------------------------------------------------------------------------------

    /// Appends decisions in their order, in one transaction, and returns the rows that are new.
    ///
    /// Idempotent on the decision's id: a decision whose id is there is dropped, unless it is *stronger* (a stronger
    /// action, or the same action enforced where the stored one was only shadow or replayed). A stronger one is
    /// appended as a new row with the same id, which supersedes the earlier rows of that id; a row that is not
    /// enforced never supersedes one that is. A row whose id a person has revoked is stored as revoked.
    ///
    /// With a `fence` the call fails with [`Error::Fenced`] once another process holds the lease.
    async fn append_decisions(
        &self,
        decisions: &[Decision],
        fence: Option<&Fence>,
        now: Timestamp,
    ) -> Result<Vec<StampedDecision>, Error>;

    /// Decisions with `seq > after`, oldest first; at most `limit` (and [`TAIL_MAX`]).
    async fn tail_decisions(&self, after: u64, limit: u32) -> Result<Vec<StampedDecision>, Error>;

    /// Like [`Self::tail_decisions`], only enforced decisions that expire after `ended_after`: what a blocklist
    /// has to read when it is rebuilt.
    async fn tail_live_decisions(
        &self,
        after: u64,
        ended_after: Timestamp,
        limit: u32,
    ) -> Result<Vec<StampedDecision>, Error>;

    /// The decision of that id: its newest row that nothing superseded.
    async fn decision(&self, id: DecisionId) -> Result<Option<StampedDecision>, Error>;

    /// Decisions that match, newest first.
    async fn query_decisions(
        &self,
        filter: &DecisionFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Paged<StampedDecision>, Error>;

    /// How many decisions match.
    async fn count_decisions(&self, filter: &DecisionFilter, now: Timestamp) -> Result<u64, Error>;

    // --- the order journal ------------------------------------------------------------------------------------

    /// Appends an order and carries out what it means for the stored decisions, in one transaction.
    ///
    /// `Block` appends an operator's decision right after the order; `Lift` revokes every decision that names the
    /// client; `Revoke` revokes one id; `Verdict` is written beside the alert, and a false positive is followed by lifts of the
    /// clients whose decisions rest on it ([`crate::VERDICT_GRACE_SECS`]). The journal is append-only.
    ///
    /// # Errors
    /// [`Error::Refused`] for a block or a grace without duration, a reason that is too long, or a decision to
    /// revoke or an alert to judge that is not there.
    async fn append_order(&self, order: &NewOrder, now: Timestamp) -> Result<OrderReceipt, Error>;

    /// Orders with `seq > after`, oldest first; at most `limit` (and [`TAIL_MAX`]).
    async fn tail_orders(&self, after: u64, limit: u32) -> Result<Vec<Order>, Error>;

    /// Orders that match, newest first.
    async fn query_orders(&self, filter: &OrderFilter, page: &Page) -> Result<Paged<Order>, Error>;

    // --- alerts and clients -----------------------------------------------------------------------------------

    /// Stores alerts; one that is there is replaced and keeps its verdict.
    async fn put_alerts(&self, alerts: &[StoredAlert]) -> Result<(), Error>;

    /// One alert.
    async fn alert(&self, id: AlertId) -> Result<Option<StoredAlert>, Error>;

    /// Alerts that match, the latest to stand out first.
    async fn query_alerts(&self, filter: &AlertFilter, page: &Page) -> Result<Paged<StoredAlert>, Error>;

    /// How many alerts match.
    async fn count_alerts(&self, filter: &AlertFilter) -> Result<u64, Error>;

    /// Stores what is shown of clients; what is there is replaced.
    async fn put_clients(&self, clients: &[ClientSummary]) -> Result<(), Error>;

    /// What is shown of one client.
    async fn client(&self, client: &Client) -> Result<Option<ClientSummary>, Error>;

    /// Clients whose value begins with `prefix`, latest change first.
    async fn query_clients(&self, prefix: &str, page: &Page) -> Result<Paged<ClientSummary>, Error>;

    // --- who may ask ------------------------------------------------------------------------------------------

    /// Stores a key.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the name is taken, also by a revoked key.
    async fn add_api_key(&self, key: &NewApiKey, now: Timestamp) -> Result<ApiKey, Error>;

    /// The key of that hash, if it is not revoked.
    async fn api_key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>, Error>;

    /// Every key, revoked ones included, by name.
    async fn api_keys(&self) -> Result<Vec<ApiKey>, Error>;

    /// Revokes a key and ends its sessions; false when there is no such unrevoked key.
    async fn revoke_api_key(&self, name: &str, by: &str, now: Timestamp) -> Result<bool, Error>;

    /// Notes that a key was used. Callers do this at most once a minute per key.
    async fn touch_api_key(&self, name: &str, now: Timestamp) -> Result<(), Error>;

    /// Opens a session.
    async fn add_session(&self, session: &Session) -> Result<(), Error>;

    /// The session of that hash, if it has not ended at `now`.
    async fn session_by_hash(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, Error>;

    /// Notes that a session was used.
    async fn touch_session(&self, hash: &str, now: Timestamp) -> Result<(), Error>;

    /// Ends a session; false when there was none.
    async fn remove_session(&self, hash: &str) -> Result<bool, Error>;

    /// Notes what a bouncer asked. `last_pull` never goes backwards, and `None` leaves it.
    async fn put_bouncer(&self, bouncer: &Bouncer) -> Result<(), Error>;

    /// One bouncer.
    async fn bouncer(&self, name: &str) -> Result<Option<Bouncer>, Error>;

    /// Every bouncer, by name.
    async fn bouncers(&self) -> Result<Vec<Bouncer>, Error>;

    // --- running ----------------------------------------------------------------------------------------------

    /// Stores whole minutes of one node's figures; what is there is replaced, so that a repeated call counts once.
    async fn put_stats(&self, node: &str, buckets: &[StatsBucket]) -> Result<(), Error>;

    /// Figures per minute with `from <= minute < to`, summed over nodes, oldest first.
    async fn stats(&self, from: Timestamp, to: Timestamp) -> Result<Vec<StatsBucket>, Error>;

    /// Stores hours of the site; what is there is replaced, and all but the latest [`crate::HOURS_KEPT`] are dropped.
    async fn put_hours(&self, hours: &[HourRecord]) -> Result<(), Error>;

    /// The latest hours, oldest first.
    async fn hours(&self, limit: u32) -> Result<Vec<HourRecord>, Error>;

    /// Stores alarms; those of the same name, source and beginning are replaced. Of those that are over all but the latest go, so
    /// that [`crate::ALARMS_KEPT`] stay.
    async fn put_alarms(&self, alarms: &[AlarmRecord]) -> Result<(), Error>;

    /// Alarms, those that go on first, then the latest.
    async fn alarms(&self, limit: u32) -> Result<Vec<AlarmRecord>, Error>;

    /// Stores what is known of a model; what is there is replaced.
    async fn put_model(&self, model: &ModelRecord) -> Result<(), Error>;

    /// Replaces what was seen of a model while it scored; of a model that is not known, nothing is stored.
    async fn watch_model(&self, version: &str, watch: &ModelWatch) -> Result<(), Error>;

    /// Every model, newest first.
    async fn models(&self) -> Result<Vec<ModelRecord>, Error>;

    /// Takes or renews a lease for `ttl_secs`; `None` while somebody else holds it. Renewing in time keeps the
    /// fence; a change of holder, or taking up a lapsed lease, makes it grow.
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl_secs: u32,
        now: Timestamp,
    ) -> Result<Option<Lease>, Error>;

    /// Gives a lease back; false when it was no longer held with that fence.
    async fn release_lease(&self, name: &str, fence: u64, now: Timestamp) -> Result<bool, Error>;

    /// Stores rejected lines and drops the oldest above [`crate::REJECTED_MAX`].
    async fn add_rejected(&self, samples: &[RejectedSample]) -> Result<(), Error>;

    /// The latest rejected lines, newest first.
    async fn rejected(&self, limit: u32) -> Result<Vec<RejectedSample>, Error>;

    /// The value of a setting of this installation (its hash key, for one); stores `value` when there is none yet.
    /// Every process gets the same answer, whichever came first.
    async fn setting_or_insert(&self, name: &str, value: &str) -> Result<String, Error>;

    /// Drops what is past its time, and the oldest beyond the size cap.
    async fn retain(&self, now: Timestamp, retention: &Retention) -> Result<RetentionReport, Error>;

    /// Whether the store answers and can be written, its size and its versions.
    async fn health(&self) -> Result<StoreHealth, Error>;

    /// Closes every connection. Later calls fail as retryable.
    async fn close(&self);
}
