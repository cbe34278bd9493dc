//! The one entry point from a line to a request record.

use crate::address;
use crate::detect::Detection;
use crate::envelope::{self, DEPTH_MAX, Envelope};
use crate::format::{FORMATS, Family, Format, FormatChoice, Memory};
use crate::identity::{Identified, IdentityPolicy};
use crate::nesting::is_too_deep;
use crate::network::{NetworkMemo, Networks};
use crate::raw::{RawRequest, RequestLine};
use crate::reject::{Reason, Reject, RejectLog, count_fields};
use crate::route::{DocumentedRoutes, RouteMemo, RouteUse};
use domain::{AddressSource, HashKey, Position, RequestRecord, SecretKeys, TrustedProxies};
use std::borrow::Cow;
use std::num::NonZeroU64;

/// Everything that decides how a line becomes a record.
#[derive(Debug, Clone)]
pub struct ParserConfig {
    /// Which format.
    pub format: FormatChoice,
    /// Whose word about the next hop is believed.
    pub trusted: TrustedProxies,
    /// Which names go before the address.
    pub identity: IdentityPolicy,
    /// Key of every hash made here, but for secrets.
    pub hash_key: HashKey,
    /// Keys under which secrets are hashed.
    pub secrets: SecretKeys,
    /// Which autonomous system announces an address.
    pub networks: Option<Networks>,
    /// Which routes documents name.
    pub documents: Option<DocumentedRoutes>,
}

impl ParserConfig {
    /// Detects the format, trusts no proxy, takes addresses for clients, knows no autonomous systems and no documents.
    #[must_use]
    pub fn new(hash_key: HashKey) -> Self {
        Self {
            format: FormatChoice::Auto,
            trusted: TrustedProxies::default(),
            identity: IdentityPolicy::default(),
            hash_key,
            secrets: SecretKeys::new(hash_key),
            networks: None,
            documents: None,
        }
    }
}

/// Counts of what a parser met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParserCounts {
    /// Lines that became records.
    pub parsed: u64,
    /// Records that could be read in more than one way.
    pub ambiguous: u64,
    /// Lines with bytes that are no UTF-8; they were replaced by U+FFFD.
    pub not_utf8: u64,
}

/// Reads lines of one source. It remembers what the last line was, so use one parser a source.
#[derive(Debug, Clone)]
pub struct Parser {
    config: ParserConfig,
    memory: Memory,
    routes: RouteMemo,
    network_memo: NetworkMemo,
    /// Position in [`FORMATS`] of the format that read the last line.
    last: Option<usize>,
    /// Whether clients can write into the fields of the last line's format.
    is_forgeable: bool,
    /// Wrappers around the last line.
    last_depth: usize,
    counts: ParserCounts,
    rejects: RejectLog,
}

impl Parser {
    /// Makes a parser.
    #[must_use]
    pub fn new(config: ParserConfig) -> Self {
        Self {
            memory: Memory::default(),
            routes: RouteMemo::new(config.documents.clone()),
            config,
            network_memo: NetworkMemo::default(),
            last: None,
            is_forgeable: false,
            last_depth: 0,
            counts: ParserCounts::default(),
            rejects: RejectLog::default(),
        }
    }

    /// Begins with the format that a look at the source's first lines found.
    pub fn begin_with(&mut self, detection: &Detection) {
        let is_it = |format: &&dyn Format| format.name() == detection.format.name();
        self.last = FORMATS.iter().position(is_it);
    }

