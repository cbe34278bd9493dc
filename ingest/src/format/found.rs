//! What a walk through a JSON line found, column by column, and the request that it makes.

use super::Column;
use super::json_value::Value;
use super::keys::Node;
use crate::address::parse_socket;
use crate::clock::{self, EpochUnit, from_epoch};
use crate::format::Memory;
use crate::raw::{RawRequest, RequestLine, host_without_port, present};
use crate::reject::Reason;
use domain::Timestamp;
use std::borrow::Cow;
use std::net::IpAddr;

pub(super) const COLUMNS: usize = Column::ALL.len();

/// Names under which gateways log that there was no name. Taken for one, they would be the busiest client of all.
const NOBODY: [&str; 9] = [
    "anonymous",
    "none",
    "null",
    "nil",
    "<nil>",
    "undefined",
    "unknown",
    "n/a",
    // Tyk's key of an API that asks for none.
    "00000000",
];

/// The values found so far, one slot a column.
pub(super) struct Found<'a> {
    values: [Value<'a>; COLUMNS],
    peer: Option<IpAddr>,
    /// Rank of the key whose value is in each slot: lower is better.
    ranks: [u64; COLUMNS],
    /// Rank of the best key of each slot that was there without a value.
    empty: [u64; COLUMNS],
    /// Whether the line has a key of the column, be its value empty.
    is_named: [bool; COLUMNS],
    scales: [f64; COLUMNS],
    unit: EpochUnit,
    is_repeated: bool,
    /// Whether there are several where one request was expected.
    pub(super) is_several: bool,
}

impl<'a> Found<'a> {
    pub(super) fn new() -> Self {
        Self {
            values: [const { Value::Absent }; COLUMNS],
            peer: None,
            ranks: [u64::MAX; COLUMNS],
            empty: [u64::MAX; COLUMNS],
            is_named: [false; COLUMNS],
            scales: [1.0; COLUMNS],
            unit: EpochUnit::Guessed,
            is_repeated: false,
            is_several: false,
        }
    }

    pub(super) fn is_named(&self, column: Column) -> bool {
        self.is_named[column as usize]
    }

    /// The rank of the key that filled the column.
    pub(super) fn rank(&self, column: Column) -> Option<u64> {
        let rank = self.ranks[column as usize];
        (rank < FROM_ELSEWHERE).then_some(rank)
    }

    /// Whether the host is only known from an absolute URL.
    pub(super) fn has_host_of_url(&self) -> bool {
        self.ranks[Column::Host as usize] == FROM_ELSEWHERE
    }

    /// Takes what a key holds into the slot of its column.
    pub(super) fn put(&mut self, node: Node, rank: u64, value: Value<'a>) {
        let Some(column) = node.column() else {
            return;
        };
        let slot = column as usize;
        self.is_named[slot] = true;
        self.is_repeated |= self.ranks[slot] == rank || self.empty[slot] == rank;
        let value = match (column, value) {
            (Column::Peer, Value::Text(text)) => match parse_socket(&text) {
                Some(_) if rank >= self.ranks[slot] => return,
                Some(peer) => {
                    self.peer = Some(peer);
                    self.ranks[slot] = rank;
                    return;
                }
                None => {
                    self.put_chain(text);
                    Value::Absent
                }
            },
            // "It worked" is no status, and not none either.
            (column, Value::Flag) if column != Column::Status => Value::Absent,
            (Column::At, value) => known_moment(node, value),
            (Column::Duration | Column::Upstream, value) => timed(node, value),
            (_, value) => value,
        };
        if value == Value::Absent || column == Column::Peer {
            self.empty[slot] = self.empty[slot].min(rank);
            return;
        }
        // A worse or a repeated one never replaces what is there.
        if rank >= self.ranks[slot] {
            return;
        }
        let value = self.cut(node, value);
        match node {
            Node::Moment(unit) => self.unit = unit,
            Node::Scaled(_, scale) => self.scales[slot] = scale,
            _ => self.scales[slot] = 1.0,
        }
        self.values[slot] = value;
        self.ranks[slot] = rank;
    }

