//! Messages of one poll, as lines. Owns its bytes, so that it can travel to another thread and be used anew.

use super::carried::{Carried, Kept};
use super::otlp::otlp_records;
use super::split::MessageShape;
use super::{KafkaEvent, SplitFault, SplitLimits, split_payload};
use domain::{Position, Timestamp};
use std::ops::Range;
use std::sync::Arc;

/// A batch ends at this many messages: the records of one tick.
pub const BATCH_MESSAGES_MAX: usize = 4096;

/// A batch ends at this many lines: sixteen ticks.
pub const BATCH_LINES_MAX: usize = 65_536;

/// A batch ends at this many bytes: the second-level cache of one core and some more. One message may exceed it.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much of a payload that is too long is kept to be shown, in bytes.
pub const REJECTED_BYTES_KEPT: usize = 4096;

/// The broker's word on when a record came: what our own clock and the gateway's are compared to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerTime {
    /// The producer's clock, when it made the record.
    Created(Timestamp),
    /// The broker's clock, when it appended the record.
    Appended(Timestamp),
}

/// One line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KafkaLine<'a> {
    /// As the gateway wrote it.
    pub text: &'a [u8],
    /// Number of the partition and offset of the message. Lines of one message share it, in order.
    pub position: Position,
    /// When the message came.
    pub broker_time: Option<BrokerTime>,
    /// Place of the message within the batch.
    pub message: usize,
}

/// A part of a message that gave no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KafkaRejection<'a> {
    /// The part; of a payload that is too long only the beginning.
    pub text: &'a [u8],
    /// Its whole length, in bytes.
    pub length: usize,
    /// Number of the partition and offset of the message.
    pub position: Position,
    /// Why.
    pub fault: SplitFault,
    /// Place of the message within the batch.
    pub message: usize,
}

/// A message on its way into a batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrived {
    pub(super) position: Position,
    pub(super) broker_time: Option<BrokerTime>,
    /// The gateway that a header names.
    pub(super) gateway: Option<Arc<str>>,
}

#[derive(Debug)]
struct Message {
    position: Position,
    broker_time: Option<BrokerTime>,
    gateway: Option<Arc<str>>,
    /// Bytes of its payload.
    length: usize,
}

#[derive(Debug)]
struct Rejected {
    bytes: Range<usize>,
    length: usize,
    message: usize,
    fault: SplitFault,
}

/// What a batch holds of one message beside its lines.
#[derive(Debug, Clone, Copy)]
pub struct KafkaMessage<'a> {
    /// Number of the partition and offset.
    pub position: Position,
    /// When it came.
    pub broker_time: Option<BrokerTime>,
    /// The gateway that one of its headers names.
    pub gateway: Option<&'a str>,
    /// Bytes of its payload.
    pub length: usize,
}

/// The messages of one poll. Reuse it: its memory stays.
#[derive(Debug, Default)]
pub struct KafkaBatch {
    bytes: Vec<u8>,
    messages: Vec<Message>,
    /// Index of the message, bytes of the line.
    lines: Vec<(usize, Range<usize>)>,
    rejected: Vec<Rejected>,
    /// Keys and headers, one per message; none at all when nobody wants them.
    kept: Kept,
    events: Vec<KafkaEvent>,
    /// Number of the partition, next offset; in the order of their first message.
    next: Vec<(u32, u64)>,
    /// Ranges of the message being split: kept for its memory.
    pieces: Vec<Range<usize>>,
}