    /// Reads one line, counts it, and keeps a sample of it when it is rejected.
    ///
    /// # Errors
    /// Why the line could not be read. Never stops the stream: the next line is read as if this one had not been.
    #[inline]
    pub fn parse<'a>(&mut self, line: &'a [u8], position: Position) -> Result<RequestRecord<'a>, Reject> {
        let mut is_utf8 = true;
        let result = self.read_bytes(line, position, &mut is_utf8);
        self.tally(line, position, &result, is_utf8);
        result
    }

    /// Reads one line without counting it: for looking ahead. [`Self::count`] it when it is used.
    ///
    /// # Errors
    /// Why the line could not be read.
    pub fn read<'a>(&mut self, line: &'a [u8], position: Position) -> Result<RequestRecord<'a>, Reject> {
        self.read_bytes(line, position, &mut true)
    }

    /// Counts a line that was read.
    pub fn count(&mut self, line: &[u8], position: Position, result: &Result<RequestRecord<'_>, Reject>) {
        // Asking again is cheaper than carrying the answer along.
        let is_utf8 = simdutf8::basic::from_utf8(line).is_ok();
        self.tally(line, position, result, is_utf8);
    }

    /// Reads one line, and says whether its bytes are UTF-8.
    #[inline]
    fn read_bytes<'a>(
        &mut self,
        line: &'a [u8],
        position: Position,
        is_utf8: &mut bool,
    ) -> Result<RequestRecord<'a>, Reject> {
        match simdutf8::basic::from_utf8(line) {
            Ok(text) => self.read_text(text, position),
            Err(_) => {
                *is_utf8 = false;
                let text = String::from_utf8_lossy(line);
                self.read_text(&text, position).map(into_owned)
            }
        }
    }

    fn tally(
        &mut self,
        line: &[u8],
        position: Position,
        result: &Result<RequestRecord<'_>, Reject>,
        is_utf8: bool,
    ) {
        self.counts.not_utf8 += u64::from(!is_utf8);
        match result {
            Ok(record) => {
                self.counts.parsed += 1;
                self.counts.ambiguous += u64::from(record.is_ambiguous);
            }
            Err(reject) => self.rejects.add(position, line, *reject),
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> ParserCounts {
        self.counts
    }

    /// How often each documented route was asked for since its documents were read; `None` without documents.
    #[must_use]
    pub fn route_use(&self) -> Option<&RouteUse> {
        self.routes.route_use()
    }

    /// What was rejected so far.
    #[must_use]
    pub fn rejects(&self) -> &RejectLog {
        &self.rejects
    }

    /// The format that lines are read as: the one that was chosen, else the one that read the last line.
    #[must_use]
    pub fn last_format(&self) -> Option<&dyn Format> {
        match &self.config.format {
            FormatChoice::Written(format) => Some(format.as_ref()),
            FormatChoice::Named(format) => Some(*format),
            FormatChoice::Auto => self.last.map(|index| FORMATS[index]),
        }
    }

    #[inline]
    fn read_text<'a>(&mut self, line: &'a str, position: Position) -> Result<RequestRecord<'a>, Reject> {
        let text = line.trim_start_matches('\u{feff}').trim_ascii();
        if text.is_empty() {
            return Err(Reason::Empty.into());
        }
        // Most lines are bare. A record is half a kilobyte: read right here it is written once, where it is to be.
        if self.last_depth > 0 {
            return self.read_wrapped(text, position, 0, None);
        }
        match self.read_bare(text) {
            Ok(raw) => self.finish(raw, position),
            Err(reject) => self.read_wrapped(text, position, 0, Some(reject)),
        }
    }

    /// Reads what a wrapper holds, as it stands or out of another wrapper.
    fn read_inner<'a>(
        &mut self,
        text: &'a str,
        position: Position,
        depth: usize,
    ) -> Result<RequestRecord<'a>, Reject> {
        // Where the last line was wrapped this one will be: looking for a bare one first would be in vain.
        if depth < self.last_depth {
            return self.read_wrapped(text, position, depth, None);
        }
        match self.read_bare(text) {
            Ok(raw) => {
                self.last_depth = depth;
                self.finish(raw, position)
            }
            Err(reject) => self.read_wrapped(text, position, depth, Some(reject)),
        }
    }

    /// Reads what the wrapper of a line holds; `reject` is why the line is not read as it stands, where that was tried.
    fn read_wrapped<'a>(
        &mut self,
        text: &'a str,
        position: Position,
        depth: usize,
        reject: Option<Reject>,
    ) -> Result<RequestRecord<'a>, Reject> {
        match envelope::unwrap(text)? {
            Some(_) if depth == DEPTH_MAX => Err(Reason::TooDeep.into()),
            // An object under a key may be the line's own JSON, or a piece of a line that is bare.
            Some((Envelope::Parsed, inner)) => {
                let inside = self.read_inner(inner.trim_ascii(), position, depth + 1);
                match (inside.map(into_owned), reject) {
                    (Ok(record), _) => Ok(record),
                    (Err(_), Some(reject)) => Err(reject),
                    (Err(inside), None) => {
                        let raw = self.read_bare(text).map_err(|_| inside)?;
                        self.last_depth = depth;
                        self.finish(raw, position)
                    }
                }
            }
            Some((_, Cow::Borrowed(inner))) => self.read_inner(inner.trim_ascii(), position, depth + 1),
            Some((_, Cow::Owned(inner))) => self
                .read_inner(inner.trim_ascii(), position, depth + 1)
                .map(into_owned),
            None => {
                let raw = match reject {
                    Some(reject) => return Err(reject),
                    None => self.read_bare(text)?,
                };
                self.last_depth = depth;
                self.finish(raw, position)
            }
        }
    }

    /// Reads a line without a wrapper as the chosen format, or as the first that reads it in one way only.
    #[inline]
    fn read_bare<'a>(&mut self, text: &'a str) -> Result<RawRequest<'a>, Reject> {
        let chosen: &dyn Format = match (&self.config.format, self.last) {
            (FormatChoice::Written(format), _) => format.as_ref(),
            (FormatChoice::Named(format), _) => *format,
            (FormatChoice::Auto, Some(last)) => FORMATS[last],
            (FormatChoice::Auto, None) => return self.read_any(text, None),
        };
        self.is_forgeable = chosen.is_forgeable();
        let is_auto = matches!(self.config.format, FormatChoice::Auto);
        let first = read_as(chosen, text, &mut self.memory);
        match &first {
            // No line of a forgeable format is beyond doubt: to ask all others each time would find no better one.
            Ok(raw) if !is_auto || !raw.is_ambiguous || self.is_forgeable => {
                first.map_err(|reason| reject(chosen, reason))
            }
            Err(reason) if !is_auto => Err(reject(chosen, *reason)),
            _ => self.read_any(text, Some(first)),
        }
    }

    /// Reads a line as the first format that reads it in one way only; `first` is what the last line's format said.
    #[cold]
    fn read_any<'a>(
        &mut self,
        text: &'a str,
        first: Option<Result<RawRequest<'a>, Reason>>,
    ) -> Result<RawRequest<'a>, Reject> {
        let family = Family::of(text);
        let mut closest = None;
        let mut ambiguous = None;
        if let Some((index, first)) = self.last.zip(first) {
            match first {
                Ok(raw) => ambiguous = Some((index, raw)),
                // A text is no broken JSON, whatever stood before it.
                Err(reason) if FORMATS[index].family() == family => {
                    closest = Some(reject(FORMATS[index], reason));
                }
                Err(_) => {}
            }
        }
        for (index, format) in FORMATS.iter().copied().enumerate() {
            // What read the last line was tried already.
            if format.family() != family || Some(index) == self.last || !format.could_be(text) {
                continue;
            }
            match read_as(format, text, &mut self.memory) {
                Ok(raw) if !raw.is_ambiguous => {
                    self.last = Some(index);
                    self.is_forgeable = format.is_forgeable();
                    return Ok(raw);
                }
                Ok(raw) => ambiguous = ambiguous.or(Some((index, raw))),
                Err(Reason::Comment) => closest = Some(reject(format, Reason::Comment)),
                Err(_) => {}
            }
        }
        if let Some((index, raw)) = ambiguous {
            // Of a forgeable format every line is ambiguous: nothing better will tell that the log is of that format.
            if self.last.is_none() || FORMATS[index].is_forgeable() {
                self.last = Some(index);
            }
            return Ok(raw);
        }
        Err(explain(text, family, closest))
    }

    /// Makes the record: who, which route.
    #[inline]
    fn finish<'a>(&mut self, raw: RawRequest<'a>, position: Position) -> Result<RequestRecord<'a>, Reject> {
        let resolved = address::resolve(&raw, &self.config.trusted);
        let address = resolved.map(|(address, _)| address);
        let ParserConfig {
            identity,
            secrets,
            hash_key,
            ..
        } = &self.config;
        let Identified { client, former } =
            identity.choose(&raw, address, secrets).ok_or(Reason::NoClient)?;
        let claim = identity.claim(&raw, secrets);
        let known = address.zip(self.config.networks.as_ref());
        let network = known.and_then(|(address, all)| self.network_memo.system_of(all, address));
        let RequestLine {
            method,
            path,
            query,
            protocol,
            is_malformed,
        } = raw.request;
        Ok(RequestRecord {
            at: raw.at,
            client,
            former: former.and_then(|former| NonZeroU64::new(hash_key.hash(&former))),
            claim,
            address,
            address_source: resolved.map_or(AddressSource::Claimed, |(_, source)| source),
            method,
            host: raw.host,
            route: self.routes.of(&path, query.as_deref(), &self.config.hash_key),
            path,
            query,
            status: raw.status,
            bytes_in: raw.bytes_in,
            bytes_out: raw.bytes_out,
            duration_ms: raw.duration_ms,
            upstream_ms: raw.upstream_ms,
            protocol,
            user_agent: raw.user_agent,
            referer: raw.referer,
            tls: raw.tls,
            fingerprint: raw.fingerprint,
            network,
            is_malformed,
            is_ambiguous: raw.is_ambiguous || self.is_forgeable,
            is_stopped: false,
            position,
        })
    }
}

