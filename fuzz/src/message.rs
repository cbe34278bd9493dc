//! One Kafka message into lines. The first byte chooses the shape.

use ingest::source::kafka::{MessageShape, SplitLimits, split_payload};

/// One input.
pub fn run(data: &[u8]) {
    let Some((choice, payload)) = data.split_first() else {
        return;
    };
    let shape = MessageShape::ALL[usize::from(*choice) % MessageShape::ALL.len()];
    let limits = SplitLimits {
        lines_max: 64,
        ..SplitLimits::default()
    };
    let mut lines = Vec::new();
    let rejection = split_payload(payload, shape, limits, &mut lines);
    assert!(lines.len() <= limits.lines_max);
    let mut end = 0;
    for line in &lines {
        assert!(end <= line.start && line.start < line.end && line.end <= payload.len());
        end = line.end;
    }
    if let Some(rejection) = rejection {
        assert!(rejection.rest.start <= rejection.rest.end && rejection.rest.end <= payload.len());
    }
}
