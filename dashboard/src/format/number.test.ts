import { expect, test } from 'vitest';
import { brief, bytes, counted, ordinal, percent, rarity } from './number';

test('numbers are brief without losing what matters', () => {
  const check = (value: number, expected: string) => expect(brief(value), String(value)).toBe(expected);
  check(0, '0');
  check(7, '7');
  check(9_840, '9,840');
  check(12_345, '12.3k');
  check(999_960, '1M');
  check(4_560_000, '4.56M');
  check(0.25, '0.25');
  check(2_268.4, '2,268');
  check(Number.NaN, '–');
});

test('a share is written as a percentage that is never rounded to nothing', () => {
  const check = (share: number, expected: string) => expect(percent(share), String(share)).toBe(expected);
  check(0.97, '97%');
  check(0.0214, '2.1%');
  check(0.00004, '<0.1%');
  check(0, '0%');
  check(1, '100%');
});

test('a small p-value is told as odds', () => {
  const check = (value: number, expected: string) => expect(rarity(value), String(value)).toBe(expected);
  check(3.1e-6, '1 in 320,000');
  check(0.02, '1 in 50');
  check(0.5, '50%');
  check(0, 'fewer than 1 in a billion');
  check(Number.NaN, '–');
});

test('counts agree with their nouns', () => {
  expect(counted(1, 'request')).toBe('1 request');
  expect(counted(1204, 'request')).toBe('1,204 requests');
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd']);
});

test('sizes are in binary units', () => {
  expect([0, 310, 8200, 4_100_000].map(bytes)).toEqual(['0 B', '310 B', '8.01 KiB', '3.91 MiB']);
});
