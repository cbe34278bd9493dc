//! `effect [RUNS]`: how soon a decision holds at real gateways, from when the order is sent to the first request that is refused, and from
//! when it is lifted to the first that is served again. Prints median and worst in milliseconds, and fails past the limit of a kind.
//!
//! Requests are sent one after the other, each over a connection of its own, so that what is measured is rounded up by one of them.

#![allow(clippy::print_stdout, reason = "this is a program, and that is its output")]

use anyhow::{Context as _, Result, bail, ensure};
use portcullis_tests::component::{AskingCaddy, AskingEnvoy, CustomBouncer, Portcullis, Setup, ToldGateway};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Whom a run is about. Each has his own: Debian's bouncer carries nothing out that it has carried out within ten seconds.
fn attacker(run: u32) -> String {
    format!("127.0.1.{}", 1 + run % 254)
}

/// A gateway that is told, or that asks each time, holds it within a second.
const TOLD_MAX: Duration = Duration::from_secs(1);

/// NGINX, which is reloaded once a second at most, within that and a second.
const RELOADED_MAX: Duration = Duration::from_secs(2);

/// One that asks for news each second holds it within its pause and a second.
const POLLED_MAX: Duration = Duration::from_secs(2);

/// Longest wait for anything: what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether an address is refused at the gateway.
type Refuses = Box<dyn Fn(&str) -> Result<bool>>;

/// A gateway that carries out what this Portcullis decides.
struct Point {
    portcullis: Portcullis,
    refuses: Refuses,
}

/// A kind of gateways.
struct Kind {
    name: &'static str,
    most: Duration,
    start: fn() -> Result<Point>,
}

impl Kind {
    const fn new(name: &'static str, most: Duration, start: fn() -> Result<Point>) -> Self {
        Self { name, most, start }
    }
}

const KINDS: &[Kind] = &[
    Kind::new("nginx", RELOADED_MAX, nginx),
    Kind::new("nginx_lua", TOLD_MAX, || told(ToldGateway::nginx_lua()?, "")),
    Kind::new("haproxy", TOLD_MAX, || told(ToldGateway::haproxy()?, "")),
    Kind::new("envoy", TOLD_MAX, || told(ToldGateway::envoy()?, "")),
    Kind::new("caddy", TOLD_MAX, || told(ToldGateway::caddy()?, "")),
    Kind::new("nftables", TOLD_MAX, || told(ToldGateway::nftables()?, "")),
    Kind::new("redis", TOLD_MAX, || told(ToldGateway::redis()?, "")),
    Kind::new("webhook", TOLD_MAX, || told(ToldGateway::webhook()?, "")),
    Kind::new("crowdsec", TOLD_MAX, || told(ToldGateway::crowdsec()?, "")),
    Kind::new("envoy asks", TOLD_MAX, envoy_asks),
    Kind::new("caddy asks", TOLD_MAX, caddy_asks),
    Kind::new("custom bouncer", POLLED_MAX, custom_bouncer),
];

/// Gateways that ask stand before it and say who the client is.
fn setup() -> Setup {
    Setup::new().with(
        "clients",
        "private_clients = true\ntrusted_proxies = [\"127.0.0.1\"]",
    )
}

/// NGINX, reloaded once a second at most.
fn nginx() -> Result<Point> {
    told(ToldGateway::nginx()?, "change_secs = 1")
}

/// A gateway that is told.
fn told(gateway: ToldGateway, lines: &str) -> Result<Point> {
    let portcullis = Portcullis::start(&setup().gateway("edge", lines, gateway.settings()))?;
    portcullis.wait_until("the gateway was told", |portcullis| {
        let gateways = portcullis.list("/api/v1/gateways")?;
        Ok(gateways.iter().all(|gateway| gateway["state"] == "equal"))
    })?;
    Ok(Point {
        portcullis,
        refuses: Box::new(move |who| Ok(gateway.status_for(who)? == 403)),
    })
}

