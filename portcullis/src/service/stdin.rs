//! Standard input: what comes is appended to its spool before more is taken, so that a full spool makes the writer wait.

use super::spools::{Spooled, Spools};
use anyhow::Context as _;
use ingest::source::LINE_BYTES_MAX;
use ingest::source::spool::SpoolLine;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of its source.
pub(super) const STDIN: &str = "stdin";

/// Bytes read at once, and appended together.
const READ_BYTES: usize = 256 << 10;

/// How long a full spool, or a disk that fails, is given before it is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Reads standard input to its end, or until the process stops. Nothing can interrupt a read: the thread is not waited for.
///
/// # Errors
/// When its spool cannot be made, or no thread can be started.
pub(super) fn serve(spools: &Arc<Spools>, stop: &CancellationToken) -> anyhow::Result<()> {
    let (spools, spooled, stop) = (Arc::clone(spools), spools.get(STDIN)?, stop.clone());
    let read = move || match read(io::stdin().lock(), |lines| {
        append(&spools, &spooled, lines, &stop);
    }) {
        Ok(()) => tracing::info!("standard input has ended"),
        Err(error) => tracing::error!(%error, "could not read standard input: {error}"),
    };
    let thread = std::thread::Builder::new().name(STDIN.to_owned()).spawn(read);
    thread.context("could not start the thread that reads standard input")?;
    Ok(())
}

/// Appends lines; waits while there is no room.
fn append(spools: &Spools, spooled: &Spooled, lines: &[u8], stop: &CancellationToken) {
    let kept = || {
        let lines = lines.split(|byte| *byte == b'\n');
        let bare = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        bare.filter(|line| !line.is_empty())
            .map(|line| SpoolLine::within(line, LINE_BYTES_MAX))
    };
    while spools.append(spooled, kept()).is_err() {
        if stop.is_cancelled() {
            return;
        }
        std::thread::sleep(RETRY_AFTER);
    }
}

/// Hands on what is read, whole lines at a time; of a line that is too long its beginning, which is longer than may be, and
/// then its rest no more.
fn read(input: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut input = BufReader::with_capacity(READ_BYTES, input);
    let mut open: Vec<u8> = Vec::new();
    let mut is_skipping = false;
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = bytes.len();
        if length == 0 {
            if !open.is_empty() {
                take(&open);
            }
            return Ok(());
        }
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let (mut lines, rest) = bytes.split_at(whole);
        if is_skipping && whole > 0 {
            let end = lines
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(whole, |at| at + 1);
            lines = &lines[end..];
            is_skipping = false;
        }
        open.extend_from_slice(lines);
        if whole > 0 {
            take(&open);
            open.clear();
        }
        if !is_skipping {
            open.extend_from_slice(rest);
            if open.len() > LINE_BYTES_MAX {
                take(&open);
                open.clear();
                is_skipping = true;
            }
        }
        input.consume(length);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
mod tests {
    use super::*;

    /// Gives so many bytes at once.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(out.len());
            out[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn lines(text: &[u8], at_once: usize) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        read(Drops(text, at_once), |lines| {
            let lines = lines.split(|byte| *byte == b'\n');
            seen.extend(lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
        })
        .unwrap();
        seen
    }

    #[test]
    fn lines_are_handed_on_whole_however_they_come() {
        for at_once in [1, 2, 3, 7, 1000] {
            assert_eq!(
                lines(b"a\nbcd\n\nef", at_once),
                [&b"a"[..], b"bcd", b"ef"],
                "{at_once}"
            );
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_handed_on_once_cut_and_takes_none_with_it() {
        let mut text = b"before\n".to_vec();
        text.extend(vec![b'x'; 3 * LINE_BYTES_MAX]);
        text.extend_from_slice(b"\nafter\n");
        for at_once in [1000, 65_536, READ_BYTES] {
            let lines = lines(&text, at_once);
            assert_eq!(lines.len(), 3, "{at_once}");
            assert_eq!((&lines[0][..], &lines[2][..]), (&b"before"[..], &b"after"[..]));
            assert!(lines[1].len() > LINE_BYTES_MAX, "{}", lines[1].len());
        }
    }
}
