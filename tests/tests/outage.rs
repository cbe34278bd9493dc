//! Something that the program needs is gone while it runs: the database, room on the disk, the broker. And a configuration
//! that changes under it.

use anyhow::{Context as _, Result, ensure};
use domain::Timestamp;
use portcullis_tests::component::{Kafka, Portcullis, Postgres, Setup, ask, http_client};
use portcullis_tests::stream::{Line, Publisher, ago, benign, merged, password_guesser, scanner};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Harmless requests, spread over the hour.
const BENIGN_REQUESTS: usize = 4_000;
/// Comes while all is well.
const FIRST: &str = "203.0.113.10";
const FIRST_AFTER_SECS: i64 = 300;
/// Comes while something is gone.
const SECOND: &str = "192.0.2.11";
const SECOND_AFTER_SECS: i64 = 1500;
/// Guesses passwords all the time; it takes a quarter of an hour to be sure of him.
const SLOW: &str = "198.51.100.66";
const SLOW_AFTER_SECS: i64 = 900;
/// Harms nobody.
const HARMLESS: &str = "198.51.100.7";
/// Seconds of the traffic that are written before something goes, and the seconds at which it comes back.
const GONE_AFTER_SECS: i64 = 1200;
const BACK_AFTER_SECS: i64 = 1800;
/// How long a broker is frozen that answers nobody and closes no connection: longer than brokers wait for a member.
const FROZEN: Duration = Duration::from_secs(60);
/// With how many guesses of passwords it is sure of him, and not one of them too many.
const GUESSES_UNTIL_SURE: u64 = 16;

#[test]
fn with_the_database_gone_reading_waits_answers_go_on_and_nothing_is_lost() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut postgres = Postgres::start()?;
    let setup = Setup::new().database(&postgres.create_database("gone")?);
    let mut stage = Stage::start(kafka, "database-gone", setup)?;
    stage.begin(kafka)?;
    postgres.crash()?;
    stage.endure(kafka)?;
    stage
        .portcullis
        .wait_until("its health named the blocklist", |portcullis| {
            Ok(portcullis.health_part("blocklist")?["is_ok"] == false)
        })?;
    postgres.start_again()?;
    stage.recover(kafka)
}

#[test]
fn stopped_while_the_database_is_gone_it_takes_nothing_for_said() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut postgres = Postgres::start()?;
    let setup = Setup::new().database(&postgres.create_database("stopped")?);
    let mut stage = Stage::start(kafka, "stopped-without-database", setup)?;
    stage.begin(kafka)?;
    postgres.crash()?;
    stage.endure(kafka)?;
    stage.portcullis.stop()?;
    postgres.start_again()?;
    stage.portcullis.start_again()?;
    stage.recover(kafka)
}

#[test]
fn with_the_disk_full_reading_waits_answers_go_on_and_nothing_is_lost() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut stage = Stage::start(kafka, "disk-full", Setup::new())?;
    stage.begin(kafka)?;
    // Database, checkpoints and the program's own log: no file grows any more.
    stage.portcullis.limit_file_bytes(Some(1))?;
    stage.endure(kafka)?;
    stage.portcullis.limit_file_bytes(None)?;
    stage.recover(kafka)
}

#[test]
fn with_the_broker_gone_answers_go_on_and_reading_does_when_it_is_back() -> Result<()> {
    let mut kafka = Kafka::start()?;
    let mut stage = Stage::start(&kafka, "broker-gone", Setup::new())?;
    stage.begin(&kafka)?;
    kafka.crash()?;
    stage.wait_for_reading(false)?;
    stage.check_answers()?;
    kafka.start_again()?;
    stage.recover(&kafka)
}

#[test]
fn with_the_broker_frozen_for_a_minute_under_load_reading_goes_on_when_it_thaws() -> Result<()> {
    let kafka = Kafka::start()?;
    let mut stage = Stage::start(&kafka, "broker-frozen", Setup::new())?;
    stage.begin(&kafka)?;
    let frozen_at = Instant::now();
    kafka.signal("STOP")?;
    let frozen_for = |time: Duration| {
        stage
            .portcullis
            .wait_until("the broker had been frozen for a while", |_| {
                Ok(frozen_at.elapsed() > time)
            })
    };
    std::thread::scope(|scope| {
        // What gateways send meanwhile waits with their shipper.
        frozen_for(FROZEN / 2)?;
        let writer = scope.spawn(|| {
            let waiting = &stage.lines[stage.written..];
            Publisher::new(&kafka)?.lines(&stage.topic, 0..1, waiting)
        });
        frozen_for(FROZEN)?;
        stage.check_answers()?;
        kafka.signal("CONT")?;
        writer
            .join()
            .map_err(|_| anyhow::anyhow!("the writer panicked"))?
    })?;
    stage.written = stage.lines.len();
    stage.recover(&kafka)
}

