//! What the logs show of our blocks, gateway by gateway.

use super::Session;
use detector::Effect;
use std::collections::BTreeMap;

impl Session<'_> {
    /// What the log of each gateway shows of our blocks since the start.
    pub(super) fn effects(&self) -> BTreeMap<String, Effect> {
        let mut by_gateway: BTreeMap<String, Effect> = BTreeMap::new();
        let effects = self.detector.effects();
        for (number, source) in self.inputs.sources.iter() {
            let Some(terms) = &source.terms else { continue };
            if let Some(effect) = effects.get(number as usize) {
                *by_gateway.entry(terms.gateway.clone()).or_default() += effect;
            }
        }
        by_gateway
    }
}
