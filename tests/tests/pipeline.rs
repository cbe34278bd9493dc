//! The whole way round: NGINX logs, rsyslog ships, Kafka keeps, Portcullis decides, NGINX refuses. NGINX and rsyslog
//! run the examples in `deploy/`.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{
    Answer, Example, Kafka, Listener, Nginx, Portcullis, Rsyslog, Setup, ask, http_client,
};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ATTACKER: &str = "203.0.113.66";
const HARMLESS: &str = "198.51.100.7";

const PAGES: [&str; 4] = ["/index.html", "/about.html", "/prices.html", "/contact.html"];
const PROBES: [&str; 10] = [
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/wp-config.php.bak",
    "/backup.sql",
    "/.aws/credentials",
    "/phpmyadmin/index.php",
    "/.ssh/id_rsa",
    "/actuator/env",
    "/server-status",
];

/// Probes after which the test gives up on a refusal, and the pause between two: a minute in all.
const PROBES_MAX: usize = 600;
const PROBE_PAUSE: Duration = Duration::from_millis(100);
/// The harmless client asks for a page after so many probes.
const PROBES_PER_PAGE: usize = 5;

/// Everything between a client and a decision, running.
struct Pipeline {
    gateway: Nginx,
    _shipper: Rsyslog,
    portcullis: Portcullis,
    http: reqwest::Client,
}

impl Pipeline {
    fn start(topic: &str) -> Result<Self> {
        let kafka = Kafka::shared()?;
        kafka.create_topic(topic, 2)?;
        let setup = Setup::new()
            .kafka(&kafka.bootstrap()?, topic, &[topic])
            // NGINX asks from the loopback and writes down what its clients' proxy said.
            .with("clients", "trusted_proxies = [\"127.0.0.1/32\"]");
        let portcullis = Portcullis::start(&setup)?;
        portcullis.wait_until_reading()?;
        let gateway = gateway(&portcullis.authority())?;
        let shipper = shipper(kafka, topic, &gateway.site().folder.join("access.log"))?;
        Ok(Self {
            gateway,
            _shipper: shipper,
            portcullis,
            http: http_client()?,
        })
    }

    /// One request of a client at that address, seen through a proxy on the loopback.
    fn request(&self, address: &str, target: &str, agent: &str) -> Result<Answer> {
        let request = self.http.get(self.gateway.url(target));
        ask(request
            .header("x-forwarded-for", address)
            .header("user-agent", agent))
    }

    fn probe(&self, number: usize) -> Result<u16> {
        Ok(self
            .request(ATTACKER, PROBES[number % PROBES.len()], "zgrab/0.x")?
            .status)
    }

    fn visit(&self, number: usize) -> Result<u16> {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        Ok(self.request(HARMLESS, PAGES[number % PAGES.len()], agent)?.status)
    }

    /// Probes until the gateway refuses, with the harmless client beside it; returns when it did.
    fn probe_until_refused(&self) -> Result<Duration> {
        for number in 0..PROBES_MAX {
            if number % PROBES_PER_PAGE == 0 {
                assert_eq!(self.visit(number / PROBES_PER_PAGE)?, 200, "the harmless client");
            }
            match self.probe(number)? {
                403 => return Ok(now()),
                404 => std::thread::park_timeout(PROBE_PAUSE),
                other => anyhow::bail!("a probe was answered with {other}"),
            }
        }
        anyhow::bail!("{PROBES_MAX} probes and no refusal:\n{}", self.portcullis.log())
    }

    /// Waits until the attacker is answered so, and prints how long that took after an order.
    fn wait_until_answered(&self, status: u16, what: &str) -> Result<()> {
        let ordered = now();
        self.portcullis
            .wait_until(what, |_| Ok(self.probe(0)? == status))?;
        eprintln!("{what} after {} ms", (now() - ordered).as_millis());
        Ok(())
    }

    /// What NGINX has logged of a client.
    fn logged(&self, address: &str) -> Result<Vec<Value>> {
        let log = std::fs::read_to_string(self.gateway.site().folder.join("access.log"))?;
        let lines: Vec<Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(lines
            .into_iter()
            .filter(|line| line["x_forwarded_for"] == address)
            .collect())
    }
}

/// NGINX with both examples and a small site.
fn gateway(authority: &str) -> Result<Nginx> {
    let log_format = Example::read("nginx/log-format.conf")?;
    let check = Example::read("nginx/auth-request.conf")?.with("127.0.0.1:8601", authority)?;
    let gateway = Nginx::start(|site| {
        let (log_format, check, folder, port) =
            (log_format.text(), check.text(), site.folder.display(), site.port);
        format!(
            "{log_format}
             server {{
               listen 127.0.0.1:{port};
               access_log {folder}/access.log portcullis;
               {check}
               location / {{ root {folder}/site; }}
             }}"
        )
    })?;
    let site = gateway.site().folder.join("site");
    std::fs::create_dir(&site).context("could not make the site's folder")?;
    for page in PAGES {
        std::fs::write(site.join(page.trim_start_matches('/')), "<p>a page</p>")
            .context("could not write a page")?;
    }
    Ok(gateway)
}

