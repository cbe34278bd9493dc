import { expect, test } from 'vitest';
import { alert, client, clientPage, decision, overview } from '../../tests/fixture_data';
import { alertQuery, matchesAlert, readAlertFilter, writeAlertFilter } from './alert_filter';
import { ratesOf, readFeatures, readTimeline, strangeness, strangestFirst } from './behaviour';
import { columns, withFigures } from './curve';
import { decisionState } from './decision';
import { decisionQuery, readDecisionFilter, writeDecisionFilter } from './decision_filter';
import { beside, isAbove } from './hours';
import { append, putFirst } from './list';
import { writeOrder } from './order';
import { readPlace, referenceOf, referenceTyped } from './place';
import { standing } from './standing';
import { keepVerdict } from './verdict';

const NOW = Date.now();

test('an address names its page', () => {
  const check = (path: string, page: string, ref = '') => expect(readPlace(path, ''), path).toMatchObject({ page, ref });
  check('/', 'overview');
  check('/alerts', 'alerts');
  check('/alerts/', 'alerts');
  check('/clients', 'clients');
  check('/clients/ip/203.0.113.9', 'client', 'ip/203.0.113.9');
  check('/clients/range/2001%3Adb8%3A%3A%2F64', 'client', 'range/2001%3Adb8%3A%3A%2F64');
  check('/clients/user_agent/%3Cscript%3E', 'client', 'user_agent/%3Cscript%3E');
  check('/clients/ip/a/b', 'missing');
  check('/constructor', 'missing');
});

test('a typed client is named as the API names it', () => {
  const check = (text: string, expected: string | null) => expect(referenceTyped(text), text).toBe(expected);
  check(' 203.0.113.9 ', 'ip/203.0.113.9');
  check('2001:db8::/64', 'range/2001%3Adb8%3A%3A%2F64');
  check('user_agent/curl/8.7 (x)', 'user_agent/curl%2F8.7%20%28x%29');
  check('', null);
  expect(referenceOf('route', "a'b!*")).toBe('route/a%27b%21%2A');
});

test('filters survive the way through the address', () => {
  const query = new URLSearchParams({ action: 'block', threat: 'scraping', text: "' OR 1=1 &x=<b>", verdict: 'none', last: '3600', order: 'likeliest' });
  const filter = readAlertFilter(new URLSearchParams(writeAlertFilter(readAlertFilter(query)).toString()));
  expect(filter).toEqual({ action: 'block', threat: 'scraping', text: "' OR 1=1 &x=<b>", verdict: 'none', secs: 3600, isLikeliest: true });
  expect(alertQuery(filter, 7_200_000)['from']).toBe('1970-01-01T01:00:00.000Z');
  expect(readAlertFilter(new URLSearchParams('last=-5')).secs).toBe(0);
  expect(readAlertFilter(new URLSearchParams('last=many')).secs).toBe(0);
  expect(readAlertFilter(new URLSearchParams('verdict=perhaps')).verdict).toBe('');
  const decisions = readDecisionFilter(new URLSearchParams('state=sideways&client=2001:db8::/64'));
  expect(writeDecisionFilter(decisions).toString()).toBe('client=2001%3Adb8%3A%3A%2F64');
  expect(decisionQuery(decisions)).toMatchObject({ state: 'active', mode: 'enforced', scope: 'range', value: '2001:db8::/64' });
});

test('a live alert joins the list only where the filter would show it', () => {
  const filter = readAlertFilter(new URLSearchParams('action=block&threat=credential_stuffing'));
  expect(matchesAlert(filter, alert(0))).toBe(true);
  expect(matchesAlert(filter, alert(2))).toBe(false);
  const open = readAlertFilter(new URLSearchParams('verdict=none'));
  expect([0, 1, 2].map((number) => matchesAlert(open, alert(number)))).toEqual([true, false, false]);
});

