//! What the numbers in a row mean: names, order and direction of the features, and a fingerprint of all that.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rows::FEATURES_MAX;

/// Longest feature name, in bytes: names are identifiers, and they are printed in tables.
pub const NAME_BYTES_MAX: usize = 128;

/// Which values of a feature speak against a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Large ones, as of a share of refused logins.
    Up,
    /// Small ones, as of the variation between requests.
    Down,
    /// Either.
    Both,
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Both => "both",
        })
    }
}

/// One feature: its name and which way it is suspicious.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Identifier, unique within the schema.
    pub name: String,
    /// Which values speak against a client.
    pub direction: Direction,
}

/// Says why a list of features is not a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// No feature, or too many.
    #[error("could not make a schema of {0} features: at least 1 and at most {FEATURES_MAX} are allowed")]
    Count(usize),
    /// A name that is empty or too long.
    #[error("could not use {0:?} as a feature name: 1 to {NAME_BYTES_MAX} bytes are allowed")]
    Name(String),
    /// The same name twice.
    #[error("could not make a schema with two features named {0}")]
    Twice(String),
}

/// The features of a row, in order, and the version of what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureSchema {
    features: Vec<Feature>,
    version: u32,
}

impl FeatureSchema {
    /// Checks and keeps a list of features. `version` rises when a feature keeps its name and changes its meaning.
    ///
    /// # Errors
    /// When there are none or too many, or a name is empty, too long or used twice.
    pub fn new(features: Vec<Feature>, version: u32) -> Result<Self, SchemaError> {
        if features.is_empty() || features.len() > FEATURES_MAX {
            return Err(SchemaError::Count(features.len()));
        }
        let mut names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        if let Some(name) = names
            .iter()
            .find(|name| name.is_empty() || name.len() > NAME_BYTES_MAX)
        {
            return Err(SchemaError::Name((*name).to_owned()));
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SchemaError::Twice(pair[0].to_owned()));
        }
        Ok(Self { features, version })
    }

    /// The features in the order of a row.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Number of values in a row.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Always false: a schema has at least one feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Version of what the features mean.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Directions in the order of a row.
    #[must_use]
    pub fn directions(&self) -> Vec<Direction> {
        self.features.iter().map(|feature| feature.direction).collect()
    }

    /// BLAKE3 over version, names and directions, in order: two schemas with one fingerprint take the same rows.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"portcullis feature schema");
        hasher.update(&self.version.to_le_bytes());
        for feature in &self.features {
            // The length in front keeps "ab","c" apart from "a","bc".
            hasher.update(&(feature.name.len() as u64).to_le_bytes());
            hasher.update(feature.name.as_bytes());
            hasher.update(feature.direction.to_string().as_bytes());
        }
        Fingerprint(*hasher.finalize().as_bytes())
    }

    /// Names that are in `self` and not in `other`.
    #[must_use]
    pub fn names_missing_in(&self, other: &Self) -> Vec<String> {
        let is_there = |name: &str| other.features.iter().any(|feature| feature.name == name);
        self.features
            .iter()
            .map(|feature| feature.name.clone())
            .filter(|name| !is_there(name))
            .collect()
    }
}

/// Identity of a schema. Printed as its first 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8]
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(names: &[&str], direction: Direction, version: u32) -> Result<FeatureSchema, SchemaError> {
        let features = names
            .iter()
            .map(|&name| Feature {
                name: name.to_owned(),
                direction,
            })
            .collect();
        FeatureSchema::new(features, version)
    }

    #[test]
    fn anything_that_changes_what_a_row_means_changes_the_fingerprint() {
        let print = |names, direction, version| schema(names, direction, version).unwrap().fingerprint();
        let base = print(&["a", "b"], Direction::Up, 1);
        assert_eq!(base, print(&["a", "b"], Direction::Up, 1));
        assert_ne!(base, print(&["b", "a"], Direction::Up, 1));
        assert_ne!(base, print(&["a", "b"], Direction::Down, 1));
        assert_ne!(base, print(&["a", "b"], Direction::Up, 2));
        assert_ne!(
            print(&["ab", "c"], Direction::Up, 1),
            print(&["a", "bc"], Direction::Up, 1)
        );
    }

    #[test]
    fn a_list_that_cannot_be_told_apart_is_no_schema() {
        assert_eq!(
            schema(&["a", "a"], Direction::Up, 1).unwrap_err(),
            SchemaError::Twice("a".into())
        );
        assert_eq!(schema(&[], Direction::Up, 1).unwrap_err(), SchemaError::Count(0));
        assert_eq!(
            schema(&[""], Direction::Up, 1).unwrap_err(),
            SchemaError::Name(String::new())
        );
    }
}