    /// Takes several addresses where one is expected for the forwarded chain that they are, unless the line names one.
    fn put_chain(&mut self, text: Cow<'a, str>) {
        let slot = Column::Forwarded as usize;
        if self.ranks[slot] == u64::MAX && text.contains(',') {
            self.values[slot] = Value::Text(text);
            self.ranks[slot] = FROM_ELSEWHERE;
        }
    }

    /// The part of a value that its column holds.
    fn cut(&mut self, node: Node, value: Value<'a>) -> Value<'a> {
        match (node, value) {
            (Node::Url, Value::Text(text)) => {
                let (host, target) = cut_url(text);
                let slot = Column::Host as usize;
                if let Some(host) = host
                    && self.ranks[slot] == u64::MAX
                {
                    self.values[slot] = Value::Text(host);
                    self.ranks[slot] = FROM_ELSEWHERE;
                }
                Value::Text(target)
            }
            (Node::Route, Value::Text(text)) => Value::Text(path_of_route(text)),
            (Node::Verb, Value::Text(text)) if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                Value::Text(Cow::Owned(text.to_ascii_uppercase()))
            }
            (_, value) => value,
        }
    }

    fn take(&mut self, column: Column) -> Value<'a> {
        std::mem::take(&mut self.values[column as usize])
    }

    fn text(&mut self, column: Column) -> Option<Cow<'a, str>> {
        match self.take(column) {
            Value::Text(text) => present(text),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Absent | Value::Flag => None,
        }
    }

    /// A name, unless it says that there is none.
    fn name(&mut self, column: Column) -> Option<Cow<'a, str>> {
        let is_nobody = |text: &Cow<'_, str>| NOBODY.iter().any(|name| name.eq_ignore_ascii_case(text));
        self.text(column).filter(|text| !is_nobody(text))
    }

    fn number(&mut self, column: Column) -> Option<f64> {
        let scale = self.scales[column as usize];
        let is_time = matches!(column, Column::Duration | Column::Upstream);
        let number = match self.take(column) {
            Value::Number(number) => number * scale,
            Value::Text(text) if is_time && ends_in_unit(&text) => clock::millis_of_duration(&text)?,
            Value::Text(text) => sum_times(&text)? * scale,
            Value::Absent | Value::Flag => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float's cast saturates"
    )]
    fn size(&mut self, column: Column) -> Option<u64> {
        self.number(column).map(|bytes| bytes as u64)
    }

    #[allow(clippy::cast_possible_truncation, reason = "a duration needs no more digits")]
    fn millis(&mut self, column: Column) -> Option<f32> {
        self.number(column).map(|millis| millis as f32)
    }

    fn moment(&mut self) -> Option<Timestamp> {
        match self.take(Column::At) {
            Value::Number(number) => from_epoch(number, self.unit),
            Value::Text(text) => Timestamp::parse_rfc3339(&text)
                .or_else(|| Memory::default().days.parse_clf(text.as_bytes()))
                .or_else(|| from_epoch(text.parse().ok()?, self.unit))
                .or_else(|| clock::parse_other(&text)),
            Value::Absent | Value::Flag => None,
        }
    }

    fn status(&mut self) -> Option<u16> {
        let number = match self.take(Column::Status) {
            Value::Number(number) => number,
            // Several upstreams were tried ("502, 200"): the last answer is the client's. "200 OK" names it too.
            Value::Text(text) => text
                .rsplit(',')
                .next()?
                .split_ascii_whitespace()
                .next()?
                .parse()
                .ok()?,
            Value::Flag => return None,
            Value::Absent => return Some(0),
        };
        // HAProxy's word for none at all.
        let number = if number == -1.0 { 0.0 } else { number };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a status"
        )]
        (number.fract() == 0.0 && (0.0..1000.0).contains(&number)).then_some(number as u16)
    }

    fn request(&mut self) -> Option<RequestLine<'a>> {
        let protocol = self.text(Column::Protocol).map(named_protocol);
        let line = self.text(Column::RequestLine);
        let method = self.text(Column::Method);
        let target = self.text(Column::Target);
        let path = self.text(Column::Path);
        let query = self.text(Column::Query);
        if method.is_none() || (target.is_none() && path.is_none()) {
            return line.map(|line| match line {
                Cow::Borrowed(text) => RequestLine::split(text),
                Cow::Owned(text) => RequestLine::split(&text).into_owned(),
            });
        }
        let method = method.unwrap_or_default();
        match (target, path) {
            (Some(target), _) => {
                let mut request = RequestLine::from_parts(method, target, protocol);
                request.query = request.query.or(query.map(without_question_mark));
                Some(request)
            }
            // Some call the whole target a path.
            (None, path) if query.is_none() => Some(RequestLine::from_parts(
                method,
                path.unwrap_or_default(),
                protocol,
            )),
            (None, path) => {
                let query = query.map(without_question_mark);
                Some(RequestLine::from_path(
                    method,
                    path.unwrap_or_default(),
                    query,
                    protocol,
                ))
            }
        }
    }

    pub(super) fn into_raw(mut self) -> Result<RawRequest<'a>, Reason> {
        if self.is_several {
            return Err(Reason::Invalid("line: it holds several requests"));
        }
        // Keys without values: the gateway could not read the request. No keys: it is no access log.
        let is_unreadable = self.is_named(Column::Method) || self.is_named(Column::RequestLine);
        let unreadable = || is_unreadable.then(|| RequestLine::unreadable(""));
        let request = self
            .request()
            .or_else(unreadable)
            .ok_or(Reason::Missing("request"))?;
        Ok(RawRequest {
            at: self.moment().ok_or(Reason::Invalid("time"))?,
            peer: self.peer,
            forwarded: self.text(Column::Forwarded),
            consumer: self.name(Column::Consumer),
            subject: self.name(Column::Subject),
            api_key: self.name(Column::ApiKey),
            session: self.name(Column::Session),
            token: self.text(Column::Token),
            certificate: self.name(Column::Certificate),
            host: self.text(Column::Host).and_then(host_without_port),
            request,
            status: self.status().ok_or(Reason::Invalid("status"))?,
            bytes_in: self.size(Column::BytesIn),
            bytes_out: self.size(Column::BytesOut),
            duration_ms: self.millis(Column::Duration),
            upstream_ms: self.millis(Column::Upstream),
            user_agent: self.text(Column::UserAgent),
            referer: self.text(Column::Referer),
            tls: self
                .text(Column::Tls)
                .filter(|text| !text.eq_ignore_ascii_case("none")),
            fingerprint: self.text(Column::Fingerprint),
            is_ambiguous: self.is_repeated,
        })
    }
}

