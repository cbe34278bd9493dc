//! A syslog connection's bytes: the same messages, however they are cut on their way. The first byte says into which pieces.

use ingest::source::syslog::{MESSAGE_BYTES_MAX, SyslogFramer};

/// One input.
pub fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let pieces = usize::from(*choice) + 1;
    let whole = messages(bytes, bytes.len().max(1));
    assert!(
        whole
            .0
            .iter()
            .all(|message| message.len() <= MESSAGE_BYTES_MAX + 1)
    );
    assert_eq!(messages(bytes, pieces), whole, "cut into {pieces} bytes");
}

/// What comes out, and whether the connection is to be closed.
fn messages(bytes: &[u8], piece_bytes: usize) -> (Vec<Vec<u8>>, bool) {
    let mut framer = SyslogFramer::default();
    let mut out = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        if framer.feed(piece, |message| out.push(message.to_vec())).is_err() {
            return (out, true);
        }
    }
    framer.finish(|message| out.push(message.to_vec()));
    (out, false)
}
