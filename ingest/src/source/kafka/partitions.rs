//! Which partitions there are, where each one stands, and what was missing on the way.

use std::collections::HashMap;
use std::sync::Arc;

/// One partition of a topic. Its place in the list is `Position.source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Topic.
    pub topic: Arc<str>,
    /// Number within the topic.
    pub partition: i32,
    /// Which of the settings' topic rules reads it.
    pub rule: usize,
    /// Whether the group gave it to us.
    pub is_owned: bool,
    /// The next offset to be delivered; `None` before `begin`.
    pub next: Option<u64>,
    /// Where it stood when it was last ours, or where a checkpoint says it stands.
    pub(super) left_at: Option<u64>,
}

impl Partition {
    /// Where reading stands, whether the partition is ours at the moment or not; `None` when nothing was read of it.
    #[must_use]
    pub fn place(&self) -> Option<u64> {
        self.next.or(self.left_at)
    }
}

/// Why offsets are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapCause {
    /// The broker left them out inside the log: compaction, aborted transactions, transaction markers.
    Skipped,
    /// They were deleted before we read them (retention, `DeleteRecords`): requests that nobody judged.
    Lost,
    /// The log ends before the wanted offset: the topic was made anew or cut.
    Rewound,
}

impl GapCause {
    /// One word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Lost => "lost",
            Self::Rewound => "rewound",
        }
    }
}

/// Offsets that were expected and did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Number of the partition, as in `Position.source`.
    pub source: u32,
    /// The offset that was expected.
    pub from: u64,
    /// The offset that reading goes on with; smaller than `from` when rewound.
    pub to: u64,
    /// Why.
    pub cause: GapCause,
}

/// What to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the expected one.
    Expected,
    /// Take it; something before it is missing.
    AfterGap(Gap),
    /// It was delivered before, or its partition is not ours: leave it.
    Stale,
}

/// Every partition seen since the start. Numbers are dense and never used anew.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    list: Vec<Partition>,
    numbers: HashMap<Arc<str>, HashMap<i32, u32>>,
}

impl Partitions {
    pub(super) fn get(&self, source: u32) -> Option<&Partition> {
        self.list.get(usize::try_from(source).ok()?)
    }

    pub(super) fn get_mut(&mut self, source: u32) -> Option<&mut Partition> {
        self.list.get_mut(usize::try_from(source).ok()?)
    }

    pub(super) fn number(&self, topic: &str, partition: i32) -> Option<u32> {
        self.numbers.get(topic)?.get(&partition).copied()
    }

    /// The partition's number; a new one for one never seen.
    pub(super) fn number_or_add(&mut self, topic: &str, partition: i32, rule: usize) -> u32 {
        if let Some(number) = self.number(topic, partition) {
            return number;
        }
        let number = u32::try_from(self.list.len()).expect("Kafka clusters hold under 2^32 partitions");
        let topic: Arc<str> = topic.into();
        self.numbers
            .entry(Arc::clone(&topic))
            .or_default()
            .insert(partition, number);
        self.list.push(Partition {
            topic,
            partition,
            rule,
            is_owned: false,
            next: None,
            left_at: None,
        });
        number
    }

    /// Numbers and partitions that are ours and have begun.
    pub(super) fn owned(&self) -> impl Iterator<Item = (u32, &Partition)> {
        (0..).zip(&self.list).filter(|(_, partition)| partition.is_owned)
    }

    /// Notes a record and says what to do with it.
    pub(super) fn arrive(&mut self, source: u32, offset: u64) -> Arrival {
        let Some(partition) = self.get_mut(source).filter(|partition| partition.is_owned) else {
            return Arrival::Stale;
        };
        let from = partition.next.unwrap_or(offset);
        if offset < from {
            return Arrival::Stale;
        }
        partition.next = Some(offset + 1);
        if offset == from {
            return Arrival::Expected;
        }
        Arrival::AfterGap(Gap {
            source,
            from,
            to: offset,
            cause: GapCause::Skipped,
        })
    }
}

/// Where reading can begin when `wanted` is asked for and the log holds `low..high`; a gap when it is elsewhere.
pub(super) fn place(source: u32, wanted: u64, low: u64, high: u64, lost_to_end: bool) -> (u64, Option<Gap>) {
    if (low..=high).contains(&wanted) {
        return (wanted, None);
    }
    let to = if lost_to_end { high } else { low };
    let cause = if wanted < low {
        GapCause::Lost
    } else {
        GapCause::Rewound
    };
    let gap = Gap {
        source,
        from: wanted,
        to,
        cause,
    };
    (to, Some(gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned_at(next: u64) -> (Partitions, u32) {
        let mut partitions = Partitions::default();
        let source = partitions.number_or_add("t", 3, 0);
        let partition = partitions.get_mut(source).unwrap();
        partition.is_owned = true;
        partition.next = Some(next);
        (partitions, source)
    }

    #[test]
    fn a_partition_keeps_its_number() {
        let mut partitions = Partitions::default();
        assert_eq!(partitions.number_or_add("b", 0, 0), 0);
        assert_eq!(partitions.number_or_add("a", 0, 0), 1);
        assert_eq!(partitions.number_or_add("b", 1, 0), 2);
        assert_eq!(partitions.number_or_add("b", 0, 0), 0);
        assert_eq!(partitions.number("c", 0), None);
    }

    #[test]
    fn missing_offsets_are_a_gap_and_old_ones_are_stale() {
        let (mut partitions, source) = owned_at(5);
        assert_eq!(partitions.arrive(source, 4), Arrival::Stale);
        assert_eq!(partitions.arrive(source, 5), Arrival::Expected);
        let gap = Gap {
            source,
            from: 6,
            to: 9,
            cause: GapCause::Skipped,
        };
        assert_eq!(partitions.arrive(source, 9), Arrival::AfterGap(gap));
        assert_eq!(partitions.arrive(source, 9), Arrival::Stale);
        partitions.get_mut(source).unwrap().is_owned = false;
        assert_eq!(partitions.arrive(source, 10), Arrival::Stale);
    }

    #[test]
    fn an_offset_outside_the_log_is_placed_and_reported() {
        let check = |wanted, lost_to_end, to, cause: Option<GapCause>| {
            let (begin, gap) = place(7, wanted, 10, 20, lost_to_end);
            assert_eq!((begin, gap.map(|gap| gap.cause)), (to, cause), "{wanted}");
        };
        check(10, false, 10, None);
        check(20, false, 20, None);
        check(9, false, 10, Some(GapCause::Lost));
        check(9, true, 20, Some(GapCause::Lost));
        check(21, false, 10, Some(GapCause::Rewound));
        check(21, true, 20, Some(GapCause::Rewound));
    }
}
