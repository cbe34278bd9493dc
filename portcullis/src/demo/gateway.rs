//! The simulated gateway: clients send in real time, what its list refuses is refused, and everything is logged to Kafka
//! as NGINX would.

use super::carried::Carried;
use super::limiter::Limiter;
use super::tally::Tally;
use anyhow::Context as _;
use domain::{Client, HashKey, Timestamp};
use ingest::Format;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use simulator::{SimulatedRequest, Simulation, Verdict};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines that may wait to be read. Past it the gateway stops until the reader has caught up: the embedded broker would
/// drop what it has no room for. Ten seconds of the usual rate.
pub(super) const BACKLOG_LINES_MAX: u64 = 20_000;
/// A request that is this late moves everything after it: a slow machine plays slower, not in bursts.
const LATE_MILLIS_MAX: i64 = 1_000;
/// Longest pause without a look at whether to stop.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the last lines may take to reach the broker.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// Routes are digested but never written to a log: any key does.
const ROUTE_KEY: HashKey = HashKey::new([0; 16]);

/// What the gateway works with.
pub(super) struct Parts {
    pub(super) simulation: Simulation,
    /// When the simulation begins, by its own clock and by the wall's.
    pub(super) start: Timestamp,
    pub(super) format: &'static dyn Format,
    pub(super) producer: BaseProducer,
    pub(super) topic: String,
    pub(super) carried: Arc<RwLock<Carried>>,
    pub(super) tally: Arc<Mutex<Tally>>,
    /// Lines that the service has read so far.
    pub(super) lines_read: Box<dyn Fn() -> u64 + Send>,
}

/// The running gateway.
pub(super) struct Gateway {
    thread: JoinHandle<anyhow::Result<()>>,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Gateway {
    /// Starts its thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(parts: Parts) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let work = Work {
            pace: Pace::new(parts.start),
            limiter: Limiter::default(),
            parts,
            stop: Arc::clone(&stop),
            sent: Arc::clone(&sent),
        };
        let thread = std::thread::Builder::new()
            .name("demo-gateway".to_owned())
            .spawn(move || work.run())
            .context("could not start the gateway's thread")?;
        Ok(Self { thread, stop, sent })
    }

    /// Lines that it has sent so far.
    pub(super) fn lines_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether it has ended by itself; [`Self::stop`] says why.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it, its last lines sent. Returns how many there were.
    ///
    /// # Errors
    /// What made it end before.
    pub(super) fn stop(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(result) => result.map(|()| self.sent.load(Ordering::Relaxed)),
            Err(_) => anyhow::bail!("the gateway's thread panicked"),
        }
    }
}

/// What the thread holds.
struct Work {
    parts: Parts,
    pace: Pace,
    limiter: Limiter,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Work {
    fn run(mut self) -> anyhow::Result<()> {
        let mut line = Vec::new();
        while !self.is_stopping() {
            self.wait_for_reader();
            let Some((request, at)) = self.next() else { break };
            if self.is_stopping() {
                break;
            }
            self.note(&request, at);
            line.clear();
            let mut record = request.record(&ROUTE_KEY);
            record.at = at;
            self.parts.format.render(&record, &mut line);
            self.publish(&Client::from_address(request.address), &line)?;
        }
        self.parts
            .producer
            .flush(FLUSH_WITHIN)
            .context("could not send the gateway's last lines")
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The next request, answered when its time has come, and that time.
    fn next(&mut self) -> Option<(SimulatedRequest, Timestamp)> {
        let (pace, limiter) = (&mut self.pace, &mut self.limiter);
        let (carried, stop) = (&self.parts.carried, &self.stop);
        let mut at = self.parts.start;
        let request = self.parts.simulation.next_with(|attempt| {
            at = pace.wait(attempt.at, stop);
            let carried = carried.read().unwrap_or_else(PoisonError::into_inner);
            match carried.verdict(attempt.address, at) {
                Verdict::Throttle if limiter.passes(Client::from_address(attempt.address), at) => {
                    Verdict::Pass
                }
                verdict => verdict,
            }
        })?;
        Some((request, at))
    }

    fn note(&self, request: &SimulatedRequest, at: Timestamp) {
        let simulation = &self.parts.simulation;
        let (Some(label), Some(behaviour)) = (
            simulation.label(request.client),
            simulation.behaviour_name(request.client),
        ) else {
            return;
        };
        let verdict = match (request.is_stopped, request.status()) {
            (false, _) => Verdict::Pass,
            (true, 403) => Verdict::Deny,
            (true, _) => Verdict::Throttle,
        };
        let mut tally = self.parts.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.note_request(&super::tally::Sighting {
            at,
            client: Client::from_address(request.address),
            label,
            behaviour,
            is_attack: request.is_attack(),
            verdict,
        });
    }

    /// Sends a line. The client's address is the message's key: one client's lines keep their order.
    fn publish(&self, client: &Client, line: &[u8]) -> anyhow::Result<()> {
        let key = client.to_string();
        let mut record = BaseRecord::to(&self.parts.topic).key(&key).payload(line);
        loop {
            match self.parts.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if !self.is_stopping() =>
                {
                    record = back;
                    self.parts.producer.poll(PAUSE);
                }
                Err((error, _)) => return Err(error).context("could not publish the gateway's log"),
            }
        }
        self.parts.producer.poll(Duration::ZERO);
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Waits while too many lines are unread.
    fn wait_for_reader(&self) {
        let sent = self.sent.load(Ordering::Relaxed);
        while sent.saturating_sub((self.parts.lines_read)()) > BACKLOG_LINES_MAX && !self.is_stopping() {
            self.parts.producer.poll(PAUSE);
        }
    }
}

/// Holds simulated time against the clock.
struct Pace {
    start: Timestamp,
    began: Instant,
    /// By how much everything has moved because the machine or the reader was too slow.
    moved_millis: i64,
}

impl Pace {
    fn new(start: Timestamp) -> Self {
        Self {
            start,
            began: Instant::now(),
            moved_millis: 0,
        }
    }

    /// Waits until a simulated moment has come; returns it in real time.
    fn wait(&mut self, at: Timestamp, stop: &AtomicBool) -> Timestamp {
        let mut wait_millis = self.millis_until(at);
        if wait_millis < -LATE_MILLIS_MAX {
            self.moved_millis -= wait_millis;
        }
        while wait_millis > 0 && !stop.load(Ordering::Relaxed) {
            let pause = Duration::from_millis(wait_millis.unsigned_abs());
            std::thread::sleep(pause.min(PAUSE));
            wait_millis = self.millis_until(at);
        }
        at.plus_millis(self.moved_millis)
    }

    fn millis_until(&self, at: Timestamp) -> i64 {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        at.millis_since(self.start) + self.moved_millis - elapsed
    }
}
