//! The real `portcullis` program with a configuration of the test's own.

use super::{
    Answer, Command, Stop, Supervised, ask, folder, free_ports, http_client, program, run, start_with_retries,
};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Items of a list asked for at a time.
const SLICE: usize = 500;

/// The secret behind every keyed hash: the same in all tests, so that the same lines give the same decision ids.
const HASH_KEY: &str = "000102030405060708090a0b0c0d0e0f";

/// What a configuration holds besides what every test needs.
#[derive(Clone, Debug)]
pub struct Setup {
    database: Option<String>,
    checkpoints: Option<PathBuf>,
    roles: String,
    stdin: Option<PathBuf>,
    sections: BTreeMap<String, String>,
    topics: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Every role, a SQLite file, a checkpoint each second, no Kafka.
    pub fn new() -> Self {
        Self {
            database: None,
            checkpoints: None,
            roles: "all".to_owned(),
            stdin: None,
            sections: BTreeMap::new(),
            topics: String::new(),
        }
        .with("storage", "checkpoint_secs = 1")
        .with("detector", &format!("hash_key = \"{HASH_KEY}\""))
        // A test plays its attack from the first line on.
        .with("policy", "warm_up_secs = 0")
    }

    /// Keeps decisions in this database instead of a SQLite file in the process's folder.
    pub fn database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// Keeps checkpoints in this folder instead of one in the process's own.
    pub fn checkpoints(mut self, folder: &Path) -> Self {
        self.checkpoints = Some(folder.to_owned());
        self
    }

    /// Plays these roles only: `detect`, `serve`.
    pub fn roles(mut self, roles: &str) -> Self {
        self.roles = roles.to_owned();
        self
    }

    /// Reads these topics as a member of this group.
    pub fn kafka(mut self, bootstrap: &str, group: &str, topics: &[&str]) -> Self {
        for topic in topics {
            self.topics += &format!("[[kafka.topics]]\nname = \"{topic}\"\n");
        }
        self.with(
            "kafka",
            &format!("brokers = [\"{bootstrap}\"]\ngroup = \"{group}\""),
        )
    }

    /// Writes no checkpoint but the last one: what was taken before a kill is read again.
    pub fn without_checkpoints(mut self) -> Self {
        self.sections
            .insert("storage".to_owned(), "checkpoint_secs = 3600\n".to_owned());
        self
    }

    /// Follows a log.
    pub fn file(mut self, path: &Path) -> Self {
        self.topics += &format!("[[files]]\npath = \"{}\"\n", path.display());
        self
    }

    /// Reads standard input, which is that file or pipe.
    pub fn stdin(mut self, file: &Path) -> Self {
        self.stdin = Some(file.to_owned());
        self.with("stdin", "")
    }

    /// Listens to syslog; `more` are further lines of TOML.
    pub fn syslog(mut self, protocol: &str, port: u16, more: &str) -> Self {
        self.topics +=
            &format!("[[syslog]]\nlisten = \"127.0.0.1:{port}\"\nprotocol = \"{protocol}\"\n{more}\n");
        self
    }

    /// Tells a gateway what to carry out; `kind` is the table that says how it is reached.
    pub fn gateway(mut self, name: &str, lines: &str, kind: &str) -> Self {
        self.topics += &format!("[[gateways]]\nname = \"{name}\"\n{lines}\n{kind}\n");
        self
    }

    /// Adds lines of TOML to a section: `with("policy", "block_secs = 60")`.
    pub fn with(mut self, section: &str, lines: &str) -> Self {
        let text = self.sections.entry(section.to_owned()).or_default();
        *text += lines;
        text.push('\n');
        self
    }

    fn text(&self, folder: &Path, port: u16) -> String {
        let sqlite = format!("sqlite://{}", folder.join("portcullis.db").display());
        let url = self.database.as_deref().unwrap_or(&sqlite);
        let own = folder.join("checkpoints");
        let checkpoints = self.checkpoints.as_deref().unwrap_or(&own).display();
        let places = format!("url = \"{url}\"\ncheckpoints = \"file://{checkpoints}\"");
        let mut text = String::new();
        // Nobody but a test's own name server is ever asked.
        let mut whole = self.clone().with("storage", &places);
        if !whole.sections.contains_key("crawlers") {
            whole = whole.with("crawlers", "verify = false");
        }
        for (section, lines) in whole.sections {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "[{section}]\n{lines}");
        }
        text + &self.topics + &format!("\n[[api.listeners]]\naddress = \"127.0.0.1:{port}\"\n")
    }
}

/// A `portcullis run` that ends, at the latest, when this value is dropped.
#[derive(Debug)]
pub struct Portcullis {
    // Dropped before the folder: the order of the fields is the order of the end.
    process: Option<Supervised>,
    roles: String,
    stdin: Option<PathBuf>,
    port: u16,
    http: reqwest::Client,
    admin_key: String,
    keys_made: AtomicU32,
    folder: tempfile::TempDir,
}

