//! The Kafka source against a real Apache Kafka: rebalances, authentication, checkpoints, gaps.

use anyhow::{Context as _, Result, bail, ensure};
use ingest::source::kafka::{
    Beginning, Commit, DeadLetterOrigin, DeadLetters, Gap, GapCause, KafkaBatch, KafkaConnection, KafkaEvent,
    KafkaPassword, KafkaSasl, KafkaSettings, KafkaSource, KafkaTls, SaslMechanism, TopicRule, TopicSelector,
};
use portcullis_tests::component::{Kafka, Listener};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long one poll waits. Nothing depends on it but how often a loop turns.
const WAIT: Duration = Duration::from_millis(100);

/// How long one request to the broker may take before the test fails with what the client says.
const ANSWER: Duration = Duration::from_secs(60);

/// Polls after which a test gives up, so that a fault ends as a failure with a reason.
const POLLS_MAX: usize = 1200;

/// The connection that a client of `listener` needs, in the source's own words.
fn connection(kafka: &Kafka, listener: Listener) -> Result<KafkaConnection> {
    let properties: BTreeMap<String, String> = kafka.properties(listener)?.into_iter().collect();
    let get = |key: &str| properties.get(key).cloned();
    let mut connection =
        KafkaConnection::plaintext(vec![get("bootstrap.servers").context("no broker is named")?]);
    connection.tls = get("ssl.ca.location").map(|ca| KafkaTls {
        ca: Some(ca.into()),
        certificate: None,
        key: None,
        key_password: None,
        verify: true,
    });
    if let Some(username) = get("sasl.username") {
        let mechanism = get("sasl.mechanism")
            .or_else(|| get("sasl.mechanisms"))
            .unwrap_or_default();
        connection.sasl = Some(KafkaSasl::Password(KafkaPassword {
            mechanism: SaslMechanism::from_name(&mechanism).context("an unknown mechanism")?,
            username,
            password: get("sasl.password").context("no password is given")?,
        }));
    }
    Ok(connection)
}

fn settings(kafka: &Kafka, listener: Listener, topic: &str) -> Result<KafkaSettings> {
    let rule = TopicRule::new(TopicSelector::Name(topic.to_owned()));
    Ok(KafkaSettings::new(
        connection(kafka, listener)?,
        format!("group-of-{topic}"),
        vec![rule],
    ))
}

fn produce(kafka: &Kafka, topic: &str, partition: i32, payloads: &[String]) -> Result<()> {
    let producer: BaseProducer = kafka.client(Listener::Plaintext)?.create()?;
    for payload in payloads {
        let record = BaseRecord::<(), String>::to(topic)
            .partition(partition)
            .payload(payload);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(ANSWER)?)
}

fn numbered(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("line {number}")).collect()
}

/// What a driver without a detector would do; its checkpoints live in a map, as they would in a store.
struct Driver<'a> {
    source: KafkaSource,
    batch: KafkaBatch,
    lines: Vec<String>,
    gaps: Vec<Gap>,
    checkpoints: &'a mut BTreeMap<i32, u64>,
}

impl<'a> Driver<'a> {
    fn new(settings: KafkaSettings, checkpoints: &'a mut BTreeMap<i32, u64>) -> Result<Self> {
        Ok(Self {
            source: KafkaSource::new(settings)?,
            batch: KafkaBatch::new(),
            lines: Vec::new(),
            gaps: Vec::new(),
            checkpoints,
        })
    }

    fn turn(&mut self) -> Result<()> {
        self.source.poll(&mut self.batch, WAIT)?;
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        self.lines.extend(self.batch.lines().map(|line| text(line.text)));
        let events = self.batch.events().to_vec();
        for event in events {
            match event {
                KafkaEvent::Assigned(sources) => {
                    let mut beginnings = Vec::new();
                    for source in sources {
                        let checkpoint = self.checkpoints.get(&self.partition(source)?);
                        let beginning = checkpoint.map_or(Beginning::Configured, |at| Beginning::Offset(*at));
                        beginnings.push((source, beginning));
                    }
                    self.source.begin(&beginnings)?;
                }
                KafkaEvent::Revoked(_) => {
                    self.checkpoint()?;
                    self.source.release()?;
                }
                KafkaEvent::Lost(_) => self.source.release()?,
                KafkaEvent::Gap(gap) => self.gaps.push(gap),
                KafkaEvent::BrokerTrouble(reason) | KafkaEvent::CommitFailed(reason) => eprintln!("{reason}"),
            }
        }
        Ok(())
    }