impl KafkaBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines, in the order of their messages.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = KafkaLine<'_>> {
        self.lines.iter().map(|(place, range)| {
            let message = &self.messages[*place];
            KafkaLine {
                text: &self.bytes[range.clone()],
                position: message.position,
                broker_time: message.broker_time,
                message: *place,
            }
        })
    }

    /// The parts of messages that gave no lines.
    pub fn rejections(&self) -> impl ExactSizeIterator<Item = KafkaRejection<'_>> {
        self.rejected.iter().map(|rejected| KafkaRejection {
            text: &self.bytes[rejected.bytes.clone()],
            length: rejected.length,
            position: self.messages[rejected.message].position,
            fault: rejected.fault,
            message: rejected.message,
        })
    }

    /// What it holds of the message at that place; places count from 0.
    #[must_use]
    pub fn message(&self, place: usize) -> Option<KafkaMessage<'_>> {
        let message = self.messages.get(place)?;
        Some(KafkaMessage {
            position: message.position,
            broker_time: message.broker_time,
            gateway: message.gateway.as_deref(),
            length: message.length,
        })
    }

    /// Key and headers of the message at that place; none when the settings do not keep them.
    #[must_use]
    pub fn carried(&self, place: usize) -> Carried<'_> {
        self.kept.get(place)
    }

    /// What happened after these messages, to be handled after them, in this order.
    #[must_use]
    pub fn events(&self) -> &[KafkaEvent] {
        &self.events
    }

    /// For each partition in the batch, the offset to go on with after it.
    #[must_use]
    pub fn next_offsets(&self) -> &[(u32, u64)] {
        &self.next
    }

    /// Number of messages.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is neither a message nor an event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.events.is_empty()
    }

    /// Whether nothing more was taken because there was no room: it was not waited for what is in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.messages.len() >= BATCH_MESSAGES_MAX
            || self.lines.len() >= BATCH_LINES_MAX
            || self.bytes.len() >= BATCH_BYTES_MAX
    }

    /// Forgets the content and keeps the memory of an ordinary batch, not that of one huge message.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * BATCH_BYTES_MAX);
        self.lines.clear();
        self.lines.shrink_to(2 * BATCH_LINES_MAX);
        self.messages.clear();
        self.rejected.clear();
        self.kept.clear();
        self.events.clear();
        self.next.clear();
    }

    pub(super) fn push_event(&mut self, event: KafkaEvent) {
        self.events.push(event);
    }

    /// Keeps key and headers of the message that is added next. Of every message or of none: they are found by its place.
    pub(super) fn keep<'m>(
        &mut self,
        key: Option<&[u8]>,
        headers: impl Iterator<Item = (&'m str, Option<&'m [u8]>)>,
    ) {
        let place = self.kept.push(key, headers);
        debug_assert_eq!(
            place,
            self.messages.len(),
            "headers are kept of every message or of none"
        );
    }

    /// Adds a message and splits it; returns how many lines it gave and why a part of it gave none.
    pub(super) fn push_message(
        &mut self,
        arrived: Arrived,
        payload: &[u8],
        shape: MessageShape,
        limits: SplitLimits,
    ) -> (usize, Option<SplitFault>) {
        self.note_next(arrived.position);
        let index = self.messages.len();
        self.messages.push(Message {
            position: arrived.position,
            broker_time: arrived.broker_time,
            gateway: arrived.gateway,
            length: payload.len(),
        });
        self.pieces.clear();
        if shape == MessageShape::Otlp {
            return self.push_otlp(index, payload, limits);
        }
        let base = self.bytes.len();
        let rejection = split_payload(payload, shape, limits, &mut self.pieces);
        let is_too_long = rejection
            .as_ref()
            .is_some_and(|found| found.fault == SplitFault::PayloadTooLong);
        let kept = if is_too_long {
            REJECTED_BYTES_KEPT
        } else {
            payload.len()
        };
        self.bytes.extend_from_slice(&payload[..kept.min(payload.len())]);
        let count = self.pieces.len();
        let moved = self
            .pieces
            .drain(..)
            .map(|piece| (index, base + piece.start..base + piece.end));
        self.lines.extend(moved);
        let fault = rejection.as_ref().map(|found| found.fault);
        if let Some(found) = rejection {
            self.rejected.push(Rejected {
                length: found.rest.len(),
                bytes: base + found.rest.start..self.bytes.len(),
                message: index,
                fault: found.fault,
            });
        }
        (count, fault)
    }

    /// Adds the records of a message in protobuf as JSON; of the message itself only what went wrong is kept.
    fn push_otlp(
        &mut self,
        index: usize,
        payload: &[u8],
        limits: SplitLimits,
    ) -> (usize, Option<SplitFault>) {
        let fault = otlp_records(payload, limits, &mut self.bytes, &mut self.pieces);
        let count = self.pieces.len();
        self.lines
            .extend(self.pieces.drain(..).map(|piece| (index, piece)));
        if let Some(fault) = fault {
            let base = self.bytes.len();
            let kept = match fault {
                SplitFault::PayloadTooLong => payload.len().min(REJECTED_BYTES_KEPT),
                _ => payload.len(),
            };
            self.bytes.extend_from_slice(&payload[..kept]);
            self.rejected.push(Rejected {
                bytes: base..base + kept,
                length: payload.len(),
                message: index,
                fault,
            });
        }
        (count, fault)
    }

    fn note_next(&mut self, position: Position) {
        let next = position.line + 1;
        // Messages come in runs of one partition: its entry is the last one, nearly always.
        match self
            .next
            .iter_mut()
            .rev()
            .find(|(source, _)| *source == position.source)
        {
            Some(entry) => entry.1 = next,
            None => self.next.push((position.source, next)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { source: 2, line: 7 };

    fn push(batch: &mut KafkaBatch, position: Position, payload: &[u8]) -> (usize, Option<SplitFault>) {
        let limits = SplitLimits {
            payload_bytes_max: 10_000,
            lines_max: 2,
        };
        let arrived = Arrived {
            position,
            ..Arrived::default()
        };
        batch.push_message(arrived, payload, MessageShape::Lines, limits)
    }

    #[test]
    fn lines_know_where_their_message_stood() {
        let mut batch = KafkaBatch::new();
        assert_eq!(push(&mut batch, AT, b"a\nb\n"), (2, None));
        assert_eq!(push(&mut batch, Position { source: 0, line: 1 }, b"c"), (1, None));
        assert_eq!(push(&mut batch, Position { source: 2, line: 8 }, b""), (0, None));
        let lines: Vec<(&[u8], u32, u64)> = batch
            .lines()
            .map(|line| (line.text, line.position.source, line.position.line))
            .collect();
        assert_eq!(lines, [(&b"a"[..], 2, 7), (b"b", 2, 7), (b"c", 0, 1)]);
        assert_eq!(batch.next_offsets(), [(2, 9), (0, 2)]);
        batch.clear();
        assert!(batch.is_empty() && batch.lines().len() == 0);
    }

    #[test]
    fn protobuf_gives_its_records_and_what_is_none_is_kept_whole() {
        let mut batch = KafkaBatch::new();
        let mut push = |payload: &[u8]| {
            let arrived = Arrived {
                position: AT,
                ..Arrived::default()
            };
            batch.push_message(arrived, payload, MessageShape::Otlp, SplitLimits::default())
        };
        // One resource with one scope with two empty records.
        assert_eq!(push(&[0x0a, 0x06, 0x12, 0x04, 0x12, 0x00, 0x12, 0x00]), (2, None));
        assert_eq!(push(b"no protobuf"), (0, Some(SplitFault::BrokenOtlp)));
        let lines: Vec<_> = batch.lines().map(|line| line.text).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with(b"{\"timeUnixNano\":\"0\""));
        let rejections: Vec<_> = batch.rejections().map(|rejection| rejection.text).collect();
        assert_eq!(rejections, [b"no protobuf"]);
    }

    #[test]
    fn what_overflows_is_kept_and_of_a_huge_payload_only_its_beginning() {
        let mut batch = KafkaBatch::new();
        assert_eq!(
            push(&mut batch, AT, b"a\nb\nc\n"),
            (2, Some(SplitFault::TooManyLines))
        );
        let huge = vec![b'x'; 10_001];
        assert_eq!(push(&mut batch, AT, &huge), (0, Some(SplitFault::PayloadTooLong)));
        let rejections: Vec<_> = batch.rejections().collect();
        assert_eq!((rejections[0].text, rejections[0].length), (&b"c\n"[..], 2));
        assert_eq!(
            (rejections[1].text.len(), rejections[1].length),
            (REJECTED_BYTES_KEPT, 10_001)
        );
    }
}
