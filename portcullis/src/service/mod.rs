//! The service: every role in one process, from the configuration to the last checkpoint.
//!
//! Whatever can fail is made before anything starts. Roles meet at the store and at the blocklist in memory only.

mod alarm_board;
mod crawlers;
mod detect;
mod door_figures;
mod effect_figures;
mod enforce;
mod enforce_apis;
mod figures;
mod file_watch;
mod follow;
mod listeners;
mod page;
mod push;
mod reload;
mod settings;
mod spools;
mod stdin;
mod syslog;
mod topics;
mod watch;
mod withdraw;

pub(crate) use enforce::connector;
pub(crate) use enforce::connectors;
pub(crate) use figures::{Count, Figures};
pub(crate) use file_watch::FileWatch;
pub(crate) use reload::reload;
pub(crate) use settings::detector as detector_settings;

use crate::alarm::outlet::Outlets;
use crate::challenger::Duel;
use crate::config::{Config, Loaded};
use crate::lists;
use crate::masking;
use crate::openapi;
use crate::policy;
use crate::ranking::VerdictRanker;
use crate::rules;
use anyhow::Context as _;
use api::{ApiParts, ApiState, Clock, EventHub, NamedHeader, PresentedKey, SharedSecret};
use detect::DetectRole;
use detector::policy::{ClauseSet, Listed};
use detector::rule::RuleSet;
use domain::blocklist::BlocklistLimits;
use domain::{HashKey, Timestamp};
use ingest::{Countries, Networks};
use push::PushDoor;
use spools::{Spools, Wake};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use storage::{CheckpointStore, LiveBlocklist, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Which roles a process plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Reads logs and decides.
    pub(crate) detect: bool,
    /// Answers people, bouncers and gateways.
    pub(crate) serve: bool,
    /// Tells gateways what to carry out.
    pub(crate) enforce: bool,
}

impl Roles {
    /// Every role.
    pub(crate) const ALL: Self = Self {
        detect: true,
        serve: true,
        enforce: true,
    };
}

/// What the roles share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blocklist: Arc<LiveBlocklist>,
    pub(crate) events: Arc<EventHub>,
    pub(crate) clock: Clock,
}

/// What people wrote in files beside the configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Statutes {
    /// Limits and other rules.
    pub(crate) rules: RuleSet,
    /// The policy's clauses.
    pub(crate) clauses: ClauseSet,
    /// What others know of addresses.
    pub(crate) listed: Listed,
}

/// A running service.
pub(crate) struct Service {
    shared: Shared,
    loaded: Loaded,
    statutes: Statutes,
    networks: Option<Networks>,
    countries: Option<Countries>,
    figures: Arc<Figures>,
    api: Arc<ApiState>,
    detect: Option<DetectRole>,
    addresses: Vec<SocketAddr>,
    first_key: Option<String>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Held as long as the process lives: one process at a time uses the checkpoint folder.
    _folder_lock: Option<std::fs::File>,
}

