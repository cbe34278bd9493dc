//! Everything that lines come from: partitions of topics, logs that are followed, spools. One number space, one list of places.

mod doors;
mod sources;
mod terms;

pub(super) use sources::{Source, SourceName, Sources, Terms};

use super::checkpoint::{PartitionPlace, Place};
use crate::config::{Config, used};
use crate::service::spools::{Spools, Wake};
use doors::Doors;
use ingest::source::door::DoorBatch;
use ingest::source::kafka::{DeadLetters, KafkaBatch, KafkaSettings, KafkaSource, KafkaSourceError};
use std::sync::Arc;
use std::time::Duration;

/// How long it is waited for the first line: also how late an order is heard while nothing comes.
pub(super) const POLL_WAIT: Duration = Duration::from_millis(100);

/// The doors that lines come in by.
pub(super) struct Inputs {
    pub(super) kafka: Option<KafkaSource>,
    pub(super) letters: Option<DeadLetters>,
    pub(super) sources: Sources,
    pub(super) doors: Doors,
    /// What was taken from the doors beside Kafka.
    pub(super) batch: DoorBatch,
    /// Our numbers of Kafka's partitions, by its own.
    partitions: Vec<u32>,
    /// Whether a door beside Kafka had more than was taken.
    pub(super) has_more: bool,
}

impl Inputs {
    /// Opens what is configured, each where the checkpoint says that it stood.
    ///
    /// # Errors
    /// When the Kafka client refuses its settings.
    pub(super) fn open(
        config: &Config,
        places: &[Place],
        (spools, wake): (&Arc<Spools>, &Arc<Wake>),
        instance: impl FnOnce(&used::Kafka) -> String,
    ) -> Result<Self, KafkaSourceError> {
        let mut inputs = Self {
            kafka: None,
            letters: None,
            sources: Sources::resume(places),
            doors: Doors::open(config, places, Arc::clone(spools), Arc::clone(wake)),
            batch: DoorBatch::new(),
            partitions: Vec::new(),
            has_more: false,
        };
        let Some(kafka) = &config.kafka else {
            return Ok(inputs);
        };
        let mut source = KafkaSource::new(KafkaSettings {
            instance: Some(instance(kafka)),
            ..kafka.source_settings()
        })?;
        // Kafka numbers its partitions in the order in which it hears of them: they are told in the order of ours.
        for place in places {
            if let Place::Partition(place) = place {
                source.remember(&place.topic, place.partition, place.next);
            }
        }
        inputs.letters = kafka
            .dead_letter_topic
            .as_deref()
            .map(|topic| DeadLetters::new(&kafka.connection(), topic))
            .transpose()?;
        inputs.kafka = Some(source);
        inputs.number_partitions(config);
        Ok(inputs)
    }

    /// Numbers Kafka's partitions that are new, and notes how they are read.
    pub(super) fn number_partitions(&mut self, config: &Config) {
        let Some(kafka) = &self.kafka else { return };
        let topics = config.kafka.as_ref().map_or(&[][..], |kafka| &kafka.topics);
        let mut local = 0;
        while let Some(partition) = kafka.partition(local) {
            let name = SourceName::Partition(partition.topic.clone(), partition.partition);
            let number = self.sources.number(name);
            if self.partitions.len() == local as usize {
                self.partitions.push(number);
            }
            let topic = topics.get(partition.rule);
            if let (Some(source), Some(topic)) = (self.sources.get_mut(number), topic) {
                let gateway = topic.gateway.as_deref().unwrap_or(&partition.topic);
                source.terms.get_or_insert_with(|| Terms {
                    format: topic.format.clone(),
                    trust: topic.trust,
                    acts_per_hour: topic.acts_per_hour,
                    lateness_secs: topic.lateness_secs.unwrap_or(config.detector.lateness_secs),
                    gateway: gateway.to_owned(),
                    identity: config.clients.identity_of(&topic.own_identity()),
                    settings: format!("kafka.topics[{}]", partition.rule),
                });
            }
            local += 1;
        }
    }

    /// Our numbers of Kafka's partitions, by its own.
    pub(super) fn partitions(&self) -> Vec<u32> {
        self.partitions.clone()
    }

    /// Our number of a partition of Kafka's.
    pub(super) fn partition(&self, local: u32) -> Option<u32> {
        self.partitions.get(local as usize).copied()
    }

    /// Asks Kafka for what has arrived.
    ///
    /// # Errors
    /// What the source says.
    pub(super) fn poll_kafka(&mut self, batch: &mut KafkaBatch) -> Result<(), KafkaSourceError> {
        let wait = if self.has_more { Duration::ZERO } else { POLL_WAIT };
        self.kafka
            .as_mut()
            .map_or(Ok(()), |kafka| kafka.poll(batch, wait))
    }

    /// Takes what came in by the other doors.
    pub(super) fn poll_doors(&mut self, config: &Config) {
        self.batch.clear();
        self.has_more = self.doors.poll(config, &mut self.batch, &mut self.sources);
    }

    /// Forgets what was taken, so that it is read once.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
    }

    /// Whether anything is read.
    pub(super) fn is_reading(&self) -> bool {
        let has_partition = |kafka: &KafkaSource| kafka.owned().next().is_some();
        // Without Kafka there is another door: nobody detects who reads nothing.
        self.kafka.as_ref().is_none_or(has_partition)
    }

    /// Where every source stands.
    pub(super) fn places(&self) -> Vec<Place> {
        let doors = self.doors.places();
        self.sources.places(|name| match name {
            SourceName::Partition(topic, partition) => {
                let kafka = self.kafka.as_ref()?;
                let local = (0..)
                    .map_while(|local| Some((local, kafka.partition(local)?)))
                    .find(|(_, found)| found.topic == *topic && found.partition == *partition);
                Some(Place::Partition(PartitionPlace {
                    topic: topic.to_string(),
                    partition: *partition,
                    next: kafka.place(local?.0),
                }))
            }
            beside => doors.get(beside).cloned(),
        })
    }
}
