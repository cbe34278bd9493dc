//! The components that other tests stand on: each one starts for real and does the one thing it is there for.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Example, Kafka, Listener, Nginx, Postgres, Rsyslog};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use std::path::Path;
use std::time::Duration;

/// How often a consumer is asked for one more record, and how long each time.
const POLLS_MAX: u32 = 120;
const POLL_TIMEOUT: Duration = Duration::from_millis(500);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

fn produce(client: &ClientConfig, topic: &str, line: &str) -> Result<()> {
    let producer: ThreadedProducer<DefaultProducerContext> = client.create()?;
    producer
        .send(BaseRecord::<(), str>::to(topic).payload(line))
        .map_err(|(error, _)| error)?;
    producer.flush(FLUSH_TIMEOUT)?;
    Ok(())
}

fn consumer(client: &ClientConfig, topic: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = client
        .clone()
        .set("group.id", format!("{topic}-readers"))
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&[topic])?;
    Ok(consumer)
}

fn next_line(consumer: &BaseConsumer) -> Result<String> {
    for _ in 0..POLLS_MAX {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(record)) => {
                let payload = record.payload().context("a record without a payload")?;
                return Ok(String::from_utf8(payload.to_vec())?);
            }
            Some(Err(error)) if error.rdkafka_error_code().is_none() => return Err(error.into()),
            // Errors of a broker that is still electing a leader for a new topic pass by themselves.
            Some(Err(_)) | None => {}
        }
    }
    anyhow::bail!("no record came")
}

#[test]
fn a_record_goes_through_every_listener_of_kafka() -> Result<()> {
    let kafka = Kafka::shared()?;
    for listener in Listener::ALL {
        let topic = format!("through-{listener:?}").to_lowercase();
        kafka.create_topic(&topic, 1)?;
        let client = kafka.client(listener)?;
        produce(&client, &topic, "a line").with_context(|| format!("writing through {listener:?}"))?;
        let line = next_line(&consumer(&client, &topic)?)
            .with_context(|| format!("reading through {listener:?}"))?;
        assert_eq!(line, "a line", "through {listener:?}");
    }
    Ok(())
}

#[test]
fn kafka_refuses_a_wrong_password() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut client = kafka.client(Listener::Scram)?;
    client.set("sasl.password", "wrong");
    let consumer: BaseConsumer = client.create()?;
    let answer = consumer.fetch_metadata(None, Duration::from_secs(3));
    assert!(answer.is_err(), "a wrong password was let in");
    Ok(())
}

#[test]
fn a_killed_kafka_comes_back_with_its_records() -> Result<()> {
    let mut kafka = Kafka::start()?;
    kafka.create_topic("kept", 1)?;
    let client = kafka.client(Listener::Plaintext)?;
    produce(&client, "kept", "written before")?;
    kafka.crash()?;
    kafka.start_again()?;
    assert_eq!(next_line(&consumer(&client, "kept")?)?, "written before");
    Ok(())
}

#[test]
fn postgres_answers_a_query() -> Result<()> {
    let postgres = Postgres::shared()?;
    assert_eq!(postgres.psql("select 1")?, "1");
    let url = postgres.create_database("another")?;
    ensure!(url.ends_with("/another"), "{url}");
    assert_eq!(
        postgres.psql("select count(*) from pg_database where datname = 'another'")?,
        "1"
    );
    Ok(())
}

#[test]
fn a_killed_postgres_comes_back_with_what_was_committed() -> Result<()> {
    let mut postgres = Postgres::start()?;
    postgres.psql("create table kept (word text)")?;
    postgres.psql("insert into kept values ('written before')")?;
    // The server may lose what is younger than its last flush when it is told not to wait for the disk.
    postgres.psql("checkpoint")?;
    postgres.crash()?;
    postgres.start_again()?;
    assert_eq!(postgres.psql("select word from kept")?, "written before");
    Ok(())
}

/// The NGINX of most tests: the log format we tell users to use, and a page.
fn logging_nginx(server: &str) -> Result<Nginx> {
    let log_format = Example::read("nginx/log-format.conf")?;
    Nginx::start(|site| {
        let (log_format, folder, port) = (log_format.text(), site.folder.display(), site.port);
        format!(
            "{log_format}
             server {{
               listen 127.0.0.1:{port};
               access_log {folder}/access.log portcullis;
               {server}
               # A page made by `return` would be answered before access is checked.
               location / {{ root {folder}; try_files /nginx.conf =404; }}
             }}"
        )
    })
}

