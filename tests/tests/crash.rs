//! Killed at any moment, the program goes on from its last checkpoint as if nothing had happened.

use anyhow::{Context as _, Result, ensure};
use domain::Timestamp;
use portcullis_tests::component::{Kafka, Portcullis, Setup};
use portcullis_tests::stream::{Line, Publisher, benign, merged, password_guesser, scanner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How often the program is killed in one run.
const KILLS: usize = 20;
/// What the moments of the kills and the traffic are drawn from.
const SEED: u64 = 20_260_105;
/// When the traffic begins: a Monday. The same in every run, so that every run is the same.
const START: Timestamp = Timestamp::from_secs(1_767_571_200);
/// Requests of harmless clients, spread over an hour.
const BENIGN_REQUESTS: usize = 12_000;
/// Attackers that are seen at once, each at another time.
const SCANNERS: [(&str, i64); 4] = [
    ("203.0.113.10", 400),
    ("203.0.113.11", 1200),
    ("203.0.113.12", 2000),
    ("203.0.113.13", 2800),
];
/// The attacker whose evidence comes in over many kills.
const SLOW: &str = "198.51.100.66";
/// Longest tick, in milliseconds of event time.
const TICK_MILLIS: i64 = 250;

#[test]
fn killed_twenty_times_on_one_partition_it_decides_what_an_undisturbed_run_does() -> Result<()> {
    let lines = traffic()?;
    let moments = moments(&lines);
    let calm = Run::start("undisturbed", 1, &lines)?.finish()?;
    let mut run = Run::start("killed", 1, &lines)?;
    run.go_through(&moments, Run::kill)?;
    let killed = run.finish()?;

    assert_eq!(killed.decisions, calm.decisions);
    assert_eq!(killed.alerts, calm.alerts);
    assert_eq!(killed.minutes, calm.minutes);
    let decided = killed.decision_about(SLOW)?;
    let spanned = moments
        .iter()
        .filter(|moment| {
            let at = lines[moment.written].at;
            first_of(&lines, SLOW).is_some_and(|first| first < at) && at.to_string() < decided
        })
        .count();
    ensure!(
        spanned >= 2,
        "the slow attacker was caught over {spanned} kills only"
    );
    println!(
        "one partition: {} lines, {KILLS} kills ({spanned} while the slow attacker's evidence came in), {} alerts, {} \
         decisions, at least {} records read again",
        lines.len(),
        killed.alerts.len(),
        killed.decisions.len(),
        killed.read - lines.len() as u64
    );
    Ok(())
}

#[test]
fn killed_twenty_times_on_four_partitions_it_skips_no_record_and_doubles_no_decision() -> Result<()> {
    let lines = traffic()?;
    let moments = moments(&lines);
    let mut run = Run::start("undisturbed-4", 4, &lines)?;
    run.go_through(&moments, Run::catch_up)?;
    let calm = run.finish()?;
    let mut run = Run::start("killed-4", 4, &lines)?;
    run.go_through(&moments, Run::kill)?;
    let killed = run.finish()?;

    // Partitions are read in any order, so that a decision may fall to a neighbouring request; but no request is
    // missing or counted twice, and nobody gets away.
    assert_eq!(killed.traffic(), calm.traffic());
    for (client, requests) in &killed.requests_before_action {
        let written = lines.iter().filter(|line| line.address == *client).count() as u64;
        ensure!(
            *requests <= written,
            "{client} sent {written} requests and was blocked after {requests}"
        );
    }
    let missed: Vec<_> = calm.targets().difference(&killed.targets()).cloned().collect();
    ensure!(missed.is_empty(), "nobody decided about {missed:?}");
    println!(
        "four partitions: {} lines, {KILLS} kills, {} alerts, {} decisions, at least {} records read again",
        lines.len(),
        killed.alerts.len(),
        killed.decisions.len(),
        killed.read - lines.len() as u64
    );
    Ok(())
}

/// An hour of harmless clients, fast attackers, and a slow one. It ends harmlessly, so that no attack is in its last tick.
fn traffic() -> Result<Vec<Line>> {
    let mut streams = vec![benign(SEED, START, BENIGN_REQUESTS)?];
    for (address, after) in SCANNERS {
        streams.push(scanner(address, START.plus_secs(after), 40));
    }
    streams.push(password_guesser(SLOW, START.plus_secs(1500), 30));
    let lines = merged(streams);
    let last = lines.last().context("there are no lines")?.at;
    ensure!(
        last > START.plus_secs(3000),
        "the harmless clients end at {last} already"
    );
    Ok(lines)
}

/// When the program is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Lines written before.
    written: usize,
    /// How far it has got since it was started.
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Wherever it is: lines were written and perhaps not one of them was read.
    Any,
    /// It has read so many lines.
    Lines(u64),
    /// It has written a checkpoint.
    Checkpoint,
}

