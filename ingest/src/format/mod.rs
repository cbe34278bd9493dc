//! The known formats: each reads a line into its pieces and writes a request as such a line.
//!
//! To add one, write `format/<name>.rs` and list it in [`FORMATS`]. Fixtures for it, the round trip through
//! `render` and `parse`, and hostile input are then checked by the tests of this folder.

mod apache;
mod apisix_json;
mod aws;
mod aws_api_gateway_json;
mod azure_json;
mod caddy_json;
mod choice;
mod cloudflare_json;
mod cloudfront;
mod column;
mod combined;
mod custom_json;
mod ecs_json;
mod envoy_json;
mod envoy_text;
mod escape;
mod fields;
mod found;
mod gcp_json;
mod haproxy;
mod haproxy_json;
mod json_value;
mod json_write;
mod keys;
mod kong_json;
mod krakend_json;
mod layout;
mod mapping;
mod nginx;
mod nginx_json;
mod nginx_products;
mod ocsf_json;
mod otlp_json;
mod provenance;
mod quotes;
mod tabular;
mod traefik_clf;
mod traefik_json;
mod tyk_json;
mod w3c;
mod walk;
mod written;

pub use choice::{FormatChoice, LANGUAGES, LAYOUT_BYTES_MAX, Language, WrongFormat};
pub use column::{Column, Loss, losses};
pub(crate) use fields::repair_escapes;
pub use provenance::{Provenance, Tier};
pub use tabular::Header;

use crate::clock::DayCache;
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use std::fmt;

/// Every known format. Where two read a file equally well, the earlier one names it: special before general.
pub const FORMATS: &[&dyn Format] = &[
    &haproxy::CLF,
    &traefik_clf::FORMAT,
    &nginx_products::BUNKERWEB,
    &nginx::COMBINED,
    &apache::COMBINED,
    &nginx::MAIN,
    &apache::VHOST,
    &apache::COMMON,
    &nginx_products::APISIX,
    &nginx_products::PROXY_MANAGER,
    &nginx_products::NPMPLUS,
    &haproxy::HTTPS,
    &haproxy::HTTP,
    &envoy_text::ENVOY,
    &envoy_text::ISTIO,
    &aws::ALB,
    &aws::ELB,
    &cloudfront::FORMAT,
    &w3c::FORMAT,
    &kong_json::FORMAT,
    &traefik_json::FORMAT,
    &caddy_json::FORMAT,
    &envoy_json::FORMAT,
    &apisix_json::FORMAT,
    &haproxy_json::FORMAT,
    &aws_api_gateway_json::FORMAT,
    &cloudflare_json::FORMAT,
    &azure_json::FORMAT,
    &gcp_json::FORMAT,
    &tyk_json::FORMAT,
    &krakend_json::FORMAT,
    &otlp_json::FORMAT,
    &ecs_json::FORMAT,
    &ocsf_json::FORMAT,
    &nginx_json::FORMAT,
    &custom_json::FORMAT,
];

/// What a line looks like before it is read: formats of the other family need not be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Fields between spaces, quotes and brackets.
    Text,
    /// One JSON object.
    Json,
}

impl Family {
    /// The family that a line belongs to.
    #[must_use]
    pub fn of(line: &str) -> Self {
        if line.trim_start().starts_with('{') {
            Self::Json
        } else {
            Self::Text
        }
    }
}

/// What a reader of lines remembers between them, so that it need not find out again.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The last day that was read in Common Log Format.
    pub days: DayCache,
    /// What the last header of a log with columns of its own said.
    pub header: Header,
}

/// One way in which gateways write a request as a line.
pub trait Format: Send + Sync {
    /// Its public name.
    fn name(&self) -> &'static str;

    /// What writes it, in a few words.
    fn description(&self) -> &'static str;

    /// Whose log it is.
    fn gateway(&self) -> Gateway;

    /// How it is known that the gateway writes it.
    fn provenance(&self) -> Provenance;

    /// Whether the gateway writes what clients send as it stands, so that a client's quote or line break shifts the
    /// fields after it: then no line proves what it says, and none is evidence for a block.
    fn is_forgeable(&self) -> bool {
        false
    }

    /// Text or JSON.
    fn family(&self) -> Family;

    /// Whether a line could be of this format, by a cheap look: what could not is not tried where the format has to
    /// be found out.
    fn could_be(&self, _line: &str) -> bool {
        true
    }

    /// The lines that stand before the first request of such a log, where there are some.
    fn header(&self) -> Option<String> {
        None
    }

    /// Reads a line without its line break.
    ///
    /// # Errors
    /// Why the line is not of this format, or what it lacks.
    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason>;

    /// Writes a request as such a line, without the line break. What the format cannot carry is left out.
    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>);

    /// The columns that it can carry, each with the names under which the line holds it, best first.
    fn columns(&self) -> Vec<(Column, String)>;

    /// The columns that one line fills, each with the name of the key that filled it; for formats whose lines all have
    /// the same columns, these.
    fn mapping(&self, _line: &str) -> Vec<(Column, String)> {
        self.columns()
    }

    /// How exactly it tells the time, in milliseconds: rhythm finer than this cannot be seen.
    fn resolution_millis(&self) -> u32;

    /// What cannot be seen in a log of this format.
    fn losses(&self) -> Vec<&'static Loss> {
        losses(&self.columns(), self.resolution_millis())
    }

    /// The same, a sentence each.
    fn blind_spots(&self) -> Vec<&'static str> {
        self.losses().into_iter().map(|loss| loss.sentence).collect()
    }
}

impl fmt::Debug for dyn Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Format({})", self.name())
    }
}

/// The format of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
