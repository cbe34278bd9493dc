//! What came in beside the log: people's orders, and a configuration that was read anew.

use super::Session;
use crate::service::settings;
use detector::Input;
use domain::OrderKind;

impl Session<'_> {
    /// Takes in what people ordered since.
    pub(super) fn take_orders(&mut self) {
        let setup = &self.role.setup;
        if setup.shared.blocklist.status().orders_seq <= self.orders_seq {
            return;
        }
        match self
            .role
            .wait(setup.shared.store.tail_orders(self.orders_seq, storage::TAIL_MAX))
        {
            Ok(orders) => {
                for order in orders {
                    self.orders_seq = order.seq;
                    self.detector.submit(Input::Order(order));
                    self.has_news = true;
                }
            }
            Err(error) => tracing::warn!(%error, "could not read orders: {error}"),
        }
    }

    /// Takes over a configuration that was read anew.
    pub(super) fn take_changes(&mut self) {
        while let Ok((config, statutes)) = self.role.changes.try_recv() {
            let policy = Box::new(settings::policy(&config));
            self.detector.submit(Input::Policy(policy, config.allowlist()));
            self.detector
                .submit(Input::Rules(statutes.rules.clone(), config.roles()));
            self.detector.submit(Input::Clauses(statutes.clauses.clone()));
            self.detector.submit(Input::Listed(statutes.listed.clone()));
            self.role.setup.config = config;
            self.role.setup.statutes = statutes;
            self.repeat_allow_orders();
        }
    }

    /// The configured allowlist replaces the detector's: what people ordered is added to it again.
    pub(super) fn repeat_allow_orders(&mut self) {
        let mut seq = 0;
        loop {
            let orders = self
                .role
                .wait(self.role.setup.shared.store.tail_orders(seq, storage::TAIL_MAX));
            let orders = match orders {
                Ok(orders) => orders,
                Err(error) => {
                    tracing::warn!(%error, "could not read orders: {error}");
                    return;
                }
            };
            let Some(last) = orders.last() else { return };
            seq = last.seq;
            for order in orders {
                if matches!(order.kind, OrderKind::Allow { .. } | OrderKind::Disallow) {
                    self.detector.submit(Input::Order(order));
                }
            }
        }
    }
}
