//! Rows of numbers as the callers hold them: row-major `f32`, no matrix library needed to call this crate.

use linfa::Float;
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Data, Ix2};

/// Most features a model takes. Feature numbers are stored as 16 bits; a real schema has thirty to a hundred.
pub const FEATURES_MAX: usize = 4096;

/// Says why a slice is not a table of rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// The slice does not divide into rows of the expected width.
    #[error("could not read {values} values as rows of {features} features")]
    Ragged {
        /// Values in the slice.
        values: usize,
        /// Features a row must have.
        features: usize,
    },
    /// The output has another length than the input has rows.
    #[error("could not score {rows} rows into {outputs} places")]
    Outputs {
        /// Rows given.
        rows: usize,
        /// Places given for their results.
        outputs: usize,
    },
    /// A value that is not a number where only numbers make sense.
    #[error("could not use row {row}: feature {feature} is not finite")]
    NotFinite {
        /// Row number, from zero.
        row: usize,
        /// Feature number, from zero.
        feature: usize,
    },
    /// More features than any model takes.
    #[error("could not use {features} features: at least 1 and at most {FEATURES_MAX} are allowed")]
    Width {
        /// Features given.
        features: usize,
    },
}

/// A borrowed table: `len()` rows of `features()` values each, row after row.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f32],
    features: usize,
}

impl<'a> Rows<'a> {
    /// Reads a slice as rows of `features` values.
    ///
    /// # Errors
    /// When the width is not allowed or the slice does not divide into whole rows.
    pub fn new(values: &'a [f32], features: usize) -> Result<Self, RowsError> {
        if features == 0 || features > FEATURES_MAX {
            return Err(RowsError::Width { features });
        }
        if !values.len().is_multiple_of(features) {
            return Err(RowsError::Ragged {
                values: values.len(),
                features,
            });
        }
        Ok(Self { values, features })
    }

    /// Reads a slice as rows and checks that there is one output for each.
    ///
    /// # Errors
    /// As [`Rows::new`], and when `outputs` differs from the number of rows.
    pub fn with_outputs(values: &'a [f32], features: usize, outputs: usize) -> Result<Self, RowsError> {
        let rows = Self::new(values, features)?;
        if rows.len() != outputs {
            return Err(RowsError::Outputs {
                rows: rows.len(),
                outputs,
            });
        }
        Ok(rows)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.features
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values in each row.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// All values, row after row.
    #[must_use]
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The rows one by one.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.features)
    }

    /// Refuses NaN and infinities, naming the first one.
    ///
    /// # Errors
    /// [`RowsError::NotFinite`] with the place of the first such value.
    pub fn require_finite(&self) -> Result<(), RowsError> {
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(RowsError::NotFinite {
                row: at / self.features,
                feature: at % self.features,
            }),
        }
    }

    /// One column, copied.
    #[must_use]
    pub fn column(&self, feature: usize) -> Vec<f32> {
        self.iter().map(|row| row[feature]).collect()
    }

    /// The same table for linfa.
    #[must_use]
    pub fn view(&self) -> ArrayView2<'a, f32> {
        ArrayView2::from_shape((self.len(), self.features), self.values)
            .expect("length is rows times features: checked by Rows::new")
    }
}

/// Copies any linfa matrix to `f32` in row-major order, the precision every model scores in.
pub(crate) fn to_f32<F: Float, D: Data<Elem = F>>(records: &ArrayBase<D, Ix2>) -> Array2<f32> {
    let (rows, features) = records.dim();
    let values = records
        .rows()
        .into_iter()
        .flat_map(|row| row.to_vec())
        .map(narrow)
        .collect();
    Array2::from_shape_vec((rows, features), values).expect("every row has the width of the matrix")
}

/// Narrows one value to `f32`; what does not fit becomes an infinity, which a fit refuses by name.
fn narrow<F: Float>(value: F) -> f32 {
    value.to_f32().unwrap_or(f32::NAN)
}

/// Rows that are scored at a time: the forest's layout is made for so many, and the others do not mind.
pub(crate) const PREDICTED_AT_A_TIME: usize = 64;

/// Scores every row of a matrix, as linfa's models predict.
///
/// # Panics
/// When the shapes differ, like linfa's own models.
#[expect(clippy::expect_used, reason = "shapes are compared before")]
pub(crate) fn predict_rows<F: Float, D: Data<Elem = F>>(
    x: &ArrayBase<D, Ix2>,
    y: &mut Array1<F>,
    features: usize,
    score_rows: impl Fn(&[f32], &mut [f32]) -> Result<(), RowsError>,
) {
    assert_eq!(x.nrows(), y.len(), "one target is needed for each row");
    assert_eq!(
        x.ncols(),
        features,
        "rows must have the features that the model was fitted to"
    );
    let mut block = Vec::with_capacity(PREDICTED_AT_A_TIME * features);
    let mut scores = [0.0; PREDICTED_AT_A_TIME];
    let mut done = 0;
    while done < x.nrows() {
        let count = PREDICTED_AT_A_TIME.min(x.nrows() - done);
        block.clear();
        for row in done..done + count {
            block.extend(x.row(row).iter().copied().map(narrow));
        }
        score_rows(&block, &mut scores[..count]).expect("shapes were compared above");
        for (target, &score) in y.iter_mut().skip(done).zip(&scores[..count]) {
            *target = F::cast(score);
        }
        done += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_that_does_not_divide_into_rows_is_refused() {
        assert_eq!(
            Rows::new(&[1.0; 7], 3).unwrap_err(),
            RowsError::Ragged {
                values: 7,
                features: 3
            }
        );
        assert_eq!(Rows::new(&[], 0).unwrap_err(), RowsError::Width { features: 0 });
        assert_eq!(
            Rows::with_outputs(&[1.0; 6], 3, 1).unwrap_err(),
            RowsError::Outputs { rows: 2, outputs: 1 }
        );
    }

    #[test]
    fn the_first_value_that_is_no_number_is_named_by_its_place() {
        let rows = Rows::new(&[1.0, 2.0, 3.0, f32::NAN], 2).unwrap();
        assert_eq!(
            rows.require_finite().unwrap_err(),
            RowsError::NotFinite { row: 1, feature: 1 }
        );
    }
}
