//! The hours of the site beside what is usual, in JSON.

use serde::Serialize;
use storage::HourRecord;
use utoipa::ToSchema;

/// One hour of the site.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HourView {
    /// Its beginning.
    at: String,
    /// Requests that counted.
    requests: u64,
    /// Failed sign-ins, the first eight in a row of each client.
    failed_sign_ins: u64,
    /// How many requests are usual at that hour of the week; null before enough was seen to say so.
    usual_requests: Option<UsualView>,
    /// How many failed sign-ins are usual; null before enough was seen to say so.
    usual_failed_sign_ins: Option<UsualView>,
}

/// What is usual: nine hours in ten lie within it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UsualView {
    /// At least so many.
    from: u64,
    /// At most so many.
    to: u64,
}

impl HourView {
    pub(crate) fn new(record: &HourRecord) -> Self {
        let usual = |of: usize| {
            let (from, to) = record.usual?[of];
            Some(UsualView { from, to })
        };
        Self {
            at: record.hour.to_string(),
            requests: record.requests,
            failed_sign_ins: record.failed_sign_ins,
            usual_requests: usual(0),
            usual_failed_sign_ins: usual(1),
        }
    }
}