/// Rank of what stands where something else is expected, a host in a URL, a chain for an address: worse than every key's.
const FROM_ELSEWHERE: u64 = u64::MAX - 1;

/// Parts of a list of times that are added up. More upstreams are not tried for one request.
const TIMES_MAX: usize = 16;

/// Whether a text ends in the name of a unit, as durations of Go and of protobuf do.
fn ends_in_unit(text: &str) -> bool {
    text.ends_with('s') || text.ends_with('m') || text.ends_with('h')
}

/// A moment, unless it is OTLP's word for an unknown one.
fn known_moment(node: Node, value: Value<'_>) -> Value<'_> {
    match (&value, node) {
        (Value::Number(0.0), Node::Moment(EpochUnit::Nanos)) => Value::Absent,
        (Value::Text(text), Node::Moment(EpochUnit::Nanos)) if text == "0" => Value::Absent,
        _ => value,
    }
}

/// A duration, unless it has to name its unit and does not.
fn timed(node: Node, value: Value<'_>) -> Value<'_> {
    match (&value, node) {
        (Value::Text(text), Node::Timed(_)) if !ends_in_unit(text) => Value::Absent,
        (Value::Number(_), Node::Timed(_)) => Value::Absent,
        _ => value,
    }
}

/// Splits an absolute URL into its host and what follows; anything else is a target already.
fn cut_url(url: Cow<'_, str>) -> (Option<Cow<'_, str>>, Cow<'_, str>) {
    let Some((host, rest)) = places_of_url(&url) else {
        return (None, url);
    };
    let slashed = url.as_bytes().get(rest) == Some(&b'/');
    match url {
        Cow::Borrowed(text) if slashed => (
            Some(Cow::Borrowed(&text[host..rest])),
            Cow::Borrowed(&text[rest..]),
        ),
        text => (
            Some(Cow::Owned(text[host..rest].to_owned())),
            Cow::Owned(if slashed {
                text[rest..].to_owned()
            } else {
                format!("/{}", &text[rest..])
            }),
        ),
    }
}

/// Where the host of an absolute URL begins, and where it ends.
fn places_of_url(url: &str) -> Option<(usize, usize)> {
    let rest = ["http://", "https://", "ws://", "wss://", "grpc://"]
        .iter()
        .find(|scheme| url.starts_with(**scheme))
        .map(|scheme| scheme.len())?;
    let length = url[rest..].find(['/', '?', '#']).unwrap_or(url.len() - rest);
    // A name before the host is no part of it.
    let user = url[rest..rest + length].rfind('@').map_or(0, |at| at + 1);
    Some((rest + user, rest + length))
}

/// The path of a route of Amazon API Gateway: what stands behind its method, or its name.
fn path_of_route(route: Cow<'_, str>) -> Cow<'_, str> {
    match route.split_once(' ') {
        Some((_, path)) => Cow::Owned(path.to_owned()),
        None if route.starts_with('/') => route,
        None => Cow::Owned(format!("/{route}")),
    }
}

/// A protocol of which only the version was logged is HTTP.
fn named_protocol(protocol: Cow<'_, str>) -> Cow<'_, str> {
    if protocol.starts_with(|letter: char| letter.is_ascii_digit()) {
        match &*protocol {
            "1.0" => Cow::Borrowed("HTTP/1.0"),
            "1.1" => Cow::Borrowed("HTTP/1.1"),
            "2" => Cow::Borrowed("HTTP/2"),
            "2.0" => Cow::Borrowed("HTTP/2.0"),
            "3" => Cow::Borrowed("HTTP/3"),
            other => Cow::Owned(format!("HTTP/{other}")),
        }
    } else {
        protocol
    }
}

fn without_question_mark(query: Cow<'_, str>) -> Cow<'_, str> {
    match query {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('?').unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_prefix('?').map_or(text.clone(), str::to_owned)),
    }
}

/// Adds up NGINX's list of upstream times (`0.010, 0.020 : 0.005`); `-` parts count nothing.
fn sum_times(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let mut parts = text
        .split([',', ':'])
        .take(TIMES_MAX)
        .filter_map(|part| part.trim().parse::<f64>().ok());
    let first = parts.next()?;
    Some(parts.fold(first, |sum, part| sum + part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_urls_give_their_host_and_target() {
        for (url, host, target) in [
            ("https://a.example/x?y=1", Some("a.example"), "/x?y=1"),
            ("http://a.example:8080", Some("a.example:8080"), "/"),
            ("https://u:p@a.example?x", Some("a.example"), "/?x"),
            ("/x?u=https://b.example/", None, "/x?u=https://b.example/"),
            ("a.example:443", None, "a.example:443"),
        ] {
            for text in [Cow::Borrowed(url), Cow::Owned(url.to_owned())] {
                let (found, rest) = cut_url(text);
                assert_eq!((found.as_deref(), &*rest), (host, target), "{url}");
            }
        }
    }

    #[test]
    fn routes_are_paths() {
        for (route, path) in [
            ("GET /pets/{id}", "/pets/{id}"),
            ("$default", "/$default"),
            ("/pets", "/pets"),
        ] {
            assert_eq!(path_of_route(Cow::Borrowed(route)), path);
        }
    }
}
