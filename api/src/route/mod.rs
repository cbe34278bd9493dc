//! The REST API: one table, from which the router, the OpenAPI document and the tests of access are made.
//!
//! A handler has a file of its own, `<noun>/<verb>.rs`, with what the document says of it beside it.

mod doc;
mod export;
mod input;

mod overview {
    pub(super) mod read;
}
mod hour {
    pub(super) mod list;
}
mod alarm {
    pub(super) mod list;
}
mod alert {
    pub(super) mod judge;
    pub(super) mod likeliest;
    pub(super) mod list;
    pub(super) mod read;
}
mod client {
    pub(super) mod list;
    pub(super) mod read;
}
mod decision {
    pub(super) mod export;
    pub(super) mod list;
    pub(super) mod query;
    pub(super) mod read;
}
mod order {
    pub(super) mod create;
    pub(super) mod export;
    pub(super) mod list;
}
mod allowlist {
    pub(super) mod list;
}
mod report {
    pub(super) mod list;
}
mod model {
    pub(super) mod list;
}
mod bouncer {
    pub(super) mod list;
}
mod suspension {
    pub(super) mod read;
}
mod gateway {
    pub(super) mod list;
}
mod asker {
    pub(super) mod list;
}
mod rejected {
    pub(super) mod list;
}
mod key {
    pub(super) mod create;
    pub(super) mod list;
    pub(super) mod revoke;
}
mod ingest {
    pub(crate) mod create;
}
mod session {
    pub(super) mod create;
    pub(super) mod end;
    pub(super) mod read;
}
mod event {
    pub(super) mod follow;
}
mod health {
    pub(super) mod probe;
    pub(super) mod read;
}
mod document {
    pub(super) mod read;
}
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdict_tests;

pub(crate) use doc::Doc;
pub(crate) use health::probe::{live, ready};
pub(crate) use ingest::create::PUSHES_MAX;

use crate::auth::{self, Access};
use crate::state::ApiState;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post};
use std::sync::Arc;
use storage::Role;

/// What is done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Reads it.
    Get,
    /// Makes one.
    Post,
    /// Ends it.
    Delete,
}

use Verb::{Delete, Get, Post};

/// One row of the table.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    doc: fn() -> Doc,
    handler: MethodRouter<Arc<ApiState>>,
}

/// Reading.
const READ: Access = Access::AtLeast(Role::Viewer);
/// Giving orders.
const ORDER: Access = Access::AtLeast(Role::Operator);
/// Deciding who may do what.
const RULE: Access = Access::AtLeast(Role::Admin);
/// Handing lines over.
const PUSH: Access = Access::Only(Role::Ingest);
/// The key is in the request's body: the handler looks at it.
const OPEN: Access = Access::Anyone;

