//! Every limit of the detector, with its reason and what happens when it is reached.

/// Clients hash to this many logical shards, fixed so that the number of threads changes nothing.
pub const SHARDS: usize = 256;

/// Clients remembered by default. Past it the longest silent client of the same shard is forgotten, and counted.
pub const CLIENTS_MAX_DEFAULT: usize = 1_000_000;

/// A tick ends after this much event time: how late a decision may come into force.
pub const TICK_MILLIS: i64 = 250;

/// A tick ends after this many records, so that a burst cannot delay a decision.
pub const TICK_RECORDS_MAX: usize = 4096;

/// How far a record may lie behind the latest of its source, unless its source says otherwise. What comes later counts at its
/// own time like everything else, and is counted as late; several in a row are taken for a clock that was put right.
pub const LATENESS_MILLIS: i64 = 15 * 60 * 1000;

/// A source's watermark moves forward by more than this only when several records in a row agree. A quiet site is
/// silent for hours: a minute would squeeze its requests into one moment and make every visitor look like a burst.
pub const WATERMARK_JUMP_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// That many records in a row move a watermark far ahead, or back: one line dated 2099 does nothing, and a clock
/// that was put right is believed again.
pub const WATERMARK_AGREEMENT: u32 = 16;

/// The earliest time that is believed, 2000-01-01 in seconds since 1970: no gateway of today logged before it, and a
/// machine whose clock was never set starts at 1970. A record from before it counts at the watermark and never moves
/// it; one that comes first of all counts at this moment.
pub const EARLIEST_SECS: i64 = 946_684_800;

/// Sources (files, partitions) whose watermarks are kept. Further ones share the last one, and are counted.
pub const SOURCES_MAX: usize = 4096;

/// Client-days in the reservoir of scores. Past it every count is halved, so that it follows the site; two million still
/// show a budget of two wrong blocks per million.
pub const CLIENT_DAYS_MAX: u64 = 4_000_000;

/// Clients whose highest score of the day is followed. Past it half of them are, by their keyed hash: a sample.
pub const FOLLOWED_MAX: usize = 65_536;

/// Suspects with kept evidence, per shard and hundred clients of its capacity. When full, the least suspicious goes.
pub const SUSPECTS_PER_HUNDRED: usize = 1;

/// Fewest suspects a shard keeps, whatever its capacity.
pub const SUSPECTS_MIN: usize = 16;

/// Requests kept as evidence per suspect: enough to see the pattern, few enough to read.
pub const EVIDENCE_MAX: usize = 8;

/// Requests kept as evidence per suspect while there is no time for more: the first and the next.
pub const EVIDENCE_BRIEF_MAX: usize = 2;

/// Spans in which less than everything was done that are remembered. Of more the oldest become one.
pub const EFFORT_SPANS_MAX: usize = 32;

/// How far back it is looked for such spans: what windows hold of older requests has decayed to almost nothing.
pub const EFFORT_LOOK_BACK_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Longest evidence text in bytes: a path of several kilobytes is the attacker's, and shows nothing more.
pub const EVIDENCE_BYTES_MAX: usize = 200;

/// Bytes of one request (path, query, user agent, referer together) that are searched for payloads: some 3 µs a round of
/// decoding. Beyond it only lengths count.
pub const PAYLOAD_BYTES_MAX: usize = 2048;

/// Bytes of one parameter or path segment that are parsed as SQL, markup or a command line: what makes a payload stands
/// where it leaves its context, which is near its start.
pub const PAYLOAD_VALUE_BYTES_MAX: usize = 256;

/// Bytes of one request that are parsed in all: a parsed byte costs some ten times what a searched one does.
pub const PAYLOAD_PARSED_BYTES_MAX: usize = 256;

/// Parameters and path segments of one request that are parsed: each is begun anew in every context.
pub const PAYLOAD_VALUES_MAX: usize = 4;

/// What a parsed byte costs beside a searched one.
pub const PAYLOAD_PARSED_COST: u32 = 10;

/// Work on payloads for one client in one tick, in searched bytes: some 0.2 ms, far more than people and programs that use a
/// site give cause for. The rest of what the client sends in the tick is not searched, and counted as such.
pub const PAYLOAD_TICK_WORK_MAX: u32 = 64 * 1024;

/// Routes whose popularity is remembered. When full, the least used half is forgotten at the end of a tick.
pub const ROUTES_MAX: usize = 65_536;

