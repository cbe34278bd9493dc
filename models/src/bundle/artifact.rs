//! The bundle as a file: what is written, and everything that is checked before it is believed.
//!
//! Magic (8 bytes) · format version (u16) · schema fingerprint (32) · payload length (u64) · BLAKE3 of the payload (32) ·
//! payload (postcard; what format 2 added stands behind what format 1 had). Numbers are little endian. The checksum finds damage, not forgery: who may write the model file
//! may decide what it says.

use serde::{Deserialize, Serialize};

use crate::calibration::{BucketedCalibration, Calibration};
use crate::drift::DriftReference;
use crate::schema::{FeatureSchema, Fingerprint};
use crate::tail::Tails;
use crate::view::{MODELS, VIEWS};

use super::assess::{ASSESSMENTS_MAX, Assessment};
use super::days::DayCheck;
use super::error::BundleError;
use super::fit::Provenance;
use super::{CalibratedView, ModelBundle};

/// Oldest format this version reads.
pub const FORMAT_OLDEST: u16 = 1;

/// Newest format this version reads, and the one it writes.
pub const FORMAT_NEWEST: u16 = 2;

/// Largest artifact: a thousand trees of the deepest kind and their calibration take half of it.
pub const BUNDLE_BYTES_MAX: usize = 128 << 20;

const MAGIC: [u8; 8] = *b"PORTCMDL";
const HEADER_BYTES: usize = 8 + 2 + 32 + 8 + 32;

/// The payload. Postcard keeps no names: fields may be added at the end with a new format version, never moved.
#[derive(Serialize, Deserialize)]
struct Payload {
    schema: FeatureSchema,
    provenance: Provenance,
    views: Vec<StoredView>,
    combined: Calibration,
    population: Tails,
    drift: DriftReference,
}

/// What format 2 added, behind the payload of format 1.
#[derive(Default, Serialize, Deserialize)]
struct Added {
    normal: Option<BucketedCalibration>,
    days: DayCheck,
    assessments: Vec<Assessment>,
}

#[derive(Serialize, Deserialize)]
struct StoredView {
    name: String,
    model: Vec<u8>,
    calibration: BucketedCalibration,
}

struct Header {
    format: u16,
    fingerprint: Fingerprint,
    payload_len: u64,
    checksum: [u8; 32],
}