test('an alert that grows keeps what was said of it', () => {
  const known = [alert(1), alert(2)];
  expect(keepVerdict({ ...alert(2), verdict: null }, known).verdict?.by).toBe('mira');
  expect(keepVerdict({ ...alert(0), verdict: null }, known).verdict).toBeNull();
});

test('an alert that grows takes its own place, a new one the first', () => {
  const items = [{ id: 'b', n: 1 }, { id: 'a', n: 1 }];
  const key = (item: { id: string }) => item.id;
  expect(putFirst(items, { id: 'a', n: 2 }, key, 2)).toEqual([{ id: 'b', n: 1 }, { id: 'a', n: 2 }]);
  expect(putFirst(items, { id: 'c', n: 1 }, key, 2)).toEqual([{ id: 'c', n: 1 }, { id: 'b', n: 1 }]);
  expect(append(items, [{ id: 'a', n: 1 }, { id: 'z', n: 1 }], key).map(key)).toEqual(['b', 'a', 'z']);
});

test('features and timelines of a wrong shape are left out', () => {
  for (const value of [null, undefined, 7, 'x', {}, [null, 7, { name: 4 }, { name: 'x', value: Number.NaN, typical: 1 }]]) {
    expect(readFeatures(value)).toEqual([]);
    expect(readTimeline(value)).toEqual([]);
  }
  const rows = readFeatures(clientPage(client('203.0.113.9')).features);
  expect(strangestFirst(rows)[0]?.name).toBe('login_failure_count');
  expect(readTimeline([{ at: '2026-11-25T01:00:10Z', requests: 2 }, { at: '2026-11-25T01:00:00Z', requests: 1 }]).map((point) => point.requests)).toEqual([1, 2]);
});

test('a feature is strange beyond the extreme, and not on the other side of typical', () => {
  const check = (value: number, typical: number, extreme: number | null, expected: number) =>
    expect(strangeness({ name: 'x', unit: '', value, typical, extreme, contribution: 0 }), `${value}`).toBe(expected);
  check(9, 1, 5, 2);
  check(3, 1, 5, 0.5);
  check(-9, 1, 5, 1);
  check(0, 1, 5, 0.25);
  check(1, 4, 2, 1.5);
  check(1, 1, 1, 0);
  check(2, 0, 0, Number.MAX_VALUE);
  check(7, 1, null, 1);
});

test('a timeline is drawn per second, however far its points are apart', () => {
  const at = (secs: number) => new Date(NOW + secs * 1000).toISOString();
  const point = (secs: number, requests: number, stopped: number) => ({ at: at(secs), requests, errors: requests, stopped, score: null });
  const points = [point(4, 8, 0), point(14, 30, 20), point(14, 2, 2)];
  const rates = (firstSeen: string) => ratesOf(points, firstSeen).map((rate) => [rate.at, rate.requests, rate.errors, rate.stopped]);
  const drawn = [[at(4), 2, 2, 0], [at(14), 3, 3, 2], [at(14), 2, 2, 2]];
  expect(rates(at(0))).toEqual([[at(0), 2, 2, 0], ...drawn]);
  expect(rates('')).toEqual([[at(4), 8, 8, 0], ...drawn.slice(1)]);
  expect(ratesOf([], at(0))).toEqual([]);
});

test('the running minute replaces its earlier figures and the sums grow by the difference', () => {
  const before = overview();
  const last = before.points.at(-1);
  if (last === undefined) throw new Error('the overview has points');
  const { at, ...counts } = last;
  const after = withFigures(before, { minute: at, ...counts, requests: counts.requests + 500 });
  expect(after?.points.length).toBe(before.points.length);
  expect(after?.figures.requests).toBe(before.figures.requests + 500);
  const next = new Date(Date.parse(at) + 60_000).toISOString();
  expect(withFigures(before, { minute: next, ...counts })?.points.length).toBe(before.points.length + 1);
  expect(withFigures({ ...before, step_secs: 300 }, { minute: at, ...counts })).toBeNull();
});

