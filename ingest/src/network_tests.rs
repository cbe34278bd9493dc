use super::*;
use libmaxminddb_rs::{MetadataBuilder, Value, Writer};
use std::collections::BTreeMap;

fn database(kind: &str, rows: &[(&str, &str, Value)]) -> tempfile::NamedTempFile {
    let metadata = MetadataBuilder::new()
        .ip_version(6)
        .database_type(kind)
        .build()
        .expect("metadata");
    let mut writer = Writer::with_metadata(metadata);
    for (range, key, value) in rows {
        let entry = Value::Map(BTreeMap::from([((*key).into(), value.clone())]));
        writer
            .insert_value(range.parse().expect("a range"), entry)
            .expect("room");
    }
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    std::fs::write(file.path(), writer.finish().expect("a database")).expect("written");
    file
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn an_address_has_the_system_of_the_narrowest_network_around_it() {
    let file = database(
        "GeoLite2-ASN",
        &[
            ("203.0.113.0/24", "autonomous_system_number", Value::Uint32(64500)),
            (
                "203.0.113.64/26",
                "autonomous_system_number",
                Value::Uint32(64501),
            ),
            ("2001:db8::/32", "autonomous_system_number", Value::Uint32(64502)),
            ("198.51.100.0/24", "asn", Value::Utf8("AS64503".into())),
            ("192.0.2.0/24", "asn", Value::Utf8("unknown".into())),
        ],
    );
    let networks = Networks::open(file.path()).expect("a database of systems");
    let mut memo = NetworkMemo::default();
    for (address, expected) in [
        ("203.0.113.9", Some(64500)),
        ("203.0.113.65", Some(64501)),
        ("2001:db8::1", Some(64502)),
        ("198.51.100.7", Some(64503)),
        ("192.0.2.1", None),
        ("10.0.0.1", None),
        ("::1", None),
    ] {
        assert_eq!(networks.system_of(ip(address)), expected, "{address}");
        for _ in 0..2 {
            assert_eq!(memo.system_of(&networks, ip(address)), expected, "{address}");
        }
    }
}

#[test]
fn what_is_read_again_is_no_longer_remembered() {
    let row = |number| {
        [(
            "203.0.113.0/24",
            "autonomous_system_number",
            Value::Uint32(number),
        )]
    };
    let (file, newer) = (database("asn", &row(64500)), database("asn", &row(64999)));
    let networks = Networks::open(file.path()).expect("a database of systems");
    let mut memo = NetworkMemo::default();
    assert_eq!(memo.system_of(&networks, ip("203.0.113.9")), Some(64500));
    std::fs::copy(newer.path(), file.path()).expect("copied");
    networks.reload().expect("another database of systems");
    assert_eq!(memo.system_of(&networks, ip("203.0.113.9")), Some(64999));
    std::fs::write(file.path(), "half a file").expect("written");
    assert!(networks.reload().is_err());
    assert_eq!(
        memo.system_of(&networks, ip("203.0.113.9")),
        Some(64999),
        "what was there stays"
    );
}

#[test]
fn what_is_no_database_of_systems_is_refused_by_name() {
    let cities = database(
        "GeoLite2-City",
        &[("203.0.113.0/24", "city", Value::Utf8("x".into()))],
    );
    let error = Networks::open(cities.path()).expect_err("no systems").to_string();
    assert!(
        error.contains("GeoLite2-City") && error.contains("GeoLite2-ASN or one like it"),
        "{error}"
    );
    let error = Networks::open(Path::new("/nowhere/asn.mmdb"))
        .expect_err("no file")
        .to_string();
    assert!(error.contains("/nowhere/asn.mmdb"), "{error}");
}
