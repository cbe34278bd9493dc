//! What every backend must do. Each backend's tests run every one of these against a database of its own.

pub(crate) mod access;
pub(crate) mod alerts;
pub(crate) mod decisions;
pub(crate) mod operation;
pub(crate) mod orders;
pub(crate) mod verdicts;

use crate::{NewOrder, Store};
use domain::{
    Action, Client, Decision, HashKey, Mode, OrderKind, Origin, Price, Scope, ThreatKind, Timestamp,
};
use std::sync::Arc;

/// Makes a test of every contract, with `$open` giving a store of its own and what keeps it alive.
macro_rules! contract_tests {
    // A macro because each contract must be a test of its own name, in each backend.
    ($open:path) => {
        $crate::contract::contract_tests! { $open,
            decisions: a_decision_is_read_back_as_it_was_stored,
            decisions: the_same_id_again_is_no_new_row,
            decisions: a_stronger_action_supersedes_the_earlier_row,
            decisions: what_is_not_enforced_never_hides_what_is,
            decisions: a_decision_older_than_its_life_is_stored_as_replayed,
            decisions: the_log_is_tailed_without_gaps_while_several_write,
            decisions: decisions_are_filtered_and_paged,
            decisions: hostile_text_is_stored,
            orders: a_block_order_appends_its_decision_in_the_same_transaction,
            orders: a_lift_revokes_every_decision_of_the_client,
            orders: a_revoked_id_stays_revoked_when_it_escalates,
            orders: an_impossible_order_is_refused_and_leaves_no_trace,
            orders: every_order_is_kept_with_who_when_why_and_from_where,
            orders: a_report_stands_in_the_journal_and_apart_from_what_people_order,
            verdicts: a_verdict_stands_beside_its_alert_and_the_newest_one_holds,
            verdicts: an_attack_blocks_nobody_and_ends_nothing,
            verdicts: a_false_positive_lifts_what_rests_on_the_alert,
            verdicts: a_false_positive_leaves_what_rests_on_another_alert,
            verdicts: a_late_false_positive_is_a_label_only,
            verdicts: a_verdict_on_an_alert_that_is_not_there_is_refused,
            alerts: an_alert_is_replaced_and_found_by_every_filter,
            alerts: alerts_are_paged_without_loss_while_new_ones_arrive,
            alerts: a_client_is_replaced_found_and_bounded,
            access: a_key_is_found_by_its_hash_until_it_is_revoked,
            access: revoking_a_key_ends_its_sessions,
            access: a_bouncers_cursor_never_goes_back,
            operation: figures_are_summed_over_nodes_and_counted_once,
            operation: hours_are_replaced_and_only_the_latest_are_kept,
            operation: alarms_are_replaced_and_those_that_go_on_stay,
            operation: a_lease_has_one_holder_and_a_growing_fence,
            operation: a_writer_without_its_lease_is_refused,
            operation: rejected_lines_are_bounded,
            operation: models_and_settings_are_kept,
            operation: retention_drops_what_is_past_its_time_and_nothing_else,
            operation: a_size_cap_drops_the_oldest_and_never_what_is_in_force,
            operation: health_names_the_backend_and_the_newest_position,
        }
    };
    ($open:path, $($module:ident: $name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (store, _alive) = $open().await;
                $crate::contract::$module::$name(store.clone()).await;
                store.close().await;
            }
        )*
    };
}
pub(crate) use contract_tests;

/// A moment that tests count from.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) type AnyStore = Arc<dyn Store>;

pub(crate) fn ip(text: &str) -> Client {
    Client::parse(Scope::Ip, text).unwrap()
}

/// An enforced throttle or block of a client by the model, decided at `START`.
pub(crate) fn decision(client: &Client, action: Action) -> Decision {
    let key = HashKey::new([7; 16]);
    Decision {
        id: key.decision_id(client, ThreatKind::Scraping, START),
        client: client.clone(),
        conditions: Vec::new(),
        gateways: Vec::new(),
        action,
        priority: 50,
        origin: Origin::Model,
        price: Price {
            clients: 2,
            successful_requests: 30,
            error: 0.25,
        },
        threat: ThreatKind::Scraping,
        alert_id: None,
        reason: "took every page in order".to_owned(),
        event_at: START,
        ttl_secs: 3600,
        mode: Mode::Enforced,
        model: "2026-11-22-1".to_owned(),
        completeness: Some(domain::Completeness {
            effort: domain::Effort::LittleEvidence,
            whole_permille: 125,
        }),
    }
}

pub(crate) fn order(kind: OrderKind, client: &Client) -> NewOrder {
    NewOrder {
        kind,
        client: client.clone(),
        reason: "seen in the logs".to_owned(),
        by: "alice".to_owned(),
        from: "192.0.2.1".to_owned(),
    }
}
