//! Ten ordinary days with their rhythm of the day and of the week, and on the eleventh a thousand addresses that each try one
//! password: only the hour's volume shows it.

use super::baseline::DAY_SECS;
use super::everyday::A_DAY;
use super::{Group, Scenario, Starts, all_day, by_day, by_workday};

/// Days before the attack.
const QUIET_DAYS: u32 = 10;

/// The attack: from ten o'clock on, for two hours. They begin on the eleventh day and so wait through the rounds before it.
const ATTACK: Group = Group {
    name: "credential_stuffing_single",
    clients: 1_000,
    starts: Starts::At {
        secs: QUIET_DAYS * DAY_SECS + 10 * 3_600,
        within_secs: 7_200,
    },
    returns: true,
    back_after_secs: None,
    cover: None,
};

const EVERYBODY: &[Group] = &[
    by_workday("browser", 420),
    by_workday("search_user", 10),
    by_workday("mobile_app", 160),
    by_workday("spa_user", 80),
    by_workday("office", 2),
    by_workday("partner_batch", 2),
    all_day("api_integration", 2),
    all_day("monitor", 1),
    by_day("crawler", 110),
    all_day("feed_reader", 16),
    by_workday("script_user", 40),
    by_workday("password_forgetter", 30),
    ATTACK,
];

pub(super) const SLOW_STUFFING: Scenario = Scenario {
    name: "slow_stuffing",
    about: "ten ordinary days with weekends, and on the eleventh a thousand addresses that try a password or two each",
    rounds: QUIET_DAYS + 1,
    groups: EVERYBODY,
    ..A_DAY
};
