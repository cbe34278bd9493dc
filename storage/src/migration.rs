//! Schema versions: a newer binary migrates, an older one refuses.

use crate::Error;
use sqlx::migrate::{MigrateError, Migrator};

/// The newest migration that a database has.
pub(crate) const NEWEST_INSTALLED: &str = "SELECT MAX(version) FROM _sqlx_migrations";

/// The newest migration that this binary knows.
pub(crate) fn newest(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// Refuses a database that a newer binary has migrated.
pub(crate) fn check(migrator: &Migrator, what: &str, installed: Option<i64>) -> Result<(), Error> {
    let supported = newest(migrator);
    match installed {
        Some(found) if found > supported => Err(Error::NewerVersion {
            what: what.to_owned(),
            found,
            supported,
        }),
        _ => Ok(()),
    }
}

/// Brings a database up to date. Several processes may do this at once: the first does it, the others wait.
pub(crate) async fn run<'a, A>(migrator: &Migrator, what: &str, database: A) -> Result<(), Error>
where
    A: sqlx::Acquire<'a>,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    let doing = "migrate the database";
    migrator.run(database).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            Error::from_sqlx(doing, &error)
        }
        other => Error::Corrupt {
            what: what.to_owned(),
            why: other.to_string(),
        },
    })
}

/// What a newer binary would have left behind.
#[cfg(test)]
pub(crate) const NEWER_ROW: &str = "INSERT INTO _sqlx_migrations \
    (version, description, success, checksum, execution_time) VALUES (99, 'from the future', TRUE, '', 0)";

/// What an older binary knew: the first migration only.
#[cfg(test)]
pub(crate) fn first_only(migrator: &Migrator) -> Migrator {
    Migrator::with_migrations(migrator.iter().take(1).cloned().collect())
}
