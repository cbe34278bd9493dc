//! The narrow waist between our SQL and a database: values in, rows out, one writer at a time.
//!
//! Every statement is written once, in the SQL that SQLite and PostgreSQL share (`$1` parameters, `ON CONFLICT`,
//! `RETURNING`), so that the backends cannot drift apart. A backend is a way to open, to migrate, to run a statement
//! and to measure itself.

use crate::Error;
use async_trait::async_trait;
use std::borrow::Cow;
use std::time::Duration;

/// Longest time that one statement may take before the database counts as gone. A million rows are counted in
/// under a second; ten leave room for a slow disk and stay under what a person waits for.
pub(crate) const STATEMENT_SECS_MAX: Duration = Duration::from_secs(10);

/// Longest wait for a connection or for another process's write lock.
pub(crate) const WAIT_SECS_MAX: Duration = Duration::from_secs(5);

/// Connections for reading. Lookups of requests never touch the database: these serve people and pollers.
pub(crate) const READERS_MAX: u32 = 4;

/// A value of a statement's parameter or of a row. `None` is NULL, typed because PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
}

/// A statement's text: fixed, or put together from fixed pieces. Never holds a value.
pub(crate) type Sql = Cow<'static, str>;

/// A database that runs our statements.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// The name in [`crate::BACKENDS`].
    fn backend(&self) -> &'static str;
    /// Runs a query on a reading connection.
    async fn fetch(&self, doing: &'static str, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error>;
    /// Begins a transaction that may write.
    async fn begin(&self, doing: &'static str) -> Result<Box<dyn Transaction>, Error>;
    /// Bytes that the database takes on the disk. Cheap: asked by every health check.
    async fn disk_bytes(&self) -> Result<u64, Error>;
    /// Bytes that live rows and indexes take; free pages do not count. May read everything: asked by retention.
    async fn live_bytes(&self) -> Result<u64, Error>;
    /// Gives free pages back.
    async fn vacuum(&self) -> Result<(), Error>;
    /// Closes every connection, having written what was committed.
    async fn close(&self);
}

/// A transaction; dropped without a commit it never happened.
#[async_trait]
pub(crate) trait Transaction: Send {
    /// Runs a query.
    async fn fetch(&mut self, doing: &'static str, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error>;
    /// Runs a statement and says how many rows it touched.
    async fn execute(&mut self, doing: &'static str, sql: Sql, params: Vec<Value>) -> Result<u64, Error>;
    /// Makes it durable.
    async fn commit(self: Box<Self>, doing: &'static str) -> Result<(), Error>;
}

/// Bounds a database call in time: a peer that vanished without closing its connection would hang it otherwise.
pub(crate) async fn bounded<T>(
    doing: &'static str,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(STATEMENT_SECS_MAX, call).await {
        Ok(result) => result.map_err(|error| Error::from_sqlx(doing, &error)),
        Err(_) => Err(Error::Unavailable {
            doing,
            why: format!("no answer within {} s", STATEMENT_SECS_MAX.as_secs()),
        }),
    }
}

/// One row, read from left to right.
#[derive(Debug)]
pub(crate) struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
        }
    }

    pub(crate) fn int_or_null(&mut self) -> Result<Option<i64>, Error> {
        match self.next()? {
            Value::Int(value) => Ok(value),
            Value::Real(None) | Value::Text(None) => Ok(None),
            other => Err(unexpected("an integer", &other)),
        }
    }

    pub(crate) fn text_or_null(&mut self) -> Result<Option<String>, Error> {
        match self.next()? {
            Value::Text(value) => Ok(value),
            Value::Real(None) | Value::Int(None) => Ok(None),
            other => Err(unexpected("text", &other)),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Error> {
        self.int_or_null()?
            .ok_or_else(|| unexpected("an integer", &Value::Int(None)))
    }

    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        let value = self.int()?;
        u64::try_from(value).map_err(|_| unexpected("a count", &Value::Int(Some(value))))
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.text_or_null()?
            .ok_or_else(|| unexpected("text", &Value::Text(None)))
    }

    pub(crate) fn real(&mut self) -> Result<f64, Error> {
        match self.next()? {
            Value::Real(Some(value)) => Ok(value),
            other => Err(unexpected("a number", &other)),
        }
    }

    fn next(&mut self) -> Result<Value, Error> {
        self.values.next().ok_or_else(|| Error::Corrupt {
            what: "a row".to_owned(),
            why: "it has too few columns".to_owned(),
        })
    }
}

fn unexpected(wanted: &'static str, found: &Value) -> Error {
    Error::Corrupt {
        what: "a column".to_owned(),
        why: format!("expected {wanted}, found {found:?}"),
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    /// Saturates: sequence numbers and counts never reach 2^63.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<domain::Timestamp> for Value {
    fn from(value: domain::Timestamp) -> Self {
        Self::Int(Some(value.as_millis()))
    }
}

impl From<Option<domain::Timestamp>> for Value {
    fn from(value: Option<domain::Timestamp>) -> Self {
        Self::Int(value.map(domain::Timestamp::as_millis))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(Some(value))
    }
}

impl From<String> for Value {
    /// NUL becomes U+FFFD: PostgreSQL's text cannot hold it, and a hostile log line must not stop the writer.
    fn from(value: String) -> Self {
        let value = if value.contains('\0') {
            value.replace('\0', "\u{fffd}")
        } else {
            value
        };
        Self::Text(Some(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Text(None), Self::from)
    }
}

/// Lists parameters of unlike types.
macro_rules! params {
    // A macro because the values have different types and each must become a `Value`: a function would need the
    // caller to write `.into()` at every one.
    ($($value:expr),* $(,)?) => { vec![$($crate::engine::Value::from($value)),*] };
}
pub(crate) use params;

/// Implements [`Engine`]'s statement running and [`Transaction`] for one sqlx driver.
macro_rules! run_statements {
    // A macro because sqlx's arguments and rows are distinct types per driver, and code generic over `Database`
    // needs a dozen higher-ranked bounds at every function, which is harder to check than this.
    ($database:ty, $row:ty, $kind_of:path) => {
        type Query<'q> = sqlx::query::Query<'q, $database, <$database as sqlx::Database>::Arguments>;

        fn statement<'q>(sql: $crate::engine::Sql, params: Vec<$crate::engine::Value>) -> Query<'q> {
            use $crate::engine::Value;
            let query = match sql {
                std::borrow::Cow::Borrowed(fixed) => sqlx::query(fixed),
                std::borrow::Cow::Owned(built) => sqlx::query(sqlx::AssertSqlSafe(built)),
            };
            params.into_iter().fold(query, |query, param| match param {
                Value::Int(value) => query.bind(value),
                Value::Real(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            })
        }

        fn read_row(row: &$row) -> Result<$crate::engine::Row, sqlx::Error> {
            use sqlx::{Row as _, TypeInfo as _, ValueRef as _};
            use $crate::engine::{Kind, Value};
            let mut values = Vec::with_capacity(row.len());
            for place in 0..row.len() {
                let raw = row.try_get_raw(place)?;
                if raw.is_null() {
                    values.push(Value::Int(None));
                    continue;
                }
                let kind = $kind_of(raw.type_info().name());
                values.push(match kind {
                    Kind::Int => Value::Int(Some(row.try_get(place)?)),
                    Kind::Real => Value::Real(Some(row.try_get(place)?)),
                    Kind::Text => Value::Text(Some(row.try_get(place)?)),
                });
            }
            Ok($crate::engine::Row::new(values))
        }

        async fn fetch_from(
            executor: impl sqlx::Executor<'_, Database = $database>,
            sql: $crate::engine::Sql,
            params: Vec<$crate::engine::Value>,
        ) -> Result<Vec<$crate::engine::Row>, sqlx::Error> {
            let rows = statement(sql, params).fetch_all(executor).await?;
            rows.iter().map(read_row).collect()
        }

        struct Running(sqlx::Transaction<'static, $database>);

        #[async_trait::async_trait]
        impl $crate::engine::Transaction for Running {
            async fn fetch(
                &mut self,
                doing: &'static str,
                sql: $crate::engine::Sql,
                params: Vec<$crate::engine::Value>,
            ) -> Result<Vec<$crate::engine::Row>, $crate::Error> {
                $crate::engine::bounded(doing, fetch_from(&mut *self.0, sql, params)).await
            }

            async fn execute(
                &mut self,
                doing: &'static str,
                sql: $crate::engine::Sql,
                params: Vec<$crate::engine::Value>,
            ) -> Result<u64, $crate::Error> {
                let call = statement(sql, params).execute(&mut *self.0);
                Ok($crate::engine::bounded(doing, call).await?.rows_affected())
            }

            async fn commit(self: Box<Self>, doing: &'static str) -> Result<(), $crate::Error> {
                $crate::engine::bounded(doing, self.0.commit()).await
            }
        }
    };
}
pub(crate) use run_statements;

/// How a column is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Int,
    Real,
    Text,
}