/// Draws the moments: each in a twentieth of its own, between two ticks. A reader that finds nothing more in the
/// middle of a tick says what it has, and may say it with fewer lines than the whole tick has.
fn moments(lines: &[Line]) -> Vec<Moment> {
    let is_between_ticks = |at: &usize| lines[*at].at.millis_since(lines[*at - 1].at) >= TICK_MILLIS;
    let mut state = SEED;
    let mut written_before = 0;
    let mut moments = Vec::with_capacity(KILLS);
    for number in 0..KILLS {
        let from = (lines.len() - 1) * number / KILLS;
        let drawn = from + draw(&mut state, lines.len() / KILLS);
        let written = (drawn.max(1)..lines.len()).find(is_between_ticks);
        let written = written.unwrap_or(lines.len() - 1);
        let new = written - written_before;
        let progress = match number % 3 {
            0 => Progress::Lines(draw(&mut state, new) as u64),
            1 => Progress::Any,
            _ => Progress::Checkpoint,
        };
        written_before = written;
        moments.push(Moment { written, progress });
    }
    moments
}

/// A number below `end`, by splitmix64 (Steele, Lea, Flood, 2014).
fn draw(state: &mut u64, end: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as usize % end.max(1)
}

fn first_of(lines: &[Line], address: &str) -> Option<Timestamp> {
    lines
        .iter()
        .find(|line| line.address == address)
        .map(|line| line.at)
}

/// The program over one topic.
struct Run<'a> {
    kafka: &'a Kafka,
    publisher: Publisher,
    portcullis: Portcullis,
    topic: String,
    partitions: i32,
    lines: &'a [Line],
    written: usize,
    /// Lines read by the processes that are gone, as they said just before.
    read: u64,
}

impl<'a> Run<'a> {
    fn start(topic: &str, partitions: i32, lines: &'a [Line]) -> Result<Self> {
        let kafka = Kafka::shared()?;
        kafka.create_topic(topic, partitions)?;
        let setup = Setup::new().kafka(&kafka.bootstrap()?, topic, &[topic]);
        Ok(Self {
            kafka,
            publisher: Publisher::new(kafka)?,
            portcullis: Portcullis::start(&setup)?,
            topic: topic.to_owned(),
            partitions,
            lines,
            written: 0,
            read: 0,
        })
    }

    /// Writes up to each moment and does at each what is asked for.
    fn go_through(
        &mut self,
        moments: &[Moment],
        act: impl Fn(&mut Self, Progress) -> Result<()>,
    ) -> Result<()> {
        for moment in moments {
            self.write(moment.written)?;
            act(self, moment.progress).with_context(|| format!("at {moment:?}"))?;
        }
        Ok(())
    }

    fn write(&mut self, end: usize) -> Result<()> {
        let lines = &self.lines[self.written..end];
        self.publisher.lines(&self.topic, 0..self.partitions, lines)?;
        self.written = end;
        Ok(())
    }

    /// Kills the program when it has got so far, and starts it again.
    fn kill(&mut self, progress: Progress) -> Result<()> {
        let portcullis = &self.portcullis;
        match progress {
            Progress::Any => {}
            Progress::Lines(count) => portcullis.wait_until("it had read the lines", |portcullis| {
                Ok(portcullis.metrics("lines_total")? >= count as f64)
            })?,
            Progress::Checkpoint => portcullis.wait_until("it had written a checkpoint", |portcullis| {
                Ok(portcullis.metrics("checkpoints_total")? >= 1.0)
            })?,
        }
        self.read += portcullis.metrics("lines_total")? as u64;
        self.portcullis.kill()?;
        self.portcullis.start_again()
    }

    /// Waits until everything that was written was read, without disturbing anybody.
    fn catch_up(&mut self, _: Progress) -> Result<()> {
        let written = self.written as f64;
        self.portcullis
            .wait_until("it had read every line", |portcullis| {
                Ok(portcullis.metrics("lines_total")? >= written)
            })
    }

