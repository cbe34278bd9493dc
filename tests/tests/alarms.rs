//! What makes the program blind is told through the whole of it: by the API, `/metrics`, a webhook and a command, and that it is
//! over, too. A minute of its judge is a second, as the settings allow: what takes hours takes minutes.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Kafka, Portcullis, Receiver, Setup};
use portcullis_tests::stream::{Line, Publisher, ago, line};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// An hour of sixty seconds, and some: what fields there are is learned when an hour ends, and looked at a second later.
const LEARN: Duration = Duration::from_secs(63);

/// Lines of each topic that are written at a time, some ten times a second.
const LINES: usize = 40;

/// The topics: one to which nothing happens until the broker stops, and one for each that something happens to.
const WELL: &str = "well";
const UNREADABLE: &str = "unreadable";
const NAMELESS: &str = "nameless";
const PROXIED: &str = "proxied";
const TOPICS: [&str; 4] = [WELL, UNREADABLE, NAMELESS, PROXIED];

/// What is to be told of each.
const EXPECTED: [(&str, &str); 3] = [
    ("lines_unreadable", UNREADABLE),
    ("field_vanished", NAMELESS),
    ("one_address", PROXIED),
];

#[test]
fn whatever_makes_it_blind_is_told_by_every_way_and_when_it_is_over() -> Result<()> {
    let mut stage = Stage::start()?;
    stage.feed_until("it had seen an hour end", Fault::None, |stage| {
        Ok(stage.began.elapsed() >= LEARN)
    })?;
    ensure!(
        stage.alarms()?.is_empty(),
        "told before anything happened: {:?}",
        stage.alarms()?
    );

    stage.feed_until("every fault was told", Fault::Every, |stage| {
        EXPECTED.iter().try_fold(true, |all, (name, topic)| {
            Ok(all && stage.has("raised", name, topic)?)
        })
    })?;
    let told: BTreeSet<_> = stage.alarms()?.into_iter().collect();
    let expected = EXPECTED.map(|(name, topic)| (name.to_owned(), topic.to_owned()));
    ensure!(told == BTreeSet::from(expected), "told of {told:?}");
    ensure!(
        stage
            .portcullis
            .metrics("alarms{alarm=\"one_address\",severity=\"warning\"}")?
            == 1.0,
        "no figure of the address"
    );

    stage.feed_until("every alarm was over", Fault::None, |stage| {
        EXPECTED
            .iter()
            .try_fold(stage.alarms()?.is_empty(), |all, (name, topic)| {
                Ok(all && stage.has("cleared", name, topic)?)
            })
    })?;

    stage.kafka.crash()?;
    stage.wait("the silence of the brokers was told of each topic", |stage| {
        TOPICS.iter().try_fold(true, |all, topic| {
            Ok(all && stage.has("raised", "not_reading", topic)?)
        })
    })?;
    stage.kafka.start_again()?;
    stage.feed_until("that was over, too", Fault::None, |stage| {
        TOPICS.iter().try_fold(stage.alarms()?.is_empty(), |all, topic| {
            Ok(all && stage.has("cleared", "not_reading", topic)?)
        })
    })?;
    let total = stage.written as f64;
    stage.portcullis.wait_until("every line was read", |portcullis| {
        Ok(portcullis.metrics("lines_total")? >= total)
    })
}

/// What happens to the topics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// To each but one its own.
    Every,
}

struct Stage {
    kafka: Kafka,
    portcullis: Portcullis,
    receiver: Receiver,
    /// Where the command writes what it is told.
    told: tempfile::NamedTempFile,
    /// When the program began to read.
    began: Instant,
    written: usize,
}

impl Stage {
    fn start() -> Result<Self> {
        let kafka = Kafka::start()?;
        for topic in TOPICS {
            kafka.create_topic(topic, 1)?;
        }
        let receiver = Receiver::start()?;
        let told = tempfile::NamedTempFile::new()?;
        let command = format!(
            "program = \"/usr/bin/tee\"\narguments = [\"-a\", \"{}\"]",
            told.path().display()
        );
        let setup = Setup::new()
            .with("alarms", "minute_secs = 1")
            .kafka(&kafka.bootstrap()?, "alarms", &TOPICS)
            .with("[alarms.webhooks]", &format!("url = \"{}\"", receiver.url()))
            .with("[alarms.commands]", &command);
        let portcullis = Portcullis::start(&setup)?;
        portcullis.wait_until_reading()?;
        Ok(Self {
            kafka,
            portcullis,
            receiver,
            told,
            began: Instant::now(),
            written: 0,
        })
    }

    /// Writes lines until that holds.
    fn feed_until(
        &mut self,
        what: &str,
        fault: Fault,
        mut holds: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        let publisher = Publisher::new(&self.kafka)?;
        let mut written = 0;
        let stage = &*self;
        stage.portcullis.wait_until(what, |_| {
            for topic in TOPICS {
                let lines: Vec<Line> = (0..LINES)
                    .map(|number| stage.line(topic, number, fault))
                    .collect();
                publisher.lines(topic, 0..1, &lines)?;
                written += lines.len();
            }
            holds(stage)
        })?;
        self.written += written;
        Ok(())
    }

    fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> Result<bool>) -> Result<()> {
        self.portcullis.wait_until(what, |_| holds(self))
    }

    /// One line of a topic: of twenty addresses in turn, each with a browser of its own.
    fn line(&self, topic: &str, number: usize, fault: Fault) -> Line {
        let is_faulty = fault == Fault::Every && topic != WELL;
        let agent = format!("Mozilla/5.0 (X11; Linux x86_64; rv:{}.0)", 100 + number % 20);
        let address = format!("198.51.100.{}", 1 + number % 20);
        let at = ago(0);
        let good = |address: &str, agent: &str| {
            line(at, address, "GET", &format!("/page/{}", number % 7), 200, agent)
        };
        match topic {
            UNREADABLE if is_faulty && !number.is_multiple_of(4) => Line {
                text: format!("another format: {address} asked for something"),
                ..good(&address, &agent)
            },
            NAMELESS if is_faulty => good(&address, ""),
            PROXIED if is_faulty && !number.is_multiple_of(8) => good("203.0.113.5", &agent),
            _ => good(&address, &agent),
        }
    }

    /// The alarms that go on by the API: name and source.
    fn alarms(&self) -> Result<Vec<(String, String)>> {
        let alarms = self.portcullis.list("/api/v1/alarms")?;
        let open = alarms.iter().filter(|alarm| alarm["cleared_at"].is_null());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(open
            .map(|alarm| (text(&alarm["name"]), text(&alarm["source"])))
            .collect())
    }

    /// Whether both the webhook and the command were told that.
    fn has(&self, change: &str, name: &str, source: &str) -> Result<bool> {
        let is_it = |message: &Value| {
            let mut news = message["news"].as_array().into_iter().flatten();
            news.any(|news| news["change"] == change && news["name"] == name && news["source"] == source)
        };
        let text = std::fs::read_to_string(self.told.path()).context("nothing from the command")?;
        // The last one may be written at this moment.
        let mut by_command = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        Ok(self.receiver.told().iter().any(is_it) && by_command.any(|message| is_it(&message)))
    }
}
