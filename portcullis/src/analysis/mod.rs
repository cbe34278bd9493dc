//! One causal pass over finished logs: at each line only the model, the settings and the lines before it are known.

mod outcome;
mod workers;

pub(crate) use outcome::{ClientOutcome, Outcome};
pub(crate) use workers::Workers;

use crate::masking::masker;
use crate::openapi;
use detector::{Describe, Detector, Output, Scorer, Settings, SourceTerms};
use domain::{HashKey, RequestRecord, emptied};
use ingest::{LineReader, Merge, ParserConfig, Progress};
use std::fmt::Write as _;

/// How a pass is set up.
pub(crate) struct Pass<S> {
    /// How lines become records.
    pub parser: ParserConfig,
    /// How records become decisions.
    pub settings: Settings,
    /// The model.
    pub scorer: S,
    /// Threads that share the work.
    pub threads: usize,
}

/// The key of hashes and identifiers in a scan: the same file gives the same identifiers everywhere. A service uses
/// a secret one.
#[must_use]
pub(crate) fn scan_key() -> HashKey {
    HashKey::new(*b"portcullis scan\0")
}

/// Reads the files to their ends. `watch` is shown each slice's records: for a progress bar, for counting; the detector after it, and what it said. After the last line it is called
/// once more, without records.
pub(crate) fn run_watched<S: Scorer>(
    pass: Pass<S>,
    readers: Vec<LineReader>,
    watch: impl FnMut(&Detector<S>, &[Output], &[RequestRecord<'_>]),
) -> Outcome {
    let progress: Vec<Progress> = readers.iter().map(LineReader::progress).collect();
    let merge = Merge::new(readers, &pass.parser);
    run_merged(pass, merge, &progress, &[], watch)
}

/// Like [`run_watched`] over sources that are merged already, each with a parser of its own, and taken on terms of its
/// own; those that `terms` leaves out on the usual ones.
pub(crate) fn run_merged<S: Scorer>(
    pass: Pass<S>,
    mut merge: Merge,
    progress: &[Progress],
    terms: &[SourceTerms],
    mut watch: impl FnMut(&Detector<S>, &[Output], &[RequestRecord<'_>]),
) -> Outcome {
    let mut outcome = Outcome::new();
    let workers = Workers::new(pass.threads);
    let mut detector = Detector::new(pass.settings, pass.scorer);
    for (source, terms) in (0..).zip(terms) {
        detector.set_source(source, *terms);
    }
    let mut outputs = Vec::new();
    let slice_lines = workers.slice_lines();
    let mut spare: Vec<RequestRecord<'static>> = Vec::with_capacity(slice_lines);
    loop {
        let mut records: Vec<RequestRecord<'_>> = emptied(std::mem::take(&mut spare));
        let more = merge.next(slice_lines, |_, result| {
            if let Ok(record) = result {
                records.push(record);
            }
        });
        if !more {
            break;
        }
        detector.observe(&records, &workers, &mut outputs);
        watch(&detector, &outputs, &records);
        outcome.take(&mut outputs);
        spare = emptied(records);
    }
    detector.flush(&mut outputs);
    watch(&detector, &outputs, &[]);
    outcome.take(&mut outputs);
    outcome.finish(&detector, &merge, progress);
    outcome
}

/// How what a log holds is written for people: secrets masked, cut to the detector's length.
pub(crate) const DESCRIBE: Describe = Describe {
    request: describe_request,
    name: describe_name,
    route: describe_route,
};

/// Method and target.
fn describe_request(record: &RequestRecord<'_>) -> String {
    let target = match &record.query {
        Some(query) => format!("{}?{}", masker().url(&record.path), masker().query(query)),
        None => masker().url(&record.path).into_owned(),
    };
    let mut text = if record.is_malformed {
        target
    } else {
        format!("{} {target}", record.method)
    };
    cut(&mut text);
    note_claim(&mut text, record.claim);
    text
}

/// What our own word on a claim begins with. Nobody's request may hold it.
const CLAIM: &str = "[claims to be";

/// Adds whose a token says that the request is.
fn note_claim(text: &mut String, claim: Option<std::num::NonZeroU64>) {
    if text.contains(CLAIM) {
        *text = text.replace(CLAIM, "(claims to be");
    }
    if let Some(claim) = claim {
        // Writing to a string cannot fail.
        let _ = write!(text, " {CLAIM} subject {claim:016x}]");
    }
}

/// What clients share, a user agent mostly. Its comments are parted as a query is: `token=…` in one of them is masked like one of a query.
fn describe_name(name: &str) -> String {
    let mut text = masker().query(name).into_owned();
    cut(&mut text);
    text
}

/// A route: its path without what varies. A path that is nothing but tokens is a route by itself, and stays as it is.
fn describe_route(record: &RequestRecord<'_>) -> String {
    let is_itself = record.route.template == record.route.path;
    let mut text = if is_itself {
        masker().url(&record.path).into_owned()
    } else {
        openapi::template(&record.path)
    };
    cut(&mut text);
    text
}

fn cut(text: &mut String) {
    if text.len() > detector::limits::EVIDENCE_BYTES_MAX {
        let mut end = detector::limits::EVIDENCE_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Moves decisions and alerts out of the detector's outputs.
pub(crate) fn alerts(outputs: &mut Vec<Output>) -> impl Iterator<Item = domain::Alert> + '_ {
    outputs.drain(..).filter_map(|output| match output {
        Output::Alert(alert) => Some(alert),
        Output::Decision(_) | Output::Question(..) => None,
    })
}
