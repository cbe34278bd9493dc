//! The interface, word for word onto the statements.

use super::{SqlStore, access, alerts, decisions, leases, operation, orders, read_first, retention};
use crate::engine::params;
use crate::{
    AlarmRecord, AlertFilter, ApiKey, Bouncer, ClientSummary, DecisionFilter, Error, Fence, HourRecord,
    Lease, ModelRecord, ModelWatch, NewApiKey, NewOrder, OrderFilter, OrderReceipt, Page, Paged,
    RejectedSample, Retention, RetentionReport, Session, StatsBucket, Store, StoreHealth, StoredAlert,
};
use async_trait::async_trait;
use domain::{AlertId, Client, Decision, DecisionId, Order, StampedDecision, Timestamp};

#[async_trait]
impl Store for SqlStore {
    async fn append_decisions(
        &self,
        decisions: &[Decision],
        fence: Option<&Fence>,
        now: Timestamp,
    ) -> Result<Vec<StampedDecision>, Error> {
        decisions::append(&*self.engine, decisions, fence, now).await
    }

    async fn tail_decisions(&self, after: u64, limit: u32) -> Result<Vec<StampedDecision>, Error> {
        decisions::tail(&*self.engine, after, limit).await
    }

    async fn tail_live_decisions(
        &self,
        after: u64,
        ended_after: Timestamp,
        limit: u32,
    ) -> Result<Vec<StampedDecision>, Error> {
        decisions::tail_live(&*self.engine, after, ended_after, limit).await
    }

    async fn decision(&self, id: DecisionId) -> Result<Option<StampedDecision>, Error> {
        decisions::one(&*self.engine, id).await
    }

