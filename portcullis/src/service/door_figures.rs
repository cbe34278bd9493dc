//! What is shown of the sources beside Kafka, each by its name.

use api::{Exposition, MetricKind};

/// What is shown of one source beside Kafka.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DoorFigures {
    /// How people know it.
    pub(crate) name: String,
    /// Lines read.
    pub(crate) lines: u64,
    /// Lines that could not be read.
    pub(crate) rejected: u64,
    /// Bytes of lines read.
    pub(crate) bytes: u64,
    /// Bytes that wait.
    pub(crate) behind: u64,
    /// Lines that were sent and not taken.
    pub(crate) dropped: u64,
    /// Seconds between now and the time of the last request.
    pub(crate) delay_secs: Option<f64>,
}

/// A figure of a source beside Kafka: its kind, name, what it counts, and its value.
type DoorMetric = (
    MetricKind,
    &'static str,
    &'static str,
    fn(&DoorFigures) -> Option<f64>,
);

/// Every figure of a source beside Kafka.
const DOOR_METRICS: &[DoorMetric] = &[
    (
        MetricKind::Counter,
        "source_lines_total",
        "Lines read from a source beside Kafka.",
        |door| Some(door.lines as f64),
    ),
    (
        MetricKind::Counter,
        "source_rejected_total",
        "Lines of it that could not be read.",
        |door| Some(door.rejected as f64),
    ),
    (
        MetricKind::Counter,
        "source_bytes_total",
        "Bytes of its lines.",
        |door| Some(door.bytes as f64),
    ),
    (
        MetricKind::Gauge,
        "source_behind_bytes",
        "Bytes of it that wait, in its file or its spool.",
        |door| Some(door.behind as f64),
    ),
    (
        MetricKind::Counter,
        "source_dropped_total",
        "Lines that were sent and not taken, by us or by the kernel before us: datagrams find no room.",
        |door| Some(door.dropped as f64),
    ),
    (
        MetricKind::Gauge,
        "source_delay_seconds",
        "Seconds between now and the time of its last request.",
        |door| door.delay_secs,
    ),
];

/// Writes the figures of every source; nothing where there is none.
pub(super) fn write(doors: &[DoorFigures], out: &mut Exposition) {
    for (kind, name, help, value) in DOOR_METRICS {
        let labels: Vec<[(&str, &str); 1]> = doors
            .iter()
            .map(|door| [("source", door.name.as_str())])
            .collect();
        let values: Vec<(&[(&str, &str)], f64)> = doors
            .iter()
            .zip(&labels)
            .filter_map(|(door, labels)| Some((&labels[..], value(door)?)))
            .collect();
        if !values.is_empty() {
            out.add(*kind, name, help, &values);
        }
    }
}
