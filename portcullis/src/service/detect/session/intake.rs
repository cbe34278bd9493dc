//! What comes in: asked for, parsed, handed to the detector.

use super::super::inputs::POLL_WAIT;
use super::super::reading::{self, Judging, RejectedLine, Rejections, Taken};
use super::{Fault, RETRY_AFTER, SILENCE, Session};
use crate::service::topics::Rejected;
use domain::{Position, RequestRecord};
use ingest::source::door::TOO_LONG;
use ingest::source::kafka::KafkaBatch;
use std::time::Instant;

impl Session<'_> {
    /// Asks Kafka for what has arrived; false when there is none, or its brokers do not answer.
    pub(super) fn ask_kafka(&mut self, batch: &mut KafkaBatch) -> Result<bool, Fault> {
        if self.inputs.kafka.is_none() || self.kafka_again.is_some_and(|again| Instant::now() < again) {
            return Ok(false);
        }
        self.kafka_again = None;
        if self.answer_pending()? {
            match self.inputs.poll_kafka(batch) {
                Ok(()) => {
                    self.go_on();
                    return Ok(true);
                }
                Err(error) if error.is_retryable() => self.stall(&error),
                Err(error) => return Err(error.into()),
            }
        }
        self.kafka_again = Some(Instant::now() + RETRY_AFTER);
        Ok(false)
    }

    /// Takes what came in by the doors beside Kafka, unless writing fails. Kafka waits for the first line if it is there.
    pub(super) fn ask_doors(&mut self, has_asked: bool) {
        if !has_asked && !self.inputs.has_more {
            self.inputs.doors.wait(POLL_WAIT);
        }
        if self.held_until.is_none() {
            self.inputs.poll_doors(&self.role.setup.config);
        } else {
            // What waits there does, until writing works.
            self.inputs.has_more = false;
        }
        for source in self.inputs.doors.take_opened() {
            self.trust(source);
        }
    }

    /// Reads what has arrived, or what the open tick holds after a second of silence.
    pub(super) fn read(&mut self, batch: Option<&KafkaBatch>) {
        if batch.is_none_or(|batch| batch.messages() == 0) && self.inputs.batch.is_empty() {
            if !self.is_previewed && self.spoken.elapsed() >= SILENCE {
                self.detector.preview(&mut self.outputs);
                self.effects.take_early(&mut self.outputs, &mut self.watched);
                self.is_previewed = true;
            }
        } else {
            self.observe(batch);
            self.role.setup.figures.set_state(true, None);
            self.spoken = Instant::now();
            self.is_previewed = false;
            self.has_news = true;
        }
        self.effects
            .take(&mut self.outputs, &mut self.minutes, &mut self.watched);
    }

    /// Parses lines and hands them to the detector: those of Kafka first.
    fn observe(&mut self, batch: Option<&KafkaBatch>) {
        let setup = &self.role.setup;
        let partitions = self.inputs.partitions();
        let place = |position: Position| Position {
            source: partitions
                .get(position.source as usize)
                .copied()
                .unwrap_or(u32::MAX),
            ..position
        };
        let mut rejections = Rejections {
            sources: &mut self.inputs.sources,
            letters: self.inputs.letters.as_mut(),
            effects: &mut self.effects,
            batch,
            reasons: Rejected::default(),
            now: (setup.shared.clock)(),
            count: 0,
        };
        let door = &self.inputs.batch;
        let mut judging = Judging {
            config: &setup.config,
            key: &setup.key,
            workers: &self.workers,
            readers: &mut self.readers,
            detector: &mut self.detector,
            minutes: &mut self.minutes,
            outputs: &mut self.outputs,
            records: 0,
        };
        self.judged.clear();
        if let Some(batch) = batch {
            let taken = batch.lines().map(|line| Taken {
                text: line.text,
                position: place(line.position),
                message: Some(line.message),
            });
            let judged = |record: &RequestRecord<'_>| self.judged.push((record.position.source, record.at));
            judging.judge(taken, &mut rejections, judged);
            for part in batch.rejections() {
                rejections.add(&RejectedLine {
                    text: part.text,
                    position: place(part.position),
                    message: Some(part.message),
                    reason: (reading::fault_label(part.fault), part.fault.as_str()),
                });
            }
        }
        let taken = door.lines().map(|line| Taken {
            text: line.text,
            position: line.position,
            message: None,
        });
        judging.judge(taken, &mut rejections, |_| ());
        for line in door.too_long() {
            rejections.add(&RejectedLine {
                text: line.text,
                position: line.position,
                message: None,
                reason: ("too_long", TOO_LONG),
            });
        }
        let lines = batch.map_or(0, |batch| batch.lines().len()) + door.lines().len();
        let (records, rejected, reasons) = (judging.records, rejections.count, rejections.reasons);
        let now = self.detector.now();
        let read = (lines as u64, records, rejected);
        reading::count(&setup.figures, read, &mut self.minutes, now);
        if let Some(batch) = batch {
            let sources = &self.inputs.sources;
            let ours = |local: u32| partitions.get(local as usize).copied().unwrap_or(u32::MAX);
            let now = (setup.shared.clock)();
            let topics = setup.figures.topics();
            topics.count(batch, (&self.judged, &reasons), now, ours, |number| {
                sources.get(number)?.topic()
            });
        }
    }
}
