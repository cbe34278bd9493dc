// Answers of an API, for tests of how pages are drawn. Times stand relative to now, so that pages look alive.

import type { Alarm, Agreement, Alert, Asker, ClientName, ClientPage, Decision, Drift, Gateway, Health, Hour, Key, Model, Order, Overview, Ranked, Rejected, Suspension, Verdict } from '../src/api/types';
import { referenceOf } from '../src/state/place';

/** A time some seconds ago. */
export const ago = (secs: number) => new Date(Date.now() - secs * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

export const client = (value: string, scope = 'ip'): ClientName => ({ scope, value, ref: referenceOf(scope, value) });

const KINDS = [
  ['credential_stuffing', 'POST /login', '97% of its requests were refused logins, where 2% is typical'],
  ['object_enumeration', 'GET /api/users/4711', 'went through 312 numbered objects one after the other, where 2 is typical'],
  ['reconnaissance', 'GET /.env', 'asked in 94% of its requests for what does not exist, where 1% is typical'],
  ['scraping', 'GET /products/1337?view=full', 'read 870 different pages in ten minutes, where 6 is typical'],
  ['injection', "GET /search?q=1'%20OR%20'1'='1", 'sent SQL in 12 of its 14 queries'],
  ['denial_of_service', 'GET /', 'sent 212 requests a second, where 0.4 is typical'],
] as const;

const ACTIONS = ['block', 'block', 'throttle', 'block', 'observe'] as const;

const VERDICTS: readonly (Verdict | undefined)[] = [
  undefined,
  { judgement: 'attack', by: 'jon', at: ago(30), reason: 'The same tool as last week' },
  { judgement: 'false_positive', by: 'mira', at: ago(61), reason: 'Our own load test' },
];

/** An alert; the same number gives the same one. */
export function alert(number: number): Alert {
  const [kind, request, sentence] = KINDS[number % KINDS.length] ?? KINDS[0];
  const action = ACTIONS[number % ACTIONS.length] ?? 'block';
  const at = 20 + number * 47;
  return {
    id: number.toString(16).padStart(32, '0'),
    client: number % 7 === 5 ? client(`2001:db8:${number}::/64`, 'range') : client(`203.0.113.${9 + number}`),
    threats: [
      { kind, confidence: 0.98 - (number % 5) * 0.07 },
      { kind: 'anomaly', confidence: 0.4 },
    ],
    score: 0.994 - number * 0.004,
    p_value: 3.1e-6 * (number + 1),
    action,
    first_seen: ago(at + 40),
    alerted_at: ago(at + 9),
    action_at: action === 'observe' ? null : ago(at),
    requests_before_alert: 12 + number,
    requests_before_action: action === 'observe' ? null : 31 + number,
    reasons: [
      { feature: 'login_ratio', value: 0.97, typical: 0.02, contribution: 0.41, sentence },
      { feature: 'burst_rate', value: 21.4, typical: 0.3, contribution: 0.22, sentence: 'sent 21.4 requests a second, where 0.3 is typical' },
      { feature: 'gap_entropy', value: 0.2, typical: 3.1, contribution: 0.11, sentence: 'asked like a metronome, with pauses nearly all alike' },
    ],
    what_if: [
      {
        threat: kind,
        quantity: 'tries to sign in',
        value: 31,
        silent_at: 6.2,
        milder_at: 21.5,
        blocked_at: null,
        sentence:
          'it would not have fired with at most 6.2 tries to sign in instead of 31; at most 21.5 would not have been enough to block',
      },
    ],
    members: [],
    members_in_all: 0,
    completeness: number === 0 ? { effort: 'scored_seldom', whole_share: 0.82 } : null,
    blind_spots: ['rhythm within a second: requests are timed in whole seconds'],
    evidence: Array.from({ length: 6 }, (_, row) => ({
      source: 0,
      line: 120_034 + number * 100 + row,
      at: ago(at + row * 2),
      request: row % 2 === 0 ? request : `${request.split('?')[0] ?? request}/${row}`,
      status: row % 3 === 2 ? 200 : 401,
    })),
    held_back: action === 'observe' ? 'the evidence is not conclusive yet' : null,
    model: '2026-11-22-1',
    verdict: VERDICTS[number] ?? null,
  };
}

/** Alerts that nobody has judged, in the order of how likely they are attacks. */
export function ranked(isFull: boolean): Ranked {
  const items = [7, 3, 5].map((number, place) => ({ likelihood: 0.93 - place * 0.31, alert: alert(number) }));
  return { attacks: 21, false_positives: 9, verdicts_needed: 20, each_needed: 5, is_ranked: isFull, items: isFull ? items : [] };
}

/** A decision; the same number gives the same one. */
export function decision(number: number): Decision {
  const from = alert(number);
  return {
    id: (1000 + number).toString(16).padStart(32, '0'),
    seq: 1000 - number,
    ...from.client,
    conditions: [],
    gateways: number % 4 === 3 ? ['edge-1'] : [],
    action: from.action === 'observe' ? 'block' : from.action,
    priority: 50,
    origin: number % 5 === 2 ? 'rule' : 'model',
    price: { clients: 0, successful_requests: 3, error: 0.02 },
    threat: from.threats[0]?.kind ?? 'anomaly',
    alert_id: from.id,
    reason: from.reasons[0]?.sentence ?? '',
    event_at: from.alerted_at,
    ttl_secs: 14_400,
    created_at: from.action_at ?? from.alerted_at,
    expires_at: ago(-14_000 + number * 60),
    mode: 'enforced',
    model: from.model,
    revoked_at: null,
    revoked_by: null,
  };
}

export const orders: Order[] = [
  { seq: 5, order: { kind: 'verdict', alert: '00000000000000000000000000000002', judgement: 'false_positive' }, client: client('203.0.113.11'), reason: 'A partner, see ticket 813', by: 'jon', from: '192.0.2.17', at: ago(61) },
  { seq: 4, order: { kind: 'lift', grace_secs: 14_400 }, client: client('203.0.113.9'), reason: 'Our own load test, ticket 812', by: 'mira', from: '127.0.0.1', at: ago(400) },
  { seq: 3, order: { kind: 'allow', until: ago(-604_800) }, client: client('198.51.100.0/24', 'range'), reason: 'Partner’s new data centre', by: 'jon', from: '192.0.2.17', at: ago(5000) },
  { seq: 2, order: { kind: 'revoke', decision: '0000000000000000000000000000beef' }, client: client('203.0.113.77'), reason: 'A monitor, not a flood', by: 'mira', from: '127.0.0.1', at: ago(90_000) },
  { seq: 1, order: { kind: 'block', ttl_secs: 86_400 }, client: client('203.0.113.200'), reason: 'Reported by the shop team', by: 'mira', from: '127.0.0.1', at: ago(180_000) },
];

/** An alarm that goes on of either severity, and one that is over. */
export const alarms: Alarm[] = [
  {
    name: 'source_silent',
    severity: 'critical',
    source: '/var/log/nginx/access.log',
    since: ago(540),
    cleared_at: null,
    cause: '0 lines in 5 minutes where 1840 are usual at this hour of the week: the gateway stopped writing, or writes to another file since a rotation.',
    setting: 'files[0]',
    next: 'Look whether the gateway serves requests and whether its shipper runs.',
  },
  {
    name: 'one_address',
    severity: 'warning',
    source: 'access',
    since: ago(7200),
    cleared_at: null,
    cause: '91.0 % of the requests come from 10.0.0.7, with 40 or more user agents: it looks like a proxy or load balancer whose word about the client is not believed, so that its clients count as one.',
    setting: 'clients.trusted_proxies',
    next: 'Find out whose address it is.',
  },
  {
    name: 'lag',
    severity: 'warning',
    source: 'access',
    since: ago(90_000),
    cleared_at: ago(86_000),
    cause: '5100 messages wait, after 4900 10 minutes ago: more comes than is read here.',
    setting: 'detector.threads',
    next: 'Give detection more threads.',
  },
];

/** A day of hours with a surge of failed sign-ins in its latest. */
export function hours(): Hour[] {
  const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  return Array.from({ length: 24 }, (_, place) => {
    const busy = Math.round(400_000 - 250_000 * Math.cos((place / 24) * 2 * Math.PI));
    return {
      at: new Date(hour - (23 - place) * 3_600_000).toISOString().replace('.000Z', 'Z'),
      requests: Math.round(busy * (1 + 0.08 * Math.sin(place * 7))),
      failed_sign_ins: Math.round(busy / 20_000) + (place === 22 ? 840 : 0),
      usual_requests: { from: Math.round(busy * 0.7), to: Math.round(busy * 1.3) },
      usual_failed_sign_ins: { from: Math.round(busy / 40_000), to: Math.round(busy / 12_000) },
    };
  });
}

/** An hour of traffic with an attack in it. */
export function overview(): Overview {
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  const points = Array.from({ length: 42 }, (_, place) => {
    const attack = place > 24 ? Math.max(0, 26_000 * Math.exp(-((place - 30) ** 2) / 14)) : 0;
    return {
      at: new Date(minute - (41 - place) * 60_000).toISOString().replace('.000Z', 'Z'),
      requests: Math.round(112_000 + 9_000 * Math.sin(place / 4) + attack) / (place === 41 ? 4 : 1),
      clients: 2_100 + place,
      rejected: place === 12 ? 17 : 0,
      alerts: place > 24 ? Math.round((place * 7) % 9) : 0,
      blocks: place > 25 ? Math.round((place * 5) % 6) : 0,
      stopped: Math.round(attack * 0.8),
    };
  });
  const sum = (name: 'requests' | 'rejected' | 'alerts' | 'blocks' | 'stopped') =>
    Math.round(points.reduce((total, point) => total + point[name], 0));
  return {
    from: ago(3600),
    to: ago(0),
    step_secs: 60,
    figures: { requests: sum('requests'), rejected: sum('rejected'), alerts: sum('alerts'), blocks: sum('blocks'), stopped: sum('stopped'), in_force: 46 },
    points: points.map((point) => ({ ...point, requests: Math.round(point.requests) })),
    attacks: KINDS.map(([threat], place) => ({ threat, alerts: 31 - place * 5, latest_at: ago(30 + place * 90) })),
    targets: KINDS.map(([, request], place) => ({ target: request.split('?')[0] ?? request, clients: 24 - place * 4 })),
    latest: [client('203.0.113.9')],
  };
}

/** Everything about one client. */
export function clientPage(name: ClientName): ClientPage {
  const minutes = Array.from({ length: 30 }, (_, place) => ({
    at: ago((30 - place) * 10),
    requests: place < 8 ? 2 : place < 16 ? 40 + ((place * 13) % 30) : 55,
    errors: place < 8 ? 0 : 38,
    stopped: place < 18 ? 0 : 54,
    score: place < 8 ? 0.2 : 0.99,
  }));
  const feature = (of: string, unit: string, value: number, typical: number, extreme: number) => ({ name: of, unit, value, typical, extreme });
  return {
    client: name,
    summary: { client: name, updated_at: ago(3), first_seen: ago(320), last_seen: ago(2), requests: 812, score: 0.994, action: 'block' },
    features: [
      feature('login_ratio', 'ratio', 0.97, 0.02, 0.3),
      feature('refused_ratio', 'ratio', 0.95, 0.01, 0.08),
      feature('burst_rate', 'requests/s', 21.4, 0.3, 6.2),
      feature('login_failure_count', 'failures', 780, 0.2, 4),
      feature('gap_entropy', 'bit', 0.2, 3.1, 0.9),
      feature('agent_count', 'agents', 14, 1, 2),
      feature('gap_mean', 'ms', 46, 2400, 120),
      feature('missing_ratio', 'ratio', 0.02, 0.01, 0.2),
      feature('path_depth', 'segments', 1.2, 2.6, 5.4),
      feature('response_size', 'bytes', 310, 8200, 4_100_000),
      feature('route_count', 'routes', 2, 7, 60),
    ],
    timeline: minutes,
    alerts: [alert(0), alert(3)].map((own) => ({ ...own, client: name })),
    decisions: [{ ...decision(0), ...name }],
    orders: orders.slice(0, 1),
    in_force: decision(0).id,
    protected_by: null,
  };
}

export const keys: Key[] = [
  { name: 'bootstrap', role: 'admin', gateway: null, created_at: ago(90_000), created_by: 'setup', last_used_at: ago(3), revoked_at: null, revoked_by: null },
  { name: 'edge-1', role: 'bouncer', gateway: 'edge-1', created_at: ago(80_000), created_by: 'bootstrap', last_used_at: ago(1), revoked_at: null, revoked_by: null },
  { name: 'old-grafana', role: 'viewer', gateway: null, created_at: ago(900_000), created_by: 'bootstrap', last_used_at: null, revoked_at: ago(7000), revoked_by: 'bootstrap' },
];

export const bouncers = [
  { name: 'edge-1', gateway: 'edge-1', kind: 'crowdsec-nginx-bouncer', version: 'v1.0.8', address: '127.0.0.1', last_seen: ago(1), last_pull: ago(3600) },
  { name: 'edge-2', gateway: null, kind: '', version: '', address: null, last_seen: null, last_pull: null },
];

export const askers: Asker[] = [
  {
    way: 'bouncer',
    name: 'edge-1',
    gateway: 'edge-1',
    asked_at: ago(1),
    scopes: ['ip', 'range'],
    in_force: 1_204,
    unexpressed: [{ obstacle: 'api_key', decisions: 3, why: 'The bouncer does not ask for this scope: name it in its settings if it can carry it out.' }],
  },
  { way: 'check', name: '', gateway: null, asked_at: ago(2), scopes: ['ip', 'range', 'api_key'], in_force: 1_204, unexpressed: [] },
];

export const gateways: Gateway[] = [
  {
    name: 'edge-nginx',
    kind: 'nginx',
    gateway: 'edge-1',
    state: 'equal',
    error: null,
    failing_since: null,
    wanted: 1_201,
    held: 1_201,
    unexpressed: [{ obstacle: 'api_key', decisions: 3 }],
    confirmed_at: ago(1),
    last_delay_ms: 412,
    drifted: 2,
    failures: 0,
  },
  {
    name: 'edge-haproxy',
    kind: 'haproxy',
    gateway: null,
    state: 'broken',
    error: "HAProxy's runtime API: Connection refused (os error 111)",
    failing_since: ago(310),
    wanted: 1_201,
    held: 0,
    unexpressed: [],
    confirmed_at: ago(312),
    last_delay_ms: 18,
    drifted: 0,
    failures: 14,
  },
];

/** Whether anything is carried out. */
export const suspension = (suspended: boolean): Suspension =>
  suspended
    ? { suspended, since: ago(95), until: null, by: 'mira', reason: 'Half of Vodafone cannot get in' }
    : { suspended, since: null, until: null, by: null, reason: null };

/** How alike two models are. */
export const agreement: Agreement = { client_days: 41_207, budget: 1000, both: 31, champion_only: 6, challenger_only: 94, rank: 0.8123 };

const MOVED = ['gap_mean', 'visit_rate', 'response_size', 'path_depth', 'query_ratio', 'agent_count', 'asset_ratio', 'walk_ratio', 'write_ratio', 'burst_rate'];

/** A day on which two features moved by much. */
export const drift: Drift = {
  day: '2026-11-21',
  is_whole: true,
  client_days: 20_431,
  beyond: 24,
  client_days_before: 139_872,
  client_days_min: 500,
  large: 0.25,
  alarms: MOVED.slice(0, 2),
  features: MOVED.map((feature, place) => ({ feature, model: 1.9 - place * 0.19, site: 0.62 / (place + 1) ** (place < 2 ? 0.9 : 1.6) })),
};

export const models: Model[] = [
  { version: '2026-11-22-1', created_at: ago(260_000), activated_at: ago(90_000), retired_at: null, card: { trained_on: { rows: 412_331, clients: 20_050 }, false_block_rate: 0.0004, not_for: ['fewer than three requests', 'traffic without status codes'] }, role: 'champion', watched_at: ago(4), agreement: null, drift },
  { version: '2026-10-30-2', created_at: ago(2_260_000), activated_at: ago(2_090_000), retired_at: ago(90_000), card: { trained_on: { rows: 300_000 } }, role: 'challenger', watched_at: ago(4), agreement, drift: null },
  { version: '2026-09-01-1', created_at: ago(7_260_000), activated_at: ago(7_090_000), retired_at: ago(2_090_000), card: { trained_on: { rows: 120_000 } }, role: null, watched_at: null, agreement: null, drift: null },
];

export const rejected: Rejected[] = [
  { at: ago(340), source: 'gateway-logs/2', line: 88_123, reason: 'could not parse as nginx_json: missing field "status"', sample: '{"time":"2026-11-25T01:12:09Z","remote_addr":"203.0.113.4","request":"GET /' },
];

export const health: Health = {
  status: 'degraded',
  version: '0.1.0',
  parts: [
    { name: 'store', is_ok: true, detail: 'SQLite, 12 MB' },
    { name: 'detector', is_ok: true, detail: '2,041 requests a second, 0.2 s behind' },
    { name: 'bouncer edge-2', is_ok: false, detail: 'has not asked for 3 minutes' },
  ],
};
