//! Files that gateways read: read whole, replaced whole.

use super::PointError;
use std::io::Write as _;
use std::path::Path;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a file holds; nothing when it is not there.
pub(super) fn content(file: &Path) -> Result<String, PointError> {
    let told = |error: std::io::Error| PointError::Unreachable(format!("{}: {error}", file.display()));
    match std::fs::metadata(file) {
        Ok(meta) if meta.len() > FILE_BYTES_MAX => Err(PointError::Refused(format!(
            "{}: larger than 256 MiB: is this the right file?",
            file.display()
        ))),
        Ok(_) => std::fs::read_to_string(file).map_err(told),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(told(error)),
    }
}

/// Writes a file beside itself and moves it in its place: nobody reads half of it.
pub(super) fn replace(file: &Path, content: &str) -> Result<(), PointError> {
    let told = |error: std::io::Error| {
        PointError::Unreachable(format!("could not write {}: {error}", file.display()))
    };
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".portcullis-new");
    let new = file.with_file_name(name);
    write_synced(&new, content).map_err(told)?;
    std::fs::rename(&new, file).map_err(told)
}

fn write_synced(file: &Path, content: &str) -> std::io::Result<()> {
    let mut out = std::fs::File::create(file)?;
    out.write_all(content.as_bytes())?;
    out.sync_all()
}
