//! What can go wrong with stored data, and whether trying again helps.

/// A failed call to the store or to a checkpoint folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No room left for writing. What was stored before is intact, and writing works again once there is room.
    #[error("could not {doing}: no room left: {why}")]
    Full {
        /// What was being attempted.
        doing: &'static str,
        /// The database's words.
        why: String,
    },
    /// The database does not answer, or another writer holds it for too long.
    #[error("could not {doing}: the database is unavailable: {why}")]
    Unavailable {
        /// What was being attempted.
        doing: &'static str,
        /// The driver's words.
        why: String,
    },
    /// Written by a newer Portcullis than this one.
    #[error(
        "{what} has version {found}, and this portcullis knows versions up to {supported}: run the newer portcullis that wrote it"
    )]
    NewerVersion {
        /// The thing that is too new.
        what: String,
        /// Its version.
        found: i64,
        /// The newest version that this binary can read.
        supported: i64,
    },
    /// Something of that name is already there.
    #[error("{what} {name:?} already exists")]
    AlreadyExists {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The writer lost its lease to another process: it must stop writing.
    #[error("lease {lease:?} is no longer held with fence {fence}: another process took over")]
    Fenced {
        /// Name of the lease.
        lease: String,
        /// The token that the writer held.
        fence: u64,
    },
    /// The caller asked for something that cannot be stored.
    #[error("could not {doing}: {why}")]
    Refused {
        /// What was being attempted.
        doing: &'static str,
        /// Why not.
        why: String,
    },
    /// Stored data that this binary cannot read.
    #[error("could not read {what}: {why}")]
    Corrupt {
        /// Which data.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else that the database refused; a fault of ours.
    #[error("could not {doing}: {why}")]
    Database {
        /// What was being attempted.
        doing: &'static str,
        /// The database's words.
        why: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing it.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }

    /// Sorts a driver's error. Codes: SQLite's primary result codes, PostgreSQL's SQLSTATE.
    pub(crate) fn from_sqlx(doing: &'static str, error: &sqlx::Error) -> Self {
        let why = error.to_string();
        match error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some(code) if is_full(code) => Self::Full { doing, why },
                Some(code) if is_unavailable(code) => Self::Unavailable { doing, why },
                _ => Self::Database { doing, why },
            },
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Self::Full { doing, why },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Self::Unavailable { doing, why },
            _ => Self::Database { doing, why },
        }
    }
}

/// SQLITE_FULL (13); `disk_full` and `out of memory` of SQLSTATE class 53. SQLite also reports a full disk as an I/O
/// error while it extends its shared memory file (SQLITE_IOERR_SHMSIZE, 4874) or writes (SQLITE_IOERR_WRITE, 778).
fn is_full(code: &str) -> bool {
    matches!(code, "13" | "778" | "4874" | "53100" | "53200")
}

/// SQLite: BUSY (5), LOCKED (6), IOERR (10), CANTOPEN (14), NOTADB is not among them, extended codes end with these
/// in the low byte. PostgreSQL: class 08 (connection), 53 (resources), 57P (shutting down), 40 (rolled back by the
/// server), 55P03 (lock timeout), 57014 (statement timeout), 25006 (a read-only standby after a failover).
fn is_unavailable(code: &str) -> bool {
    if code.len() == 5 && (code.starts_with("08") || code.starts_with("53") || code.starts_with("57P")) {
        return true;
    }
    if matches!(code, "40001" | "40P01" | "55P03" | "57014" | "25006") {
        return true;
    }
    // SQLite's extended codes have fewer than five digits, SQLSTATEs exactly five.
    code.len() < 5
        && code
            .parse::<u32>()
            .is_ok_and(|number| matches!(number & 0xff, 5 | 6 | 10 | 14))
}