#[test]
fn a_changed_configuration_takes_effect_and_forgets_no_window() -> Result<()> {
    let kafka = Kafka::shared()?;
    let in_mode = |mode: &str| Setup::new().with("policy", &format!("mode = \"{mode}\""));
    let mut stage = Stage::start(kafka, "reloaded", in_mode("shadow"))?;
    stage.write_until(kafka, GONE_AFTER_SECS)?;
    stage.wait_for_block(FIRST, "shadow")?;
    ensure!(
        stage.check(FIRST)? == 200,
        "the shadow of a block was carried out"
    );

    stage.reload(kafka, in_mode("enforced"), "policy.mode")?;
    // It takes effect with the next lines that are read together: not all the rest are to be those.
    stage.write_until(kafka, SECOND_AFTER_SECS - 60)?;
    stage.wait_until_durable(kafka)?;
    stage.write_until(kafka, i64::MAX)?;
    stage.wait_for_block(SECOND, "enforced")?;
    stage.wait_for_block(SLOW, "enforced")?;
    stage.wait_for_check(SLOW, 403)?;
    let alerts = stage.portcullis.alerts()?;
    let about_slow = alerts.iter().find(|alert| alert["client"]["value"] == SLOW);
    let requests = about_slow.and_then(|alert| alert["requests_before_action"].as_u64());
    ensure!(
        requests.is_some_and(|requests| requests <= GUESSES_UNTIL_SURE),
        "the guesses before the reload were forgotten: {about_slow:?}"
    );

    let entry = format!("scope = \"ip\"\nvalue = \"{SLOW}\"\nreason = \"our own test of passwords\"");
    let allowing = in_mode("enforced").with("[allowlist]", &entry);
    stage.reload(kafka, allowing, "allowlist[0].value")?;
    stage.wait_for_check(SLOW, 200)?;
    stage.wait_for_check(SECOND, 403)?;
    let allowed = stage.portcullis.list("/api/v1/allowlist")?;
    ensure!(allowed.len() == 1, "the allowlist is shown as {allowed:?}");
    Ok(())
}

/// The program over one topic, and traffic that is written piece by piece.
struct Stage {
    portcullis: Portcullis,
    bouncer_key: String,
    topic: String,
    start: Timestamp,
    lines: Vec<Line>,
    written: usize,
}

impl Stage {
    fn start(kafka: &Kafka, topic: &str, setup: Setup) -> Result<Self> {
        kafka.create_topic(topic, 1)?;
        // An hour that is over: no line comes from the future, and blocks have hours to go.
        let start = ago(4000);
        let lines = merged([
            benign(7, start, BENIGN_REQUESTS)?,
            scanner(FIRST, start.plus_secs(FIRST_AFTER_SECS), 24),
            scanner(SECOND, start.plus_secs(SECOND_AFTER_SECS), 24),
            password_guesser(SLOW, start.plus_secs(SLOW_AFTER_SECS), 30),
        ]);
        let portcullis = Portcullis::start(&complete(kafka, topic, setup)?)?;
        Ok(Self {
            bouncer_key: portcullis.key("bouncer")?,
            portcullis,
            topic: topic.to_owned(),
            start,
            lines,
            written: 0,
        })
    }

    /// All is well: an attacker is blocked, and everything so far is durable.
    fn begin(&mut self, kafka: &Kafka) -> Result<()> {
        self.write_until(kafka, GONE_AFTER_SECS)?;
        self.wait_for_check(FIRST, 403)?;
        self.wait_until_durable(kafka)?;
        self.check_answers()
    }

    /// Something is gone: nothing is read any more, and nothing taken for done.
    fn endure(&mut self, kafka: &Kafka) -> Result<()> {
        self.write_until(kafka, SECOND_AFTER_SECS + 60)?;
        self.wait_for_reading(false)?;
        let before = self.progress(kafka)?;
        let undecided = self.lines.iter().rposition(|line| line.address == SECOND);
        ensure!(
            undecided.is_some_and(|last| before.durable <= last as u64),
            "{before:?}, although no decision could be stored"
        );
        let known = self.written;
        self.write_until(kafka, BACK_AFTER_SECS)?;
        let new = (self.written - known) as f64;
        self.portcullis.wait_until("lines piled up", |portcullis| {
            Ok(portcullis.metrics("kafka_lag_messages")? >= new)
        })?;
        let after = self.progress(kafka)?;
        ensure!(after == before, "reading went on: from {before:?} to {after:?}");
        self.wait_for_reading(false)?;
        self.check_answers()
    }