    /// Makes a checkpoint of everything delivered, and commits it.
    fn checkpoint(&mut self) -> Result<()> {
        let offsets: Vec<(u32, u64)> = self
            .source
            .owned()
            .filter_map(|(source, found)| Some((source, found.next?)))
            .collect();
        for (source, next) in &offsets {
            let partition = self.partition(*source)?;
            self.checkpoints.insert(partition, *next);
        }
        Ok(self.source.commit(&offsets, Commit::Wait)?)
    }

    fn partition(&self, source: u32) -> Result<i32> {
        Ok(self
            .source
            .partition(source)
            .context("an unknown partition")?
            .partition)
    }

    fn turn_until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        for _ in 0..POLLS_MAX {
            if is_done(self) {
                return Ok(());
            }
            self.turn()?;
        }
        bail!(
            "not seen: {what}; {} lines, gaps {:?}",
            self.lines.len(),
            self.gaps
        )
    }
}

#[test]
fn every_way_into_the_broker_works() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("ways-in", 1)?;
    produce(kafka, "ways-in", 0, &numbered(0, 3))?;
    for (at, listener) in Listener::ALL.into_iter().enumerate() {
        let mut settings = settings(kafka, listener, "ways-in")?;
        settings.group = format!("ways-in-{at}");
        let mut checkpoints = BTreeMap::new();
        let mut driver = Driver::new(settings, &mut checkpoints)?;
        driver.turn_until("three lines", |driver| driver.lines.len() == 3)?;
        driver.checkpoint().with_context(|| format!("{listener:?}"))?;
    }
    Ok(())
}

#[test]
fn a_wrong_password_is_reported_and_reads_nothing() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("wrong-password", 1)?;
    let mut settings = settings(kafka, Listener::ScramTls, "wrong-password")?;
    if let Some(KafkaSasl::Password(sasl)) = &mut settings.connection.sasl {
        sasl.password = "guessed".to_owned();
    }
    let mut source = KafkaSource::new(settings)?;
    let mut batch = KafkaBatch::new();
    for _ in 0..POLLS_MAX {
        source.poll(&mut batch, WAIT)?;
        let is_refusal = |event: &KafkaEvent| matches!(event, KafkaEvent::BrokerTrouble(why) if why.contains("uthentication"));
        if batch.events().iter().any(is_refusal) {
            return Ok(());
        }
    }
    bail!("the refusal was not reported")
}

#[test]
fn two_members_share_the_partitions_and_skip_nothing() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("shared-out", 4)?;
    for partition in 0..4 {
        produce(
            kafka,
            "shared-out",
            partition,
            &numbered(partition as usize * 100, partition as usize * 100 + 50),
        )?;
    }
    let (mut of_first, mut of_second) = (BTreeMap::new(), BTreeMap::new());
    let mut first = Driver::new(settings(kafka, Listener::Plaintext, "shared-out")?, &mut of_first)?;
    first.turn_until("the first half", |driver| driver.lines.len() == 200)?;
    let mut second = Driver::new(
        settings(kafka, Listener::Plaintext, "shared-out")?,
        &mut of_second,
    )?;
    let owned = |driver: &Driver<'_>| driver.source.owned().count();
    for _ in 0..POLLS_MAX {
        if owned(&second) == 2 && owned(&first) == 2 {
            break;
        }
        first.turn()?;
        second.turn()?;
    }
    ensure!(
        owned(&second) == 2,
        "the second member got {} partitions",
        owned(&second)
    );
    for partition in 0..4 {
        produce(
            kafka,
            "shared-out",
            partition,
            &numbered(partition as usize * 100 + 50, partition as usize * 100 + 100),
        )?;
    }
    for _ in 0..POLLS_MAX {
        if first.lines.len() + second.lines.len() >= 400 {
            break;
        }
        first.turn()?;
        second.turn()?;
    }
    ensure!(
        second.lines.len() == 100,
        "the second member read {} lines",
        second.lines.len()
    );
    let all: BTreeSet<&String> = first.lines.iter().chain(&second.lines).collect();
    assert_eq!(
        (all.len(), first.lines.len() + second.lines.len()),
        (400, 400),
        "skipped or doubled"
    );
    assert!(first.gaps.is_empty() && second.gaps.is_empty());
    // The first member leaves: the second one begins where the first one's commits end.
    first.checkpoint()?;
    drop(first);
    second.turn_until("all partitions", |driver| driver.source.owned().count() == 4)?;
    produce(kafka, "shared-out", 0, &["last".to_owned()])?;
    produce(kafka, "shared-out", 3, &["last".to_owned()])?;
    second.turn_until("the last lines", |driver| driver.lines.len() == 102)
}

