//! In which country an address is, by a database in MaxMind's format. It is shown to people, and nothing is decided by it.

use crate::network::{Database, NetworksError};
use domain::Timestamp;
use maxminddb::{PathElement, Reader};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// Where databases hold the country's code: MaxMind's own and DB-IP's; the country that the range is registered in, where its own
/// is not known; IPinfo's.
const CODES: &[&[PathElement<'_>]] = &[
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[
        PathElement::Key("registered_country"),
        PathElement::Key("iso_code"),
    ],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

/// A database of countries, read again when its file has changed.
#[derive(Debug, Clone)]
pub struct Countries(Arc<Database>);

impl Countries {
    /// Opens a database.
    ///
    /// # Errors
    /// When it cannot be read, or names no countries.
    pub fn open(path: &Path) -> Result<Self, NetworksError> {
        let no_countries = |path, kind| NetworksError::NoCountries { path, kind };
        let database = Database::open(path, CODES, no_countries)?;
        Ok(Self(Arc::new(database)))
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// As [`Self::open`]; the database that was there stays.
    pub fn reload(&self) -> Result<(), NetworksError> {
        self.0.reload()
    }

    /// When the database was made, by its own word.
    #[must_use]
    pub fn built_at(&self) -> Timestamp {
        self.0.built_at()
    }

    /// The two-letter code of the country of an address; `None` where the database knows none.
    #[must_use]
    pub fn country_of(&self, address: IpAddr) -> Option<[u8; 2]> {
        country_of(&self.0.reader(), address)
    }
}

fn country_of(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<[u8; 2]> {
    let found = reader.lookup(address).ok()?;
    CODES.iter().find_map(|path| {
        let code: &str = found.decode_path(path).ok()??;
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use libmaxminddb_rs::{MetadataBuilder, Value, Writer};
    use std::collections::BTreeMap;

    fn map(key: &str, value: Value) -> Value {
        Value::Map(BTreeMap::from([(key.into(), value)]))
    }

    fn written(rows: Vec<(&str, Value)>) -> Vec<u8> {
        let metadata = MetadataBuilder::new()
            .ip_version(6)
            .database_type("GeoLite2-Country");
        let mut writer = Writer::with_metadata(metadata.build().expect("metadata"));
        for (range, value) in rows {
            writer
                .insert_value(range.parse().expect("a range"), value)
                .expect("room");
        }
        writer.finish().expect("a database")
    }

    fn iso(code: &str) -> Value {
        map("iso_code", Value::Utf8(code.into()))
    }

    #[test]
    fn the_country_is_read_wherever_a_database_holds_it_and_read_again() {
        let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
        let rows = vec![
            ("203.0.113.0/24", map("country", iso("DE"))),
            ("198.51.100.0/24", map("registered_country", iso("FR"))),
            ("192.0.2.0/25", map("country_code", Value::Utf8("NL".into()))),
            (
                "192.0.2.128/25",
                map("country", Value::Utf8("Netherlands".into())),
            ),
            ("2001:db8::/32", map("country", Value::Utf8("US".into()))),
        ];
        std::fs::write(file.path(), written(rows)).expect("written");
        let countries = Countries::open(file.path()).expect("a database of countries");
        let check = |address: &str, expected: Option<&[u8; 2]>| {
            let found = countries.country_of(address.parse().expect("an address"));
            assert_eq!(found.as_ref(), expected, "{address}");
        };
        check("203.0.113.9", Some(b"DE"));
        check("198.51.100.9", Some(b"FR"));
        check("192.0.2.1", Some(b"NL"));
        check("192.0.2.200", None);
        check("2001:db8::1", Some(b"US"));
        check("10.0.0.1", None);
        std::fs::write(
            file.path(),
            written(vec![("203.0.113.0/24", map("country", iso("AT")))]),
        )
        .expect("written");
        countries.reload().expect("the new one");
        check("203.0.113.9", Some(b"AT"));
        std::fs::write(file.path(), b"nothing").expect("written");
        assert!(countries.reload().is_err());
        check("203.0.113.9", Some(b"AT"));
    }

    #[test]
    fn a_database_without_countries_is_refused_with_what_it_is() {
        let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
        let rows = vec![(
            "203.0.113.0/24",
            map("autonomous_system_number", Value::Uint32(64500)),
        )];
        std::fs::write(file.path(), written(rows)).expect("written");
        let error = Countries::open(file.path()).expect_err("it names none");
        assert!(error.why().contains("without countries"), "{}", error.why());
    }
}