impl Portcullis {
    /// Makes an administrator's key, starts the program and waits until it answers.
    pub fn start(setup: &Setup) -> Result<Self> {
        binary()?;
        start_with_retries(|| Self::start_once(setup))
    }

    fn start_once(setup: &Setup) -> Result<Self> {
        let folder = folder("run")?;
        let [port] = free_ports()?;
        let mut portcullis = Self {
            process: None,
            roles: setup.roles.clone(),
            stdin: setup.stdin.clone(),
            port,
            http: http_client()?,
            admin_key: String::new(),
            keys_made: AtomicU32::new(0),
            folder,
        };
        portcullis.configure(setup)?;
        let file = portcullis.configuration();
        // Several processes over one database each make a key of their own.
        let name = format!("admin-{}-{port}", std::process::id());
        let key = run(std::process::Command::new(binary()?)
            .args(["keys", "bootstrap", "--name", &name, "--config"])
            .arg(file))?;
        key.trim().clone_into(&mut portcullis.admin_key);
        portcullis.start_again()?;
        Ok(portcullis)
    }

    /// Starts the program on what [`Portcullis::kill`] or [`Portcullis::stop`] left, and waits until it answers.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "portcullis is running");
        let known = self.log().len();
        let (folder, stop) = (self.folder.path(), Stop::Terminate);
        let program = match &self.stdin {
            None => Command::new("portcullis", folder, stop, binary()?),
            // The supervisor's own input is not ours to give.
            Some(file) => Command::new("portcullis", folder, stop, "bash")
                .args(["-c", "exec \"$@\" <\"$0\""])
                .args([file])
                .args([binary()?]),
        };
        let command = program
            .args(["run", "--roles", &self.roles, "--config"])
            .args([self.configuration()]);
        let process = Supervised::start(&command)?;
        process.wait_until("it answered", || match self.serves() {
            true => self
                .ask("/health/ready", None)
                .is_ok_and(|answer| answer.status == 200),
            false => ["reads partitions", "stands by"]
                .iter()
                .any(|sign| self.log()[known..].contains(sign)),
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Writes another configuration, for [`Portcullis::start_again`] or a HUP. The address stays.
    pub fn configure(&self, setup: &Setup) -> Result<()> {
        let file = self.configuration();
        std::fs::write(&file, setup.text(self.folder.path(), self.port))
            .with_context(|| format!("could not write {}", file.display()))
    }

    /// Kills the program as a power cut would; its folder stays for [`Portcullis::start_again`].
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("portcullis is not running")?.crash()
    }

    /// Asks the program to end and waits until it has, without a complaint; its folder stays.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("portcullis is not running")?.stop()
    }