/// Reads a line as one format; NGINX's escapes in JSON are repaired where the line is no JSON as it stands.
#[inline]
fn read_as<'a>(format: &dyn Format, text: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
    let result = format.parse(text, memory);
    if !matches!(result, Err(Reason::BrokenJson)) {
        return result;
    }
    let repaired = crate::format::repair_escapes(text).ok_or(Reason::BrokenJson)?;
    format.parse(&repaired, memory).map(RawRequest::into_owned)
}

fn reject(format: &dyn Format, reason: Reason) -> Reject {
    Reject {
        format: Some(format.name()),
        reason,
    }
}

/// Why no format reads a line: what the last line's format misses, if this one is like it at all.
fn explain(text: &str, family: Family, closest: Option<Reject>) -> Reject {
    match family {
        Family::Json if is_too_deep(text) || sonic_rs::from_str::<serde::de::IgnoredAny>(text).is_err() => {
            Reason::BrokenJson.into()
        }
        Family::Json => closest.unwrap_or(Reason::UnknownJson.into()),
        Family::Text => {
            let fields = count_fields(text);
            let is_alike = closest.filter(|reject| !matches!(reject.reason, Reason::Missing("request")));
            is_alike.unwrap_or(Reason::UnknownText { fields }.into())
        }
    }
}

/// Copies whatever a record borrows, so that it outlives its line.
#[must_use]
pub fn into_owned(record: RequestRecord<'_>) -> RequestRecord<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    RequestRecord {
        at: record.at,
        client: record.client,
        former: record.former,
        claim: record.claim,
        address: record.address,
        address_source: record.address_source,
        method: own(record.method),
        host: record.host.map(own),
        path: own(record.path),
        query: record.query.map(own),
        route: record.route,
        status: record.status,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        duration_ms: record.duration_ms,
        upstream_ms: record.upstream_ms,
        protocol: record.protocol.map(own),
        user_agent: record.user_agent.map(own),
        referer: record.referer.map(own),
        tls: record.tls.map(own),
        fingerprint: record.fingerprint.map(own),
        network: record.network,
        is_malformed: record.is_malformed,
        is_ambiguous: record.is_ambiguous,
        is_stopped: record.is_stopped,
        position: record.position,
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
