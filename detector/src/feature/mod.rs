//! Features: one number each that describes a client's behaviour, computed from its window.
//!
//! One file per feature, listed in [`FEATURES`]. The order of the list is the model's input order: a new feature goes
//! to the end, and changes the schema's fingerprint, so that a model trained without it refuses to load.

mod agent_count;
mod asset_ratio;
mod burst_rate;
mod burst_share;
mod client_error_ratio;
mod gap_deviation;
mod gap_entropy;
mod gap_mean;
mod gap_modal_share;
mod habit_rate;
mod head_ratio;
mod login_failure_count;
mod login_ratio;
mod malformed_ratio;
mod missing_ratio;
mod novel_miss_count;
mod novel_ratio;
mod novel_redirect_count;
mod object_count;
mod object_ratio;
mod odd_characters;
mod odd_method_ratio;
mod path_depth;
mod path_distinct_ratio;
mod query_count;
mod query_length;
mod query_ratio;
mod recovery_ratio;
mod redirect_ratio;
mod referer_ratio;
mod refused_ratio;
mod response_size;
mod response_size_deviation;
mod route_count;
mod route_entropy;
mod server_error_ratio;
mod visit_error_ratio;
mod visit_rate;
mod walk_ratio;
mod write_ratio;

use crate::window::Window;

/// Which way of a feature speaks for an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// High values.
    Up,
    /// Low values.
    Down,
    /// Both ends.
    Both,
}

/// How a value is bent before a model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As it is: ratios, logarithms, bits.
    Identity,
    /// `log2(1 + value)`: counts and rates, whose tails are long.
    Log,
}

/// What a feature looks at. Features of one group often say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// How often and how evenly.
    Rhythm,
    /// How it is answered.
    Status,
    /// Which routes, and who else uses them.
    Routes,
    /// Which objects.
    Objects,
    /// Signing in.
    Authentication,
    /// What is asked in queries.
    Query,
    /// Methods, headers, agents.
    Protocol,
    /// What it costs to answer.
    Cost,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 8] = [
        Self::Rhythm,
        Self::Status,
        Self::Routes,
        Self::Objects,
        Self::Authentication,
        Self::Query,
        Self::Protocol,
        Self::Cost,
    ];

    /// Public name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rhythm => "rhythm",
            Self::Status => "status",
            Self::Routes => "routes",
            Self::Objects => "objects",
            Self::Authentication => "authentication",
            Self::Query => "query",
            Self::Protocol => "protocol",
            Self::Cost => "cost",
        }
    }
}

impl Direction {
    /// Public name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "high",
            Self::Down => "low",
            Self::Both => "both",
        }
    }
}

/// One feature.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Public name.
    pub name: &'static str,
    /// What it looks at.
    pub group: Group,
    /// Unit of the value.
    pub unit: &'static str,
    /// Which way speaks for an attack.
    pub direction: Direction,
    /// How the value is bent before a model sees it.
    pub scale: Scale,
    /// What a value says, beside the typical one, as the rest of a sentence that begins with the client.
    pub sentence: fn(f32, f32) -> String,
    /// Computes the value. Always finite.
    pub compute: fn(&Window) -> f32,
}

/// Every feature, in the model's input order.
pub const FEATURES: &[Feature] = &[
    burst_rate::FEATURE,
    visit_rate::FEATURE,
    habit_rate::FEATURE,
    burst_share::FEATURE,
    gap_mean::FEATURE,
    gap_deviation::FEATURE,
    gap_entropy::FEATURE,
    gap_modal_share::FEATURE,
    client_error_ratio::FEATURE,
    visit_error_ratio::FEATURE,
    missing_ratio::FEATURE,
    refused_ratio::FEATURE,
    server_error_ratio::FEATURE,
    redirect_ratio::FEATURE,
    recovery_ratio::FEATURE,
    novel_miss_count::FEATURE,
    novel_redirect_count::FEATURE,
    novel_ratio::FEATURE,
    route_count::FEATURE,
    route_entropy::FEATURE,
    path_distinct_ratio::FEATURE,
    path_depth::FEATURE,
    query_ratio::FEATURE,
    query_count::FEATURE,
    query_length::FEATURE,
    odd_characters::FEATURE,
    object_count::FEATURE,
    object_ratio::FEATURE,
    walk_ratio::FEATURE,
    head_ratio::FEATURE,
    write_ratio::FEATURE,
    odd_method_ratio::FEATURE,
    malformed_ratio::FEATURE,
    asset_ratio::FEATURE,
    referer_ratio::FEATURE,
    agent_count::FEATURE,
    login_ratio::FEATURE,
    login_failure_count::FEATURE,
    response_size::FEATURE,
    response_size_deviation::FEATURE,
];

/// Number of features.
pub const COUNT: usize = FEATURES.len();

/// Appends a window's feature values to `row`, as a model sees them.
pub fn extract(window: &Window, row: &mut Vec<f32>) {
    row.extend(
        FEATURES
            .iter()
            .map(|feature| feature.scale.bend((feature.compute)(window))),
    );
}

impl Scale {
    /// Bends a value. What is not finite becomes 0: a model must never see it.
    #[must_use]
    pub fn bend(self, value: f32) -> f32 {
        let bent = match self {
            Self::Identity => value,
            Self::Log => (1.0 + value.max(0.0)).log2(),
        };
        if bent.is_finite() { bent } else { 0.0 }
    }

    /// Undoes [`Self::bend`].
    #[must_use]
    pub fn unbend(self, bent: f32) -> f32 {
        match self {
            Self::Identity => bent,
            Self::Log => bent.exp2() - 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_feature_says_something() {
        for (place, feature) in FEATURES.iter().enumerate() {
            assert!(
                FEATURES[..place].iter().all(|other| other.name != feature.name),
                "{}",
                feature.name
            );
            assert!(
                !feature.unit.is_empty() && (feature.sentence)(0.5, 0.1).len() > 20,
                "{}",
                feature.name
            );
        }
        const { assert!(COUNT >= 30) };
    }

    #[test]
    fn every_feature_is_finite_on_an_empty_window() {
        let mut row = Vec::new();
        extract(&Window::default(), &mut row);
        assert_eq!(row.len(), COUNT);
        assert!(row.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn bending_can_be_undone() {
        for value in [0.0f32, 0.5, 3.0, 1e6] {
            let back = Scale::Log.unbend(Scale::Log.bend(value));
            assert!((back - value).abs() <= value * 1e-3 + 1e-6, "{value} {back}");
        }
        assert_eq!(Scale::Log.bend(f32::NAN), 0.0);
    }
}
