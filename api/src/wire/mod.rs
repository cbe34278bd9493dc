//! The JSON of the REST API. Own types, so that renaming a field inside cannot silently change a public contract.
//!
//! Every text that a client of a gateway or a person may have chosen passes [`shown`] on its way out.

mod access;
mod alarm;
mod alert;
mod client;
mod completeness;
mod decision;
mod hour;
mod model;
mod operation;
mod order;
mod overview;
mod report;

pub(crate) use access::{
    AskerView, BouncerView, GatewayView, KeyView, NewKey, NewKeyView, SessionView, SignIn,
};
pub(crate) use alarm::AlarmView;
pub(crate) use alert::{AlertView, LikelyView, RankedView};
pub use client::client_reference;
pub(crate) use client::{ClientName, ClientPage, ClientView, parse as parse_client};
pub(crate) use completeness::CompletenessView;
pub(crate) use decision::DecisionView;
pub(crate) use hour::HourView;
pub(crate) use model::ModelView;
pub(crate) use operation::{HealthPartView, HealthView, RejectedView};
pub(crate) use order::{
    AllowView, NewOrderView, NewVerdictView, ORDER_SECS_MAX, ORDERS_CSV_HEADER, OrderReceiptView, OrderView,
    SuspensionView, push_order_csv, read_judgement,
};
pub(crate) use overview::{AttackView, OverviewView, TargetView, summarise};
pub(crate) use report::ReportView;

use crate::neutral::neutralise;
use serde::Serialize;
use utoipa::ToSchema;

/// A text as it may be shown.
pub(crate) fn shown(text: &str) -> String {
    neutralise(text).into_owned()
}

/// A slice of a list, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct Slice<T: ToSchema> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// `cursor` of the following slice; null at the end.
    pub(crate) next: Option<String>,
}

impl<T: ToSchema> Slice<T> {
    /// Turns a page of the store into its JSON.
    pub(crate) fn of<S>(page: storage::Paged<S>, view: impl Fn(&S) -> T) -> Self {
        Self {
            items: page.items.iter().map(view).collect(),
            next: page.next,
        }
    }
}
