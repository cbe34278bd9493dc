//! A model's bytes, as they stand and with a header that fits them, so that the checksum does not keep the fuzzer out.

use models::bundle::{FORMAT_NEWEST, ModelBundle};

/// Bytes of magic, version, fingerprint, length and checksum.
const HEADER_BYTES: usize = 8 + 2 + 32 + 8 + 32;

/// One input.
pub fn run(data: &[u8]) {
    let _ = ModelBundle::read(data);
    let Some((fingerprint, payload)) = data.split_at_checked(32) else {
        return;
    };
    let mut file = Vec::with_capacity(HEADER_BYTES + payload.len());
    file.extend_from_slice(b"PORTCMDL");
    file.extend_from_slice(&FORMAT_NEWEST.to_le_bytes());
    file.extend_from_slice(fingerprint);
    file.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    file.extend_from_slice(blake3::hash(payload).as_bytes());
    file.extend_from_slice(payload);
    let _ = ModelBundle::read(&file);
}