    /// All is well again: reading goes on by itself, and what happened meanwhile is decided and counted once.
    fn recover(&mut self, kafka: &Kafka) -> Result<()> {
        self.write_until(kafka, i64::MAX)?;
        self.wait_for_block(SECOND, "enforced")?;
        self.wait_for_block(SLOW, "enforced")?;
        self.wait_until_durable(kafka)?;
        self.wait_for_reading(true)?;
        self.wait_for_check(SECOND, 403)?;
        self.check_answers()?;
        let (from, to) = (self.start.plus_secs(-3600), self.start.plus_secs(3 * 3600));
        let path = format!("/api/v1/overview?from={from}&to={to}");
        self.portcullis
            .wait_until("every request was counted", |portcullis| {
                let counted = portcullis.get(&path)?["figures"]["requests"].as_u64();
                let counted = counted.context("no figure of requests")?;
                let all = self.lines.len() as u64;
                ensure!(counted <= all, "{counted} of {all} requests were counted");
                Ok(counted == all)
            })
    }

    /// Writes the lines up to a second of the traffic.
    fn write_until(&mut self, kafka: &Kafka, secs: i64) -> Result<()> {
        let end = self
            .lines
            .partition_point(|line| line.at.millis_since(self.start) / 1000 < secs);
        let lines = &self.lines[self.written..end];
        self.written = end;
        Publisher::new(kafka)?.lines(&self.topic, 0..1, lines)
    }

    /// Replaces the configuration while the program runs, and waits until it says that this setting changed.
    fn reload(&self, kafka: &Kafka, setup: Setup, changed: &str) -> Result<()> {
        self.portcullis.configure(&complete(kafka, &self.topic, setup)?)?;
        self.portcullis.signal("HUP")?;
        let sign = format!("changed: {changed}");
        self.portcullis
            .wait_until("it had read its configuration again", |portcullis| {
                Ok(portcullis.log().contains(&sign))
            })
    }

    fn progress(&self, kafka: &Kafka) -> Result<Progress> {
        Ok(Progress {
            read: self.portcullis.metrics("lines_total")? as u64,
            durable: kafka.committed(&self.topic, &self.topic, 1)?,
        })
    }

    fn wait_until_durable(&self, kafka: &Kafka) -> Result<()> {
        self.portcullis.wait_until("a checkpoint held every line", |_| {
            Ok(self.progress(kafka)?.durable == self.written as u64)
        })
    }

    /// Waits until its health says that it reads, or that it does not.
    fn wait_for_reading(&self, is_ok: bool) -> Result<()> {
        let what = if is_ok { "it read" } else { "it did not read" };
        self.portcullis
            .wait_until(&format!("its health said that {what}"), |portcullis| {
                Ok(portcullis.health_part("reading")?["is_ok"] == is_ok)
            })
    }

    /// Waits for the one block of an address.
    fn wait_for_block(&self, address: &str, mode: &str) -> Result<()> {
        let blocks = |portcullis: &Portcullis| -> Result<usize> {
            let decisions = portcullis.decisions()?;
            let about = |decision: &&Value| decision["value"] == address && decision["action"] == "block";
            Ok(decisions
                .iter()
                .filter(about)
                .filter(|found| found["mode"] == mode)
                .count())
        };
        self.portcullis
            .wait_until(&format!("it had blocked {address}"), |portcullis| {
                Ok(blocks(portcullis)? > 0)
            })?;
        let count = blocks(&self.portcullis)?;
        ensure!(count == 1, "{address} is blocked {count} times");
        Ok(())
    }

    fn wait_for_check(&self, address: &str, status: u16) -> Result<()> {
        self.portcullis
            .wait_until(&format!("/check answered {status} about {address}"), |_| {
                Ok(self.check(address)? == status)
            })
    }

    /// What a gateway is answered about an address.
    fn check(&self, address: &str) -> Result<u16> {
        let question = http_client()?.get(self.portcullis.url("/check"));
        Ok(ask(question.header("x-forwarded-for", address))?.status)
    }

    /// What gateways and bouncers are answered does not depend on what is gone.
    fn check_answers(&self) -> Result<()> {
        ensure!(self.check(FIRST)? == 403, "{FIRST} passes");
        ensure!(self.check(HARMLESS)? == 200, "{HARMLESS} does not pass");
        let about = |address: &str| {
            let question = http_client()?.get(self.portcullis.url(&format!("/v1/decisions?ip={address}")));
            ask(question.header("x-api-key", &self.bouncer_key))?.json()
        };
        let first = about(FIRST)?;
        ensure!(first[0]["type"] == "ban", "bouncers hear {first} about {FIRST}");
        let harmless = about(HARMLESS)?;
        ensure!(harmless.is_null(), "bouncers hear {harmless} about {HARMLESS}");
        Ok(())
    }
}

/// How far reading is.
#[derive(Debug, PartialEq, Eq)]
struct Progress {
    /// Lines that the program has read since it was started.
    read: u64,
    /// Lines that it need not read again.
    durable: u64,
}

/// The rest of the configuration: one topic, and a gateway on this machine.
fn complete(kafka: &Kafka, topic: &str, setup: Setup) -> Result<Setup> {
    let setup = setup.with("clients", "trusted_proxies = [\"127.0.0.1\"]");
    Ok(setup.kafka(&kafka.bootstrap()?, topic, &[topic]))
}