/// Cohorts (ranges) whose totals are remembered. When full, those without evidence are forgotten.
pub const COHORTS_MAX: usize = 16_384;

/// Suspects that a cohort lists, and members that a campaign does: the latest. Those that were acted on give way first
/// and are only counted then; whoever gives way before the end of a tick is acted on only by its own evidence.
pub const CAMPAIGN_MEMBERS_MAX: usize = 1024;

/// Clients with an offence on record. When full, the longest forgotten episode goes.
pub const OFFENDERS_MAX: usize = 100_000;

/// Names (API keys, consumers, sessions, certificates) of which it is remembered whose they are, some 100 bytes each. When there
/// are more, half of them are forgotten, those first that showed nothing yet, and counted: until a forgotten one has shown again
/// that it is one client's, its requests count for their addresses.
pub const NAMES_MAX: usize = 65_536;

/// So long a name that was used by many is taken for shared after it was last seen with many: apps are quiet over holidays.
pub const NAME_MEMORY_MILLIS: i64 = 30 * 24 * 3_600_000;

/// Addresses of which it is remembered who else comes from them: those with several programs (user agents), or with names that are
/// one client's; from 200 bytes to 2 KB each. When there are more, the eighth with the fewest successes is forgotten, and counted:
/// a block of one of those is priced by its window alone.
pub const NEIGHBOURS_MAX: usize = 65_536;

/// Programs told apart behind one address. Of further ones it is only counted how many they are: from where so many come, one
/// more hardly changes the price.
pub const PROGRAMS_MAX: usize = 8;

/// Programs beside those that show what they are about: one more than are blocked by themselves within an episode. A further one takes the
/// place of one of them.
pub const ACCUSED_MAX: usize = NARROWED_MAX + 1;

/// Longest name of a user agent or a fingerprint that a decision asks gateways to compare, in bytes. A program with a longer one
/// cannot be blocked by itself.
pub const CONDITION_BYTES_MAX: usize = 200;

/// Programs of one address that are blocked by themselves within an episode. Whoever then goes on under another is dealt with by
/// his address.
pub const NARROWED_MAX: usize = 3;

/// Clients that say that they are crawlers, about whom it was asked whether their addresses prove it. Of further ones within a day
/// nothing is asked; they are dealt with as anybody.
pub const ASKED_MAX: usize = 16_384;

/// So long nothing is done about one of them, for the answer to come: two questions to name servers, each with a second try.
pub const PROOF_WAIT_MILLIS: i64 = 30_000;

/// Clients that other machines report. When there are more, further ones are not kept, and counted: a report only strengthens what is
/// seen here.
pub const REPORTS_MAX: usize = 65_536;

/// Reasons of an alert: what a person reads.
pub const REASONS_MAX: usize = 4;

/// Blocks of clients that are remembered, so that what they are answered is not held against them. When full, those
/// that end first are forgotten, and counted.
pub const BLOCKS_MAX: usize = 100_000;

/// Blocks of whole ranges that people ordered. Each new client is compared with all of them. When full, the oldest is
/// forgotten, and counted.
pub const RANGE_BLOCKS_MAX: usize = 1024;

/// Allowlist entries that people ordered. When full, the oldest is forgotten here, and counted; the effective
/// blocklist still honours it.
pub const ORDERED_ALLOWS_MAX: usize = 4096;

/// A gateway learns of a block this late, by its bouncer's next look at the list: what it serves until then is no leak.
pub const ENFORCEMENT_LAG_MILLIS: i64 = 15_000;

/// Clauses of a policy at most: each is held against every client that stands out. More are refused when they are read.
pub const CLAUSES_MAX: usize = 256;

/// Longest name of a clause, of a policy and of its version, in bytes: they stand in every decision by it.
pub const CLAUSE_NAME_BYTES_MAX: usize = 64;

/// Steps of a clause's ladder: sixteen doublings of a minute are longer than a month.
pub const CLAUSE_LADDER_MAX: usize = 16;

/// Clients that one clause may name: more are a list to keep elsewhere.
pub const CLAUSE_CLIENTS_MAX: usize = 256;

/// Gateways that one clause may name, as many as anybody tells apart; they stand in every decision by it.
pub const CLAUSE_GATEWAYS_MAX: usize = 16;

/// Longest name of a gateway in a clause, in bytes, as settings have it.
pub const GATEWAY_NAME_BYTES_MAX: usize = 64;

