//! Reading checked text as the types it stands for.

use domain::{HashKey, Mode, Scope, Timestamp};
use ingest::source::kafka as source;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::net::IpAddr;
use std::str::FromStr;

/// How the address is called among identities.
const ADDRESS: &str = "address";

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from)
}

/// Turns a checked text into a value; a failure means that check and type disagree.
fn turn<T, E: serde::de::Error>(text: &str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format!("checked, and yet unusable: {text:?}")))
}

pub(super) fn from_text<'de, D: Deserializer<'de>, T: FromStr>(from: D) -> Result<T, D::Error> {
    let text = text(from)?;
    turn(&text, text.parse().ok())
}

fn range_of(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

pub(super) fn ranges<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| turn(text, range_of(text))).collect()
}

pub(super) fn identities<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ingest::NamedIdentity>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let find = |text: &String| {
        let mut named = ingest::NamedIdentity::ALL.into_iter();
        turn(text, named.find(|kind| kind.scope().as_str() == text))
    };
    // The address comes last in any case: the check saw to it.
    let names = texts.iter().filter(|text| *text != ADDRESS);
    names.map(find).collect()
}

pub(super) fn own_identities<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<ingest::NamedIdentity>>, D::Error> {
    identities(from).map(Some)
}

pub(super) fn hash_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<HashKey>, D::Error> {
    let text = text(from)?;
    let bytes = u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom("checked, and yet no key"))?;
    Ok(Some(HashKey::new(bytes.to_be_bytes())))
}

pub(super) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = text(from)?;
    turn(&text, Timestamp::parse_rfc3339(&text)).map(Some)
}

pub(super) fn scope<'de, D: Deserializer<'de>>(from: D) -> Result<Scope, D::Error> {
    let text = text(from)?;
    turn(&text, Scope::from_name(&text))
}

pub(super) fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Mode, D::Error> {
    let text = text(from)?;
    turn(&text, Mode::from_name(&text))
}

pub(super) fn message_shape<'de, D: Deserializer<'de>>(from: D) -> Result<source::MessageShape, D::Error> {
    let text = text(from)?;
    turn(&text, source::MessageShape::from_name(&text))
}

pub(super) fn first_start<'de, D: Deserializer<'de>>(from: D) -> Result<source::FirstStart, D::Error> {
    let text = text(from)?;
    let value = match text.as_str() {
        "earliest" => Some(source::FirstStart::Earliest),
        "latest" => Some(source::FirstStart::Latest),
        "committed" => Some(source::FirstStart::Committed),
        time => Timestamp::parse_rfc3339(time).map(source::FirstStart::At),
    };
    turn(&text, value)
}

pub(super) fn lost_offset<'de, D: Deserializer<'de>>(from: D) -> Result<source::LostOffset, D::Error> {
    let text = text(from)?;
    let value = match text.as_str() {
        "earliest" => Some(source::LostOffset::Earliest),
        "latest" => Some(source::LostOffset::Latest),
        _ => None,
    };
    turn(&text, value)
}