    async fn query_decisions(
        &self,
        filter: &DecisionFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Paged<StampedDecision>, Error> {
        decisions::query(&*self.engine, filter, page, now).await
    }

    async fn count_decisions(&self, filter: &DecisionFilter, now: Timestamp) -> Result<u64, Error> {
        decisions::count(&*self.engine, filter, now).await
    }

    async fn append_order(&self, order: &NewOrder, now: Timestamp) -> Result<OrderReceipt, Error> {
        orders::append(&*self.engine, order, now).await
    }

    async fn tail_orders(&self, after: u64, limit: u32) -> Result<Vec<Order>, Error> {
        orders::tail(&*self.engine, after, limit).await
    }

    async fn query_orders(&self, filter: &OrderFilter, page: &Page) -> Result<Paged<Order>, Error> {
        orders::query(&*self.engine, filter, page).await
    }

    async fn put_alerts(&self, alerts: &[StoredAlert]) -> Result<(), Error> {
        alerts::put(&*self.engine, alerts).await
    }

    async fn alert(&self, id: AlertId) -> Result<Option<StoredAlert>, Error> {
        alerts::one(&*self.engine, id).await
    }

    async fn query_alerts(&self, filter: &AlertFilter, page: &Page) -> Result<Paged<StoredAlert>, Error> {
        alerts::query(&*self.engine, filter, page).await
    }

    async fn count_alerts(&self, filter: &AlertFilter) -> Result<u64, Error> {
        alerts::count(&*self.engine, filter).await
    }

    async fn put_clients(&self, clients: &[ClientSummary]) -> Result<(), Error> {
        alerts::put_clients(&*self.engine, clients).await
    }

    async fn client(&self, client: &Client) -> Result<Option<ClientSummary>, Error> {
        alerts::client(&*self.engine, client).await
    }

    async fn query_clients(&self, prefix: &str, page: &Page) -> Result<Paged<ClientSummary>, Error> {
        alerts::query_clients(&*self.engine, prefix, page).await
    }

    async fn add_api_key(&self, key: &NewApiKey, now: Timestamp) -> Result<ApiKey, Error> {
        access::add_key(&*self.engine, key, now).await
    }

    async fn api_key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>, Error> {
        access::key_by_hash(&*self.engine, hash).await
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        access::keys(&*self.engine).await
    }

    async fn revoke_api_key(&self, name: &str, by: &str, now: Timestamp) -> Result<bool, Error> {
        access::revoke_key(&*self.engine, name, by, now).await
    }

    async fn touch_api_key(&self, name: &str, now: Timestamp) -> Result<(), Error> {
        access::touch_key(&*self.engine, name, now).await
    }

    async fn add_session(&self, session: &Session) -> Result<(), Error> {
        access::add_session(&*self.engine, session).await
    }

    async fn session_by_hash(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, Error> {
        access::session_by_hash(&*self.engine, hash, now).await
    }

    async fn touch_session(&self, hash: &str, now: Timestamp) -> Result<(), Error> {
        access::touch_session(&*self.engine, hash, now).await
    }

    async fn remove_session(&self, hash: &str) -> Result<bool, Error> {
        access::remove_session(&*self.engine, hash).await
    }

    async fn put_bouncer(&self, bouncer: &Bouncer) -> Result<(), Error> {
        access::put_bouncer(&*self.engine, bouncer).await
    }

    async fn bouncer(&self, name: &str) -> Result<Option<Bouncer>, Error> {
        access::bouncer(&*self.engine, name).await
    }

    async fn bouncers(&self) -> Result<Vec<Bouncer>, Error> {
        access::bouncers(&*self.engine).await
    }

    async fn put_stats(&self, node: &str, buckets: &[StatsBucket]) -> Result<(), Error> {
        operation::put_stats(&*self.engine, node, buckets).await
    }

    async fn put_hours(&self, hours: &[HourRecord]) -> Result<(), Error> {
        operation::put_hours(&*self.engine, hours).await
    }

    async fn hours(&self, limit: u32) -> Result<Vec<HourRecord>, Error> {
        operation::hours(&*self.engine, limit).await
    }

    async fn put_alarms(&self, alarms: &[AlarmRecord]) -> Result<(), Error> {
        operation::put_alarms(&*self.engine, alarms).await
    }

    async fn alarms(&self, limit: u32) -> Result<Vec<AlarmRecord>, Error> {
        operation::alarms(&*self.engine, limit).await
    }

    async fn stats(&self, from: Timestamp, to: Timestamp) -> Result<Vec<StatsBucket>, Error> {
        operation::stats(&*self.engine, from, to).await
    }

    async fn put_model(&self, model: &ModelRecord) -> Result<(), Error> {
        operation::put_model(&*self.engine, model).await
    }

    async fn watch_model(&self, version: &str, watch: &ModelWatch) -> Result<(), Error> {
        operation::watch_model(&*self.engine, version, watch).await
    }

    async fn models(&self) -> Result<Vec<ModelRecord>, Error> {
        operation::models(&*self.engine).await
    }

    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl_secs: u32,
        now: Timestamp,
    ) -> Result<Option<Lease>, Error> {
        leases::acquire(&*self.engine, name, holder, ttl_secs, now).await
    }

    async fn release_lease(&self, name: &str, fence: u64, now: Timestamp) -> Result<bool, Error> {
        leases::release(&*self.engine, name, fence, now).await
    }

    async fn add_rejected(&self, samples: &[RejectedSample]) -> Result<(), Error> {
        operation::add_rejected(&*self.engine, samples).await
    }

    async fn rejected(&self, limit: u32) -> Result<Vec<RejectedSample>, Error> {
        operation::rejected(&*self.engine, limit).await
    }

    async fn setting_or_insert(&self, name: &str, value: &str) -> Result<String, Error> {
        operation::setting_or_insert(&*self.engine, name, value).await
    }

    async fn retain(&self, now: Timestamp, retention: &Retention) -> Result<RetentionReport, Error> {
        retention::retain(&*self.engine, now, retention).await
    }

    async fn health(&self) -> Result<StoreHealth, Error> {
        let doing = "check the store";
        // It writes: a full disk or a read-only standby answers reads all the same.
        let mut tx = self.engine.begin(doing).await?;
        let sql = "UPDATE counters SET value = value WHERE name = 'log' RETURNING value";
        let last_seq = super::read_count(tx.fetch(doing, sql.into(), params![]).await?)?;
        tx.commit(doing).await?;
        let sql = "SELECT MAX(version) FROM _sqlx_migrations";
        let rows = self.engine.fetch(doing, sql.into(), params![]).await?;
        let schema = read_first(rows, |mut row| row.int())?.unwrap_or(self.schema);
        Ok(StoreHealth {
            backend: self.engine.backend(),
            schema,
            bytes: self.engine.disk_bytes().await?,
            last_seq,
        })
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
