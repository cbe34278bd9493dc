import { expect, test } from 'vitest';
import { readFigures, type LiveFigures } from './event';
import { NO_RATES, nextRates, RATE_POINTS_MAX } from './rate';
import { begin, liveStatus, lost, opened, retryMillis, STALE_AFTER_MILLIS } from './status';

const figures = (requests: number, minute = '2026-11-25T01:00:00Z'): LiveFigures => ({
  minute,
  requests,
  rejected: 0,
  clients: 1,
  alerts: 0,
  blocks: 0,
  stopped: 0,
});

test('a page is live while its stream is open, then reconnecting, then stale', () => {
  const fresh = begin(0);
  expect(liveStatus(fresh, 100)).toBe('connecting');
  expect(liveStatus(fresh, STALE_AFTER_MILLIS)).toBe('stale');
  const open = opened(fresh);
  expect(liveStatus(open, 10 * STALE_AFTER_MILLIS)).toBe('live');
  const broken = lost(open, 50_000);
  expect(liveStatus(broken, 50_100)).toBe('reconnecting');
  expect(liveStatus(lost(broken, 59_000), 50_000 + STALE_AFTER_MILLIS)).toBe('stale');
  expect(liveStatus(opened(broken), 70_000)).toBe('live');
});

test('attempts grow apart up to a limit and never come at once', () => {
  expect(retryMillis(1, 0)).toBe(500);
  expect(retryMillis(50, 1)).toBe(15_000);
  for (const attempt of [0, 1, 5, 1000]) expect(retryMillis(attempt, 0)).toBeGreaterThanOrEqual(250);
});

test('the present rate is the difference of two figures of one minute', () => {
  let rates = nextRates(NO_RATES, figures(1000), 0);
  expect(rates.points).toEqual([]);
  rates = nextRates(rates, figures(3000), 1000);
  expect(rates.points.at(-1)?.requests).toBe(2000);
  rates = nextRates(rates, figures(3100), 1100);
  expect(rates.points.length, 'too near to be a rate').toBe(1);
  rates = nextRates(rates, figures(40, '2026-11-25T01:01:00Z'), 2000);
  expect(rates.points.length, 'another minute begins anew').toBe(1);
  rates = nextRates(rates, figures(2040, '2026-11-25T01:01:00Z'), 3000);
  expect(rates.points.at(-1)?.requests).toBe(2000);
});

test('the rates of a long day stay few', () => {
  let rates = NO_RATES;
  for (let second = 0; second < 1000; second += 1) rates = nextRates(rates, figures(second * 10), second * 1000);
  expect(rates.points.length).toBe(RATE_POINTS_MAX);
});

test('what is no figure is not read as one', () => {
  expect(readFigures('{"minute":"x","requests":"many"}')).toBeNull();
  expect(readFigures('<html>')).toBeNull();
  expect(readFigures('null')).toBeNull();
  expect(readFigures(JSON.stringify(figures(3)))?.requests).toBe(3);
});
