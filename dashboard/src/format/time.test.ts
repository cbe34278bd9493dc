import { expect, test } from 'vitest';
import { roughly, span, spanInWords } from './duration';
import { clock, full, relative, remaining } from './time';

const NOW = Date.parse('2026-11-25T01:30:00Z');
const before = (secs: number) => new Date(NOW - secs * 1000).toISOString();

test('a length of time has two units at most', () => {
  const check = (secs: number, expected: string) => expect(span(secs), String(secs)).toBe(expected);
  check(0, '0 s');
  check(0.046, '46 ms');
  check(2.4, '2.4 s');
  check(42, '42 s');
  check(300, '5 min');
  check(5400, '1 h 30 min');
  check(90_000, '1 d 1 h');
  check(86_400 * 12 + 7200, '12 d');
  check(-60, '−1 min');
  check(Number.NaN, '–');
});

test('an offered length of time is a whole number of its unit', () => {
  expect([900, 3600, 14_400, 86_400, 604_800].map(spanInWords)).toEqual(['15 minutes', '1 hour', '4 hours', '1 day', '7 days']);
  expect([5, 65, 7199, 86_400].map(roughly)).toEqual(['5 s', '1 min', '1 h', '1 d']);
});

test('a moment is told by how long ago it was', () => {
  const check = (at: string, expected: string) => expect(relative(at, NOW), at).toBe(expected);
  check(before(0), 'just now');
  check(before(-3), 'just now');
  check(before(12), '12 s ago');
  check(before(300), '5 min ago');
  check(before(-12_000), 'in 3 h 20 min');
  check('yesterday', 'at an unknown time');
});

test('what is left of a decision ends at nothing', () => {
  expect(remaining(before(-14_000), NOW)).toBe('3 h 53 min');
  expect(remaining(before(1), NOW)).toBe('over');
  expect(remaining('never', NOW)).toBe('–');
});

test('a time that is none is not drawn as one', () => {
  expect(clock('<script>', NOW)).toBe('–');
  expect(full('<script>')).toBe('');
});
