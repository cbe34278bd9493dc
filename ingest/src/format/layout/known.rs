//! Formats that gateways write without being told how, each in its own file by the description that they have of it.

use super::{Escape, Layout, Token};
use crate::format::{Column, Family, Format, Memory, Provenance, WrongFormat};
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;

/// A format with a name.
pub(in crate::format) struct Known {
    pub(in crate::format) name: &'static str,
    pub(in crate::format) description: &'static str,
    pub(in crate::format) gateway: Gateway,
    pub(in crate::format) provenance: Provenance,
    /// Its layouts, compiled once; the first is the one that is rendered.
    pub(in crate::format) layouts: fn() -> &'static [Layout],
}

/// Compiles layouts that stand in the source; a test finds one that is wrong.
pub(in crate::format) fn compile_all(
    read: impl Fn(&str) -> Result<(Vec<Token>, Escape), WrongFormat>,
    descriptions: &[&str],
) -> Vec<Layout> {
    let compile = |description: &&str| {
        let (tokens, escape) = read(description)?;
        Layout::compile(tokens, escape)
    };
    let layouts: Result<Vec<Layout>, WrongFormat> = descriptions.iter().map(compile).collect();
    debug_assert!(layouts.is_ok(), "{layouts:?}");
    layouts.unwrap_or_default()
}

/// Reads a line as the first layout that fits it in one way only, else as the first that fits it.
pub(super) fn read_first<'a>(
    layouts: &[Layout],
    line: &'a str,
    memory: &mut Memory,
) -> Result<RawRequest<'a>, Reason> {
    let mut ambiguous = None;
    let mut reason = Reason::Missing("layout");
    for (index, layout) in layouts.iter().enumerate() {
        match layout.read(line, memory) {
            Ok(raw) if raw.is_ambiguous => ambiguous = ambiguous.or(Some(raw)),
            Ok(raw) => return Ok(raw),
            // The first is the usual one: what it says helps most.
            Err(error) if index == 0 => reason = error,
            Err(_) => {}
        }
    }
    ambiguous.ok_or(reason)
}

impl Format for Known {
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
        self.provenance
    }

    fn is_forgeable(&self) -> bool {
        (self.layouts)().iter().any(Layout::is_forgeable)
    }

    fn family(&self) -> Family {
        Family::Text
    }

    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        read_first((self.layouts)(), line, memory)
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        if let Some(layout) = (self.layouts)().first() {
            layout.render(record, out);
        }
    }

    fn columns(&self) -> Vec<(Column, String)> {
        (self.layouts)().first().map(Layout::columns).unwrap_or_default()
    }

    fn resolution_millis(&self) -> u32 {
        (self.layouts)().first().map_or(1000, Layout::resolution_millis)
    }

    fn blind_spots(&self) -> Vec<&'static str> {
        (self.layouts)()
            .first()
            .map(Layout::blind_spots)
            .unwrap_or_default()
    }
}
