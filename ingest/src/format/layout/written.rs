//! Formats that an operator wrote down, in the language of the gateway's own configuration.

use super::known::read_first;
use super::nginx_json::NginxJson;
use super::{Escape, Layout, Token};
use crate::format::{Column, Family, Format, Memory, Provenance, WrongFormat};
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use std::sync::Arc;

/// A format that somebody described to us.
struct Written {
    name: &'static str,
    description: &'static str,
    gateway: Gateway,
    /// Where the language is described.
    page: &'static str,
    layout: Layout,
}

/// A format of tokens.
///
/// # Errors
/// When the fields cannot be told apart, or what every request needs is not there.
pub(super) fn text(
    gateway: Gateway,
    (name, description, page): (&'static str, &'static str, &'static str),
    (tokens, escape): (Vec<Token>, Escape),
) -> Result<Arc<dyn Format>, WrongFormat> {
    let layout = Layout::compile(tokens, escape)?;
    layout.check()?;
    Ok(Arc::new(Written {
        name,
        description,
        gateway,
        page,
        layout,
    }))
}

/// A format of JSON.
pub(super) fn json(format: NginxJson) -> Arc<dyn Format> {
    Arc::new(format)
}

impl Format for Written {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn gateway(&self) -> Gateway {
        self.gateway
    }

    fn provenance(&self) -> Provenance {
        Provenance::documented(self.page)
    }

    fn is_forgeable(&self) -> bool {
        self.layout.is_forgeable()
    }

    fn family(&self) -> Family {
        Family::Text
    }

    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        read_first(std::slice::from_ref(&self.layout), line, memory)
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        self.layout.render(record, out);
    }

    fn columns(&self) -> Vec<(Column, String)> {
        self.layout.columns()
    }

    fn resolution_millis(&self) -> u32 {
        self.layout.resolution_millis()
    }

    fn blind_spots(&self) -> Vec<&'static str> {
        self.layout.blind_spots()
    }
}
