//! The enforce role: a keeper for each gateway that is told what to carry out.

use super::Shared;
use super::enforce_apis::by_api;
use crate::config::{Config, Gateway, used};
use anyhow::Context as _;
use api::{Exposition, Histogram, MetricKind, MetricsSource, PointReport, PointsSource};
use enforcer::connector::{
    Caddy, CaddySettings, Envoy, EnvoySettings, Haproxy, HaproxySettings, HaproxySocket, Nftables,
    NftablesSettings, Nginx, NginxSettings, Redis, RedisSettings, Webhook, WebhookSettings,
};
use enforcer::{Board, Clock, Connector, DELAY_BOUNDS, Keeper, PointSettings, PointState, PointStatus};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The ways to the gateways of the configuration, in its order. Nothing is reached yet.
///
/// # Errors
/// When the settings of one cannot be used: which, and why.
pub(crate) fn connectors(config: &Config, clock: &Clock) -> anyhow::Result<Vec<Box<dyn Connector>>> {
    let ways = config.gateways.iter().enumerate().map(|(at, gateway)| {
        connector(gateway, clock)
            .with_context(|| format!("gateways[{at}] ({:?}) cannot be used", gateway.name))
    });
    ways.collect()
}

/// Starts a keeper for each gateway of the configuration; `connectors` are the ways to them, in their order.
pub(super) fn start(
    shared: &Shared,
    (config, connectors): (&Config, Vec<Box<dyn Connector>>),
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Arc<Points> {
    let board = Board::default();
    for (gateway, connector) in config.gateways.iter().zip(connectors) {
        let secs = |secs: Option<u32>| secs.map(|secs| Duration::from_secs(u64::from(secs)));
        let settings = PointSettings {
            name: gateway.name.clone(),
            gateway: gateway.gateway.clone(),
            read_every: secs(gateway.read_secs),
            change_every: secs(gateway.change_secs),
            flush_on_stop: gateway.flush_on_stop(),
        };
        let known = (Arc::clone(&shared.blocklist), Arc::clone(&shared.store));
        let clock = Arc::clone(&shared.clock);
        let keeper = Keeper::new(settings, connector, known, clock, &board);
        tasks.spawn(keeper.run(stop.clone()));
    }
    Arc::new(Points(board))
}

/// The gateways of the configuration, where another process keeps them: whoever asks this one is to know that they are there.
pub(super) fn elsewhere(config: &Config, connectors: &[Box<dyn Connector>]) -> Arc<Points> {
    let board = Board::default();
    for (gateway, connector) in config.gateways.iter().zip(connectors) {
        board.add_elsewhere(&gateway.name, connector.kind(), gateway.gateway.as_deref());
    }
    Arc::new(Points(board))
}

/// The way to a gateway: one arm for each kind.
///
/// # Errors
/// When its settings cannot be used.
pub(crate) fn connector(gateway: &Gateway, clock: &Clock) -> anyhow::Result<Box<dyn Connector>> {
    let clock = || Arc::clone(clock);
    Ok(if let Some(nginx) = gateway.nginx.clone() {
        Box::new(Nginx::new(NginxSettings {
            file: nginx.file,
            pid_file: nginx.pid_file,
            test: nginx.test,
            reload: nginx.reload,
        }))
    } else if let Some(haproxy) = &gateway.haproxy {
        Box::new(haproxy_of(haproxy)?)
    } else if let Some(nftables) = gateway.nftables.clone() {
        let (command, table) = (nftables.command, nftables.table);
        Box::new(Nftables::new(NftablesSettings { command, table }, clock())?)
    } else if let Some(redis) = &gateway.redis {
        let (url, prefix) = (redis.url.reveal().to_owned(), redis.prefix.clone());
        Box::new(Redis::new(RedisSettings { url, prefix })?)
    } else if let Some(envoy) = &gateway.envoy {
        let (file, admin) = (envoy.file.clone(), envoy.admin.reveal().to_owned());
        Box::new(Envoy::new(EnvoySettings { file, admin })?)
    } else if let Some(caddy) = &gateway.caddy {
        Box::new(Caddy::new(CaddySettings {
            admin: caddy.admin.reveal().to_owned(),
            server: caddy.server.clone(),
            matcher: caddy.matcher.clone(),
        })?)
    } else if let Some(webhook) = &gateway.webhook {
        let settings = WebhookSettings {
            url: webhook.url.reveal().to_owned(),
            secret: webhook.secret.reveal().to_owned(),
        };
        Box::new(Webhook::new(settings, clock())?)
    } else {
        return by_api(gateway, clock())?.context("it is of no kind");
    })
}

fn haproxy_of(haproxy: &used::Haproxy) -> anyhow::Result<Haproxy> {
    let (text, map) = (&haproxy.socket, haproxy.map.clone());
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let socket = if text.starts_with('/') {
        HaproxySocket::Unix(text.clone().into())
    } else if has_port {
        HaproxySocket::Tcp(text.clone())
    } else {
        anyhow::bail!(
            "haproxy.socket: found {text:?}, expected a path that begins with /, or a host and a port"
        );
    };
    Ok(Haproxy::new(HaproxySettings { socket, map }))
}

/// How far the gateways are.
#[derive(Debug)]
pub(super) struct Points(Board);

impl PointsSource for Points {
    fn points(&self) -> Vec<PointReport> {
        self.0.all().into_iter().map(report).collect()
    }
}

fn report(status: PointStatus) -> PointReport {
    let unexpressed = status.unexpressed.iter();
    PointReport {
        unexpressed: unexpressed
            .map(|(obstacle, count)| (obstacle.as_str(), *count))
            .collect(),
        name: status.name,
        kind: status.kind,
        gateway: status.gateway,
        state: status.state.as_str(),
        error: status.error,
        failing_since: status.failing_since,
        wanted: status.wanted as u64,
        held: status.held as u64,
        confirmed_at: status.confirmed_at,
        last_delay_millis: status.last_delay_millis,
        drifted: status.drifted,
        failures: status.failures,
    }
}

impl MetricsSource for Points {
    fn write(&self, out: &mut Exposition) {
        let all = self.0.all();
        let name = |status: &PointStatus| api::neutralise(&status.name).into_owned();
        let labelled: Vec<(String, &PointStatus)> = all.iter().map(|status| (name(status), status)).collect();
        let mut each = |kind, name: &str, help: &str, value: &dyn Fn(&PointStatus) -> f64| {
            let labels: Vec<[(&str, &str); 2]> = labelled
                .iter()
                .map(|(point, status)| [("gateway", point.as_str()), ("kind", status.kind)])
                .collect();
            let values: Vec<(&[(&str, &str)], f64)> = labels
                .iter()
                .zip(&all)
                .map(|(labels, status)| (labels.as_slice(), value(status)))
                .collect();
            out.add(kind, name, help, &values);
        };
        let is_failing = |status: &PointStatus| f64::from(u8::from(status.failing_since.is_some()));
        let is_broken = |status: &PointStatus| f64::from(u8::from(status.state == PointState::Broken));
        each(
            MetricKind::Gauge,
            "gateway_wanted",
            "Clients that a gateway is to act on.",
            &|status| status.wanted as f64,
        );
        each(
            MetricKind::Gauge,
            "gateway_held",
            "Clients that a gateway acts on, of ours.",
            &|status| status.held as f64,
        );
        each(
            MetricKind::Gauge,
            "gateway_failing",
            "1 while a gateway cannot be read or written.",
            &is_failing,
        );
        each(
            MetricKind::Gauge,
            "gateway_broken",
            "1 while a gateway has failed many times in a row.",
            &is_broken,
        );
        each(
            MetricKind::Counter,
            "gateway_failures_total",
            "Attempts to read or write a gateway that failed.",
            &|status| status.failures as f64,
        );
        each(
            MetricKind::Counter,
            "gateway_drifted_total",
            "Times that a gateway held something else than it had confirmed.",
            &|status| status.drifted as f64,
        );
        each(
            MetricKind::Counter,
            "gateway_put_total",
            "Clients written to a gateway.",
            &|status| status.put as f64,
        );
        each(
            MetricKind::Counter,
            "gateway_removed_total",
            "Clients taken off a gateway.",
            &|status| status.removed as f64,
        );
        write_delays(&labelled, out);
    }
}

fn write_delays(labelled: &[(String, &PointStatus)], out: &mut Exposition) {
    let bounds = DELAY_BOUNDS.map(|millis| millis as f64 / 1000.0);
    let labels: Vec<[(&str, &str); 2]> = labelled
        .iter()
        .map(|(name, status)| [("gateway", name.as_str()), ("kind", status.kind)])
        .collect();
    let histograms: Vec<Histogram<'_>> = labels
        .iter()
        .zip(labelled)
        .map(|(labels, (_, status))| Histogram {
            labels,
            bounds: &bounds,
            counts: &status.delays,
            sum: status.delays_millis as f64 / 1000.0,
        })
        .collect();
    let help = "Seconds from a decision's being stored to its effect at a gateway.";
    out.add_histogram("gateway_delay_seconds", help, &histograms);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, NoModels};
    use crate::service::wall_clock;

    fn problem(kind: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portcullis.toml");
        let text = format!(
            "[storage]\nurl = \"sqlite::memory:\"\ncheckpoints = \"file:///nowhere\"\n[[gateways]]\nname = \"edge\"\n{kind}\n"
        );
        std::fs::write(&file, text).unwrap();
        let clock: Clock = Arc::new(wall_clock);
        let made =
            config::load(&file, &NoModels).and_then(|loaded| connectors(&loaded.config, &clock).map(drop));
        made.err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn what_cannot_be_used_is_named_before_anything_starts() {
        for (kind, expected) in [
            ("[gateways.haproxy]\nsocket = \"/run/haproxy.sock\"", ""),
            ("[gateways.haproxy]\nsocket = \"edge:9999\"", ""),
            (
                "[gateways.haproxy]\nsocket = \"haproxy.sock\"",
                "gateways[0] (\"edge\") cannot be used: haproxy.socket: found",
            ),
            (
                "[gateways.nftables]\ntable = \"1; flush ruleset\"",
                "is no table's name",
            ),
            (
                "[gateways.redis]\nurl = \"redis://127.0.0.1\"\nprefix = \"a*\"",
                "a prefix of keys",
            ),
            (
                "[gateways.webhook]\nurl = \"https://h.example/\"\nsecret = \"short\"",
                "a webhook's secret",
            ),
            (
                "[gateways.webhook]\nurl = \"http://h.example/\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
                "without TLS",
            ),
            (
                "[gateways.cloudflare]\naccount = \"023e105f4ecef8ad9ca31a8372d0c353\"\ntoken = \"short\"\napi = \"http://c.example\"",
                "without TLS",
            ),
            (
                "[gateways.nginx_lua]\nlisten = \"0.0.0.0:8779\"",
                "an address of the loopback",
            ),
            (
                "[gateways.aws_wafv2]\nregion = \"eu-central-1\"\naccess_key_id = \"a-key\"",
                "go together",
            ),
            ("[gateways.kong]\nservice = \"../consumers\"", "a service's name"),
            (
                "[gateways.crowdsec]\nurl = \"http://127.0.0.1\"\npassword = \"short\"\nscenario = \"a b\"",
                "an origin or a scenario",
            ),
        ] {
            let found = problem(kind);
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{kind}: {found}"
            );
            assert!(!found.contains("short"), "a secret shows: {found}");
        }
    }
}