#[test]
fn the_checkpoint_counts_and_not_the_committed_offset() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("checkpointed", 1)?;
    produce(kafka, "checkpointed", 0, &numbered(0, 10))?;
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(
        settings(kafka, Listener::Plaintext, "checkpointed")?,
        &mut checkpoints,
    )?;
    driver.turn_until("ten lines", |driver| driver.lines.len() == 10)?;
    driver.source.commit(&[(0, 6)], Commit::Wait)?;
    drop(driver);
    // A checkpoint that is older than the commit (restored from a backup) wins.
    let mut checkpoints = BTreeMap::from([(0, 4)]);
    let mut driver = Driver::new(
        settings(kafka, Listener::Plaintext, "checkpointed")?,
        &mut checkpoints,
    )?;
    driver.turn_until("six lines", |driver| driver.lines.len() == 6)?;
    assert_eq!(driver.lines[0], "line 4");
    drop(driver);
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(
        settings(kafka, Listener::Plaintext, "checkpointed")?,
        &mut checkpoints,
    )?;
    driver.turn_until("four lines", |driver| driver.lines.len() == 4)?;
    assert_eq!(driver.lines[0], "line 6");
    Ok(())
}

#[test]
fn many_lines_and_arrays_come_out_of_one_message() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("batched", 1)?;
    let payloads = ["a\nb\n", r#"[{"n":1}, {"n":"],["}]"#, "single", "[{"].map(str::to_owned);
    produce(kafka, "batched", 0, &payloads)?;
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(settings(kafka, Listener::Plaintext, "batched")?, &mut checkpoints)?;
    driver.turn_until("four messages", |driver| driver.source.counters().messages == 4)?;
    assert_eq!(driver.lines, ["a", "b", r#"{"n":1}"#, r#"{"n":"],["}"#, "single"]);
    assert_eq!(driver.source.counters().broken_arrays, 1);
    Ok(())
}

#[test]
fn records_deleted_before_they_were_read_are_a_gap_at_the_beginning() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("deleted-before", 1)?;
    produce(kafka, "deleted-before", 0, &numbered(0, 20))?;
    kafka.delete_before("deleted-before", 0, 12)?;
    let mut checkpoints = BTreeMap::from([(0, 5)]);
    let mut driver = Driver::new(
        settings(kafka, Listener::Plaintext, "deleted-before")?,
        &mut checkpoints,
    )?;
    driver.turn_until("what is left", |driver| driver.lines.len() == 8)?;
    let gap = Gap {
        source: 0,
        from: 5,
        to: 12,
        cause: GapCause::Lost,
    };
    assert_eq!(
        (driver.lines[0].as_str(), driver.gaps.as_slice()),
        ("line 12", &[gap][..])
    );
    assert_eq!(driver.source.counters().offsets_lost, 7);
    Ok(())
}

#[test]
fn records_deleted_under_a_held_reader_are_a_gap_when_it_goes_on() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("deleted-under", 1)?;
    produce(kafka, "deleted-under", 0, &numbered(0, 5))?;
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(
        settings(kafka, Listener::Plaintext, "deleted-under")?,
        &mut checkpoints,
    )?;
    driver.turn_until("five lines", |driver| driver.lines.len() == 5)?;
    driver.source.set_held(true)?;
    driver.turn()?;
    produce(kafka, "deleted-under", 0, &numbered(5, 40))?;
    kafka.delete_before("deleted-under", 0, 30)?;
    driver.source.seek(0, 5)?;
    driver.source.set_held(false)?;
    driver.turn_until("what is left", |driver| driver.lines.len() >= 15)?;
    let gap = Gap {
        source: 0,
        from: 5,
        to: 30,
        cause: GapCause::Lost,
    };
    assert_eq!(
        (driver.lines[5].as_str(), driver.gaps.as_slice()),
        ("line 30", &[gap][..])
    );
    assert_eq!(driver.lines.len(), 15);
    Ok(())
}

