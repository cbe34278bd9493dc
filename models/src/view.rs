//! Views: the unlike ways of looking at a client that are combined into one score, and the list of them.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::isolation_forest::{self, IsolationForest, IsolationForestError};
use crate::mahalanobis::{self, Mahalanobis, MahalanobisError};
use crate::prototypes::{self, Prototypes, PrototypesError};
use crate::rows::{Rows, RowsError};
use crate::schema::Direction;
use crate::tail::{self, TailError, Tails};

/// The models, in the order in which their p-values stand in a score. A new one is a folder and a line here.
pub const MODELS: &[ModelSpec] = &[
    isolation_forest::SPEC,
    mahalanobis::SPEC,
    tail::SPEC,
    prototypes::SPEC,
];

/// Number of views behind every score.
pub const VIEWS: usize = MODELS.len();

/// A fitted model, or why there is none.
pub type FittedView = Result<Box<dyn View>, ViewError>;

/// What a model is, and how to get one.
#[derive(Debug)]
pub struct ModelSpec {
    /// Its name in artifacts, cards and the configuration.
    pub name: &'static str,
    /// What it sees well.
    pub strength: &'static str,
    /// When not to rely on it.
    pub weakness: &'static str,
    /// Fits it to rows.
    pub fit: fn(&FitInput<'_>) -> FittedView,
    /// Reads back what [`View::encode`] wrote, for rows of the given width, and checks it.
    pub decode: fn(&[u8], usize) -> FittedView,
}

/// What a model is fitted to.
#[derive(Debug, Clone, Copy)]
pub struct FitInput<'a> {
    /// Training rows, all finite.
    pub rows: Rows<'a>,
    /// Direction of each feature.
    pub directions: &'a [Direction],
    /// Where every random choice comes from.
    pub seed: u64,
}

/// A fitted model as the bundle uses it: scores where higher is more unusual, and what each feature did for them.
pub trait View: Debug + Send + Sync {
    /// Features a row must have.
    fn features(&self) -> usize;

    /// Scores rows; each score depends on its row alone.
    ///
    /// # Errors
    /// When the slices do not fit together.
    fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError>;

    /// Says how much each feature of a row added to its score, in any unit, never negative. `typical` is the row of
    /// the median client.
    ///
    /// # Errors
    /// When the slices do not fit together.
    fn attribute(&self, row: &[f32], typical: &[f32], out: &mut [f32]) -> Result<(), RowsError>;

    /// Writes the model down.
    ///
    /// # Errors
    /// When it cannot be serialised.
    fn encode(&self) -> Result<Vec<u8>, ViewError>;
}

