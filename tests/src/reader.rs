//! A member of a group without a detector: reads, keeps checkpoints in a store that members share, and commits.

use anyhow::{Context as _, Result, bail};
use ingest::source::kafka::{
    Beginning, Commit, Gap, KafkaBatch, KafkaEvent, KafkaSettings, KafkaSource, KafkaSourceError,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one poll waits. Nothing depends on it but how often a loop turns.
pub const WAIT: Duration = Duration::from_millis(50);

/// Polls after which [`Reader::turn_until`] gives up, so that a fault ends as a failure with a reason.
const POLLS_MAX: usize = 2_400;

/// The next offsets of partitions, as members of one group see them.
pub type Checkpoints = BTreeMap<(String, i32), u64>;

/// One line and where it stood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: u64,
    /// The line.
    pub text: String,
}

/// The member.
#[derive(Debug)]
pub struct Reader {
    /// What reads.
    pub source: KafkaSource,
    /// Everything that was delivered.
    pub lines: Vec<Read>,
    /// Of these, what a checkpoint stands for: it is never to come again.
    pub durable: usize,
    /// Offsets that were missing.
    pub gaps: Vec<Gap>,
    batch: KafkaBatch,
}

impl Reader {
    /// Joins the group.
    pub fn new(settings: KafkaSettings) -> Result<Self> {
        Ok(Self {
            source: KafkaSource::new(settings)?,
            lines: Vec::new(),
            durable: 0,
            gaps: Vec::new(),
            batch: KafkaBatch::new(),
        })
    }

    /// One poll: lines, then what happened after them.
    pub fn turn(&mut self, checkpoints: &mut Checkpoints) -> Result<()> {
        match self.source.poll(&mut self.batch, WAIT) {
            Err(error) if error.is_retryable() => return Ok(()),
            polled => polled?,
        }
        for line in self.batch.lines() {
            let partition = self
                .source
                .partition(line.position.source)
                .context("a partition without a name")?;
            self.lines.push(Read {
                topic: partition.topic.to_string(),
                partition: partition.partition,
                offset: line.position.line,
                text: String::from_utf8_lossy(line.text).into_owned(),
            });
        }
        for event in self.batch.events().to_vec() {
            self.hear(event, checkpoints)?;
        }
        Ok(())
    }

    fn hear(&mut self, event: KafkaEvent, checkpoints: &mut Checkpoints) -> Result<()> {
        match event {
            KafkaEvent::Assigned(sources) => {
                let mut beginnings = Vec::new();
                for source in sources {
                    let checkpoint = checkpoints.get(&self.name(source)?);
                    let beginning = checkpoint.map_or(Beginning::Configured, |at| Beginning::Offset(*at));
                    beginnings.push((source, beginning));
                }
                while let Err(error) = self.source.begin(&beginnings) {
                    retry(error)?;
                }
            }
            KafkaEvent::Revoked(_) => {
                self.checkpoint(checkpoints)?;
                self.source.release()?;
            }
            KafkaEvent::Lost(sources) => {
                // Somebody else reads again what no checkpoint stands for.
                let lost: Vec<(String, i32)> = sources
                    .iter()
                    .map(|source| self.name(*source))
                    .collect::<Result<_>>()?;
                let new = self.lines.split_off(self.durable);
                let is_lost = |line: &Read| lost.contains(&(line.topic.clone(), line.partition));
                self.lines.extend(new.into_iter().filter(|line| !is_lost(line)));
                self.source.release()?;
            }
            KafkaEvent::Gap(gap) => self.gaps.push(gap),
            KafkaEvent::BrokerTrouble(reason) | KafkaEvent::CommitFailed(reason) => eprintln!("{reason}"),
        }
        Ok(())
    }

    /// Makes a checkpoint of everything delivered, then commits it.
    pub fn checkpoint(&mut self, checkpoints: &mut Checkpoints) -> Result<()> {
        let offsets: Vec<(u32, u64)> = self
            .source
            .owned()
            .filter_map(|(source, partition)| Some((source, partition.next?)))
            .collect();
        for (source, next) in &offsets {
            checkpoints.insert(self.name(*source)?, *next);
        }
        self.durable = self.lines.len();
        // The checkpoint is what counts: a commit that a rebalance overtakes is not needed.
        if let Err(error) = self.source.commit(&offsets, Commit::Wait) {
            eprintln!("{error}");
        }
        Ok(())
    }

    fn name(&self, source: u32) -> Result<(String, i32)> {
        let partition = self
            .source
            .partition(source)
            .context("a partition without a name")?;
        Ok((partition.topic.to_string(), partition.partition))
    }

    /// Number of partitions that are read here.
    pub fn owned(&self) -> usize {
        self.source.owned().count()
    }

    /// Polls until that holds.
    pub fn turn_until(
        &mut self,
        checkpoints: &mut Checkpoints,
        what: &str,
        is_done: impl Fn(&Self) -> bool,
    ) -> Result<()> {
        for _ in 0..POLLS_MAX {
            if is_done(self) {
                return Ok(());
            }
            self.turn(checkpoints)?;
        }
        bail!(
            "not seen: {what}; {} lines, gaps {:?}",
            self.lines.len(),
            self.gaps
        )
    }

    /// The lines alone.
    pub fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }
}

fn retry(error: KafkaSourceError) -> Result<()> {
    if error.is_retryable() {
        Ok(())
    } else {
        Err(error.into())
    }
}