#[test]
fn a_partition_that_lost_offsets_leaves_the_others_where_they_stood() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "one-lost";
    kafka.create_topic(topic, 2)?;
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(settings(kafka, Listener::Plaintext, topic)?, &mut checkpoints)?;
    produce(kafka, topic, 0, &numbered(0, 5))?;
    produce(kafka, topic, 1, &numbered(100, 105))?;
    driver.turn_until("five lines of each", |driver| driver.lines.len() == 10)?;
    driver.source.set_held(true)?;
    produce(kafka, topic, 0, &numbered(5, 40))?;
    produce(kafka, topic, 1, &numbered(105, 140))?;
    kafka.delete_before(topic, 0, 30)?;
    driver.source.set_held(false)?;
    driver.turn_until("what is left of both", |driver| driver.lines.len() >= 55)?;
    produce(kafka, topic, 0, &["the end".to_owned()])?;
    produce(kafka, topic, 1, &["the end".to_owned()])?;
    let ends = |driver: &Driver<'_>| driver.lines.iter().filter(|line| *line == "the end").count();
    driver.turn_until("the last lines", |driver| ends(driver) == 2)?;
    let lines: BTreeSet<&String> = driver.lines[..55].iter().collect();
    let expected = [numbered(0, 5), numbered(30, 40), numbered(100, 140)].concat();
    assert_eq!(lines, expected.iter().collect());
    assert_eq!(driver.lines.len(), 57, "nothing came twice");
    assert_eq!(driver.source.counters().offsets_lost, 25);
    Ok(())
}

#[test]
fn dead_letters_arrive_with_their_origin() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("dead-letters", 1)?;
    let mut letters = DeadLetters::new(&connection(kafka, Listener::ScramTls)?, "dead-letters")?;
    let origin = DeadLetterOrigin {
        topic: "access",
        partition: 3,
        offset: 77,
        reason: "no known format",
        ..DeadLetterOrigin::default()
    };
    letters.send(b"garbage \xff", &origin);
    ensure!(letters.flush(ANSWER), "the letter is still under way");
    assert_eq!(letters.counters().delivered, 1);
    let consumer: BaseConsumer = kafka
        .client(Listener::Plaintext)?
        .set("group.id", "letters")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("dead-letters", 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let message = consumer.poll(ANSWER).context("no letter came")??;
    assert_eq!(message.payload(), Some(&b"garbage \xff"[..]));
    let headers = message.headers().context("no headers came")?;
    let header = |wanted: &str| {
        let found = headers.iter().find(|header| header.key == wanted);
        found
            .and_then(|header| header.value)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    assert_eq!(header("portcullis-reason").as_deref(), Some("no known format"));
    assert_eq!(header("portcullis-offset").as_deref(), Some("77"));
    Ok(())
}

fn named(kafka: &Kafka, topic: &str, name: &str) -> Result<KafkaSettings> {
    Ok(KafkaSettings {
        instance: Some(name.to_owned()),
        ..settings(kafka, Listener::Plaintext, topic)?
    })
}

/// How many members a group has, by the broker.
fn members(kafka: &Kafka, group: &str) -> Result<usize> {
    let consumer: BaseConsumer = kafka.client(Listener::Plaintext)?.create()?;
    let groups = consumer.fetch_group_list(Some(group), ANSWER)?;
    Ok(groups.groups().iter().map(|found| found.members().len()).sum())
}

#[test]
fn a_member_that_comes_back_under_its_name_reads_on_without_a_rebalance() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("by-name", 2)?;
    produce(kafka, "by-name", 0, &numbered(0, 10))?;
    let (mut checkpoints, mut nobody) = (BTreeMap::new(), BTreeMap::new());
    let mut first = Driver::new(named(kafka, "by-name", "one")?, &mut checkpoints)?;
    first.turn_until("ten lines", |driver| driver.lines.len() == 10)?;
    first.checkpoint()?;
    produce(kafka, "by-name", 1, &numbered(10, 15))?;
    // The first one did not leave: to the broker this is what a killed and restarted process looks like.
    let mut second = Driver::new(named(kafka, "by-name", "one")?, &mut nobody)?;
    second.turn_until("the rest", |driver| driver.lines.len() == 5)?;
    assert_eq!(second.source.counters().rebalances, 1);
    assert_eq!(members(kafka, "group-of-by-name")?, 1);
    let mut batch = KafkaBatch::new();
    for _ in 0..POLLS_MAX {
        if let Err(refused) = first.source.poll(&mut batch, WAIT) {
            ensure!(!refused.is_retryable(), "{refused}");
            return Ok(());
        }
    }
    bail!("whoever was there before goes on under a name that is another's")
}

#[test]
fn a_member_by_name_that_ends_in_order_leaves_its_group() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("left", 1)?;
    produce(kafka, "left", 0, &numbered(0, 3))?;
    let mut checkpoints = BTreeMap::new();
    let mut driver = Driver::new(named(kafka, "left", "one")?, &mut checkpoints)?;
    driver.turn_until("three lines", |driver| driver.lines.len() == 3)?;
    driver.checkpoint()?;
    drop(driver);
    assert_eq!(members(kafka, "group-of-left")?, 0);
    Ok(())
}
