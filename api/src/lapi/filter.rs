//! What a bouncer asks for: the query of `/v1/decisions` and of the stream, as CrowdSec's local API reads it.

use super::wire::{SCENARIO_PREFIX, kind_name, scope_name};
use crate::askers::Scopes;
use domain::blocklist::Entry;
use domain::{Client, Scope};
use ipnet::IpNet;
use std::net::IpAddr;

/// Most parameters of a query that are read: the API has eleven, clients add a few of their own.
const PARAMETERS_MAX: usize = 64;
/// Most items of a comma list: a bouncer asks for a handful of scopes or origins.
const LIST_ITEMS_MAX: usize = 64;

/// A query that cannot be answered; the text is what CrowdSec says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    /// `ip` or `range` is neither.
    #[error("unable to convert '{0}' to int: invalid address: invalid ip address / range")]
    Address(String),
    /// `contains` is no boolean in Go's eyes.
    #[error("invalid contains value : strconv.ParseBool: parsing {0:?}: invalid syntax")]
    Contains(String),
}

/// The parameters that narrow a list. Unknown ones are ignored: clients send some of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    /// `ip` or `range`: decisions whose addresses hold these.
    pub(crate) addresses: Option<IpNet>,
    /// `contains=false`: decisions inside `addresses` instead.
    pub(crate) is_inside: bool,
    /// `scope`, `scopes`, in lower case.
    scopes: Vec<String>,
    /// `value`, exact.
    value: Option<String>,
    /// `type`, exact.
    kind: Option<String>,
    /// `origins`, exact.
    origins: Vec<String>,
    /// `scenarios_containing`, in lower case: any of them.
    containing: Vec<String>,
    /// `scenarios_not_containing`, in lower case: none of them.
    not_containing: Vec<String>,
    /// `startup=true`: everything, not only what is new.
    pub(crate) is_startup: bool,
}

impl Filter {
    /// Reads a raw query (without the question mark). Of a repeated parameter the first counts.
    pub(crate) fn parse(query: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX) {
            if seen.iter().any(|other| *other == name) {
                continue;
            }
            filter.set(&name, &value)?;
            seen.push(name.into_owned());
        }
        Ok(filter)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        match name {
            "ip" | "range" => self.addresses = Some(parse_addresses(value)?),
            "contains" => self.is_inside = !parse_bool(value)?,
            "scope" | "scopes" => self.scopes = list(&value.to_lowercase()),
            "value" => self.value = Some(value.to_owned()),
            "type" => self.kind = Some(value.to_owned()),
            "origins" => self.origins = list(value),
            "scenarios_containing" => self.containing = list(&value.to_lowercase()),
            "scenarios_not_containing" => self.not_containing = list(&value.to_lowercase()),
            "startup" => self.is_startup = value == "true",
            _ => {}
        }
        Ok(())
    }

    /// The stream serves addresses unless it is asked for something else.
    pub(crate) fn or_address_scopes(mut self) -> Self {
        if self.scopes.is_empty() {
            self.scopes = vec!["ip".to_owned(), "range".to_owned()];
        }
        self
    }

    /// Everything of these scopes.
    pub(crate) fn of_scopes(scopes: &[Scope]) -> Self {
        let names = scopes.iter().map(|scope| scope_name(*scope).to_lowercase());
        Self {
            scopes: names.collect(),
            ..Self::default()
        }
    }

    /// In a list of alerts two parameters have names of their own.
    pub(crate) fn of_alerts(&mut self, kind: &str, origin: &str) {
        if !kind.is_empty() {
            self.kind = Some(kind.to_owned());
        }
        if !origin.is_empty() {
            self.origins = vec![origin.to_owned()];
        }
    }

    /// Whether something about that client is wanted, whatever it is.
    pub(crate) fn accepts_client(&self, client: &Client) -> bool {
        self.accepts_range(client.range())
            && self.accepts_scope(scope_name(client.scope()))
            && self.value.as_deref().is_none_or(|value| value == client.value())
    }

    /// Scopes of the decisions that are wanted: a lookup of an address is answered with decisions about addresses.
    pub(crate) fn scopes(&self) -> Scopes {
        Scopes::of(|scope| {
            let is_address = matches!(scope, Scope::Ip | Scope::Range);
            (is_address || self.addresses.is_none()) && self.accepts_scope(scope_name(scope))
        })
    }

    /// Whether a decision is wanted, its addresses included; `origin` is the one under which ours appear.
    pub(crate) fn accepts(&self, entry: &Entry, origin: &str) -> bool {
        self.accepts_client(&entry.client)
            && self
                .kind
                .as_deref()
                .is_none_or(|kind| Some(kind) == kind_name(entry.action))
            && (self.origins.is_empty() || self.origins.iter().any(|other| other == origin))
            && self.accepts_scenario(entry)
    }

    fn accepts_range(&self, range: Option<IpNet>) -> bool {
        match (self.addresses, range) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(asked), Some(decided)) if self.is_inside => asked.contains(&decided),
            (Some(asked), Some(decided)) => decided.contains(&asked),
        }
    }

    fn accepts_scope(&self, name: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|scope| scope.eq_ignore_ascii_case(name))
    }

    fn accepts_scenario(&self, entry: &Entry) -> bool {
        if self.containing.is_empty() && self.not_containing.is_empty() {
            return true;
        }
        // In lower case, as the wanted parts are.
        let scenario = format!("{SCENARIO_PREFIX}{}", entry.threat);
        let holds = |part: &String| scenario.contains(part.as_str());
        (self.containing.is_empty() || self.containing.iter().any(holds))
            && !self.not_containing.iter().any(holds)
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').take(LIST_ITEMS_MAX).map(str::to_owned).collect()
}

/// Reads an address or a prefix; IPv4 mapped into IPv6 is IPv4.
fn parse_addresses(text: &str) -> Result<IpNet, FilterError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    text.parse::<IpNet>()
        .map(|net| net.trunc())
        .map_err(|_| FilterError::Address(text.chars().take(64).collect()))
}

/// The words that Go's `strconv.ParseBool` takes.
fn parse_bool(text: &str) -> Result<bool, FilterError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(FilterError::Contains(text.chars().take(64).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_come_with_a_mask() {
        let check = |query: &str, net: &str| {
            assert_eq!(
                Filter::parse(query).unwrap().addresses,
                Some(net.parse().unwrap()),
                "{query}"
            );
        };
        check("ip=203.0.113.200", "203.0.113.200/32");
        check("ip=203.0.113.200/32", "203.0.113.200/32");
        check("ip=%3A%3Affff:203.0.113.200", "203.0.113.200/32");
        check("range=198.51.100.77/24", "198.51.100.0/24");
        check("ip=2001:db8::5", "2001:db8::5/128");
    }

    #[test]
    fn what_is_no_address_is_refused_in_crowdsecs_words() {
        let error = Filter::parse("ip=not-an-ip").unwrap_err().to_string();
        assert_eq!(
            error,
            "unable to convert 'not-an-ip' to int: invalid address: invalid ip address / range"
        );
        assert!(Filter::parse("range=10.0.0.0/8&contains=maybe").is_err());
    }

    #[test]
    fn unknown_parameters_and_repetitions_are_ignored() {
        let filter = Filter::parse("foo=bar&banned=true&type=ban&type=captcha&startup=banana").unwrap();
        assert_eq!(filter.kind.as_deref(), Some("ban"));
        assert!(!filter.is_startup);
    }
}
