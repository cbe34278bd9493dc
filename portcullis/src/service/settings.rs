//! From the configuration's used form to what the parts of the process take.

use crate::analysis::DESCRIBE;
use crate::config::Config;
use crate::config::used;
use crate::openapi;
use detector::Settings;
use detector::policy::{GuardSettings, PolicySettings, PriceBudget};
use domain::{HashKey, Mode};
use ingest::{FormatChoice, IdentityPolicy, Networks, ParserConfig};
use storage::Retention;

/// How clients are judged, the rules apart: reading their files can fail.
pub(crate) fn detector(config: &Config, key: HashKey) -> Settings {
    Settings {
        policy: policy(config),
        allowlist: config.allowlist(),
        roles: config.roles(),
        clients_max: config.clients.clients_max,
        ..Settings::new(key, DESCRIBE)
    }
}

/// Thresholds and times.
pub(super) fn policy(config: &Config) -> PolicySettings {
    let policy = &config.policy;
    PolicySettings {
        observe_from: policy.observe_from,
        throttle_from: policy.throttle_from,
        block_from: policy.block_from,
        throttle_secs: policy.throttle_secs,
        block_secs: policy.block_secs,
        block_secs_max: policy.block_secs_max,
        escalation: policy.escalation,
        memory_secs: policy.memory_secs,
        episode_secs: policy.episode_secs,
        false_positive_budget: policy.false_positive_budget.map(f64::from),
        warm_up_secs: policy.warm_up_secs,
        secret_secs_max: config.clients.secret_secs_max(),
        is_shadow: policy.mode == Mode::Shadow,
        guard: GuardSettings {
            clients_share: policy.guard.clients_share,
            requests_share: policy.guard.requests_share,
            span_secs: policy.guard.span_secs,
            part: policy.guard.part,
        },
        price: PriceBudget {
            clients: policy.price.clients,
            requests: policy.price.requests,
        },
    }
}

/// How the lines of a source become records.
pub(super) fn parser(
    config: &Config,
    (format, identity): (&str, &IdentityPolicy),
    (key, networks): (HashKey, Option<Networks>),
) -> ParserConfig {
    ParserConfig {
        // Checked with the configuration.
        format: FormatChoice::from_text(format).unwrap_or_default(),
        trusted: config.clients.trusted_proxies(),
        identity: identity.clone(),
        hash_key: key,
        secrets: config.clients.secret_keys(key),
        networks,
        documents: openapi::in_force().cloned(),
    }
}

/// How long what is kept.
pub(super) fn retention(storage: &used::Storage) -> Retention {
    let days = |days: u32| days.saturating_mul(86_400);
    let kept = &storage.retention;
    Retention {
        decisions_secs: days(kept.decisions_days),
        alerts_secs: days(kept.alerts_days),
        clients_secs: days(kept.clients_days),
        stats_secs: days(kept.stats_days),
        rejected_secs: days(kept.rejected_days),
        bytes_max: storage.bytes_max,
    }
}