/// Says why a view could not be fitted, written or read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The isolation forest refused.
    #[error(transparent)]
    IsolationForest(#[from] IsolationForestError),
    /// The distance refused.
    #[error(transparent)]
    Mahalanobis(#[from] MahalanobisError),
    /// The tails refused.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// The prototypes refused.
    #[error(transparent)]
    Prototypes(#[from] PrototypesError),
    /// The bytes are not such a model.
    #[error("could not read or write a stored model: {0}")]
    Coding(#[from] postcard::Error),
    /// The stored model takes other rows.
    #[error("could not use a stored model of {found} features for rows of {expected}")]
    Width {
        /// Features of the stored model.
        found: usize,
        /// Features of the schema.
        expected: usize,
    },
}

/// Reads a stored model, checks its width and its own claims.
pub(crate) fn decode_with<V, E>(
    bytes: &[u8],
    features: usize,
    validate: fn(&V) -> Result<(), E>,
) -> FittedView
where
    V: View + DeserializeOwned + 'static,
    ViewError: From<E>,
{
    let view: V = postcard::from_bytes(bytes)?;
    if view.features() != features {
        return Err(ViewError::Width {
            found: view.features(),
            expected: features,
        });
    }
    validate(&view)?;
    Ok(Box::new(view))
}

fn encode<V: Serialize>(view: &V) -> Result<Vec<u8>, ViewError> {
    Ok(postcard::to_stdvec(view)?)
}

impl View for IsolationForest {
    fn features(&self) -> usize {
        self.features()
    }

    fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.score_rows(rows, out)
    }

    /// What the score would lose were this one feature typical: a forest has no other parts to name.
    fn attribute(&self, row: &[f32], typical: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.losses(row, typical, out)
    }

    fn encode(&self) -> Result<Vec<u8>, ViewError> {
        encode(self)
    }
}

impl View for Mahalanobis {
    fn features(&self) -> usize {
        self.features()
    }

    fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.score_rows(rows, out)
    }

    /// The feature's part of the squared distance, zᵢ (S⁻¹ z)ᵢ, where it is positive.
    fn attribute(&self, row: &[f32], _typical: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.contributions(row, out)?;
        for part in out {
            *part = part.max(0.0);
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, ViewError> {
        encode(self)
    }
}

impl View for Tails {
    fn features(&self) -> usize {
        self.features()
    }

    fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.score_rows(rows, out)
    }

    /// The feature's evidence, ln(0.05 / p) where that is positive.
    fn attribute(&self, row: &[f32], _typical: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        Rows::with_outputs(row, self.features(), 1)?;
        for (feature, (part, &value)) in out.iter_mut().zip(row).enumerate() {
            *part = self.evidence(feature, value);
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, ViewError> {
        encode(self)
    }
}

impl View for Prototypes {
    fn features(&self) -> usize {
        self.features()
    }

    fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.score_rows(rows, out)
    }

    /// The feature's part of the squared distance to the nearest prototype, where it is positive.
    fn attribute(&self, row: &[f32], _typical: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        self.contributions(row, out)?;
        for part in out {
            *part = part.max(0.0);
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, ViewError> {
        encode(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::RobustZScore;
    use crate::evaluation::area_under_roc;
    use crate::testing::{Labelled, broken_relations, cluster_with_outliers, loud_attacks};

    fn fit(spec: &ModelSpec, data: &Labelled, seed: u64) -> Box<dyn View> {
        let rows = Rows::new(&data.values, data.features).unwrap();
        let directions = vec![data.direction; data.features];
        (spec.fit)(&FitInput {
            rows,
            directions: &directions,
            seed,
        })
        .unwrap()
    }

    fn score(view: &dyn View, data: &Labelled) -> Vec<f32> {
        let mut out = vec![0.0; data.is_odd.len()];
        view.score_rows(&data.values, &mut out).unwrap();
        out
    }

    #[test]
    fn names_are_unique_and_every_model_says_when_not_to_use_it() {
        for (at, spec) in MODELS.iter().enumerate() {
            assert!(
                MODELS[..at].iter().all(|other| other.name != spec.name),
                "{}",
                spec.name
            );
            assert!(
                !spec.strength.is_empty() && !spec.weakness.is_empty(),
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn every_model_is_decided_by_rows_and_seed_and_survives_being_stored() {
        let data = cluster_with_outliers(1, 400, 5, 6);
        for spec in MODELS {
            let view = fit(spec, &data, 3);
            let bytes = view.encode().unwrap();
            assert_eq!(bytes, fit(spec, &data, 3).encode().unwrap(), "{}", spec.name);
            let loaded = (spec.decode)(&bytes, 6).unwrap();
            assert_eq!(score(&*loaded, &data), score(&*view, &data), "{}", spec.name);
            assert!(
                matches!((spec.decode)(&bytes, 7), Err(ViewError::Width { .. })),
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn every_model_scores_finite_numbers_and_attributes_none_below_zero() {
        let data = loud_attacks(2, 400, 5, 6);
        for spec in MODELS {
            let view = fit(spec, &data, 3);
            assert!(
                score(&*view, &data)
                    .iter()
                    .all(|score| score.is_finite() && *score >= 0.0)
            );
            let mut parts = [f32::NAN; 6];
            view.attribute(
                &[9e9, 0.0, 1.0, f32::NAN, f32::INFINITY, -3.0],
                &[1.0; 6],
                &mut parts,
            )
            .unwrap();
            assert!(
                parts.iter().all(|part| part.is_finite() && *part >= 0.0),
                "{}: {parts:?}",
                spec.name
            );
        }
    }

    /// Mean AUROC over three seeds, trained without the odd rows as in service and tested on fresh ones: the
    /// baseline's, then each model's.
    fn mean_aurocs(scenario: fn(u64, usize, usize, usize) -> Labelled) -> (f64, Vec<f64>) {
        let (mut baseline, mut models) = (0.0, vec![0.0; MODELS.len()]);
        for seed in 1..=3 {
            let (train, test) = (scenario(seed, 2000, 0, 12), scenario(seed + 100, 2000, 40, 12));
            let auroc = |scores: &[f32]| area_under_roc(scores, &test.is_odd).unwrap() / 3.0;
            let rows = Rows::new(&train.values, 12).unwrap();
            let mut scores = vec![0.0; test.is_odd.len()];
            RobustZScore::fit(rows)
                .unwrap()
                .score_rows(&test.values, &mut scores)
                .unwrap();
            baseline += auroc(&scores);
            for (sum, spec) in models.iter_mut().zip(MODELS) {
                *sum += auroc(&score(&*fit(spec, &train, seed), &test));
            }
        }
        (baseline, models)
    }

    #[test]
    fn every_model_beats_the_robust_z_score_on_some_kind_of_oddity_and_one_does_on_each() {
        let results = [broken_relations, loud_attacks].map(mean_aurocs);
        for (at, spec) in MODELS.iter().enumerate() {
            let wins = results.iter().any(|(baseline, models)| models[at] > *baseline);
            assert!(wins, "{} never beats the baseline: {results:?}", spec.name);
        }
        for (baseline, models) in &results {
            assert!(
                models.iter().any(|model| model > baseline),
                "{baseline} beats {models:?}"
            );
        }
    }
}
