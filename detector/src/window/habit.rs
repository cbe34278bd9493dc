//! What a client usually does: counts over the longest horizon, each decayed by one factor.

use super::suspicion::is_wrong_password;
use crate::population::RouteStanding;
use crate::signal::{MethodClass, Outcome, RouteRole, Signals};
use domain::RequestRecord;
use serde::{Deserialize, Serialize};

macro_rules! counts {
    // A macro because every count must be decayed, and a list written twice would one day differ.
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Decayed counts over the longest horizon.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
        pub struct Habit {
            $($(#[$doc])* pub $name: f32,)*
        }

        impl Habit {
            /// Shrinks every count by one factor.
            pub fn decay(&mut self, factor: f32) {
                if factor < 1.0 {
                    $(self.$name *= factor;)*
                }
            }
        }
    };
}

counts! {
    /// 2xx and 304.
    successes,
    /// 3xx but 304.
    redirects,
    /// 404 and 410.
    missing,
    /// 401, 403, 407.
    refused,
    /// 5xx.
    server_errors,
    /// Successes right after a failure.
    recoveries,
    /// HEAD requests.
    heads,
    /// Requests that change state.
    writes,
    /// Methods that hardly anybody uses.
    odd_methods,
    /// Requests that the gateway could not read.
    malformed,
    /// Static files that pages load by themselves.
    assets,
    /// Archives, tables, documents: files that somebody fetches to keep.
    files,
    /// Requests with a referer.
    with_referer,
    /// Requests with a query.
    with_query,
    /// Requests that name an object.
    with_object,
    /// Requests that name an object for the first time and were answered that it is missing or refused.
    object_misses,
    /// Requests without a user agent.
    without_agent,
    /// Path segments.
    depth,
    /// log2 of the query's length.
    query_log,
    /// Odd characters, logarithm per request.
    odd_log,
    /// Requests on routes that hardly any other client uses.
    novel,
    /// log2 of the bytes sent, where known.
    bytes_log,
    /// Its square.
    bytes_log_square,
    /// Requests with known bytes.
    with_bytes,
    /// Milliseconds spent, where known.
    duration_millis,
    /// Requests with known duration.
    with_duration,
    /// Requests on routes for signing in.
    logins,
    /// Refused writes, and requests on routes for signing in that were refused or told that a password is wrong.
    login_failures,
    /// Sign-ups that worked: answered with success, or sent on to another page as forms do.
    sign_ups,
    /// Requests on routes for administration that were refused, or whose method is not allowed there.
    admin_refusals,
}

impl Habit {
    /// Takes in one request with a weight.
    pub(super) fn observe(
        &mut self,
        record: &RequestRecord<'_>,
        signals: &Signals,
        standing: RouteStanding,
        is_new_object: bool,
        weight: f32,
    ) {
        self.observe_outcome(record, signals, weight);
        match signals.method {
            MethodClass::Head => self.heads += weight,
            MethodClass::Write => self.writes += weight,
            MethodClass::Odd => self.odd_methods += weight,
            MethodClass::Read | MethodClass::Preflight => {}
        }
        let mut add_if = |condition: bool, count: fn(&mut Self) -> &mut f32| {
            if condition {
                *count(self) += weight;
            }
        };
        add_if(record.is_malformed, |habit| &mut habit.malformed);
        add_if(record.route.is_asset, |habit| &mut habit.assets);
        add_if(signals.is_file, |habit| &mut habit.files);
        add_if(record.referer.is_some(), |habit| &mut habit.with_referer);
        add_if(record.query.is_some(), |habit| &mut habit.with_query);
        add_if(record.route.object.is_some(), |habit| &mut habit.with_object);
        // A day is nobody's object, and a program that asks again for what is gone looks for no other.
        let is_object_miss = record.route.object.is_some()
            && is_new_object
            && !signals.is_dated_miss
            && matches!(signals.outcome, Outcome::Missing | Outcome::Refused);
        add_if(is_object_miss, |habit| &mut habit.object_misses);
        add_if(record.user_agent.is_none(), |habit| &mut habit.without_agent);
        add_if(
            standing.is_novel() && !signals.is_convention && !record.route.is_asset,
            |habit| &mut habit.novel,
        );
        self.depth += weight * f32::from(record.route.depth);
        self.query_log += weight * (signals.query_bytes as f32 + 1.0).log2();
        self.odd_log += weight * (signals.odd_characters as f32 + 1.0).log2();
        self.observe_cost(record, weight);
    }

    fn observe_outcome(&mut self, record: &RequestRecord<'_>, signals: &Signals, weight: f32) {
        let is_login = signals.role.is_sign_in();
        let is_write = signals.method == MethodClass::Write;
        if is_login && is_write {
            self.logins += weight;
        }
        match signals.outcome {
            Outcome::Success => {
                self.successes += weight;
                if signals.role == RouteRole::SignUp && is_write {
                    self.sign_ups += weight;
                }
            }
            Outcome::Redirect => {
                self.redirects += weight;
                // Not 301, 307, 308: the same request is sent again then, to https or to the host's other name.
                let is_sent_on = matches!(record.status, 302 | 303);
                if is_sent_on && is_write && signals.role == RouteRole::SignUp {
                    self.sign_ups += weight;
                }
            }
            Outcome::Missing => self.missing += weight,
            Outcome::Refused => {
                self.refused += weight;
                if is_login || is_write {
                    self.login_failures += weight;
                }
                if signals.role == RouteRole::Admin {
                    self.admin_refusals += weight;
                }
            }
            Outcome::ServerError => self.server_errors += weight,
            Outcome::OtherClientError if record.status == 405 && signals.role == RouteRole::Admin => {
                self.admin_refusals += weight;
            }
            Outcome::OtherClientError if is_login && is_write && is_wrong_password(record) => {
                self.login_failures += weight;
            }
            Outcome::OtherClientError | Outcome::None => {}
        }
    }

    fn observe_cost(&mut self, record: &RequestRecord<'_>, weight: f32) {
        if let Some(bytes) = record.bytes_out {
            let log = (bytes as f32 + 1.0).log2();
            self.bytes_log += weight * log;
            self.bytes_log_square += weight * log * log;
            self.with_bytes += weight;
        }
        if let Some(millis) = record.upstream_ms.or(record.duration_ms) {
            self.duration_millis += weight * millis.clamp(0.0, 3_600_000.0);
            self.with_duration += weight;
        }
    }
}
