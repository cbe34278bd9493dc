//! What is counted, and its text form for Prometheus. Labels never hold a client, a path or a key.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds figures of other parts of the process to `/metrics`.
pub trait MetricsSource: Send + Sync {
    /// Writes them.
    fn write(&self, out: &mut Exposition);
}

/// Figures in Prometheus's text format.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Adds a counter or a gauge with one value per set of labels. `name` is without a prefix.
    pub fn add(&mut self, kind: MetricKind, name: &str, help: &str, values: &[(&[(&str, &str)], f64)]) {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP portcullis_{name} {help}");
        let _ = writeln!(self.text, "# TYPE portcullis_{name} {kind}");
        for (labels, value) in values {
            let _ = write!(self.text, "portcullis_{name}");
            for (place, (label, value)) in labels.iter().enumerate() {
                let opening = if place == 0 { '{' } else { ',' };
                let _ = write!(self.text, "{opening}{label}=\"{}\"", escape(value));
            }
            let closing = if labels.is_empty() { "" } else { "}" };
            let _ = writeln!(self.text, "{closing} {value}");
        }
    }

    /// Adds a value without labels.
    pub fn add_one(&mut self, kind: MetricKind, name: &str, help: &str, value: f64) {
        self.add(kind, name, help, &[(&[], value)]);
    }

    /// Adds histograms of one name.
    pub fn add_histogram(&mut self, name: &str, help: &str, histograms: &[Histogram<'_>]) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP portcullis_{name} {help}");
        let _ = writeln!(self.text, "# TYPE portcullis_{name} histogram");
        for histogram in histograms {
            let labels: Vec<String> = histogram
                .labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
                .collect();
            let labels = labels.join(",");
            let comma = if labels.is_empty() { "" } else { "," };
            let mut total = 0;
            let bounds = histogram
                .bounds
                .iter()
                .map(f64::to_string)
                .chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(histogram.counts) {
                total += count;
                let _ = writeln!(
                    self.text,
                    "portcullis_{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}"
                );
            }
            let braced = if labels.is_empty() {
                labels
            } else {
                format!("{{{labels}}}")
            };
            let _ = writeln!(self.text, "portcullis_{name}_sum{braced} {}", histogram.sum);
            let _ = writeln!(self.text, "portcullis_{name}_count{braced} {total}");
        }
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Values by their size, under one set of labels.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<'a> {
    /// Labels and their values.
    pub labels: &'a [(&'a str, &'a str)],
    /// Upper bounds, rising.
    pub bounds: &'a [f64],
    /// How many values lie above the bound before and not above each, and behind them those above all bounds.
    pub counts: &'a [u64],
    /// The sum of the values.
    pub sum: f64,
}

/// How a figure behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// What this crate counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    checks: [AtomicU64; 4],
    checks_unauthorised: AtomicU64,
    lookups: AtomicU64,
    pulls: AtomicU64,
    refused_keys: AtomicU64,
    event_readers: AtomicU64,
    event_readers_lagged: AtomicU64,
    orders: AtomicU64,
}

const VERDICTS: [&str; 4] = ["pass", "challenge", "throttle", "refuse"];