/// Every route of the REST API.
pub(crate) fn table() -> Vec<Route> {
    vec![
        row(
            Get,
            "/api/v1/overview",
            READ,
            overview::read::handle,
            overview::read::doc,
        ),
        row(Get, "/api/v1/hours", READ, hour::list::handle, hour::list::doc),
        row(Get, "/api/v1/alarms", READ, alarm::list::handle, alarm::list::doc),
        row(Get, "/api/v1/alerts", READ, alert::list::handle, alert::list::doc),
        row(
            Get,
            "/api/v1/alerts/likeliest",
            READ,
            alert::likeliest::handle,
            alert::likeliest::doc,
        ),
        row(
            Get,
            "/api/v1/alerts/{id}",
            READ,
            alert::read::handle,
            alert::read::doc,
        ),
        row(
            Post,
            "/api/v1/alerts/{id}/verdict",
            ORDER,
            alert::judge::handle,
            alert::judge::doc,
        ),
        row(
            Get,
            "/api/v1/clients",
            READ,
            client::list::handle,
            client::list::doc,
        ),
        row(
            Get,
            "/api/v1/clients/{scope}/{value}",
            READ,
            client::read::handle,
            client::read::doc,
        ),
        row(
            Get,
            "/api/v1/decisions",
            READ,
            decision::list::handle,
            decision::list::doc,
        ),
        row(
            Get,
            "/api/v1/decisions/export",
            READ,
            decision::export::handle,
            decision::export::doc,
        ),
        row(
            Get,
            "/api/v1/decisions/{id}",
            READ,
            decision::read::handle,
            decision::read::doc,
        ),
        row(Get, "/api/v1/orders", READ, order::list::handle, order::list::doc),
        row(
            Post,
            "/api/v1/orders",
            ORDER,
            order::create::handle,
            order::create::doc,
        ),
        row(
            Get,
            "/api/v1/orders/export",
            READ,
            order::export::handle,
            order::export::doc,
        ),
        row(
            Get,
            "/api/v1/reports",
            READ,
            report::list::handle,
            report::list::doc,
        ),
        row(
            Get,
            "/api/v1/allowlist",
            READ,
            allowlist::list::handle,
            allowlist::list::doc,
        ),
        row(Get, "/api/v1/models", READ, model::list::handle, model::list::doc),
        row(
            Get,
            "/api/v1/bouncers",
            READ,
            bouncer::list::handle,
            bouncer::list::doc,
        ),
        row(Get, "/api/v1/askers", READ, asker::list::handle, asker::list::doc),
        row(
            Get,
            "/api/v1/gateways",
            READ,
            gateway::list::handle,
            gateway::list::doc,
        ),
        row(
            Get,
            "/api/v1/suspension",
            READ,
            suspension::read::handle,
            suspension::read::doc,
        ),
        row(
            Get,
            "/api/v1/rejected",
            READ,
            rejected::list::handle,
            rejected::list::doc,
        ),
        row(Get, "/api/v1/keys", RULE, key::list::handle, key::list::doc),
        row(Post, "/api/v1/keys", RULE, key::create::handle, key::create::doc),
        row(
            Delete,
            "/api/v1/keys/{name}",
            RULE,
            key::revoke::handle,
            key::revoke::doc,
        ),
        row(
            Post,
            "/api/v1/ingest",
            PUSH,
            ingest::create::handle,
            ingest::create::doc,
        ),
        row(
            Post,
            "/api/v1/session",
            OPEN,
            session::create::handle,
            session::create::doc,
        ),
        row(
            Get,
            "/api/v1/session",
            READ,
            session::read::handle,
            session::read::doc,
        ),
        row(
            Delete,
            "/api/v1/session",
            READ,
            session::end::handle,
            session::end::doc,
        ),
        row(
            Get,
            "/api/v1/events",
            READ,
            event::follow::handle,
            event::follow::doc,
        ),
        row(
            Get,
            "/api/v1/health",
            READ,
            health::read::handle,
            health::read::doc,
        ),
        row(
            Get,
            "/api/v1/openapi.json",
            READ,
            document::read::handle,
            document::read::doc,
        ),
    ]
}

fn row<H, T>(verb: Verb, path: &'static str, access: Access, handler: H, doc: fn() -> Doc) -> Route
where
    H: Handler<T, Arc<ApiState>>,
    T: 'static,
{
    let handler = match verb {
        Get => get(handler),
        Post => post(handler),
        Delete => delete(handler),
    };
    Route {
        verb,
        path,
        access,
        doc,
        handler,
    }
}

/// The router of the table.
pub(crate) fn router(state: &Arc<ApiState>) -> Router<Arc<ApiState>> {
    table().into_iter().fold(Router::new(), |router, route| {
        let guard = axum::middleware::from_fn_with_state((Arc::clone(state), route.access), auth::require);
        router.route(route.path, route.handler.route_layer(guard))
    })
}

/// The OpenAPI document of the table.
pub(crate) fn openapi() -> String {
    doc::document(&table())
}
