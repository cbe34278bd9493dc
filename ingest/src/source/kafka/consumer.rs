//! The Kafka source: one consumer of a group, polled by one thread.

use super::batch::KafkaBatch;
use super::context::{PartitionEnd, Rebalance, SourceContext, assign, log_failure, unassign};
use super::counters::KafkaCounters;
use super::error::KafkaSourceError;
use super::event::KafkaEvent;
use super::intake::Intake;
use super::partitions::{Gap, Partition, Partitions};
use super::settings::KafkaSettings;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// How long one question to a broker may take. Longer than a leader election, shorter than the group's patience.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Polls within which partitions are given back when the source is dropped. What takes longer, the session's end does.
const LEAVE_POLLS_MAX: usize = 20;

/// How long each of them waits.
const LEAVE_WAIT: Duration = Duration::from_millis(50);

/// Where a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// At the offset its checkpoint stands for.
    Offset(u64),
    /// It has no checkpoint: where the settings say.
    Configured,
}

/// Whether a commit is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Returns when the broker has it: before giving partitions back, and at the end.
    Wait,
    /// Returns at once; a failure comes as an event. The next commit covers it.
    Later,
}

/// How far one partition is behind its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Number of the partition.
    pub source: u32,
    /// The next offset to be delivered.
    pub next: u64,
    /// The partition's end, as the brokers told within the last seconds.
    pub end: u64,
}

impl Lag {
    /// Messages between the two.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.end.saturating_sub(self.next)
    }
}

/// A rebalance handed to the driver and not answered yet.
#[derive(Debug, Clone)]
struct Pending {
    rebalance: Rebalance,
    sources: Vec<u32>,
}

/// One consumer of a group. Dropping it leaves the group; commit first.
pub struct KafkaSource {
    pub(super) consumer: BaseConsumer<SourceContext>,
    pub(super) intake: Intake,
    pending: Option<Pending>,
    /// Gaps found while beginning: they go out with the next batch.
    pub(super) gaps: Vec<Gap>,
    pub(super) is_reset_due: bool,
    is_held: bool,
    /// Ends of partitions that were asked for while held.
    asked_ends: Vec<PartitionEnd>,
}

impl std::fmt::Debug for KafkaSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KafkaSource")
            .field("group", &self.intake.settings.group)
            .field("counters", &self.intake.counters)
            .finish_non_exhaustive()
    }
}

