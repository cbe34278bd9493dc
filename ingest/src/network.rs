//! Which autonomous system announces an address, by a database in MaxMind's format.

use domain::Timestamp;
use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Where MaxMind's own databases (GeoLite2-ASN, GeoIP2-ISP, Enterprise) and DB-IP's hold the number.
const NUMBER: &[PathElement<'_>] = &[PathElement::Key("autonomous_system_number")];
/// Where IPinfo's hold it, as `AS64500`.
const NAME: &[PathElement<'_>] = &[PathElement::Key("asn")];

/// Entries that are looked at to tell a database of autonomous systems from another one: some of its networks have none.
const LOOKED_AT_MAX: usize = 1000;

/// Addresses whose system is remembered: a lookup walks thirty nodes of a tree that fits no cache.
const PLACES: usize = 1024;

/// A database that could not be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworksError {
    /// It could not be read, or is no such database.
    #[error("could not read {} as a database in MaxMind's format: {cause}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: MaxMindDbError,
    },
    /// It tells other things of addresses.
    #[error(
        "{} is a database of type {kind:?} and names no autonomous systems: GeoLite2-ASN or one like it was expected",
        path.display()
    )]
    NoSystems {
        /// Which file.
        path: PathBuf,
        /// What it says that it is.
        kind: String,
    },
    /// It tells other things of addresses than where they are.
    #[error(
        "{} is a database of type {kind:?} and names no countries: GeoLite2-Country or one like it was expected",
        path.display()
    )]
    NoCountries {
        /// Which file.
        path: PathBuf,
        /// What it says that it is.
        kind: String,
    },
}

impl NetworksError {
    /// What is wrong, without the path.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Unreadable { cause, .. } => cause.to_string(),
            Self::NoSystems { kind, .. } => format!("of type {kind:?}, without autonomous systems"),
            Self::NoCountries { kind, .. } => format!("of type {kind:?}, without countries"),
        }
    }
}

/// A database in MaxMind's format, shared, and read again when its file has changed.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    reader: RwLock<Arc<Reader<Vec<u8>>>>,
    /// Rises when the database is read again.
    generation: AtomicU64,
    /// Where the entries hold what is wanted: one of them has to, or it is another kind of database.
    wanted: &'static [&'static [PathElement<'static>]],
    /// What to say of another kind of database.
    refuse: fn(PathBuf, String) -> NetworksError,
}

impl Database {
    pub(crate) fn open(
        path: &Path,
        wanted: &'static [&'static [PathElement<'static>]],
        refuse: fn(PathBuf, String) -> NetworksError,
    ) -> Result<Self, NetworksError> {
        let reader = read(path, wanted, refuse)?;
        Ok(Self {
            path: path.to_owned(),
            reader: RwLock::new(Arc::new(reader)),
            generation: AtomicU64::new(1),
            wanted,
            refuse,
        })
    }

    pub(crate) fn reload(&self) -> Result<(), NetworksError> {
        let reader = Arc::new(read(&self.path, self.wanted, self.refuse)?);
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = reader;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    pub(crate) fn built_at(&self) -> Timestamp {
        let epoch = self.reader().metadata().build_epoch;
        Timestamp::from_secs(i64::try_from(epoch).unwrap_or(0))
    }

    pub(crate) fn reader(&self) -> Arc<Reader<Vec<u8>>> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&reader)
    }
}

/// A database of autonomous systems, shared by all parsers and read again when its file has changed.
#[derive(Debug, Clone)]
pub struct Networks(Arc<Database>);

impl Networks {
    /// Opens a database.
    ///
    /// # Errors
    /// When it cannot be read, or names no autonomous systems.
    pub fn open(path: &Path) -> Result<Self, NetworksError> {
        let no_systems = |path, kind| NetworksError::NoSystems { path, kind };
        let database = Database::open(path, &[NUMBER, NAME], no_systems)?;
        Ok(Self(Arc::new(database)))
    }

    /// Reads the file again, for every parser.
    ///
    /// # Errors
    /// As [`Self::open`]; the database that was there stays.
    pub fn reload(&self) -> Result<(), NetworksError> {
        self.0.reload()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// When the database was made, by its own word.
    #[must_use]
    pub fn built_at(&self) -> Timestamp {
        self.0.built_at()
    }

    /// The number of the autonomous system of an address; `None` where the database knows none.
    #[must_use]
    pub fn system_of(&self, address: IpAddr) -> Option<u32> {
        system_of(&self.0.reader(), address)
    }
}

fn read(
    path: &Path,
    wanted: &[&[PathElement<'_>]],
    refuse: fn(PathBuf, String) -> NetworksError,
) -> Result<Reader<Vec<u8>>, NetworksError> {
    let unreadable = |cause| NetworksError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let reader = Reader::open_readfile(path).map_err(unreadable)?;
    let mut entries = reader.networks(WithinOptions::default()).map_err(unreadable)?;
    let names_any = entries.by_ref().take(LOOKED_AT_MAX).any(|entry| {
        let holds = |path: &&[PathElement<'_>]| {
            let entry = entry.as_ref().ok()?;
            entry.decode_path::<serde::de::IgnoredAny>(path).ok()?
        };
        wanted.iter().any(|path| holds(path).is_some())
    });
    drop(entries);
    if !names_any {
        return Err(refuse(path.to_owned(), reader.metadata().database_type.clone()));
    }
    Ok(reader)
}

fn system_of(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<u32> {
    let found = reader.lookup(address).ok()?;
    if let Ok(Some(number)) = found.decode_path::<u32>(NUMBER) {
        return Some(number);
    }
    let name: &str = found.decode_path(NAME).ok()??;
    name.strip_prefix("AS").unwrap_or(name).parse().ok()
}

/// What one parser remembers of a database.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkMemo {
    /// The generation of what is remembered, 0 for none.
    generation: u64,
    reader: Option<Arc<Reader<Vec<u8>>>>,
    /// Each address has one place; a new one takes it from the one before.
    systems: Vec<(Option<IpAddr>, Option<u32>)>,
}

impl NetworkMemo {
    /// As [`Networks::system_of`].
    pub(crate) fn system_of(&mut self, networks: &Networks, address: IpAddr) -> Option<u32> {
        let generation = networks.0.generation.load(Ordering::Acquire);
        if self.generation != generation {
            self.generation = generation;
            self.reader = Some(networks.0.reader());
            self.systems.clear();
            self.systems.resize(PLACES, (None, None));
        }
        let place = &mut self.systems[place_of(address)];
        if place.0 != Some(address) {
            let reader = self.reader.as_ref()?;
            *place = (Some(address), system_of(reader, address));
        }
        place.1
    }
}

/// Whoever finds addresses that share a place makes lookups slow again, and no more.
fn place_of(address: IpAddr) -> usize {
    let mixed = match address {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 ^ v6.to_bits() as u64,
    };
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize % PLACES
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
