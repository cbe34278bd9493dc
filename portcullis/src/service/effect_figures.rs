//! What the logs show of our blocks, gateway by gateway.

use api::{Exposition, Histogram, MetricKind};
use detector::{EFFECT_BOUNDS, Effect};
use std::collections::BTreeMap;

/// Writes what the log of each gateway shows of our blocks.
pub(super) fn write(effects: &BTreeMap<String, Effect>, out: &mut Exposition) {
    let named: Vec<(String, &Effect)> = effects
        .iter()
        .map(|(name, effect)| (api::neutralise(name).into_owned(), effect))
        .collect();
    let labels: Vec<[(&str, &str); 2]> = named
        .iter()
        .flat_map(|(name, _)| {
            ["refused", "served"].map(|outcome| [("gateway", name.as_str()), ("outcome", outcome)])
        })
        .collect();
    let counts = named
        .iter()
        .flat_map(|(_, effect)| [effect.refused, effect.leaked]);
    let values: Vec<(&[(&str, &str)], f64)> = labels
        .iter()
        .zip(counts)
        .map(|(labels, count)| (labels.as_slice(), count as f64))
        .collect();
    let help = "Requests of blocked clients, by what their gateway did: refused, or served although it had time to learn of the block.";
    out.add(MetricKind::Counter, "blocked_requests_total", help, &values);
    let bounds = EFFECT_BOUNDS.map(|millis| millis as f64 / 1000.0);
    let labels: Vec<[(&str, &str); 1]> = named
        .iter()
        .map(|(name, _)| [("gateway", name.as_str())])
        .collect();
    let histograms: Vec<Histogram<'_>> = labels
        .iter()
        .zip(&named)
        .map(|(labels, (_, effect))| Histogram {
            labels,
            bounds: &bounds,
            counts: &effect.delays,
            sum: effect.delays_millis as f64 / 1000.0,
        })
        .collect();
    let help = "Seconds from a block's beginning to the first request that its gateway refused by it, by the log's own times.";
    out.add_histogram("block_effect_seconds", help, &histograms);
}