impl KafkaSource {
    /// Makes the consumer and subscribes. Brokers are not waited for: they may come up later.
    ///
    /// # Errors
    /// When the client library refuses a setting or a topic name, or cannot read a certificate.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaSourceError> {
        let setup = |source| KafkaSourceError::Setup {
            what: "consumer",
            source,
        };
        let config = settings.consumer_config();
        let consumer: BaseConsumer<SourceContext> = config
            .create_with_context(SourceContext::new(settings.connection.tokens()))
            .map_err(setup)?;
        let topics = settings.subscriptions();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(setup)?;
        Ok(Self {
            consumer,
            intake: Intake {
                settings,
                partitions: Partitions::default(),
                counters: KafkaCounters::default(),
                gateways: super::carried::Gateways::default(),
            },
            pending: None,
            gaps: Vec::new(),
            is_reset_due: false,
            is_held: false,
            asked_ends: Vec::new(),
        })
    }

    /// Fills `batch` with what has arrived, waiting at most `wait` for the first message.
    ///
    /// Must be called at least every five minutes, also while held: brokers give the partitions of a silent
    /// member to others.
    ///
    /// # Errors
    /// When a rebalance was not answered, when the client gave up for good, and, retryable, when a lost offset
    /// could not be placed because brokers do not answer.
    pub fn poll(&mut self, batch: &mut KafkaBatch, wait: Duration) -> Result<(), KafkaSourceError> {
        batch.clear();
        if let Some(pending) = &self.pending {
            let what = if pending.rebalance.is_assignment {
                "assigned"
            } else {
                "revoked"
            };
            return Err(KafkaSourceError::UnansweredRebalance(what));
        }
        self.fill(batch, wait);
        self.is_reset_due |= self.consumer.context().take_lost_offset();
        let placed = if self.is_reset_due && !self.is_rebalancing() {
            self.place_lost_offsets()
        } else {
            Ok(())
        };
        self.push_events(batch);
        // The library tells the cause's own code here (a name that another member took), not that it is fatal: it is asked.
        match self.consumer.client().fatal_error() {
            Some((_, reason)) => Err(KafkaSourceError::Fatal(reason)),
            // What was read is delivered first; the error comes back with the next, empty poll.
            None if batch.is_empty() => placed,
            None => Ok(()),
        }
    }

    fn fill(&mut self, batch: &mut KafkaBatch, wait: Duration) {
        let mut wait = wait;
        while !batch.is_full() {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => self.intake.take(&message, batch),
                // The context was told as well, with the reason.
                Some(Err(_)) => break,
                None => break,
            }
            if self.consumer.context().has_notes() {
                break;
            }
            wait = Duration::ZERO;
        }
    }

    fn push_events(&mut self, batch: &mut KafkaBatch) {
        for gap in self.gaps.drain(..) {
            self.intake.counters.count_gap(&gap);
            batch.push_event(KafkaEvent::Gap(gap));
        }
        for trouble in self.consumer.context().take_troubles() {
            batch.push_event(trouble);
        }
        if let Some(rebalance) = self.consumer.context().take_rebalance() {
            batch.push_event(self.note_rebalance(rebalance));
        }
    }

    /// Numbers the partitions of a rebalance and remembers that it waits for its answer.
    fn note_rebalance(&mut self, rebalance: Rebalance) -> KafkaEvent {
        self.intake.counters.rebalances += 1;
        let mut names = rebalance.partitions.clone();
        // In order, so that numbers do not depend on how the broker listed them.
        names.sort();
        let mut sources = Vec::with_capacity(names.len());
        for (topic, partition) in &names {
            sources.push(self.intake.number(topic, *partition));
        }
        let event = match (rebalance.is_assignment, rebalance.is_lost) {
            (true, _) => KafkaEvent::Assigned(sources.clone()),
            (false, false) => KafkaEvent::Revoked(sources.clone()),
            (false, true) => KafkaEvent::Lost(sources.clone()),
        };
        self.pending = Some(Pending { rebalance, sources });
        event
    }

    /// Answers `Assigned`: reading begins at these offsets. Name every assigned partition.
    ///
    /// An offset outside the log is placed by the settings and reported as a gap with the next poll.
    ///
    /// # Errors
    /// When no assignment waits, or the list is not the assigned partitions; retryable when brokers do not answer.
    pub fn begin(&mut self, beginnings: &[(u32, Beginning)]) -> Result<(), KafkaSourceError> {
        let pending = self
            .pending
            .as_ref()
            .filter(|pending| pending.rebalance.is_assignment);
        let is_complete = pending.is_some_and(|pending| {
            let mut named: Vec<u32> = beginnings.iter().map(|(source, _)| *source).collect();
            let mut assigned = pending.sources.clone();
            named.sort_unstable();
            assigned.sort_unstable();
            named == assigned
        });
        if !is_complete {
            return Err(KafkaSourceError::NoSuchRebalance("begin"));
        }
        let mut list = TopicPartitionList::new();
        let mut placed = Vec::with_capacity(beginnings.len());
        for (source, beginning) in beginnings {
            let (offset, gap) = self.find_beginning(*source, *beginning)?;
            self.add(&mut list, *source, offset)?;
            placed.push((*source, offset, gap));
        }
        assign(&self.consumer, &list).map_err(KafkaSourceError::broker("take partitions on"))?;
        for (source, offset, gap) in placed {
            if let Some(partition) = self.intake.partitions.get_mut(source) {
                partition.next = Some(offset);
                partition.is_owned = true;
            }
            self.gaps.extend(gap);
        }
        self.pending = None;
        // The library unpauses by itself after a rebalance: a hold must outlive it.
        self.set_held(self.is_held)
    }

    /// Answers `Revoked` and `Lost`: the partitions are given back.
    ///
    /// # Errors
    /// When no such rebalance waits, or the client library refuses.
    pub fn release(&mut self) -> Result<(), KafkaSourceError> {
        let Some(pending) = self.pending.take_if(|pending| !pending.rebalance.is_assignment) else {
            return Err(KafkaSourceError::NoSuchRebalance("release"));
        };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in &pending.rebalance.partitions {
            list.add_partition(topic, *partition);
        }
        for source in pending.sources {
            if let Some(partition) = self.intake.partitions.get_mut(source) {
                partition.is_owned = false;
                partition.left_at = partition.next.take().or(partition.left_at);
            }
        }
        unassign(&self.consumer, &list).map_err(KafkaSourceError::broker("give partitions back"))
    }

    /// Commits the next offsets to read. Call it only with what a durable checkpoint stands for.
    ///
    /// # Errors
    /// When an offset lies beyond what was delivered, when (not retryable) the partition has a new owner, and when
    /// brokers do not answer.
    pub fn commit(&mut self, offsets: &[(u32, u64)], mode: Commit) -> Result<(), KafkaSourceError> {
        let mut list = TopicPartitionList::new();
        for (source, offset) in offsets {
            let partition = self.intake.partitions.get(*source);
            let delivered = partition
                .filter(|found| found.is_owned)
                .and_then(|found| found.next);
            if delivered.is_none_or(|next| *offset > next) {
                let (topic, number) = partition.map_or_else(Default::default, |found| {
                    (found.topic.to_string(), found.partition)
                });
                return Err(KafkaSourceError::CommitAhead {
                    topic,
                    partition: number,
                    offset: *offset,
                    delivered,
                });
            }
            self.add(&mut list, *source, *offset)?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        let mode = match mode {
            Commit::Wait => CommitMode::Sync,
            Commit::Later => CommitMode::Async,
        };
        let doing = format!(
            "commit {} offsets of group {}",
            offsets.len(),
            self.intake.settings.group
        );
        self.consumer
            .commit(&list, mode)
            .map_err(KafkaSourceError::broker(doing))
    }

    /// Goes back or forward: the next message of the partition is the one at `offset`.
    ///
    /// # Errors
    /// When the partition is not ours, when a rebalance was not answered, or the client library refuses.
    pub fn seek(&mut self, source: u32, offset: u64) -> Result<(), KafkaSourceError> {
        let is_owned = self.partition(source).is_some_and(|found| found.is_owned);
        if !is_owned {
            return Err(KafkaSourceError::NoSuchRebalance("seek"));
        }
        if self.is_rebalancing() {
            return Err(KafkaSourceError::UnansweredRebalance("assigned or revoked"));
        }
        self.take_on_anew(&[(source, offset)])
    }

    /// Whether a rebalance waits for its answer, or to be handed out.
    fn is_rebalancing(&self) -> bool {
        self.pending.is_some() || self.consumer.context().has_rebalance()
    }

    /// Stops (or goes on) delivering lines while the membership stays alive: for the time that a checkpoint
    /// cannot be written. Keep polling.
    ///
    /// # Errors
    /// When the client library refuses.
    pub fn set_held(&mut self, is_held: bool) -> Result<(), KafkaSourceError> {
        self.is_held = is_held;
        self.asked_ends.clear();
        let mut list = TopicPartitionList::new();
        for (_, partition) in self.intake.partitions.owned() {
            list.add_partition(&partition.topic, partition.partition);
        }
        if list.count() == 0 {
            return Ok(());
        }
        let done = if is_held {
            self.consumer.pause(&list)
        } else {
            self.consumer.resume(&list)
        };
        done.map_err(KafkaSourceError::broker("hold or resume partitions"))
    }

    /// Numbers a partition as a checkpoint did, and notes where it stood: call it in the order of the checkpoint's
    /// numbers, before the first poll. State is kept by number, so numbers must not change over a restart.
    pub fn remember(&mut self, topic: &str, partition: i32, next: Option<u64>) {
        let number = self.intake.number(topic, partition);
        if let Some(found) = self.intake.partitions.get_mut(number) {
            found.left_at = next;
        }
    }

    /// Where reading of that partition stands; `None` when nothing was read of it.
    #[must_use]
    pub fn place(&self, source: u32) -> Option<u64> {
        self.partition(source)?.place()
    }

    /// The partition of that number.
    #[must_use]
    pub fn partition(&self, source: u32) -> Option<&Partition> {
        self.intake.partitions.get(source)
    }

    /// Numbers and partitions that are ours and have begun.
    pub fn owned(&self) -> impl Iterator<Item = (u32, &Partition)> {
        self.intake.partitions.owned()
    }

    /// Totals since the source was made.
    #[must_use]
    pub fn counters(&self) -> KafkaCounters {
        KafkaCounters {
            troubles: self.consumer.context().troubles_total(),
            ..self.intake.counters
        }
    }

    /// Asks brokers for the ends of the partitions that are ours. The library learns them while it fetches: of a held
    /// reader it knows the ends of the time when it was held, however much piles up.
    ///
    /// # Errors
    /// When brokers do not answer.
    pub fn ask_ends(&mut self) -> Result<(), KafkaSourceError> {
        let mut list = TopicPartitionList::new();
        for (_, partition) in self.intake.partitions.owned() {
            list.add_partition_offset(&partition.topic, partition.partition, Offset::End)
                .map_err(KafkaSourceError::broker("list partitions"))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        let ends = self
            .consumer
            .offsets_for_times(list, ANSWER_TIMEOUT)
            .map_err(KafkaSourceError::broker("ask for the ends of partitions"))?;
        let end = |found: TopicPartitionListElem<'_>| match found.offset() {
            Offset::Offset(offset) => Some(PartitionEnd {
                topic: found.topic().to_owned(),
                partition: found.partition(),
                end: u64::try_from(offset).ok()?,
            }),
            _ => None,
        };
        self.asked_ends = ends.elements().into_iter().filter_map(end).collect();
        Ok(())
    }

    /// How far the partitions that are ours are behind; those whose end is not known yet are left out.
    #[must_use]
    pub fn lags(&self) -> Vec<Lag> {
        let told = self.consumer.context().ends();
        let ends = if self.asked_ends.is_empty() {
            &told
        } else {
            &self.asked_ends
        };
        let lag = |end: &PartitionEnd| {
            let source = self.intake.partitions.number(&end.topic, end.partition)?;
            let partition = self
                .intake
                .partitions
                .get(source)
                .filter(|found| found.is_owned)?;
            Some(Lag {
                source,
                next: partition.next?,
                end: end.end,
            })
        };
        ends.iter().filter_map(lag).collect()
    }
}

