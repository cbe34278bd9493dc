//! The source against librdkafka's own mock cluster: the logic of offsets, rebalances and dead letters.

use super::*;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext};
use std::time::Duration;

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// How long one poll waits. Nothing depends on it but how often a loop turns.
const WAIT: Duration = Duration::from_millis(100);

/// Polls after which a test gives up, so that a fault ends as a failure with a reason.
const POLLS_MAX: usize = 600;

fn cluster(topic: &str, partitions: i32) -> (Cluster, KafkaConnection) {
    let cluster = MockCluster::new(1).expect("the mock cluster starts");
    cluster.create_topic(topic, partitions, 1).unwrap();
    let connection = KafkaConnection::plaintext(vec![cluster.bootstrap_servers()]);
    (cluster, connection)
}

fn settings(connection: &KafkaConnection, topic: &str) -> KafkaSettings {
    let rule = TopicRule::new(TopicSelector::Name(topic.to_owned()));
    KafkaSettings::new(connection.clone(), "group".to_owned(), vec![rule])
}

fn produce(connection: &KafkaConnection, topic: &str, partition: i32, payloads: &[&str]) {
    let producer: rdkafka::producer::BaseProducer = connection.client_config().create().unwrap();
    for payload in payloads {
        let record = BaseRecord::<(), str>::to(topic)
            .partition(partition)
            .payload(payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    rdkafka::producer::Producer::flush(&producer, Duration::from_secs(30)).unwrap();
}

/// What a driver without a detector would do: remembers lines and events, answers rebalances.
struct Driver {
    source: KafkaSource,
    batch: KafkaBatch,
    lines: Vec<(u64, String)>,
    events: Vec<KafkaEvent>,
    beginning: Beginning,
}

impl Driver {
    fn new(settings: KafkaSettings, beginning: Beginning) -> Self {
        Self {
            source: KafkaSource::new(settings).unwrap(),
            batch: KafkaBatch::new(),
            lines: Vec::new(),
            events: Vec::new(),
            beginning,
        }
    }

    fn turn(&mut self) {
        self.source.poll(&mut self.batch, WAIT).unwrap();
        for line in self.batch.lines() {
            let text = String::from_utf8_lossy(line.text).into_owned();
            self.lines.push((line.position.line, text));
        }
        for event in self.batch.events() {
            match event {
                KafkaEvent::Assigned(sources) => {
                    let all: Vec<_> = sources.iter().map(|source| (*source, self.beginning)).collect();
                    self.source.begin(&all).unwrap();
                }
                KafkaEvent::Revoked(_) | KafkaEvent::Lost(_) => self.source.release().unwrap(),
                _ => {}
            }
            self.events.push(event.clone());
        }
    }

    fn turn_until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) {
        for _ in 0..POLLS_MAX {
            if is_done(self) {
                return;
            }
            self.turn();
        }
        panic!(
            "not seen: {what}; lines {:?}, events {:?}",
            self.lines, self.events
        );
    }

    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, text)| text.as_str()).collect()
    }
}

