//! Files that gateways read: read whole, replaced whole, and never on a thread that answers gateways.

use super::PointError;
use std::io::Write as _;
use std::path::Path;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a file holds; nothing when it is not there.
pub(super) async fn content(file: &Path) -> Result<String, PointError> {
    let file = file.to_owned();
    aside(move || read(&file)).await
}

/// Writes a file beside itself and moves it in its place: nobody reads half of it. Who may read it stays as it was.
pub(super) async fn replace(file: &Path, content: String) -> Result<(), PointError> {
    let file = file.to_owned();
    let told = format!("could not write {}", file.display());
    aside(move || write(&file, &content).map_err(|error| PointError::Unreachable(format!("{told}: {error}"))))
        .await
}

/// Does what waits for a disk on a thread of its own.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PointError> + Send + 'static,
) -> Result<T, PointError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(PointError::Unreachable(error.to_string())))
}

fn read(file: &Path) -> Result<String, PointError> {
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

fn write(file: &Path, content: &str) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".portcullis-new");
    let new = file.with_file_name(name);
    let mut out = std::fs::File::create(&new)?;
    out.write_all(content.as_bytes())?;
    if let Ok(before) = std::fs::metadata(file) {
        out.set_permissions(before.permissions())?;
    }
    out.sync_all()?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn a_file_is_replaced_whole_and_may_be_read_by_whom_it_could() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("list");
        assert_eq!(content(&file).await.expect("nothing"), "");
        replace(&file, "one".to_owned()).await.expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("rights");
        replace(&file, "two".to_owned()).await.expect("a file");
        assert_eq!(content(&file).await.expect("a file"), "two");
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(
            replace(&folder.path().join("none/list"), String::new())
                .await
                .is_err()
        );
    }
}
