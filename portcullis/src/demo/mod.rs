//! `portcullis demo`: an embedded broker, a simulated gateway with labelled clients, and the real service beside them.
//!
//! Nothing knows that it is a demo but this folder: the service reads its topic from Kafka and serves its API on a port,
//! the gateway's bouncer asks that API over HTTP, and what the table says of attacks comes from the simulation's labels.
//!
//! Modules stand in the order in which a request meets them.

mod broker;
mod gateway;

mod bouncer;
mod carried;
mod limiter;

mod screen;
mod settings;
mod summary;
mod tally;
mod watch;

use crate::service::{Count, Roles, Service, wall_clock};
use anyhow::Context as _;
use api::Secret;
use bouncer::Bouncer;
use broker::Broker;
use carried::Carried;
use domain::Timestamp;
use gateway::Gateway;
use screen::Screen;
use settings::Places;
use simulator::Simulation;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use storage::{NewApiKey, Role};
use tally::Tally;
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};
use watch::Watch;

/// Requests a second that the scenario's clients send.
pub(crate) const USUAL_RATE: u32 = 2_000;
/// How often figures are looked at and shown.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the service may take for what the gateway has sent, at the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

/// What a demo is told.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Where to listen, on the loopback.
    pub(crate) listen: SocketAddr,
    /// The folder of database and checkpoints; `None` for a temporary one.
    pub(crate) data: Option<PathBuf>,
    /// Ends after so long; `None` when somebody has to end it.
    pub(crate) length: Option<Duration>,
    /// Which people and attackers come.
    pub(crate) seed: u64,
    /// Requests a second, about.
    pub(crate) rate: u32,
}

/// How a demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its time was over.
    Done,
    /// Somebody ended it.
    Interrupted,
}

/// The signals that end a demo.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The parts of a running demo.
struct Demo {
    service: Service,
    gateway: Gateway,
    bouncer: tokio::task::JoinHandle<()>,
    watch: Watch,
    screen: Screen,
    /// Names of the keys that end with the demo.
    keys: Vec<String>,
    // Last: the broker outlives its clients, the folder what is kept in it.
    _broker: Broker,
    _folder: Folder,
}