impl ModelBundle {
    /// Writes the bundle down. Equal bundles give equal bytes.
    ///
    /// # Errors
    /// When a part cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let mut views = Vec::new();
        for calibrated in &self.views {
            let name = MODELS[calibrated.model].name;
            let model = calibrated
                .view
                .encode()
                .map_err(|source| BundleError::View { name, source })?;
            views.push(StoredView {
                name: name.to_owned(),
                model,
                calibration: calibrated.calibration.clone(),
            });
        }
        let mut payload = postcard::to_stdvec(&Payload {
            schema: self.schema.clone(),
            provenance: self.provenance.clone(),
            views,
            combined: self.combined.clone(),
            population: self.population.clone(),
            drift: self.drift.clone(),
        })?;
        payload.extend(postcard::to_stdvec(&Added {
            normal: self.normal.clone(),
            days: self.days.clone(),
            assessments: self.assessments.clone(),
        })?);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_NEWEST.to_le_bytes());
        bytes.extend_from_slice(&self.schema.fingerprint().0);
        bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        bytes.extend_from_slice(blake3::hash(&payload).as_bytes());
        bytes.extend_from_slice(&payload);
        Ok(bytes)
    }

    /// Reads a bundle back for rows of `schema`.
    ///
    /// # Errors
    /// When the bytes are not a bundle, of a newer format, damaged, made for another schema or contradict themselves.
    pub fn from_bytes(bytes: &[u8], schema: &FeatureSchema) -> Result<Self, BundleError> {
        let bundle = Self::read(bytes)?;
        if bundle.schema.fingerprint() != schema.fingerprint() {
            return Err(BundleError::other_schema(&bundle.schema, schema));
        }
        Ok(bundle)
    }

    /// Reads a bundle whatever schema it was made for: to list it and print its card, not to score with.
    ///
    /// # Errors
    /// As [`ModelBundle::from_bytes`], but for the schema.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge(bytes.len()));
        }
        let (header, payload) = read_header(bytes)?;
        if header.payload_len != payload.len() as u64 {
            let expected = header.payload_len.saturating_add(HEADER_BYTES as u64);
            return Err(BundleError::Length {
                found: bytes.len() as u64,
                expected,
            });
        }
        if blake3::hash(payload).as_bytes() != &header.checksum {
            return Err(BundleError::Damaged);
        }
        let (stored, rest) = postcard::take_from_bytes(payload)?;
        let added = if header.format >= 2 {
            postcard::from_bytes(rest)?
        } else {
            Added::default()
        };
        let bundle = Self::from_payload(stored, added)?;
        if bundle.schema.fingerprint() != header.fingerprint {
            return Err(BundleError::Contradiction(
                "its header names another schema than it holds",
            ));
        }
        Ok(bundle)
    }

    fn from_payload(payload: Payload, added: Added) -> Result<Self, BundleError> {
        let Payload {
            schema,
            provenance,
            views,
            combined,
            population,
            drift,
        } = payload;
        let features = schema.len();
        FeatureSchema::new(schema.features().to_vec(), schema.version())
            .map_err(|_| BundleError::Contradiction("its feature names cannot be told apart"))?;
        if views.is_empty() || views.len() > VIEWS {
            return Err(BundleError::Contradiction(
                "it has no views, or more than there are models",
            ));
        }
        population.validate()?;
        if population.features() != features || !drift.is_valid_for(features) || !combined.is_valid() {
            return Err(BundleError::Contradiction(
                "population, drift or calibration do not fit the schema",
            ));
        }
        let is_added_valid = added.normal.as_ref().is_none_or(BucketedCalibration::is_valid)
            && added.days.is_valid()
            && added.assessments.len() <= ASSESSMENTS_MAX
            && added
                .assessments
                .iter()
                .all(|assessment| assessment.is_valid(views.len()));
        if !is_added_valid {
            return Err(BundleError::Contradiction(
                "its calibration by request counts, its days or its assessments contradict themselves",
            ));
        }
        let views = views
            .into_iter()
            .map(|view| read_view(view, features))
            .collect::<Result<Vec<_>, _>>()?;
        if views.windows(2).any(|pair| pair[0].model >= pair[1].model) {
            return Err(BundleError::Contradiction("its views are out of order"));
        }
        Ok(Self {
            schema,
            provenance,
            views,
            normal: added.normal,
            combined,
            days: added.days,
            assessments: added.assessments,
            population,
            drift,
        })
    }
}

/// Splits header and payload, and stops at the first sign that this is not for us: magic, then format.
fn read_header(bytes: &[u8]) -> Result<(Header, &[u8]), BundleError> {
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(BundleError::NotABundle)?;
    if *magic != MAGIC {
        return Err(BundleError::NotABundle);
    }
    let ends_early = || BundleError::Length {
        found: bytes.len() as u64,
        expected: HEADER_BYTES as u64,
    };
    let (format, rest) = rest.split_first_chunk::<2>().ok_or_else(ends_early)?;
    let format = u16::from_le_bytes(*format);
    if !(FORMAT_OLDEST..=FORMAT_NEWEST).contains(&format) {
        return Err(BundleError::Format(format));
    }
    let (fingerprint, rest) = rest.split_first_chunk::<32>().ok_or_else(ends_early)?;
    let (payload_len, rest) = rest.split_first_chunk::<8>().ok_or_else(ends_early)?;
    let (checksum, payload) = rest.split_first_chunk::<32>().ok_or_else(ends_early)?;
    let header = Header {
        format,
        fingerprint: Fingerprint(*fingerprint),
        payload_len: u64::from_le_bytes(*payload_len),
        checksum: *checksum,
    };
    Ok((header, payload))
}

fn read_view(stored: StoredView, features: usize) -> Result<CalibratedView, BundleError> {
    let Some(model) = MODELS.iter().position(|spec| spec.name == stored.name) else {
        return Err(BundleError::UnknownView(stored.name));
    };
    let spec = &MODELS[model];
    let view = (spec.decode)(&stored.model, features).map_err(|source| BundleError::View {
        name: spec.name,
        source,
    })?;
    if !stored.calibration.is_valid() {
        return Err(BundleError::Contradiction(
            "a view's calibration contradicts itself",
        ));
    }
    Ok(CalibratedView {
        model,
        view,
        calibration: stored.calibration,
    })
}

impl BundleError {
    /// Says which features stand between two schemas.
    pub(super) fn other_schema(found: &FeatureSchema, expected: &FeatureSchema) -> Self {
        Self::OtherSchema {
            found: found.fingerprint(),
            expected: expected.fingerprint(),
            missing: found.names_missing_in(expected),
            added: expected.names_missing_in(found),
        }
    }
}
