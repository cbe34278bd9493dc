//! How values become columns and back. These shapes are the database's: renaming a field elsewhere changes nothing
//! here.

pub(crate) mod access;
pub(crate) mod alert;
pub(crate) mod client;
pub(crate) mod decision;
pub(crate) mod operation;
pub(crate) mod order;

use crate::Error;
use crate::engine::Row;
use domain::{Client, Scope, Timestamp};

/// A stored text or number that does not mean anything to this binary.
pub(crate) fn corrupt(what: &str, why: impl std::fmt::Display) -> Error {
    Error::Corrupt {
        what: what.to_owned(),
        why: why.to_string(),
    }
}

/// Reads the two columns `scope, value`.
pub(crate) fn read_client(row: &mut Row) -> Result<Client, Error> {
    let (scope, value) = (row.text()?, row.text()?);
    parse_client(&scope, &value)
}

pub(crate) fn parse_client(scope: &str, value: &str) -> Result<Client, Error> {
    let scope = Scope::from_name(scope).ok_or_else(|| corrupt("a scope", format!("unknown {scope:?}")))?;
    Client::parse(scope, value).map_err(|error| corrupt("a client", error))
}

pub(crate) fn read_time(row: &mut Row) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_millis(row.int()?))
}

pub(crate) fn read_time_or_null(row: &mut Row) -> Result<Option<Timestamp>, Error> {
    Ok(row.int_or_null()?.map(Timestamp::from_millis))
}

/// Reads a number that is narrower than the column.
pub(crate) fn narrow<T: TryFrom<i64>>(what: &str, value: i64) -> Result<T, Error> {
    T::try_from(value).map_err(|_| corrupt(what, format!("{value} is out of range")))
}

/// Reads a word of a closed list.
pub(crate) fn read_word<T>(
    row: &mut Row,
    what: &str,
    from_name: impl Fn(&str) -> Option<T>,
) -> Result<T, Error> {
    let word = row.text()?;
    from_name(&word).ok_or_else(|| corrupt(what, format!("unknown {word:?}")))
}