/// Where things are kept.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn open(data: Option<&Path>) -> anyhow::Result<Self> {
        match data {
            Some(path) => Ok(Self::Kept(path.to_path_buf())),
            None => tempfile::Builder::new()
                .prefix("portcullis-demo-")
                .tempdir()
                .map(Self::Temporary)
                .context("could not make a temporary folder"),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// Plays until its time is over or somebody ends it.
///
/// # Errors
/// When a part cannot start, or gives up.
pub(crate) async fn play(options: &Options) -> anyhow::Result<Ending> {
    let mut signals = Signals::new()?;
    let began = Instant::now();
    let mut demo = Demo::start(options).await?;
    let ending = demo.run(options, began, &mut signals).await;
    tokio::select! {
        ended = demo.end(began) => ended?,
        // Whoever interrupts twice does not want to wait.
        () = signals.wait() => return Ok(Ending::Interrupted),
    }
    ending
}

impl Demo {
    async fn start(options: &Options) -> anyhow::Result<Self> {
        ensure_free(options.listen)?;
        let screen = Screen::new();
        screen.start_logging();
        let folder = Folder::open(options.data.as_deref())?;
        let start = wall_clock();
        // Each run has a broker of its own: under the last run's name a kept checkpoint would take its offsets for it.
        let topic = format!("access-log-{}", start.as_millis());
        let broker = Broker::start(&topic)?;
        let loaded = settings::load(&Places {
            broker: &broker.address(),
            topic: &topic,
            folder: folder.path(),
            listen: options.listen,
        })?;
        let service = Service::start(loaded, Roles::ALL).await?;
        let address = service.addresses().first().copied().unwrap_or(options.listen);
        let url = format!("http://{address}");
        let mut keys = Keys::new(&service, start);
        let admin_key = match service.first_key() {
            Some(key) => key.to_owned(),
            None => keys.add("demo-admin", Role::Admin, None).await?,
        };
        let gateway_key = keys
            .add("demo-gateway", Role::Bouncer, Some(settings::GATEWAY))
            .await?;
        let keys = keys.names;
        announce(&url, &admin_key)?;
        let carried = Arc::new(RwLock::new(Carried::default()));
        let bouncer = Bouncer::new(&url, gateway_key, Arc::clone(&carried))?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let figures = Arc::clone(service.figures());
        let gateway = Gateway::start(gateway::Parts {
            simulation: simulation(options, start)?,
            start,
            format: ingest::format::by_name("nginx_json").context("no such format: nginx_json")?,
            producer: broker.producer()?,
            topic,
            carried,
            tally: Arc::clone(&tally),
            lines_read: Box::new(move || figures.get(Count::Lines)),
        })?;
        Ok(Self {
            watch: Watch::new(&service, tally, url),
            bouncer: tokio::spawn(bouncer.follow()),
            service,
            gateway,
            screen,
            keys,
            _broker: broker,
            _folder: folder,
        })
    }

    /// Shows how things stand until the end.
    async fn run(
        &mut self,
        options: &Options,
        began: Instant,
        signals: &mut Signals,
    ) -> anyhow::Result<Ending> {
        loop {
            self.watch.look(&self.service).await;
            self.show(began);
            if options.length.is_some_and(|length| began.elapsed() >= length) {
                return Ok(Ending::Done);
            }
            // What made them give up is told when they are stopped.
            if self.service.has_failed() || self.gateway.is_over() {
                return Ok(Ending::Done);
            }
            tokio::select! {
                () = signals.wait() => return Ok(Ending::Interrupted),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn show(&mut self, began: Instant) {
        let tally = self.watch.tally();
        let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self
            .watch
            .snapshot(&self.service, self.gateway.lines_sent(), began.elapsed(), &tally);
        self.screen.show(&snapshot);
    }

    /// Ends the gateway first, lets the service read what is left, then ends the service and says what was done.
    async fn end(mut self, began: Instant) -> anyhow::Result<()> {
        self.screen.clear();
        self.screen.say("The gateway stops; the last lines are read …");
        let played = began.elapsed();
        let gateway = self.gateway;
        let sent = tokio::task::spawn_blocking(move || gateway.stop())
            .await
            .context("could not wait for the gateway's thread")?;
        if let Ok(sent) = &sent {
            drain(&self.service, *sent).await;
        }
        self.watch.look(&self.service).await;
        self.bouncer.abort();
        for name in &self.keys {
            if let Err(error) = self
                .service
                .store()
                .revoke_api_key(name, "demo", wall_clock())
                .await
            {
                tracing::warn!("could not revoke the demo's key {name}: {error}");
            }
        }
        let report = {
            let tally = self.watch.tally();
            let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = sent.as_ref().copied().unwrap_or_default();
            summary::report(&self.watch.snapshot(&self.service, sent, played, &tally))
        };
        self.service.stop().await?;
        let mut out = io::stdout().lock();
        out.write_all(report.as_bytes())
            .and_then(|()| out.flush())
            .context("could not write to standard output")?;
        sent.map(|_| ())
    }
}

/// Waits until the service has read what was sent.
async fn drain(service: &Service, sent: u64) {
    let began = Instant::now();
    while service.figures().get(Count::Lines) < sent && !service.has_failed() {
        if began.elapsed() > DRAIN_WITHIN {
            tracing::warn!("some of the gateway's last lines were not read");
            return;
        }
        tokio::time::sleep(LOOK_EVERY / 10).await;
    }
}

/// Refuses a port that is taken before anything starts: the service would name a setting that the demo does not have.
fn ensure_free(listen: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(listen)
        .map(drop)
        .with_context(|| format!("could not listen on {listen}; choose another address with --listen, as in --listen 127.0.0.1:8601"))
}

/// The simulation, with as many clients as the rate asks for.
fn simulation(options: &Options, start: Timestamp) -> anyhow::Result<Simulation> {
    let scenario = simulator::scenario("demo").context("no such scenario: demo")?;
    let scale = f64::from(options.rate) / f64::from(USUAL_RATE);
    Ok(Simulation::new(scenario, options.seed, start).with_scale(scale))
}

/// Tells people and scripts where the dashboard is and how to sign in. The key is shown once, and not in any log.
fn announce(url: &str, key: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "dashboard {url}\nkey {key}")
        .and_then(|()| out.flush())
        .context("could not write to standard output")
}

/// Makes keys that end with the demo.
struct Keys<'a> {
    service: &'a Service,
    start: Timestamp,
    names: Vec<String>,
}

impl<'a> Keys<'a> {
    fn new(service: &'a Service, start: Timestamp) -> Self {
        Self {
            service,
            start,
            names: Vec::new(),
        }
    }

    async fn add(&mut self, name: &str, role: Role, gateway: Option<&str>) -> anyhow::Result<String> {
        let secret = Secret::generate()?;
        let key = NewApiKey {
            // Names are never given twice, also not in a folder that was kept.
            name: format!("{name}-{}", self.start.as_millis()),
            hash: secret.hash(),
            role,
            gateway: gateway.map(str::to_owned),
            created_by: "demo".to_owned(),
        };
        self.service
            .store()
            .add_api_key(&key, self.start)
            .await
            .with_context(|| format!("could not make the key {}", key.name))?;
        self.names.push(key.name);
        Ok(secret.reveal().to_owned())
    }
}