/// The wall clock, read at the edge only.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Service {
    /// Opens the store, binds the listeners, then starts every role.
    ///
    /// # Errors
    /// What keeps the service from starting, for the person who starts it.
    pub(crate) async fn start(loaded: Loaded, roles: Roles) -> anyhow::Result<Self> {
        let config = &loaded.config;
        masking::set(&config.masking())?;
        openapi::set(&config.openapi.files)?;
        let statutes = statutes(config, roles)?;
        let clock: Clock = Arc::new(wall_clock);
        let connectors = enforce::connectors(config, &clock)?;
        let (networks, countries) = databases(config, roles)?;
        let sockets = match roles.serve {
            true => listeners::bind(&config.api.listeners).await?,
            false => Vec::new(),
        };
        let syslog = match roles.detect {
            true => syslog::bind(&config.syslog).await?,
            false => Vec::new(),
        };
        let addresses = sockets.iter().map(|socket| socket.address).collect();
        let shared = share(config, clock).await?;
        let first_key = api::bootstrap_key(&*shared.store, (shared.clock)())
            .await
            .context("could not make the first key")?;
        let figures = Arc::new(Figures::default());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let outlets = Arc::new(Outlets::open(&config.alarms, &stop, &tasks)?);
        let mut parts = api_parts(&shared, config, &figures);
        parts.check.presented = presented_key(&shared, config).await?;
        parts
            .metrics
            .push(Arc::clone(&outlets) as Arc<dyn api::MetricsSource>);
        let (detect, folder_lock) = if roles.detect && config.reads() {
            let terms = (&statutes, networks.clone(), countries.clone());
            let started = start_detect(&shared, config, terms, (&figures, &outlets), &tasks).await?;
            syslog::serve(syslog, &started.spools, &stop, &tasks)?;
            if config.stdin.is_some() {
                stdin::serve(&started.spools, &stop)?;
            }
            let door = config.push.is_some().then(|| PushDoor {
                spools: Arc::clone(&started.spools),
            });
            parts.sink = door.map(|door| Arc::new(door) as Arc<dyn api::LineSink>);
            (Some(started.role), started.lock)
        } else {
            (None, None)
        };
        parts.points = Some(if roles.enforce {
            let points = enforce::start(&shared, (config, connectors), &stop, &tasks);
            parts
                .metrics
                .push(Arc::clone(&points) as Arc<dyn api::MetricsSource>);
            points
        } else {
            enforce::elsewhere(config, &connectors)
        });
        let api = Arc::new(ApiState::new(parts));
        follow::start(&shared, config, &stop, &tasks);
        if let Some(networks) = networks.clone() {
            let watching = withdraw::watch_systems(shared.clone(), networks);
            tasks.spawn(stop.clone().run_until_cancelled_owned(watching));
        }
        listeners::serve(sockets, &api, &stop, &tasks);
        Ok(Self {
            shared,
            figures,
            api,
            detect,
            addresses,
            first_key: first_key.map(|secret| secret.reveal().to_owned()),
            stop,
            tasks,
            _folder_lock: folder_lock,
            loaded,
            statutes,
            networks,
            countries,
        })
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Decisions, orders, alerts, keys.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Files that take effect when they change, that of the configuration first.
    pub(crate) fn live_files(&self, config: &Path) -> Vec<PathBuf> {
        live_files(&self.loaded, config)
    }

    /// What gateways are to carry out.
    pub(crate) fn blocklist(&self) -> &Arc<LiveBlocklist> {
        &self.shared.blocklist
    }

    /// What the detect role counts.
    pub(crate) fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// The first administrator's key, when this start made it.
    pub(crate) fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Whether the detect role has given up; [`Self::stop`] says why.
    pub(crate) fn has_failed(&self) -> bool {
        self.detect.as_ref().is_some_and(DetectRole::is_over)
    }

    /// Stops reading, writes the last checkpoint, lets answers under way end.
    ///
    /// # Errors
    /// What made the detect role give up, or kept its last checkpoint from being written.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let detected = match self.detect {
            Some(role) => tokio::task::spawn_blocking(move || role.stop())
                .await
                .context("could not wait for the detect thread")?,
            None => Ok(()),
        };
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.api.finish_background_work().await;
        self.shared.store.close().await;
        detected
    }
}

/// Files that take effect when they change: the configuration, and the rules, the policy, the database and the documents that it names.
pub(crate) fn live_files(loaded: &Loaded, config: &Path) -> Vec<PathBuf> {
    let mut files = vec![config.to_owned()];
    files.extend(loaded.config.rules.files.iter().cloned());
    files.extend(loaded.config.policy.file.clone());
    files.extend(loaded.config.lists.files.iter().cloned());
    files.extend(loaded.config.clients.networks.clone());
    files.extend(loaded.config.openapi.files.iter().cloned());
    files.extend(loaded.config.clients.countries.clone());
    files
}