    /// Writes what is left, waits until a checkpoint holds all of it, and asks what came of it.
    fn finish(mut self) -> Result<Outcome> {
        self.write(self.lines.len())?;
        let all = self.lines.len() as u64;
        self.portcullis
            .wait_until("its checkpoint held every line", |_| {
                Ok(self.kafka.committed(&self.topic, &self.topic, self.partitions)? == all)
            })?;
        // Figures are written once a second.
        self.portcullis
            .wait_until("every request was counted", |portcullis| {
                let counted: u64 = minutes(portcullis)?.values().map(|minute| minute.requests).sum();
                ensure!(counted <= all, "{counted} of {all} requests were counted");
                Ok(counted == all)
            })?;
        let outcome = Outcome::of(&self.portcullis, self.read)?;
        self.portcullis.stop()?;
        let kept = std::fs::read_dir(self.portcullis.folder().join("checkpoints/detect"))?.count();
        ensure!(kept <= 2, "{kept} files of checkpoints are left");
        Ok(outcome)
    }
}

/// What was counted in one minute of the traffic.
#[derive(Debug, PartialEq, Eq)]
struct Minute {
    requests: u64,
    clients: u64,
    alerts: u64,
    blocks: u64,
    stopped: u64,
}

fn minutes(portcullis: &Portcullis) -> Result<BTreeMap<String, Minute>> {
    let (from, to) = (START.plus_secs(-3600), START.plus_secs(3 * 3600));
    let overview = portcullis.get(&format!("/api/v1/overview?from={from}&to={to}"))?;
    ensure!(overview["step_secs"] == 60, "a point is no minute: {overview}");
    let points = overview["points"].as_array().context("no points")?;
    let minute = |point: &Value| {
        let count = |name: &str| point[name].as_u64().with_context(|| format!("no {name}"));
        let at = point["at"].as_str().context("no moment")?.to_owned();
        let counted = Minute {
            requests: count("requests")?,
            clients: count("clients")?,
            alerts: count("alerts")?,
            blocks: count("blocks")?,
            stopped: count("stopped")?,
        };
        Ok((at, counted))
    };
    points.iter().map(minute).collect()
}

/// What came of a run.
struct Outcome {
    /// By id, without what depends on the wall clock and on the order of storing.
    decisions: BTreeMap<String, Value>,
    alerts: BTreeSet<String>,
    requests_before_action: BTreeMap<String, u64>,
    minutes: BTreeMap<String, Minute>,
    read: u64,
}

impl Outcome {
    fn of(portcullis: &Portcullis, read_before: u64) -> Result<Self> {
        let mut decisions = BTreeMap::new();
        for mut decision in portcullis.decisions()? {
            for of_the_storing in ["seq", "created_at", "expires_at"] {
                decision[of_the_storing] = Value::Null;
            }
            let id = decision["id"]
                .as_str()
                .context("a decision without id")?
                .to_owned();
            let earlier = decisions.insert(id, decision);
            ensure!(earlier.is_none(), "a decision is there twice: {earlier:?}");
        }
        let mut alerts = BTreeSet::new();
        let mut requests_before_action = BTreeMap::new();
        for alert in portcullis.alerts()? {
            let id = alert["id"].as_str().context("an alert without id")?.to_owned();
            ensure!(alerts.insert(id), "an alert is there twice: {alert}");
            let client = alert["client"]["value"]
                .as_str()
                .filter(|_| alert["client"]["scope"] == "ip");
            if let (Some(client), Some(requests)) = (client, alert["requests_before_action"].as_u64()) {
                requests_before_action.insert(client.to_owned(), requests);
            }
        }
        Ok(Self {
            decisions,
            alerts,
            requests_before_action,
            minutes: minutes(portcullis)?,
            read: read_before + portcullis.metrics("lines_total")? as u64,
        })
    }

    /// Requests and clients of each minute.
    fn traffic(&self) -> BTreeMap<&String, (u64, u64)> {
        let counted = |minute: &Minute| (minute.requests, minute.clients);
        self.minutes
            .iter()
            .map(|(at, minute)| (at, counted(minute)))
            .collect()
    }

    /// Whom decisions are about, and what they are to do.
    fn targets(&self) -> BTreeSet<String> {
        let target = |decision: &Value| json!([decision["ref"], decision["action"]]).to_string();
        self.decisions.values().map(target).collect()
    }

    /// Event time of the strongest decision about an address.
    fn decision_about(&self, address: &str) -> Result<String> {
        let mut about = self
            .decisions
            .values()
            .filter(|decision| decision["value"] == address);
        let found = about
            .find(|decision| decision["action"] == "block")
            .with_context(|| format!("{address} was never blocked"))?;
        let at = found["event_at"]
            .as_str()
            .context("a decision without its moment")?;
        Ok(at.to_owned())
    }
}
