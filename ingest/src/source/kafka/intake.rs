//! What one message goes through on its way into a batch.

use super::batch::{Arrived, BrokerTime, KafkaBatch};
use super::carried::{self, Gateways};
use super::counters::KafkaCounters;
use super::event::KafkaEvent;
use super::partitions::{Arrival, Partitions};
use super::placing::from_kafka;
use super::settings::KafkaSettings;
use domain::{Position, Timestamp};
use rdkafka::message::{BorrowedMessage, Message as _};

/// The part of the source that messages go through.
pub(super) struct Intake {
    pub(super) settings: KafkaSettings,
    pub(super) partitions: Partitions,
    pub(super) counters: KafkaCounters,
    pub(super) gateways: Gateways,
}

impl Intake {
    /// The partition's number; topics that no rule matches can only come from a rebalance of other members'
    /// settings and are read by the first rule.
    pub(super) fn number(&mut self, topic: &str, partition: i32) -> u32 {
        let rules = &self.settings.topics;
        let rule = rules
            .iter()
            .position(|rule| rule.topics.matches(topic))
            .unwrap_or(0);
        self.partitions.number_or_add(topic, partition, rule)
    }

    pub(super) fn take(&mut self, message: &BorrowedMessage<'_>, batch: &mut KafkaBatch) {
        let offset = from_kafka(message.offset());
        let source = self.partitions.number(message.topic(), message.partition());
        let Some(source) = source else {
            self.counters.stale_messages += 1;
            return;
        };
        match self.partitions.arrive(source, offset) {
            Arrival::Expected => {}
            Arrival::AfterGap(gap) => {
                self.counters.count_gap(&gap);
                batch.push_event(KafkaEvent::Gap(gap));
            }
            Arrival::Stale => {
                self.counters.stale_messages += 1;
                return;
            }
        }
        let position = Position { source, line: offset };
        let payload = message.payload().unwrap_or_default();
        let rule = self
            .partitions
            .get(source)
            .and_then(|found| self.settings.topics.get(found.rule));
        let shape = rule.map(|rule| rule.shape).unwrap_or_default();
        let header = rule.and_then(|rule| rule.gateway_header.as_deref());
        let named = header.and_then(|wanted| carried::headers(message).find(|(name, _)| *name == wanted));
        let arrived = Arrived {
            position,
            broker_time: broker_time(message),
            gateway: named.and_then(|(_, value)| self.gateways.name(value?)),
        };
        if self.settings.keeps_headers {
            batch.keep(message.key(), carried::headers(message));
        }
        let (lines, fault) = batch.push_message(arrived, payload, shape, self.settings.limits);
        self.counters.messages += 1;
        self.counters.lines += lines as u64;
        self.counters.bytes += payload.len() as u64;
        self.counters.empty_messages += u64::from(lines == 0 && fault.is_none());
        if let Some(fault) = fault {
            self.counters.count_fault(fault);
        }
    }
}

fn broker_time(message: &BorrowedMessage<'_>) -> Option<BrokerTime> {
    match message.timestamp() {
        rdkafka::Timestamp::NotAvailable => None,
        rdkafka::Timestamp::CreateTime(millis) => Some(BrokerTime::Created(Timestamp::from_millis(millis))),
        rdkafka::Timestamp::LogAppendTime(millis) => {
            Some(BrokerTime::Appended(Timestamp::from_millis(millis)))
        }
    }
}
