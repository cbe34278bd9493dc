//! Where in the log to read: beginnings, and offsets that are not there any more.

use super::consumer::{ANSWER_TIMEOUT, Beginning, KafkaSource};
use super::context::{assign, unassign};
use super::error::KafkaSourceError;
use super::partitions::{Gap, Partition, place};
use super::settings::{FirstStart, LostOffset};
use domain::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;

impl KafkaSource {
    /// Takes every partition on anew where it stands: the library does not say which one lost its offset, and has
    /// stopped fetching that one.
    pub(super) fn place_lost_offsets(&mut self) -> Result<(), KafkaSourceError> {
        let owned: Vec<(u32, u64)> = self
            .intake
            .partitions
            .owned()
            .filter_map(|(source, partition)| Some((source, partition.next?)))
            .collect();
        let mut places = Vec::with_capacity(owned.len());
        let mut gaps = Vec::new();
        for (source, next) in owned {
            let (low, high) = self.watermarks(source)?;
            let (offset, gap) = place(source, next, low, high, self.is_lost_to_end());
            places.push((source, offset));
            gaps.extend(gap);
        }
        self.take_on_anew(&places)?;
        self.gaps.extend(gaps);
        self.is_reset_due = false;
        Ok(())
    }

    /// Begins partitions that are ours at other offsets.
    ///
    /// Not by the library's seek: it refuses one for a partition that it has stopped because its offset was lost.
    /// No rebalance may wait for its answer, for the library would take this for it.
    pub(super) fn take_on_anew(&mut self, places: &[(u32, u64)]) -> Result<(), KafkaSourceError> {
        let taken = self
            .consumer
            .assignment()
            .map_err(KafkaSourceError::broker("list partitions"))?;
        let (mut before, mut after) = (TopicPartitionList::new(), TopicPartitionList::new());
        for (source, offset) in places {
            let partition = self.known(*source)?;
            // A first attempt may have failed half way.
            if taken
                .find_partition(&partition.topic, partition.partition)
                .is_some()
            {
                before.add_partition(&partition.topic, partition.partition);
            }
            self.add(&mut after, *source, *offset)?;
        }
        if before.count() > 0 {
            unassign(&self.consumer, &before)
                .map_err(KafkaSourceError::broker("leave partitions for a moment"))?;
        }
        if after.count() > 0 {
            assign(&self.consumer, &after).map_err(KafkaSourceError::broker("take partitions on anew"))?;
        }
        for (source, offset) in places {
            if let Some(partition) = self.intake.partitions.get_mut(*source) {
                partition.next = Some(*offset);
            }
        }
        Ok(())
    }

    fn is_lost_to_end(&self) -> bool {
        self.intake.settings.lost_offset == LostOffset::Latest
    }

    pub(super) fn find_beginning(
        &self,
        source: u32,
        beginning: Beginning,
    ) -> Result<(u64, Option<Gap>), KafkaSourceError> {
        let (low, high) = self.watermarks(source)?;
        let wanted = match (beginning, self.intake.settings.first_start) {
            (Beginning::Offset(offset), _) => Some(offset),
            (Beginning::Configured, FirstStart::Earliest) => None,
            (Beginning::Configured, FirstStart::Latest) => Some(high),
            (Beginning::Configured, FirstStart::Committed) => self.committed(source)?,
            (Beginning::Configured, FirstStart::At(time)) => {
                Some(self.first_since(source, time)?.unwrap_or(high))
            }
        };
        Ok(match wanted {
            Some(wanted) => place(source, wanted, low, high, self.is_lost_to_end()),
            None => (low, None),
        })
    }

    /// The oldest offset that is kept, and the one after the newest.
    fn watermarks(&self, source: u32) -> Result<(u64, u64), KafkaSourceError> {
        let partition = self.known(source)?;
        let doing = format!(
            "ask for the offsets of {}[{}]",
            partition.topic, partition.partition
        );
        let (low, high) = self
            .consumer
            .fetch_watermarks(&partition.topic, partition.partition, ANSWER_TIMEOUT)
            .map_err(KafkaSourceError::broker(doing))?;
        Ok((from_kafka(low), from_kafka(high)))
    }

    /// The group's committed offset; `None` when it has none.
    fn committed(&self, source: u32) -> Result<Option<u64>, KafkaSourceError> {
        let partition = self.known(source)?;
        let mut list = TopicPartitionList::new();
        list.add_partition(&partition.topic, partition.partition);
        let doing = format!(
            "ask for the committed offset of {}[{}]",
            partition.topic, partition.partition
        );
        let list = self
            .consumer
            .committed_offsets(list, ANSWER_TIMEOUT)
            .map_err(KafkaSourceError::broker(doing))?;
        Ok(list.elements().first().and_then(|found| match found.offset() {
            Offset::Offset(offset) => Some(from_kafka(offset)),
            _ => None,
        }))
    }

    /// The offset of the first record of that time or later; `None` when there is none.
    fn first_since(&self, source: u32, time: Timestamp) -> Result<Option<u64>, KafkaSourceError> {
        let partition = self.known(source)?;
        let (topic, number) = (Arc::clone(&partition.topic), partition.partition);
        let found = offsets_since(&self.consumer, &[(topic, number)], time)?;
        Ok(found.first().copied().flatten())
    }

    fn known(&self, source: u32) -> Result<&Partition, KafkaSourceError> {
        let found = self.intake.partitions.get(source);
        found.ok_or(KafkaSourceError::NoSuchRebalance("place a partition"))
    }

    pub(super) fn add(
        &self,
        list: &mut TopicPartitionList,
        source: u32,
        offset: u64,
    ) -> Result<(), KafkaSourceError> {
        let partition = self.known(source)?;
        list.add_partition_offset(&partition.topic, partition.partition, to_kafka(offset))
            .map_err(KafkaSourceError::broker("list partitions"))
    }
}

/// For each partition the offset of its first record of that time or later; `None` when there is none.
pub(super) fn offsets_since<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[(Arc<str>, i32)],
    time: Timestamp,
) -> Result<Vec<Option<u64>>, KafkaSourceError> {
    // Kafka's times begin in 1970, and its negative ones mean something else.
    let millis = time.as_millis().max(0);
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition_offset(topic, *partition, Offset::Offset(millis))
            .map_err(KafkaSourceError::broker("list partitions"))?;
    }
    let doing = format!("ask for the offsets of {time}");
    let answer = consumer.offsets_for_times(list, ANSWER_TIMEOUT);
    let answer = answer.map_err(KafkaSourceError::broker(doing))?;
    let offset = |(topic, partition): &(Arc<str>, i32)| {
        let found = answer.find_partition(topic, *partition)?;
        // One partition may be refused alone.
        if let Err(source) = found.error() {
            let doing = format!("ask for the offset of {time} in {topic}[{partition}]");
            return Some(Err(KafkaSourceError::Broker { doing, source }));
        }
        match found.offset() {
            Offset::Offset(offset) => Some(Ok(from_kafka(offset))),
            _ => None,
        }
    };
    partitions
        .iter()
        .map(|partition| offset(partition).transpose())
        .collect()
}

/// Kafka's offsets are signed and never negative once a record has one.
pub(super) fn from_kafka(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

pub(super) fn to_kafka(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}
