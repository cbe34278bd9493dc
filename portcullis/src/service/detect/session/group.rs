//! The session in its consumer group: what it is given to read, what it gives back, and what brokers report.

use super::{Fault, Session, TROUBLE_SHOWN};
use ingest::source::kafka::{Beginning, Commit, KafkaEvent, KafkaSource, KafkaSourceError};
use std::time::Instant;

impl Session<'_> {
    /// Answers what the group asks and notes the rest.
    pub(super) fn hear(&mut self, event: KafkaEvent) -> Result<(), Fault> {
        match event {
            KafkaEvent::Assigned(_) | KafkaEvent::Revoked(_) | KafkaEvent::Lost(_) => {
                self.unanswered = Some(event);
                self.answer_pending()?;
            }
            KafkaEvent::Gap(gap) => {
                let partition = self.inputs.kafka.as_ref();
                let partition = partition.and_then(|kafka| kafka.partition(gap.source));
                let topic = partition.map_or_else(String::new, |found| found.topic.to_string());
                tracing::warn!(
                    topic,
                    from = gap.from,
                    to = gap.to,
                    cause = gap.cause.as_str(),
                    "offsets are missing"
                );
            }
            KafkaEvent::BrokerTrouble(what) => {
                // The library repeats itself several times a second while it lasts.
                if self.is_troubled() {
                    tracing::debug!("trouble with a broker: {what}");
                } else {
                    tracing::warn!("trouble with a broker: {what}");
                }
                self.troubled_until = Some(Instant::now() + TROUBLE_SHOWN);
                self.trouble(&what);
            }
            KafkaEvent::CommitFailed(why) => tracing::warn!("an offset commit failed: {why}"),
        }
        Ok(())
    }

    /// Answers a rebalance that waits; false when brokers did not answer and it must be tried again.
    pub(super) fn answer_pending(&mut self) -> Result<bool, Fault> {
        let Some(event) = self.unanswered.take() else {
            return Ok(true);
        };
        let answered = match &event {
            KafkaEvent::Assigned(sources) => self.take_on(sources),
            KafkaEvent::Revoked(sources) => {
                // Nothing is committed that no checkpoint holds: where it fails, the next owner reads again.
                if !self.effects.is_empty() {
                    tracing::warn!("gives partitions back without a checkpoint: decisions wait to be stored");
                } else if let Err(error) = self.save(Commit::Wait) {
                    tracing::warn!("could not write a checkpoint before giving partitions back: {error}");
                }
                tracing::info!(partitions = sources.len(), "gives partitions back");
                self.release()
            }
            _ => self.release(),
        };
        match answered {
            Ok(()) => Ok(true),
            Err(error) if error.is_retryable() => {
                self.stall(&error);
                self.unanswered = Some(event);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Begins partitions where the state stands.
    fn take_on(&mut self, sources: &[u32]) -> Result<(), KafkaSourceError> {
        self.inputs.number_partitions(&self.role.setup.config);
        for source in sources {
            if let Some(number) = self.inputs.partition(*source) {
                self.trust(number);
            }
        }
        let Some(kafka) = &mut self.inputs.kafka else {
            return Ok(());
        };
        let beginnings: Vec<(u32, Beginning)> = sources
            .iter()
            .map(|source| {
                let place = kafka.place(*source);
                (*source, place.map_or(Beginning::Configured, Beginning::Offset))
            })
            .collect();
        kafka.begin(&beginnings)?;
        tracing::info!(partitions = sources.len(), "reads partitions");
        self.role.setup.figures.set_state(true, None);
        Ok(())
    }

    fn release(&mut self) -> Result<(), KafkaSourceError> {
        let kafka = self.inputs.kafka.as_mut();
        kafka.map_or(Ok(()), KafkaSource::release)
    }

    /// Tells the detector how the word of a source is taken.
    pub(super) fn trust(&mut self, number: u32) {
        if let Some(terms) = self.inputs.sources.taken(number) {
            self.detector.set_source(number, terms);
        }
    }
}