/// Warns of rules that never fire.
fn warn_of_unheard(written: &[rules::Written], config: &Config) {
    for warning in rules::unheard(written, &config.identities()) {
        tracing::warn!("{}", api::neutralise(&warning));
    }
}

/// Warns of clauses that ask for more than thresholds and times allow.
fn warn_of_unheard_clauses(clauses: &ClauseSet, config: &Config) {
    for warning in policy::unheard(clauses, &settings::policy(config)) {
        tracing::warn!("{}", api::neutralise(&warning));
    }
}

/// The databases of addresses: only whoever reads logs looks addresses up.
fn databases(config: &Config, roles: Roles) -> anyhow::Result<(Option<Networks>, Option<Countries>)> {
    let clients = &config.clients;
    let networks = clients.networks.as_deref().filter(|_| roles.detect);
    let countries = clients.countries.as_deref().filter(|_| roles.detect);
    Ok((
        networks.map(Networks::open).transpose()?,
        countries.map(Countries::open).transpose()?,
    ))
}

/// Rules and clauses, and the models, as far as they have to load: what does not is a wrong setting, told before anything is made.
fn statutes(config: &Config, roles: Roles) -> anyhow::Result<Statutes> {
    let written = rules::load(&config.rules.files, config.rules.shipped)?;
    let statutes = Statutes {
        rules: rules::rule_set(&written)?,
        clauses: policy::load(config.policy.file.as_deref())?,
        listed: lists::load(&config.lists.files)?,
    };
    warn_of_unheard(&written, config);
    warn_of_unheard_clauses(&statutes.clauses, config);
    if roles.detect {
        let model = &config.model;
        Duel::configured(model.file.as_deref(), model.challenger.as_deref())?;
    }
    Ok(statutes)
}

/// Opens what the roles share.
async fn share(config: &Config, clock: Clock) -> anyhow::Result<Shared> {
    let url = config.storage.url.reveal();
    make_folder(url)?;
    let store = storage::open(url).await.context("could not open the database")?;
    let blocklist = LiveBlocklist::load(
        Arc::clone(&store),
        config.allowlist(),
        BlocklistLimits::default(),
        clock(),
    )
    .await
    .context("could not build the blocklist")?;
    let events = Arc::new(EventHub::new(&clock().as_millis().to_string()));
    Ok(Shared {
        store,
        blocklist,
        events,
        clock,
    })
}

/// Makes the folder of a SQLite file, so that a first start needs no preparation.
fn make_folder(url: &str) -> anyhow::Result<()> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Ok(());
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    let Some(folder) = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))
}

fn api_parts(shared: &Shared, config: &Config, figures: &Arc<Figures>) -> ApiParts {
    let mut parts = ApiParts::new(
        Arc::clone(&shared.store),
        Arc::clone(&shared.blocklist) as Arc<dyn api::BlocklistSource>,
        Arc::clone(&shared.clock),
    );
    parts.origin = config.lapi.origin.clone();
    parts.registration = config
        .lapi
        .registration_token
        .as_ref()
        .map(|token| SharedSecret::new(token.reveal()));
    parts.check.trusted_proxies = config.clients.trusted_proxies();
    let named = config.clients.named_headers().into_iter();
    parts.check.named = named
        .filter_map(|(scope, header)| NamedHeader::new(scope, header))
        .collect();
    parts.events = Arc::clone(&shared.events);
    parts.health = vec![
        Arc::clone(figures) as Arc<dyn api::HealthSource>,
        Arc::new(follow::BlocklistHealth(Arc::clone(&shared.blocklist))),
    ];
    parts.metrics = vec![
        Arc::clone(figures) as Arc<dyn api::MetricsSource>,
        Arc::new(follow::BlocklistHealth(Arc::clone(&shared.blocklist))),
    ];
    parts.ranker = Some(Arc::new(VerdictRanker));
    parts
}

