//! A log through the whole detector: whatever clients write, nothing breaks, and memory keeps its bounds.

use detector::{Contribution, Describe, Detector, Score, Scorer, Serial, Settings, Windows};
use domain::{HashKey, Position};
use ingest::{IdentityPolicy, NamedIdentity, Parser, ParserConfig};

/// Clients remembered at most: few, so that forgetting is fuzzed too.
const CLIENTS_MAX: usize = 256;

/// Everything as logged.
const DESCRIBE: Describe = Describe {
    request: |record| record.path.to_string(),
    name: str::to_owned,
    route: |record| record.path.to_string(),
};

/// Everybody looks odd: every window is judged and explained.
struct Suspicious;

impl Scorer for Suspicious {
    fn version(&self) -> &str {
        "fuzz"
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        assert!(
            windows.rows.iter().all(|value| value.is_finite()),
            "features are finite"
        );
        out.fill(Score {
            value: 0.99,
            p_value: 1e-6,
        });
    }

    fn explain(&self, _row: &[f32], _requests: u64, _most: usize) -> Vec<Contribution> {
        Vec::new()
    }
}

/// One input.
pub fn run(data: &[u8]) {
    let key = HashKey::new([7; 16]);
    let mut parser = Parser::new(ParserConfig {
        identity: IdentityPolicy {
            prefer: NamedIdentity::ALL.to_vec(),
            shows_claims: true,
        },
        ..ParserConfig::new(key)
    });
    let numbered = (1u64..).zip(data.split(|byte| *byte == b'\n'));
    let records: Vec<_> = numbered
        .filter_map(|(line, bytes)| {
            let position = Position {
                line,
                ..Position::default()
            };
            parser.parse(bytes, position).ok()
        })
        .collect();
    let mut settings = Settings::new(key, DESCRIBE);
    settings.clients_max = CLIENTS_MAX;
    settings.assumes_enforcement = true;
    let mut detector = Detector::new(settings, Suspicious);
    let mut outputs = Vec::new();
    detector.observe(&records, &Serial, &mut outputs);
    detector.flush(&mut outputs);
    assert_eq!(detector.totals().records, records.len() as u64);
}