impl Metrics {
    /// `/check` was answered.
    pub(crate) fn checked(&self, verdict: &str) {
        if let Some(place) = VERDICTS.iter().position(|known| *known == verdict) {
            self.checks[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `/check` was asked without the shared secret.
    pub(crate) fn check_unauthorised(&self) {
        self.checks_unauthorised.fetch_add(1, Ordering::Relaxed);
    }

    /// A bouncer looked an address up.
    pub(crate) fn looked_up(&self) {
        self.lookups.fetch_add(1, Ordering::Relaxed);
    }

    /// A bouncer was sent the stream whole.
    pub(crate) fn pulled(&self) {
        self.pulls.fetch_add(1, Ordering::Relaxed);
    }

    /// A key was refused.
    pub(crate) fn refused_key(&self) {
        self.refused_keys.fetch_add(1, Ordering::Relaxed);
    }

    /// A reader of live events came.
    pub(crate) fn event_reader_came(&self) {
        self.event_readers.fetch_add(1, Ordering::Relaxed);
    }

    /// A reader of live events went.
    pub(crate) fn event_reader_went(&self) {
        self.event_readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// A reader of live events was too slow and was dropped.
    pub(crate) fn event_reader_lagged(&self) {
        self.event_readers_lagged.fetch_add(1, Ordering::Relaxed);
    }

    /// A person gave an order.
    pub(crate) fn ordered(&self, kind: &str, by: &str) {
        self.orders.fetch_add(1, Ordering::Relaxed);
        tracing::info!(order.kind = kind, order.by = by, "{by} gave an order: {kind}");
    }

    /// Writes everything.
    pub(crate) fn write(&self, out: &mut Exposition) {
        use MetricKind::{Counter, Gauge};
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let labels = VERDICTS.map(|verdict| [("verdict", verdict)]);
        let checks: Vec<(&[(&str, &str)], f64)> = labels
            .iter()
            .zip(&self.checks)
            .map(|(labels, count)| (labels.as_slice(), value(count)))
            .collect();
        out.add(Counter, "checks_total", "Answers of /check.", &checks);
        for (kind, name, help, counter) in [
            (
                Counter,
                "checks_unauthorised_total",
                "Questions to /check without the shared secret.",
                &self.checks_unauthorised,
            ),
            (
                Counter,
                "bouncer_lookups_total",
                "Lookups of bouncers.",
                &self.lookups,
            ),
            (
                Counter,
                "bouncer_pulls_total",
                "Complete pulls of bouncers.",
                &self.pulls,
            ),
            (
                Counter,
                "keys_refused_total",
                "Requests with a wrong key.",
                &self.refused_keys,
            ),
            (
                Gauge,
                "event_readers",
                "Open streams of live events.",
                &self.event_readers,
            ),
            (
                Counter,
                "event_readers_lagged_total",
                "Readers of live events that were too slow.",
                &self.event_readers_lagged,
            ),
            (Counter, "orders_total", "Orders that people gave.", &self.orders),
        ] {
            out.add_one(kind, name, help, value(counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let mut out = Exposition::default();
        let labels = [("topic", "a\"b")];
        let of = |labels| Histogram {
            labels,
            bounds: &[0.5, 10.0],
            counts: &[1, 0, 2],
            sum: 25.25,
        };
        out.add_histogram("delay_seconds", "Delays.", &[of(&labels), of(&[])]);
        let expected = r#"# HELP portcullis_delay_seconds Delays.
# TYPE portcullis_delay_seconds histogram
portcullis_delay_seconds_bucket{topic="a\"b",le="0.5"} 1
portcullis_delay_seconds_bucket{topic="a\"b",le="10"} 1
portcullis_delay_seconds_bucket{topic="a\"b",le="+Inf"} 3
portcullis_delay_seconds_sum{topic="a\"b"} 25.25
portcullis_delay_seconds_count{topic="a\"b"} 3
portcullis_delay_seconds_bucket{le="0.5"} 1
portcullis_delay_seconds_bucket{le="10"} 1
portcullis_delay_seconds_bucket{le="+Inf"} 3
portcullis_delay_seconds_sum 25.25
portcullis_delay_seconds_count 3
"#;
        assert_eq!(out.into_text(), expected);
    }

    #[test]
    fn figures_are_written_in_prometheus_text_form() {
        let mut out = Exposition::default();
        out.add_one(MetricKind::Gauge, "decisions", "Decisions in force.", 3.0);
        out.add(
            MetricKind::Counter,
            "lines_total",
            "Lines read.",
            &[(&[("source", "a\"b\\\n"), ("format", "nginx")], 7.0)],
        );
        assert_eq!(
            out.into_text(),
            "# HELP portcullis_decisions Decisions in force.\n\
             # TYPE portcullis_decisions gauge\n\
             portcullis_decisions 3\n\
             # HELP portcullis_lines_total Lines read.\n\
             # TYPE portcullis_lines_total counter\n\
             portcullis_lines_total{source=\"a\\\"b\\\\\\n\",format=\"nginx\"} 7\n"
        );
    }
}
