//! `pace http|grpc ADDRESS RATE SECONDS CLIENTS`: asks `/check` at a fixed rate, whether or not the answers come in time, and prints how
//! late they were as JSON.
//!
//! Each of a few connections has every eighth place in the schedule, and asks at its places: an answer that comes late delays the
//! questions after it, and they are counted from when they were due. `CLIENTS` is a file of addresses, asked about in turn.

#![allow(clippy::print_stdout, reason = "this is a program, and that is its output")]

mod grpc;
mod http;

use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Connections: as many as a gateway of a few worker processes holds.
const CONNECTIONS: u32 = 8;

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Passed,
    Refused,
}

/// A connection over which questions are asked, one after the other.
trait Asker {
    /// Asks about a client and waits for the answer.
    fn ask(&mut self, client: &str) -> Result<Answer>;
}

/// What one connection saw, in nanoseconds.
#[derive(Default)]
struct Seen {
    /// From when a question was due to its answer.
    since_due: Vec<u64>,
    /// From when it was sent.
    since_sent: Vec<u64>,
    refused: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [way, address, rate, seconds, file] = arguments.as_slice() else {
        bail!("usage: pace http|grpc ADDRESS RATE SECONDS CLIENTS");
    };
    let address: SocketAddr = address.parse().context("the address")?;
    let (rate, seconds): (u32, u32) = (rate.parse()?, seconds.parse()?);
    ensure!(rate > 0 && seconds > 0, "nothing to do");
    let text = std::fs::read_to_string(file).context("the file of clients")?;
    let clients: Vec<&str> = text.lines().collect();
    ensure!(!clients.is_empty(), "no clients in {file}");
    let count = u64::from(rate) * u64::from(seconds);
    let apart = Duration::from_secs(1) / rate;
    let start = Instant::now() + Duration::from_millis(200);
    let seen: Vec<Result<Seen>> = std::thread::scope(|scope| {
        let asking = (0..CONNECTIONS).map(|place| {
            let clients = &clients;
            scope.spawn(move || {
                let mut asker: Box<dyn Asker> = match way.as_str() {
                    "http" => Box::new(http::Http::connect(address)?),
                    "grpc" => Box::new(grpc::Grpc::connect(address)?),
                    other => bail!("no way {other}"),
                };
                follow(&mut *asker, clients, (start, apart), (u64::from(place), count))
            })
        });
        let threads: Vec<_> = asking.collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(seen) => seen,
            Err(_) => bail!("a connection's thread ended"),
        });
        joined.collect()
    });
    let mut all = Seen::default();
    for seen in seen {
        let seen = seen?;
        all.since_due.extend(seen.since_due);
        all.since_sent.extend(seen.since_sent);
        all.refused += seen.refused;
    }
    println!(
        "{}",
        serde_json::json!({
            "asked": all.since_due.len(),
            "refused": all.refused,
            "since_due": percentiles(&mut all.since_due),
            "since_sent": percentiles(&mut all.since_sent),
        })
    );
    Ok(())
}

/// Asks at every eighth place of the schedule.
fn follow(
    asker: &mut dyn Asker,
    clients: &[&str],
    (start, apart): (Instant, Duration),
    (first, count): (u64, u64),
) -> Result<Seen> {
    let mut seen = Seen::default();
    for place in (first..count).step_by(CONNECTIONS as usize) {
        let due = start + Duration::from_nanos(apart.as_nanos() as u64 * place);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        let answer = asker.ask(clients[place as usize % clients.len()])?;
        let answered = Instant::now();
        seen.since_due.push((answered - due).as_nanos() as u64);
        seen.since_sent.push((answered - sent).as_nanos() as u64);
        seen.refused += u64::from(answer == Answer::Refused);
    }
    Ok(seen)
}

/// In microseconds.
fn percentiles(nanos: &mut [u64]) -> serde_json::Value {
    nanos.sort_unstable();
    let at = |per_mille: usize| {
        let place = (nanos.len() * per_mille).div_ceil(1000).saturating_sub(1);
        nanos[place] as f64 / 1000.0
    };
    serde_json::json!({ "p50": at(500), "p99": at(990), "p99.9": at(999), "max": at(1000) })
}
