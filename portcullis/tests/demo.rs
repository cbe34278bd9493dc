//! The demo as a person runs it: within its first minute an attack is caught, blocked and refused by the gateway.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::run;

/// Attacks begin half a minute after the start; a minute is what a newcomer is promised.
const SECS: &str = "60";

/// A quarter of the usual traffic: other tests run beside it.
const RATE: &str = "500";

#[test]
fn within_a_minute_an_attack_is_blocked_and_nobody_innocent_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(
        folder.path(),
        &["demo", "--listen", "127.0.0.1:0", "--for", SECS, "--rate", RATE],
    );
    assert_eq!(run.code, 0, "{}", run.err);
    let report = run.out;
    assert!(report.contains("dashboard http://127.0.0.1:"), "{report}");
    let columns = report.lines().find(|line| line.starts_with("attack ")).unwrap();
    let refused_from = columns.find("403 from").unwrap();
    let attacks = report.lines().skip_while(|line| *line != columns).skip(1);
    let refused = attacks.take_while(|line| !line.is_empty()).filter(|line| {
        let cell = line.get(refused_from.saturating_sub(4)..refused_from + "403 from".len());
        cell.is_some_and(|cell| cell.contains(" s"))
    });
    assert!(refused.count() > 0, "{report}");
    assert!(report.contains("Innocent clients blocked: 0;"), "{report}");
}
