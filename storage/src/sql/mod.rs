//! The statements, written once for both backends.

mod access;
mod alerts;
mod decisions;
mod leases;
mod operation;
mod orders;
mod retention;
mod store;
mod verdicts;

use crate::Error;
use crate::engine::{Engine, Row, Sql, Transaction, Value};

/// A store over any engine.
pub(crate) struct SqlStore {
    engine: Box<dyn Engine>,
    /// Newest migration that this binary knows.
    schema: i64,
}

impl SqlStore {
    pub(crate) fn new(engine: Box<dyn Engine>, schema: i64) -> Self {
        Self { engine, schema }
    }
}

/// The conditions of a query, joined by AND.
#[derive(Default)]
struct Where {
    clauses: Vec<String>,
    params: Vec<Value>,
}

impl Where {
    /// Adds a condition; each `?` in it stands for the next of `values`.
    fn and(&mut self, clause: &'static str, values: Vec<Value>) {
        let mut text = String::with_capacity(clause.len() + 8);
        let mut number = self.params.len();
        for letter in clause.chars() {
            if letter == '?' {
                number += 1;
                text.push_str(&format!("${number}"));
            } else {
                text.push(letter);
            }
        }
        debug_assert_eq!(number - self.params.len(), values.len(), "{clause}");
        self.clauses.push(text);
        self.params.extend(values);
    }

    /// `SELECT columns FROM table WHERE … tail`, and its parameters.
    fn select(self, columns: &str, table: &'static str, tail: &str) -> (Sql, Vec<Value>) {
        let condition = if self.clauses.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.clauses.join(" AND "))
        };
        (
            format!("SELECT {columns} FROM {table}{condition}{tail}").into(),
            self.params,
        )
    }
}

/// A pattern for LIKE … ESCAPE '\' that finds `text` as it is written.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Reads every row with `read`.
fn read_all<T>(rows: Vec<Row>, read: impl Fn(Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.into_iter().map(read).collect()
}

/// Reads the first row, if there is one.
fn read_first<T>(rows: Vec<Row>, read: impl Fn(Row) -> Result<T, Error>) -> Result<Option<T>, Error> {
    rows.into_iter().next().map(read).transpose()
}

/// Reads the one number of a query that always gives one.
fn read_count(rows: Vec<Row>) -> Result<u64, Error> {
    read_first(rows, |mut row| row.count()).map(Option::unwrap_or_default)
}

/// Runs one statement in a transaction of its own and says how many rows it touched.
async fn execute(
    engine: &dyn Engine,
    doing: &'static str,
    sql: &'static str,
    params: Vec<Value>,
) -> Result<u64, Error> {
    let mut tx = engine.begin(doing).await?;
    let touched = tx.execute(doing, sql.into(), params).await?;
    tx.commit(doing).await?;
    Ok(touched)
}

/// Runs one statement for each list of parameters, all or nothing.
async fn execute_each(
    engine: &dyn Engine,
    doing: &'static str,
    sql: &'static str,
    lists: Vec<Vec<Value>>,
) -> Result<(), Error> {
    if lists.is_empty() {
        return Ok(());
    }
    let mut tx = engine.begin(doing).await?;
    for params in lists {
        tx.execute(doing, sql.into(), params).await?;
    }
    tx.commit(doing).await
}

/// Takes the next `count` numbers of a counter and returns the first. The row stays locked until the transaction
/// ends: numbers become visible in their order, and a rolled-back one is handed out again.
async fn take_numbers(
    tx: &mut dyn Transaction,
    doing: &'static str,
    counter: &'static str,
    count: u64,
) -> Result<u64, Error> {
    let sql = "UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value";
    let rows = tx
        .fetch(doing, sql.into(), crate::engine::params![count, counter])
        .await?;
    Ok(read_count(rows)? + 1 - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::params;

    #[test]
    fn conditions_number_their_parameters() {
        let mut conditions = Where::default();
        conditions.and("a = ?", params![1i64]);
        conditions.and("(b, c) < (?, ?)", params![2i64, "x"]);
        let (sql, params) = conditions.select("d", "t", " LIMIT 3");
        assert_eq!(sql, "SELECT d FROM t WHERE a = $1 AND (b, c) < ($2, $3) LIMIT 3");
        assert_eq!(params.len(), 3);
        assert_eq!(Where::default().select("d", "t", "").0, "SELECT d FROM t");
    }

    #[test]
    fn a_pattern_finds_only_what_is_written() {
        assert_eq!(escape_like(r"50%_\x"), r"50\%\_\\x");
    }
}