fn port_of(portcullis: &Portcullis) -> Result<u16> {
    let authority = portcullis.authority();
    let (_, port) = authority.rsplit_once(':').context("no port")?;
    Ok(port.parse()?)
}

fn envoy_asks() -> Result<Point> {
    let portcullis = Portcullis::start(&setup())?;
    let envoy = AskingEnvoy::start(port_of(&portcullis)?, true)?;
    Ok(Point {
        portcullis,
        refuses: Box::new(move |who| Ok(envoy.ask_as(who, &[])?.status == 403)),
    })
}

fn caddy_asks() -> Result<Point> {
    let portcullis = Portcullis::start(&setup())?;
    let caddy = AskingCaddy::start(port_of(&portcullis)?)?;
    Ok(Point {
        portcullis,
        refuses: Box::new(move |who| Ok(caddy.ask_as(who, &[])?.status == 403)),
    })
}

/// Debian's, which asks each second and is to act on whatever it was told last.
fn custom_bouncer() -> Result<Point> {
    let portcullis = Portcullis::start(&setup())?;
    let bouncer = CustomBouncer::start(&portcullis, &portcullis.key("bouncer")?)?;
    Ok(Point {
        portcullis,
        refuses: Box::new(move |who| {
            let calls = bouncer.calls();
            let about = format!(" {who} ");
            let last = calls.iter().rfind(|call| call.contains(&about));
            Ok(last.is_some_and(|call| call.starts_with("add ")))
        }),
    })
}

impl Point {
    /// Gives an order and waits until it holds.
    fn wait_for(&self, who: &str, is_refused: bool) -> Result<Duration> {
        let began = Instant::now();
        if is_refused {
            self.portcullis.block(who)?;
        } else {
            self.portcullis.lift(who)?;
        }
        loop {
            // Caddy resets connections while it takes its configuration up: a request without an answer tells nothing.
            let seen = (self.refuses)(who);
            if matches!(seen, Ok(seen) if seen == is_refused) {
                return Ok(began.elapsed());
            }
            if began.elapsed() >= PATIENCE {
                seen?;
                bail!("nothing came of it");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Measures one kind; whether it kept its limit.
fn measure(kind: &Kind, runs: u32) -> Result<bool> {
    let point = (kind.start)().with_context(|| format!("could not start {}", kind.name))?;
    let (mut blocked, mut lifted) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let who = attacker(run);
        blocked.push(point.wait_for(&who, true)?);
        // Now within the second of a reload, now past it.
        std::thread::sleep(Duration::from_millis(u64::from(run % 4) * 400));
        lifted.push(point.wait_for(&who, false)?);
        std::thread::sleep(Duration::from_millis(u64::from(run % 3) * 600));
    }
    let told = |all: &mut Vec<Duration>| {
        all.sort_unstable();
        let worst = all.last().copied().unwrap_or_default();
        (all[all.len() / 2].as_millis(), worst)
    };
    let ((blocked, worst_blocked), (lifted, worst_lifted)) = (told(&mut blocked), told(&mut lifted));
    let is_kept = worst_blocked.max(worst_lifted) <= kind.most;
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>8} {:>8}{}",
        kind.name,
        blocked,
        worst_blocked.as_millis(),
        lifted,
        worst_lifted.as_millis(),
        kind.most.as_millis(),
        if is_kept { "" } else { "  too late" },
    );
    Ok(is_kept)
}

fn main() -> Result<ExitCode> {
    let runs: u32 = std::env::args().nth(1).map_or(Ok(9), |runs| runs.parse())?;
    ensure!(runs > 0, "usage: effect [RUNS]");
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>8} {:>8}   (milliseconds)",
        "", "blocked", "worst", "lifted", "worst", "at most"
    );
    let mut is_kept = true;
    for kind in KINDS {
        is_kept &= measure(kind, runs)?;
    }
    Ok(ExitCode::from(u8::from(!is_kept)))
}