/// rsyslog with its example.
fn shipper(kafka: &Kafka, topic: &str, log: &Path) -> Result<Rsyslog> {
    let client = kafka.client(Listener::Plaintext)?;
    let brokers = client.get("bootstrap.servers").context("no broker is named")?;
    let configuration = Example::read("rsyslog/portcullis.conf")?
        .with("127.0.0.1:9092", brokers)?
        .with("topic=\"access\"", &format!("topic=\"{topic}\""))?
        .with("/var/log/nginx/access.portcullis.log", &log.display().to_string())?;
    Rsyslog::start(|_folder| configuration.text().to_owned())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The moment of a log line.
fn moment(line: &Value) -> Result<Duration> {
    Ok(Duration::from_secs_f64(
        line["msec"].as_f64().context("a line without msec")?,
    ))
}

/// A moment as the API writes it.
fn parsed(value: &Value) -> Result<Duration> {
    let text = value.as_str().with_context(|| format!("{value} is no time"))?;
    let at = domain::Timestamp::parse_rfc3339(text).with_context(|| format!("{text} is no time"))?;
    Ok(Duration::from_millis(u64::try_from(at.as_millis())?))
}

/// The block of the attacker.
fn block(portcullis: &Portcullis) -> Result<Value> {
    let decisions = portcullis.decisions()?;
    let mut blocks = decisions
        .into_iter()
        .filter(|decision| decision["action"] == "block");
    let block = blocks.next().context("no block is stored")?;
    ensure!(block["value"] == ATTACKER, "somebody else was blocked: {block}");
    ensure!(blocks.next().is_none(), "more than one client was blocked");
    Ok(block)
}

/// Prints how long each part of the way took: figures for people, of this machine in this moment.
fn print_delays(pipeline: &Pipeline, refused: Duration) -> Result<()> {
    let logged = pipeline.logged(ATTACKER)?;
    let first = moment(logged.first().context("nothing of the attacker was logged")?)?;
    let block = block(&pipeline.portcullis)?;
    let (decisive, stored) = (parsed(&block["event_at"])?, parsed(&block["created_at"])?);
    let served = logged.iter().filter(|line| line["status"] == 404).count();
    let millis = |from: Duration, to: Duration| to.saturating_sub(from).as_millis();
    eprintln!(
        "from the decisive line to the first 403: {} ms (to the stored decision: {} ms); \
         from the first malicious line: {} ms, {served} of them served",
        millis(decisive, refused),
        millis(decisive, stored),
        millis(first, refused),
    );
    Ok(())
}

#[test]
fn nginx_refuses_the_scanner_that_its_own_log_gave_away_and_nobody_else() -> Result<()> {
    let mut pipeline = Pipeline::start("pipeline")?;
    // The harmless client has been there before.
    for number in 0..20 {
        assert_eq!(pipeline.visit(number)?, 200);
    }
    let refused = pipeline.probe_until_refused()?;
    for number in 0..20 {
        assert_eq!(pipeline.probe(number)?, 403, "the attacker came back");
        assert_eq!(pipeline.visit(number)?, 200, "the harmless client");
    }
    print_delays(&pipeline, refused)?;

    let id = block(&pipeline.portcullis)?["id"].clone();
    pipeline
        .portcullis
        .wait_until("it recognised its own refusals", |portcullis| {
            Ok(portcullis.metrics("stopped_total")? >= 21.0)
        })?;
    let logged = pipeline.logged(ATTACKER)?;
    let refusals: Vec<&Value> = logged.iter().filter(|line| line["status"] == 403).collect();
    assert_eq!(refusals.len(), 21);
    assert!(
        refusals.iter().all(|line| line["portcullis_decision"] == id),
        "{refusals:?}"
    );
    let harmless = pipeline.logged(HARMLESS)?;
    assert!(
        harmless.iter().all(|line| line["portcullis_decision"] == ""),
        "{harmless:?}"
    );

    pipeline.portcullis.lift(ATTACKER)?;
    pipeline.wait_until_answered(404, "a lifted block held no longer")?;
    pipeline.portcullis.block(ATTACKER)?;
    pipeline.wait_until_answered(403, "a person's block held")?;
    pipeline.portcullis.stop()?;
    assert_eq!(
        pipeline.probe(0)?,
        404,
        "without an answer from the check, requests pass"
    );
    Ok(())
}

#[test]
fn a_scanner_that_falls_silent_is_refused_when_it_comes_back() -> Result<()> {
    let pipeline = Pipeline::start("silent")?;
    for number in 0..20 {
        assert_eq!(pipeline.probe(number)?, 404);
    }
    // Nothing more is logged: the decision cannot wait for a later line.
    pipeline
        .portcullis
        .wait_until("it blocked the scanner", |portcullis| {
            Ok(!portcullis.decisions()?.is_empty())
        })?;
    pipeline.wait_until_answered(403, "the block held when the scanner came back")?;
    let block = block(&pipeline.portcullis)?;
    let (decisive, stored) = (parsed(&block["event_at"])?, parsed(&block["created_at"])?);
    eprintln!(
        "from the decisive line, followed by silence, to the stored decision: {} ms",
        stored.saturating_sub(decisive).as_millis()
    );
    Ok(())
}
