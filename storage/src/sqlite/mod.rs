//! SQLite: one file, no server. The default.

use crate::engine::{
    Engine, Kind, READERS_MAX, Row, STATEMENT_SECS_MAX, Sql, Transaction, Value, WAIT_SECS_MAX, bounded,
};
use crate::sql::SqlStore;
use crate::{Error, Store, migration};
use async_trait::async_trait;
use sqlx::Connection;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use std::path::Path;
use std::sync::Arc;

#[cfg(test)]
mod tests;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// The write-ahead log is folded back and cut to this size, so that a burst does not keep its disk space for good.
const WAL_BYTES_MAX: &str = "67108864";

/// Opens the file, makes it if it is not there, and migrates it.
///
/// # Errors
/// [`Error::Unavailable`] when the file cannot be opened, [`Error::NewerVersion`] when a newer binary wrote it.
pub async fn open(path: &Path) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(open_with(options(path)).await?))
}

/// How a file is opened. WAL: readers never wait for the writer. FULL: a commit is on the disk when it returns, so
/// that no offset that was committed after it can be ahead of it, not even when the power fails; decisions come in
/// batches of a tick, at most four a second, and each costs one flush.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .busy_timeout(WAIT_SECS_MAX)
        .foreign_keys(true)
        .pragma("journal_size_limit", WAL_BYTES_MAX)
}

async fn open_with(options: SqliteConnectOptions) -> Result<SqlStore, Error> {
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(WAIT_SECS_MAX)
            // When the disk is full, SQLite rolls back by itself; the driver then rolls back once more, fails, and
            // would begin no transaction on that connection ever again. Such a connection is closed.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
    };
    // One writing connection: writers of this process queue here in order instead of polling SQLite's lock.
    let opened = bounded("open the database", pool(1).connect_with(options.clone())).await;
    let writer = opened?;
    migration::check(
        &MIGRATOR,
        "the SQLite database",
        installed_version(&writer).await?,
    )?;
    migration::run(&MIGRATOR, "the SQLite database", &writer).await?;
    let reader = bounded(
        "open the database",
        pool(READERS_MAX).connect_with(options.pragma("query_only", "ON")),
    )
    .await?;
    let engine = Sqlite { reader, writer };
    Ok(SqlStore::new(Box::new(engine), migration::newest(&MIGRATOR)))
}

/// The newest migration that the file has; `None` for a new file.
async fn installed_version(pool: &SqlitePool) -> Result<Option<i64>, Error> {
    let doing = "read the schema's version";
    let sql = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let tables: i64 = bounded(doing, sqlx::query_scalar(sql).fetch_one(pool)).await?;
    if tables == 0 {
        return Ok(None);
    }
    bounded(
        doing,
        sqlx::query_scalar(migration::NEWEST_INSTALLED).fetch_one(pool),
    )
    .await
}

struct Sqlite {
    reader: SqlitePool,
    writer: SqlitePool,
}

fn kind_of(type_name: &str) -> Kind {
    match type_name {
        "INTEGER" | "BOOLEAN" => Kind::Int,
        "REAL" => Kind::Real,
        _ => Kind::Text,
    }
}

crate::engine::run_statements!(sqlx::Sqlite, SqliteRow, kind_of);

#[async_trait]
impl Engine for Sqlite {
    fn backend(&self) -> &'static str {
        "sqlite"
    }

    async fn fetch(&self, doing: &'static str, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        bounded(doing, fetch_from(&self.reader, sql, params)).await
    }

    async fn begin(&self, doing: &'static str) -> Result<Box<dyn Transaction>, Error> {
        // IMMEDIATE takes the write lock at once: a transaction that began by reading could not wait for it later.
        let tx = bounded(doing, self.writer.begin_with("BEGIN IMMEDIATE")).await?;
        Ok(Box::new(Running(tx)))
    }

    async fn disk_bytes(&self) -> Result<u64, Error> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        measure(self, sql).await
    }

    async fn live_bytes(&self) -> Result<u64, Error> {
        let sql = "SELECT (page_count - freelist_count) * page_size \
                   FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
        measure(self, sql).await
    }

    async fn vacuum(&self) -> Result<(), Error> {
        let call =
            sqlx::raw_sql("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")
                .execute(&self.writer);
        bounded("give free space back", call).await?;
        Ok(())
    }

    async fn close(&self) {
        // Readers first: the last connection to close folds the write-ahead log into the file.
        let _ = tokio::time::timeout(STATEMENT_SECS_MAX, self.reader.close()).await;
        let _ = tokio::time::timeout(STATEMENT_SECS_MAX, self.writer.close()).await;
    }
}

async fn measure(engine: &Sqlite, sql: &'static str) -> Result<u64, Error> {
    let rows = engine
        .fetch("measure the database", sql.into(), Vec::new())
        .await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.count())
}