/// Where API keys are presented to gateways that ask, and under which keys they are hashed; `None` where they are not looked at.
async fn presented_key(shared: &Shared, config: &Config) -> anyhow::Result<Option<PresentedKey>> {
    let Some(header) = &config.clients.key_header else {
        return Ok(None);
    };
    let key = installation_key(shared, config).await?;
    Ok(PresentedKey::new(header, config.clients.secret_keys(key)))
}

/// The key of everything that is hashed: as configured, else the one in the store.
async fn installation_key(shared: &Shared, config: &Config) -> anyhow::Result<HashKey> {
    match config.detector.hash_key {
        Some(key) => Ok(key),
        None => stored_key(&*shared.store).await,
    }
}

/// The detect role and what it holds on to.
struct Started {
    role: DetectRole,
    spools: Arc<Spools>,
    lock: Option<std::fs::File>,
}

/// Starts the detect role: its key, its checkpoints, its model's record.
async fn start_detect(
    shared: &Shared,
    config: &Config,
    (statutes, networks, countries): (&Statutes, Option<Networks>, Option<Countries>),
    (figures, outlets): (&Arc<Figures>, &Arc<Outlets>),
    tasks: &TaskTracker,
) -> anyhow::Result<Started> {
    let questions = crawlers::start(shared, config, tasks)?;
    let key = installation_key(shared, config).await?;
    let (checkpoints, lock, folder) = open_checkpoints(config.storage.checkpoints.reveal())?;
    // Under the folder's lock: one process reads a spool.
    let wake = Arc::new(Wake::default());
    let bytes_max = config.storage.spool_bytes_max;
    let spools = Spools::open(&folder.join("spool"), bytes_max, Arc::clone(&wake))?;
    let (spools, place) = (Arc::new(spools), folder.display());
    follow::note_models(shared, config).await?;
    let role = DetectRole::start(detect::Setup {
        shared: shared.clone(),
        config: config.clone(),
        statutes: statutes.clone(),
        key,
        networks,
        countries,
        figures: Arc::clone(figures),
        outlets: Arc::clone(outlets),
        checkpoints,
        spools: Arc::clone(&spools),
        questions,
        wake,
        holder: format!("{}:{place}", host_name()),
        runtime: tokio::runtime::Handle::current(),
    })?;
    Ok(Started { role, spools, lock })
}

/// The installation's secret key of hashes: made at the first start, the same for every process.
async fn stored_key(store: &dyn Store) -> anyhow::Result<HashKey> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gave no randomness: {error}"))?;
    let fresh = format!("{:032x}", u128::from_be_bytes(bytes));
    let kept = store
        .setting_or_insert("hash_key", &fresh)
        .await
        .context("could not read the installation's key")?;
    let number = u128::from_str_radix(&kept, 16).context("the stored hash key is no key")?;
    Ok(HashKey::new(number.to_be_bytes()))
}

/// Opens the checkpoint folder and locks it: two processes with one folder would overwrite each other's checkpoints,
/// and the lock, unlike a file's mere presence, goes when its process dies.
fn open_checkpoints(url: &str) -> anyhow::Result<(CheckpointStore, Option<std::fs::File>, PathBuf)> {
    let path = url.strip_prefix("file:").with_context(|| {
        format!(
            "checkpoints can be kept in a folder only (file:…): {}",
            url.split(':').next().unwrap_or_default()
        )
    })?;
    let folder = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    let store = CheckpointStore::in_folder(&folder)?;
    let path = folder.join("lock");
    let lock = std::fs::File::create(&path).with_context(|| format!("could not open {}", path.display()))?;
    if lock.try_lock().is_err() {
        anyhow::bail!(
            "another portcullis uses the checkpoint folder {}",
            folder.display()
        );
    }
    let dropped = CheckpointStore::drop_unfinished(&folder)?;
    if dropped > 0 {
        tracing::info!(
            dropped,
            "a process that was killed left {dropped} half-written checkpoints: they are gone"
        );
    }
    Ok((store, Some(lock), folder))
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "host".to_owned(),
        name => name.to_owned(),
    }
}