    /// Sends a signal by name: `HUP`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) -> Result<()> {
        self.running()?.signal(signal)
    }

    /// Makes every write fail that would make a file longer than so many bytes, as a full disk does; `None` for no limit.
    pub fn limit_file_bytes(&self, most: Option<u64>) -> Result<()> {
        let most = most.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        run(std::process::Command::new(program("prlimit")?)
            .arg(format!("--pid={}", self.pid()?))
            // The soft limit only: an ordinary user may raise that one again.
            .arg(format!("--fsize={most}:")))
        .map(drop)
    }

    /// The program's process id.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running()?.pid())
    }

    /// Waits until `condition` holds, looking at it a bounded number of times; fails at once when the program ends
    /// or the condition cannot be looked at.
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut(&Self) -> Result<bool>) -> Result<()> {
        let mut fault = None;
        self.running()?.wait_until(what, || match condition(self) {
            Ok(holds) => holds,
            Err(error) => {
                fault = Some(error);
                true
            }
        })?;
        fault.map_or(Ok(()), |error| {
            Err(error.context(format!("while waiting until {what}")))
        })
    }

    /// Waits until it reads its topics.
    pub fn wait_until_reading(&self) -> Result<()> {
        self.wait_until("it read its topics", |portcullis| {
            Ok(portcullis.health_part("reading")?["is_ok"] == true)
        })
    }

    /// Everything it has printed since its first start.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("portcullis.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The file of its configuration.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("portcullis.toml")
    }

    /// The folder with its configuration, log, database and checkpoints.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Host and port of its listener, which carries the REST API, the bouncers' API, `/check` and `/metrics`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of a path on its listener.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    /// The key with which this value's own questions are asked.
    pub fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// Makes a key of a role: `viewer`, `operator`, `admin`, `bouncer`.
    pub fn key(&self, role: &str) -> Result<String> {
        Ok(self.named_key(role)?.1)
    }

    /// Makes a key of a role; gives its name and its secret.
    pub fn named_key(&self, role: &str) -> Result<(String, String)> {
        let number = self.keys_made.fetch_add(1, Ordering::Relaxed);
        let name = format!("{role}-{}-{number}", self.port);
        let made = self.post("/api/v1/keys", &json!({ "name": name, "role": role }))?;
        let secret = made["secret"].as_str().context("the answer has no secret")?;
        Ok((name, secret.to_owned()))
    }

    /// Asks for a path, with a key or without.
    pub fn ask(&self, path: &str, key: Option<&str>) -> Result<Answer> {
        let request = self.http.get(self.url(path));
        ask(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
        .with_context(|| format!("asking for {path}"))
    }

    /// Reads something of the REST API.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.ask(path, Some(&self.admin_key))?;
        answer.json().with_context(|| format!("asking for {path}"))
    }

    /// Sends something to the REST API.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(self.url(path)).bearer_auth(&self.admin_key);
        let answer = ask(request.json(body)).with_context(|| format!("sending to {path}"))?;
        answer.json().with_context(|| format!("sending to {path}"))
    }

    /// Reads a list of the REST API to its end.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut slice = self.get(&format!("{path}{joint}limit={SLICE}{cursor}"))?;
            match slice["items"].take() {
                Value::Array(more) => items.extend(more),
                _ => bail!("{path} is no list"),
            }
            match slice["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Every alert.
    pub fn alerts(&self) -> Result<Vec<Value>> {
        self.list("/api/v1/alerts")
    }

    /// Every decision, those that are over included.
    pub fn decisions(&self) -> Result<Vec<Value>> {
        self.list("/api/v1/decisions")
    }

    /// Orders a block of an address for an hour.
    pub fn block(&self, address: &str) -> Result<Value> {
        self.block_for(address, 3600)
    }

    /// Orders a block of an address for so many seconds.
    pub fn block_for(&self, address: &str, secs: u32) -> Result<Value> {
        self.order(address, json!({ "kind": "block", "ttl_secs": secs }))
    }

    /// Lifts every decision about an address.
    pub fn lift(&self, address: &str) -> Result<Value> {
        self.order(address, json!({ "kind": "lift", "grace_secs": 3600 }))
    }

    fn order(&self, address: &str, mut order: Value) -> Result<Value> {
        order["client"] = json!({ "scope": "ip", "value": address });
        order["reason"] = json!("a test's order");
        self.post("/api/v1/orders", &order)
    }

    /// Requests of the last two hours that were counted so far, those of clocks that go ahead among them.
    pub fn counted(&self) -> Result<u64> {
        let now = crate::stream::ago(0);
        let (from, to) = (now.plus_secs(-7200), now.plus_secs(3600));
        let overview = self.get(&format!("/api/v1/overview?from={from}&to={to}"))?;
        let points = overview["points"].as_array().context("no points")?;
        Ok(points.iter().filter_map(|point| point["requests"].as_u64()).sum())
    }

    /// Waits until so many requests of the last two hours were counted, and never more.
    pub fn wait_until_counted(&self, wanted: usize) -> Result<()> {
        self.wait_until("every line was counted", |portcullis| {
            let counted = portcullis.counted()?;
            ensure!(
                counted <= wanted as u64,
                "{counted} of {wanted} lines were counted"
            );
            Ok(counted == wanted as u64)
        })
    }

    /// How it is, part by part.
    pub fn health(&self) -> Result<Value> {
        self.get("/api/v1/health")
    }

    /// One part of its health, with `is_ok` and `detail`.
    pub fn health_part(&self, name: &str) -> Result<Value> {
        let health = self.health()?;
        let parts = health["parts"].as_array().into_iter().flatten();
        let mut found = parts.filter(|part| part["name"] == name);
        let part = found
            .next()
            .with_context(|| format!("no part {name} in {health}"))?;
        Ok(part.clone())
    }

    /// A figure of `/metrics` by its name without the prefix; a name with labels is written as it stands there.
    pub fn metrics(&self, name: &str) -> Result<f64> {
        let answer = self.ask("/metrics", None)?;
        ensure!(answer.status == 200, "/metrics answered {}", answer.status);
        let wanted = format!("portcullis_{name} ");
        let value = answer.body.lines().find_map(|line| line.strip_prefix(&wanted));
        let value = value.with_context(|| format!("no figure {name} in {}", answer.body))?;
        value.parse().with_context(|| format!("{name} is {value}"))
    }

    /// Runs a command of the program on the running one's configuration, and returns what it printed.
    pub fn command_on_configuration(&self, arguments: &[&str]) -> Result<String> {
        let mut command = std::process::Command::new(binary()?);
        run(command.args(arguments).arg("--config").arg(self.configuration()))
    }

    /// Runs a command of the program against the running one, as an administrator, and returns what it printed.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        run(std::process::Command::new(binary()?)
            .args(arguments)
            .env("PORTCULLIS_URL", self.url(""))
            .env("PORTCULLIS_KEY", &self.admin_key))
    }

    fn serves(&self) -> bool {
        self.roles == "all" || self.roles.contains("serve")
    }

    fn running(&self) -> Result<&Supervised> {
        self.process.as_ref().context("portcullis is not running")
    }
}

/// The program that Cargo has built beside this test.
pub fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe().context("could not find this test's own program")?;
    let built = test
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("portcullis"))
        .filter(|file| file.is_file());
    built.with_context(|| {
        format!(
            "no portcullis beside {}: run `cargo build --workspace` first",
            test.display()
        )
    })
}
