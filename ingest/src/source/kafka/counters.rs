//! What the source has counted since it was made. Metrics read it; nothing decides by it.

use super::{GapCause, SplitFault};

/// Totals since the source was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KafkaCounters {
    /// Messages delivered.
    pub messages: u64,
    /// Lines delivered.
    pub lines: u64,
    /// Payload bytes delivered.
    pub bytes: u64,
    /// Messages without a payload or with white space only.
    pub empty_messages: u64,
    /// Messages left aside because they had been delivered before or their partition was taken away.
    pub stale_messages: u64,
    /// Payloads over the length limit.
    pub payloads_too_long: u64,
    /// Messages with more lines than the limit.
    pub line_overflows: u64,
    /// Broken JSON arrays, lists of records, and OTLP protobuf.
    pub broken_arrays: u64,
    /// Offsets that the broker left out inside the log.
    pub offsets_skipped: u64,
    /// Offsets deleted before they were read.
    pub offsets_lost: u64,
    /// Times a log ended before the wanted offset.
    pub rewinds: u64,
    /// Times the group gave or took partitions.
    pub rebalances: u64,
    /// Reports of trouble with brokers, failed commits included.
    pub troubles: u64,
}

impl KafkaCounters {
    pub(super) fn count_fault(&mut self, fault: SplitFault) {
        match fault {
            SplitFault::PayloadTooLong => self.payloads_too_long += 1,
            SplitFault::TooManyLines => self.line_overflows += 1,
            SplitFault::BrokenArray | SplitFault::BrokenRecords | SplitFault::BrokenOtlp => {
                self.broken_arrays += 1;
            }
        }
    }

    pub(super) fn count_gap(&mut self, gap: &super::Gap) {
        match gap.cause {
            GapCause::Skipped => self.offsets_skipped += gap.to - gap.from,
            // With `lost_offset = latest` reading goes on at the end: all that lies between counts as lost.
            GapCause::Lost => self.offsets_lost += gap.to - gap.from,
            GapCause::Rewound => self.rewinds += 1,
        }
    }
}
