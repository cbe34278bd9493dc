//! What is shown of the sources beside Kafka.

use super::super::inputs::{Inputs, SourceName};
use crate::service::door_figures::DoorFigures;
use domain::Timestamp;

/// The figures of every source beside Kafka that is open.
pub(super) fn figures(inputs: &Inputs, now: Timestamp) -> Vec<DoorFigures> {
    let beside = inputs.doors.figures();
    let open = inputs
        .sources
        .iter()
        .filter(|(_, source)| source.terms.is_some() && !matches!(source.name, SourceName::Partition(..)));
    open.map(|(number, source)| {
        let counts = source.counts;
        let has_spoken = counts.latest > Timestamp::default();
        let (behind, dropped) = beside.get(&number).copied().unwrap_or_default();
        DoorFigures {
            name: source.name.label(),
            lines: counts.lines,
            rejected: counts.rejected,
            bytes: counts.bytes,
            behind,
            dropped,
            delay_secs: has_spoken.then(|| now.millis_since(counts.latest).max(0) as f64 / 1000.0),
        }
    })
    .collect()
}