#[test]
fn lines_of_every_shape_are_read_in_order_and_counted() {
    let (_cluster, connection) = cluster("access", 1);
    produce(
        &connection,
        "access",
        0,
        &["one", "two\nthree\n", r#"[{"a":1},{"a":2}]"#, "", "[{"],
    );
    let mut driver = Driver::new(settings(&connection, "access"), Beginning::Configured);
    driver.turn_until("all messages", |driver| driver.source.counters().messages == 5);
    assert_eq!(
        driver.texts(),
        ["one", "two", "three", r#"{"a":1}"#, r#"{"a":2}"#]
    );
    let counters = driver.source.counters();
    assert_eq!(
        (counters.lines, counters.empty_messages, counters.broken_arrays),
        (5, 1, 1)
    );
    assert_eq!(
        driver
            .source
            .owned()
            .map(|(source, found)| (source, found.next))
            .collect::<Vec<_>>(),
        [(0, Some(5))]
    );
}

#[test]
fn reading_begins_at_the_checkpoint() {
    let (_cluster, connection) = cluster("access", 1);
    produce(&connection, "access", 0, &["a", "b", "c", "d"]);
    let mut driver = Driver::new(settings(&connection, "access"), Beginning::Offset(1));
    driver.turn_until("three lines", |driver| driver.lines.len() == 3);
    assert_eq!(driver.texts(), ["b", "c", "d"]);
    driver.source.seek(0, 2).unwrap();
    driver.turn_until("two lines again", |driver| driver.lines.len() == 5);
    assert_eq!(driver.texts(), ["b", "c", "d", "c", "d"]);
}

#[test]
fn nothing_beyond_what_was_delivered_can_be_committed() {
    let (_cluster, connection) = cluster("access", 1);
    produce(&connection, "access", 0, &["a", "b"]);
    let mut driver = Driver::new(settings(&connection, "access"), Beginning::Configured);
    driver.turn_until("two lines", |driver| driver.lines.len() == 2);
    let error = driver.source.commit(&[(0, 3)], Commit::Wait).unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not commit offset 3 of access[0]: only delivered up to Some(2)"
    );
    assert!(!error.is_retryable());
    driver.source.commit(&[(0, 2)], Commit::Wait).unwrap();
}

#[test]
fn an_unanswered_rebalance_stops_the_reading() {
    let (_cluster, connection) = cluster("access", 1);
    let mut source = KafkaSource::new(settings(&connection, "access")).unwrap();
    let mut batch = KafkaBatch::new();
    for _ in 0..POLLS_MAX {
        source.poll(&mut batch, WAIT).unwrap();
        if batch.events().contains(&KafkaEvent::Assigned(vec![0])) {
            break;
        }
    }
    let error = source.poll(&mut batch, WAIT).unwrap_err();
    assert!(
        matches!(error, KafkaSourceError::UnansweredRebalance("assigned")),
        "{error}"
    );
    assert!(source.begin(&[]).is_err() && source.begin(&[(7, Beginning::Configured)]).is_err());
    assert!(source.release().is_err());
    source.begin(&[(0, Beginning::Configured)]).unwrap();
    source.poll(&mut batch, WAIT).unwrap();
}

#[test]
fn a_checkpoint_beyond_the_log_is_reported_as_a_rewind() {
    let (_cluster, connection) = cluster("access", 1);
    produce(&connection, "access", 0, &["a", "b"]);
    let mut driver = Driver::new(settings(&connection, "access"), Beginning::Offset(50));
    driver.turn_until("two lines", |driver| driver.lines.len() == 2);
    let gap = Gap {
        source: 0,
        from: 50,
        to: 0,
        cause: GapCause::Rewound,
    };
    assert!(
        driver.events.contains(&KafkaEvent::Gap(gap)),
        "{:?}",
        driver.events
    );
    assert_eq!(driver.source.counters().rewinds, 1);
}

#[test]
fn a_held_source_delivers_nothing_and_goes_on_where_it_stood() {
    let (_cluster, connection) = cluster("access", 1);
    produce(&connection, "access", 0, &["a"]);
    let mut driver = Driver::new(settings(&connection, "access"), Beginning::Configured);
    driver.turn_until("the first line", |driver| driver.lines.len() == 1);
    driver.source.set_held(true).unwrap();
    produce(&connection, "access", 0, &["b", "c"]);
    for _ in 0..5 {
        driver.turn();
    }
    assert_eq!(driver.texts(), ["a"]);
    driver.source.set_held(false).unwrap();
    driver.turn_until("the others", |driver| driver.lines.len() == 3);
    assert_eq!(driver.texts(), ["a", "b", "c"]);
}

#[test]
fn a_pattern_reads_every_topic_that_matches_by_its_own_rule() {
    let (cluster, connection) = cluster("gateway.eu", 1);
    cluster.create_topic("gateway.us", 1, 1).unwrap();
    cluster.create_topic("other", 1, 1).unwrap();
    produce(&connection, "gateway.eu", 0, &["a\nb"]);
    produce(&connection, "gateway.us", 0, &["c\nd"]);
    produce(&connection, "other", 0, &["e"]);
    let mut settings = settings(&connection, "gateway.us");
    settings.topics[0].shape = MessageShape::Line;
    settings.topics.push(TopicRule {
        shape: MessageShape::Lines,
        ..TopicRule::new(TopicSelector::Pattern("gateway.*".to_owned()))
    });
    let mut driver = Driver::new(settings, Beginning::Configured);
    driver.turn_until("three lines", |driver| driver.lines.len() == 3);
    let mut texts = driver.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["a", "b", "c\nd"]);
}

#[test]
fn dead_letters_carry_their_origin() {
    let (cluster, connection) = cluster("access", 1);
    cluster.create_topic("dead", 1, 1).unwrap();
    let mut letters = DeadLetters::new(&connection, "dead").unwrap();
    let origin = DeadLetterOrigin {
        topic: "access",
        partition: 0,
        offset: 7,
        reason: "no known format",
        ..DeadLetterOrigin::default()
    };
    letters.send(b"\xff garbage", &origin);
    assert!(letters.flush(Duration::from_secs(30)));
    let counters = letters.counters();
    assert_eq!((counters.delivered, counters.failed, counters.dropped), (1, 0, 0));
    let mut driver = Driver::new(settings(&connection, "dead"), Beginning::Configured);
    driver.turn_until("the letter", |driver| driver.lines.len() == 1);
    assert_eq!(driver.texts(), ["\u{fffd} garbage"]);
}