/// Longest time in a clause, in seconds: a year.
pub const CLAUSE_SECS_MAX: u32 = 366 * 24 * 3600;

/// Rules at most: each is held against every request, and one without conditions holds an entry for each request of a
/// tick. More are refused when they are read.
pub const RULES_MAX: usize = 256;

/// Longest name of a rule, in bytes: it stands in every alert of it.
pub const RULE_NAME_BYTES_MAX: usize = 64;

/// Alternatives that a rule's `when` may have. More are refused.
pub const RULE_ALTERNATIVES_MAX: usize = 64;

/// Longest pattern of a rule, in bytes, and most stars in it: the work that one text can ask for. More is refused.
pub const RULE_PATTERN_BYTES_MAX: usize = 256;

/// See [`RULE_PATTERN_BYTES_MAX`].
pub const RULE_PATTERN_STARS_MAX: usize = 4;

/// Bytes of a path, query, agent or referer that patterns are matched against. What comes after is not looked at.
pub const RULE_TEXT_BYTES_MAX: usize = 2048;

/// Highest count of a rule. More is refused: a limit of a million requests belongs into the gateway.
pub const RULE_COUNT_MAX: u32 = 1_000_000;

/// Highest count of different values: each is remembered. More is refused.
pub const RULE_DISTINCT_MAX: u32 = 256;

/// Longest window and longest action of a rule, in seconds: a week. More is refused.
pub const RULE_SECS_MAX: u32 = 7 * 24 * 3600;

/// Keys that one rule counts at the same time. When there are more, the half that was silent longest is forgotten, and
/// counted: it counts from nothing.
pub const RULE_KEYS_MAX: usize = 65_536;

/// Keys that all rules count together; as [`RULE_KEYS_MAX`].
pub const RULE_KEYS_IN_ALL_MAX: usize = 131_072;

/// Different values that all rules remember together; as [`RULE_KEYS_MAX`].
pub const RULE_VALUES_IN_ALL_MAX: usize = 1 << 20;

/// Requests that are kept as evidence for each key that a rule counts.
pub const RULE_SAMPLES_MAX: usize = 4;

/// What a rule counts no more is cleared away this often, in event time.
pub const RULE_SWEEP_MILLIS: i64 = 60_000;

/// Patterns of paths whose role people set: each is held against every request. More are refused.
pub const ROLE_OVERRIDES_MAX: usize = 64;

/// Pairs of a client and a route that are looked at for roles. Requests of further ones are passed over, and counted.
pub const ROLE_PAIRS_MAX: usize = 262_144;

/// Longest path that a proposal for a role shows.
pub const ROLE_PATH_BYTES_MAX: usize = 200;

/// Clients whose POSTs are remembered to learn what routes are for: some 200 bytes each. When there are more, half of them are
/// forgotten, those first that never became established, and counted. What was learned stays.
pub const ROLE_WITNESSES_MAX: usize = 16_384;

/// Routes on which each of them is followed. What it does on further ones is passed over, and counted: people have a few
/// forms, scanners post to everything.
pub const ROLE_USES_MAX: usize = 8;

/// Routes whose text is kept for showing. When full, those go that no established client uses.
pub const ROLE_NAMES_MAX: usize = 4096;

/// Routes with a learned role. Further ones stay without, and are counted: a site has a handful.
pub const ROLES_LEARNED_MAX: usize = 256;

/// Routes of which it is learned what is usual at each hour of the week, some 4 KB each: more than most sites have. When there
/// are more, the least used are forgotten, and counted.
pub const BASELINE_ROUTES_MAX: usize = 512;

/// Routes that are counted in one hour beside those that are learned already. Further ones wait for another hour: a route has
/// to be used by several clients with success to be counted at all.
pub const BASELINE_OPEN_ROUTES_MAX: usize = 4096;

/// Hours that a series is learned before it is said what is usual of it: two days, so that every hour of the day was seen twice.
pub const BASELINE_HOURS_MIN: u32 = 48;

/// Failures of one client that count towards what is usual, in all and of sign-ins in a row: enough for somebody who forgot a
/// password. Who fails more often is judged by itself, and is no surge of many.
pub const BASELINE_OWN_FAILURES_MAX: u16 = 8;

/// Hours that are shown beside what is usual: a day.
pub const HOURS_SHOWN: usize = 24;

/// Surges that go on at the same time. Further ones are told, and nobody is seen in their light.
pub const SURGES_MAX: usize = 64;