impl Drop for KafkaSource {
    /// Leaves the group. The library asks to give partitions back while it closes; nobody polls then any more.
    fn drop(&mut self) {
        self.consumer.context().close();
        match self.pending.take() {
            Some(pending) if pending.rebalance.is_assignment => {
                let nothing = TopicPartitionList::new();
                log_failure("answer an assignment", assign(&self.consumer, &nothing));
            }
            Some(pending) => {
                let mut list = TopicPartitionList::new();
                for (topic, partition) in &pending.rebalance.partitions {
                    list.add_partition(topic, *partition);
                }
                log_failure("give partitions back", unassign(&self.consumer, &list));
            }
            None => {}
        }
        if self.intake.settings.instance.is_some() {
            self.leave();
        }
    }
}

impl KafkaSource {
    /// Leaves the group by name. Closing a consumer leaves a static member's partitions to its return; but a process
    /// that ends in order may hand over to another one, or come back with other topics.
    fn leave(&self) {
        self.consumer.unsubscribe();
        for _ in 0..LEAVE_POLLS_MAX {
            // Lines that still come are not delivered, so their offsets are committed by nobody.
            drop(self.consumer.poll(LEAVE_WAIT));
            if self.consumer.assignment().is_ok_and(|left| left.count() == 0) {
                break;
            }
        }
    }
}
