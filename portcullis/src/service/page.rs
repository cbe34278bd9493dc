//! What a client's page shows of its window, as JSON: written here, read by the dashboard.

use detector::ClientView;
use serde_json::{Value, json};

/// The features of a client's latest window, each with what clean clients usually show.
pub(super) fn features(view: &ClientView) -> Value {
    view.features
        .iter()
        .map(|feature| {
            json!({
                "name": feature.name,
                "unit": feature.unit,
                "value": feature.value,
                "typical": feature.typical,
                "extreme": feature.extreme,
                "contribution": feature.contribution,
            })
        })
        .collect()
}
