use super::*;
use crate::detector::Output;
use crate::testing::play::{Event, events, play};
use crate::testing::{KEY, Line, Simple, detector, settings};
use domain::Action;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Sixteen clients a shard, the fewest there are: every log of these tests forgets some.
const CLIENTS_MAX: usize = 256;

fn played(events: &[Event]) -> (Detector<Simple>, Vec<Output>) {
    let mut detector = detector(CLIENTS_MAX);
    let mut outputs = Vec::new();
    play(&mut detector, 0, events, &mut outputs);
    (detector, outputs)
}

fn restore(bytes: &[u8]) -> Result<Detector<Simple>, CheckpointError> {
    Detector::restore(bytes, settings(CLIENTS_MAX), Simple)
}

/// The whole of a long random log, always the same.
fn long_log() -> Vec<Event> {
    let mut runner = TestRunner::deterministic();
    let mut log = events(2000).new_tree(&mut runner).unwrap().current();
    while log.len() < 1500 {
        log = events(2000).new_tree(&mut runner).unwrap().current();
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_cut_anywhere_and_restored_says_what_the_uncut_run_says(
        log in events(400), cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(log.len() + 1);
        let (mut uncut, mut expected) = played(&log);
        uncut.flush(&mut expected);

        let (before, mut outputs) = played(&log[..cut]);
        let bytes = before.checkpoint();
        let mut after = restore(&bytes).unwrap();
        prop_assert!(after.checkpoint() == bytes, "a restored detector is saved as the same bytes");
        play(&mut after, cut, &log[cut..], &mut outputs);
        after.flush(&mut outputs);
        prop_assert_eq!(format!("{outputs:?}"), format!("{expected:?}"));
        prop_assert!(after.checkpoint() == uncut.checkpoint());
        prop_assert_eq!(after.totals(), uncut.totals());
    }

    #[test]
    fn damaged_bytes_are_refused(
        place in any::<prop::sample::Index>(), change in 1u8..=255, length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = played(&long_log()[..200]).0.checkpoint();
        prop_assert!(restore(&bytes[..length.index(bytes.len())]).is_err());
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(restore(&bytes).is_err());
    }

    #[test]
    fn a_body_of_any_bytes_is_read_without_a_panic(
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let bytes = played(&long_log()[..200]).0.checkpoint();
        let mut body = bytes[HEADER_BYTES..].to_vec();
        for (place, byte) in noise {
            let place = place.index(body.len());
            body[place] = byte;
        }
        // Sealed with the right key, so that it is read: as a wrong writer of ours would leave it.
        if let Ok(detector) = restore(&sealed(&body)) {
            let _ = detector.checkpoint();
            let _ = detector.client_view(&Line::new(0, 9, "/", 200).client());
            detector.preview(&mut Vec::new());
        }
    }
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let header = Header {
        version: CHECKPOINT_VERSION,
        schema: schema(),
        key: key_fingerprint(&KEY),
        clients_max: CLIENTS_MAX as u64,
        body_bytes: body.len() as u64,
    };
    let mut bytes = header.to_bytes();
    bytes.extend(seal(&KEY, &header.to_bytes(), body).to_le_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn the_random_logs_hold_what_a_checkpoint_must_carry() {
    let log = long_log();
    let (mut detector, mut outputs) = played(&log);
    detector.flush(&mut outputs);
    let actions = |action| {
        let is_of = |output: &&Output| matches!(output, Output::Alert(alert) if alert.action == action);
        outputs.iter().filter(is_of).count()
    };
    assert!(detector.totals().forgotten > 50, "{:?}", detector.totals());
    assert!(actions(Action::Block) > 5 && actions(Action::Observe) > 5);
    assert!(detector.totals().stopped > 5);
    // Somewhere the tick is open, with windows that wait to be judged and orders that have yet to take effect.
    let is_pending = |detector: &Detector<Simple>| {
        detector
            .shards
            .iter()
            .any(|shard| !shard.changes.candidates.is_empty())
    };
    let cuts = (0..log.len()).step_by(7).map(|cut| played(&log[..cut]).0);
    assert!(
        cuts.filter(|detector| is_pending(detector) && !detector.inputs.is_empty())
            .count()
            > 0
    );
}

#[test]
fn what_cannot_be_used_says_why() {
    let bytes = played(&long_log()[..100]).0.checkpoint();
    let refusal = |bytes: &[u8], settings| Detector::restore(bytes, settings, Simple).err().unwrap();

    let mut newer = bytes.clone();
    newer[8] += 1;
    assert_eq!(
        refusal(&newer, settings(CLIENTS_MAX)),
        CheckpointError::Newer { found: 4, known: 3 }
    );

    let mut older = bytes.clone();
    older[8] -= 1;
    let older = refusal(&older, settings(CLIENTS_MAX));
    assert_eq!(older, CheckpointError::Older { found: 2, known: 3 });
    assert!(older.starts_anew());

    let mut other_key = settings(CLIENTS_MAX);
    other_key.hash_key = HashKey::new([8; 16]);
    let error = refusal(&bytes, other_key);
    assert!(
        matches!(
            error,
            CheckpointError::Settings {
                setting: "hash_key",
                ..
            }
        ) && error.starts_anew()
    );

    let error = refusal(&bytes, settings(512));
    assert_eq!(
        error.to_string(),
        "could not use the checkpoint: clients_max was 256 when it was saved and is 512 now"
    );

    let mut header = Header::from_bytes(&bytes).unwrap();
    header.schema ^= 1;
    let mut other_features = header.to_bytes();
    other_features.extend(seal(&KEY, &header.to_bytes(), &bytes[HEADER_BYTES..]).to_le_bytes());
    other_features.extend(&bytes[HEADER_BYTES..]);
    let error = refusal(&other_features, settings(CLIENTS_MAX));
    assert_eq!((error.starts_anew(), error), (true, CheckpointError::Features));

    assert!(!refusal(b"", settings(CLIENTS_MAX)).starts_anew());
}

#[test]
fn saving_changes_nothing() {
    let log = long_log();
    let mut outputs = Vec::new();
    let mut saved = detector(CLIENTS_MAX);
    for (place, event) in log.iter().enumerate() {
        play(&mut saved, place, std::slice::from_ref(event), &mut outputs);
        if place % 50 == 0 {
            assert!(saved.checkpoint() == saved.checkpoint());
        }
    }
    assert_eq!(outputs, played(&log).1);
}