test('a curve has a point for every slice, and none before the first figures', () => {
  const value = overview();
  const first = value.points[0];
  const third = value.points[2];
  if (first === undefined || third === undefined) throw new Error('the overview has points');
  const drawn = columns({ ...value, points: [first, third] }, NOW);
  expect(drawn.times.length).toBe(6);
  expect(drawn.requests.slice(-3).map((rate) => rate !== null)).toEqual([true, true, true]);
  expect(drawn.requests.at(-2)).toBe(0);
  expect(drawn.requests[0]).toBeNull();
  expect(columns({ ...value, points: [] }, NOW).times).toEqual([]);
});

test('a decision is over when it expired, was revoked, or is only a shadow', () => {
  const own = decision(0);
  expect(decisionState(own, NOW)).toBe('active');
  expect(decisionState({ ...own, mode: 'shadow' }, NOW)).toBe('shadow');
  expect(decisionState({ ...own, revoked_at: own.created_at }, NOW)).toBe('revoked');
  expect(decisionState(own, Date.parse(own.expires_at))).toBe('expired');
});

test('only orders that change something are offered', () => {
  const page = clientPage(client('203.0.113.9'));
  expect(standing(page, NOW)).toMatchObject({ action: 'block', isByAnother: false, verbs: ['lift', 'allow', 'block'] });
  expect(standing({ ...page, in_force: null }, NOW)).toMatchObject({ action: null, verbs: ['allow', 'block'] });
  const allowed = page.orders.map((order) => ({ ...order, order: { kind: 'allow' as const } }));
  expect(standing({ ...page, in_force: null, orders: allowed, protected_by: 'allowed by mira' }, NOW).verbs).toEqual(['disallow', 'block']);
  const lifted = [...page.orders.map((order) => ({ ...order, order: { kind: 'lift' as const, grace_secs: 1 } })), ...allowed];
  expect(standing({ ...page, in_force: null, orders: lifted, protected_by: 'allowed by mira' }, NOW).verbs).toEqual(['disallow', 'block']);
  expect(standing({ ...page, in_force: null, orders: [], protected_by: 'private address' }, NOW).verbs).toEqual(['block']);
});

test('an order is written as the API takes it', () => {
  const about = client('203.0.113.9');
  expect(writeOrder('block', about, ' load test ', 3600, 0)).toEqual({ kind: 'block', ttl_secs: 3600, client: about, reason: 'load test' });
  expect(writeOrder('allow', about, 'x', 60, 0)).toMatchObject({ kind: 'allow', until: '1970-01-01T00:01:00.000Z' });
  expect(writeOrder('allow', about, 'x', 0, 0)).toMatchObject({ until: null });
});

test('hours stand beside what is usual, where that is known, in a day that ends with the latest', () => {
  const usual = { usual_requests: { from: 200, to: 400 }, usual_failed_sign_ins: { from: 0, to: 12 } };
  const hours = [
    { at: '2026-01-15T08:00:00Z', requests: 300, failed_sign_ins: 4, usual_requests: null, usual_failed_sign_ins: null },
    { at: '2026-01-15T10:00:00Z', requests: 810, failed_sign_ins: 512, ...usual },
  ];
  const drawn = beside(hours);
  expect(drawn.times).toHaveLength(24);
  expect(drawn.times.slice(-3)).toEqual([8, 9, 10].map((hour) => Date.UTC(2026, 0, 15, hour)));
  expect(drawn.failed.slice(-4)).toEqual([null, 4, null, 512]);
  expect(drawn.failedTo.slice(-3)).toEqual([null, null, 12]);
  expect(drawn.requestsFrom.slice(-3)).toEqual([null, null, 200]);
  expect(hours.map(isAbove)).toEqual([false, true]);
  expect(beside([]).times).toEqual([]);
});
