//! PostgreSQL: one database for several processes.

use crate::engine::{
    Engine, Kind, READERS_MAX, Row, STATEMENT_SECS_MAX, Sql, Transaction, Value, WAIT_SECS_MAX, bounded,
};
use crate::sql::SqlStore;
use crate::{Error, Store, migration};
use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use std::str::FromStr;
use std::sync::Arc;

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Connections for writing. The logs have one writer at a time anyway; the rest (keys, figures) need little.
const WRITERS_MAX: u32 = 2;

/// Connects and migrates. `url` as libpq writes it: `postgres://user:password@host:port/database?sslmode=…`.
///
/// # Errors
/// [`Error::Refused`] for a URL that cannot be read, [`Error::Unavailable`] when nobody answers,
/// [`Error::NewerVersion`] when a newer binary migrated the database.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    let doing = "open the database";
    // The driver's message would repeat the URL, and the URL may hold a password.
    let options = PgConnectOptions::from_str(url).map_err(|_| Error::Refused {
        doing,
        why: "the URL is not of the form postgres://user:password@host:port/database".to_owned(),
    })?;
    let options = options.options([
        // The server gives up where we would: it must not go on with work that nobody waits for.
        ("statement_timeout", millis(STATEMENT_SECS_MAX)),
        ("lock_timeout", millis(WAIT_SECS_MAX)),
        // A writer that died without closing its connection would hold the log's lock for good.
        ("idle_in_transaction_session_timeout", millis(STATEMENT_SECS_MAX)),
    ]);
    let pool = |connections| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(WAIT_SECS_MAX)
    };
    let writer = bounded(doing, pool(WRITERS_MAX).connect_with(options.clone())).await?;
    migration::check(
        &MIGRATOR,
        "the PostgreSQL database",
        installed_version(&writer).await?,
    )?;
    migration::run(&MIGRATOR, "the PostgreSQL database", &writer).await?;
    let reader = bounded(doing, pool(READERS_MAX).connect_with(options)).await?;
    let engine = Postgres { reader, writer };
    Ok(Arc::new(SqlStore::new(
        Box::new(engine),
        migration::newest(&MIGRATOR),
    )))
}

fn millis(limit: std::time::Duration) -> String {
    limit.as_millis().to_string()
}

/// The newest migration that the database has; `None` for an empty one.
async fn installed_version(pool: &PgPool) -> Result<Option<i64>, Error> {
    let doing = "read the schema's version";
    let sql = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let has_table: bool = bounded(doing, sqlx::query_scalar(sql).fetch_one(pool)).await?;
    if !has_table {
        return Ok(None);
    }
    bounded(
        doing,
        sqlx::query_scalar(migration::NEWEST_INSTALLED).fetch_one(pool),
    )
    .await
}

struct Postgres {
    reader: PgPool,
    writer: PgPool,
}

fn kind_of(type_name: &str) -> Kind {
    match type_name {
        "INT8" => Kind::Int,
        "FLOAT8" => Kind::Real,
        _ => Kind::Text,
    }
}

crate::engine::run_statements!(sqlx::Postgres, PgRow, kind_of);

/// The tables that grow. Sizes of rows, not of files: PostgreSQL keeps freed pages for new rows, and counting those
/// would make the size cap drop everything.
const GROWING: &[&str] = &[
    "decisions",
    "orders",
    "alerts",
    "client_summaries",
    "stats",
    "rejected",
];

/// What a row takes besides its columns: its header, its line pointer, and its entries in indexes.
const ROW_OVERHEAD_BYTES: u32 = 120;

#[async_trait]
impl Engine for Postgres {
    fn backend(&self) -> &'static str {
        "postgres"
    }

    async fn fetch(&self, doing: &'static str, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        bounded(doing, fetch_from(&self.reader, sql, params)).await
    }

    async fn begin(&self, doing: &'static str) -> Result<Box<dyn Transaction>, Error> {
        Ok(Box::new(Running(bounded(doing, self.writer.begin()).await?)))
    }

    async fn disk_bytes(&self) -> Result<u64, Error> {
        measure(self, "SELECT pg_database_size(current_database())".into()).await
    }

    async fn live_bytes(&self) -> Result<u64, Error> {
        let mut bytes = 0;
        for table in GROWING {
            let sql = format!(
                "SELECT CAST(COALESCE(SUM(pg_column_size(t.*) + {ROW_OVERHEAD_BYTES}), 0) AS BIGINT) FROM {table} t"
            );
            bytes += measure(self, sql.into()).await?;
        }
        Ok(bytes)
    }

    async fn vacuum(&self) -> Result<(), Error> {
        for table in GROWING {
            let call = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("VACUUM (ANALYZE) {table}")));
            bounded("give free space back", call.execute(&self.writer)).await?;
        }
        Ok(())
    }

    async fn close(&self) {
        let _ = tokio::time::timeout(STATEMENT_SECS_MAX, self.reader.close()).await;
        let _ = tokio::time::timeout(STATEMENT_SECS_MAX, self.writer.close()).await;
    }
}

async fn measure(engine: &Postgres, sql: Sql) -> Result<u64, Error> {
    let rows = engine.fetch("measure the database", sql, Vec::new()).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.count())
}