/// rsyslog as in our example; Debian's librdkafka is too old for SCRAM with Kafka 4, so only two listeners will do.
fn shipping_rsyslog(kafka: &Kafka, listener: Listener, topic: &str, log: &Path) -> Result<Rsyslog> {
    let client = kafka.client(listener)?;
    let setting = |key: &str| {
        client
            .get(key)
            .with_context(|| format!("no {key} for {listener:?}"))
    };
    let mut settings = format!("\"security.protocol={}\"", setting("security.protocol")?);
    if listener == Listener::Tls {
        settings += &format!(", \"ssl.ca.location={}\"", setting("ssl.ca.location")?);
    }
    let configuration = Example::read("rsyslog/portcullis.conf")?
        .with("127.0.0.1:9092", setting("bootstrap.servers")?)?
        .with("\"security.protocol=plaintext\"", &settings)?
        .with("topic=\"access\"", &format!("topic=\"{topic}\""))?
        .with("/var/log/nginx/access.portcullis.log", &log.display().to_string())?;
    Rsyslog::start(|_folder| configuration.text().to_owned())
}

/// Lets NGINX log one request with a hostile agent, and returns what Kafka's readers get and what the log says.
async fn ship_one_line(listener: Listener, topic: &str, agent: &str) -> Result<(String, String)> {
    let kafka = Kafka::shared()?;
    kafka.create_topic(topic, 1)?;
    let nginx = logging_nginx("")?;
    let log = nginx.site().folder.join("access.log");
    let _rsyslog = shipping_rsyslog(kafka, listener, topic, &log)?;
    let consumer = consumer(&kafka.client(Listener::Plaintext)?, topic)?;

    let request = reqwest::Client::new()
        .get(nginx.url("/users/7?a=b%20c"))
        .header("user-agent", agent);
    assert_eq!(request.send().await?.status(), 200);
    let shipped = next_line(&consumer)?;
    let logged = std::fs::read_to_string(&log)?.trim_end_matches('\n').to_owned();
    Ok((shipped, logged))
}

#[tokio::test]
async fn a_line_of_nginx_reaches_kafka_through_rsyslog_unchanged() -> Result<()> {
    let hostile = "a \"quoted\" agent \\ with\ttab and ünïcode";
    let (shipped, logged) = ship_one_line(Listener::Plaintext, "from-nginx", hostile).await?;
    assert_eq!(shipped, logged);
    let record: serde_json::Value = serde_json::from_str(&shipped)?;
    assert_eq!(record["remote_addr"], "127.0.0.1");
    assert_eq!(record["request_uri"], "/users/7?a=b%20c");
    assert_eq!(record["status"], 200);
    assert_eq!(record["user_agent"], hostile);
    assert_eq!(record["portcullis_decision"], "");
    Ok(())
}

#[tokio::test]
async fn rsyslog_ships_over_tls_as_well() -> Result<()> {
    let (shipped, logged) = ship_one_line(Listener::Tls, "from-nginx-by-tls", "an agent").await?;
    assert_eq!(shipped, logged);
    Ok(())
}

#[tokio::test]
async fn the_longest_line_that_nginx_writes_is_not_cut_on_its_way() -> Result<()> {
    // NGINX takes a header of almost 8 kB by default, and a quote doubles when it is escaped.
    let agent = "\"".repeat(7_900);
    let (shipped, logged) = ship_one_line(Listener::Plaintext, "long-line", &agent).await?;
    assert_eq!(shipped, logged);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&shipped)?["user_agent"],
        agent
    );
    Ok(())
}

#[tokio::test]
async fn nginx_refuses_whom_the_check_refuses_and_logs_the_decision() -> Result<()> {
    // In place of our listener: one that refuses a client by its agent.
    let check = Nginx::start(|site| {
        format!(
            "server {{
               listen 127.0.0.1:{};
               location = /check {{
                 if ($http_user_agent = 'bad') {{ add_header X-Portcullis-Decision d-42 always; return 403; }}
                 return 200;
               }}
             }}",
            site.port
        )
    })?;
    let authority = format!("127.0.0.1:{}", check.site().port);
    let gateway = logging_nginx(
        Example::read("nginx/auth-request.conf")?
            .with("127.0.0.1:8601", &authority)?
            .text(),
    )?;
    let client = reqwest::Client::new();
    let status = |agent: &'static str| client.get(gateway.url("/")).header("user-agent", agent).send();

    assert_eq!(status("good").await?.status(), 200);
    assert_eq!(status("bad").await?.status(), 403);
    let mut log = String::new();
    gateway.wait_until("it logged both requests", || {
        log = std::fs::read_to_string(gateway.site().folder.join("access.log")).unwrap_or_default();
        log.matches('\n').count() == 2
    })?;
    let decisions: Vec<String> = log
        .lines()
        .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?["portcullis_decision"].to_string()))
        .collect::<Result<_>>()?;
    assert_eq!(decisions, ["\"\"", "\"d-42\""]);

    drop(check);
    assert_eq!(
        status("bad").await?.status(),
        200,
        "without an answer from the check, requests pass"
    );
    Ok(())
}
