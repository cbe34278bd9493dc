// Moments as a person reads them, in the reader's own time zone.

import { roughly, span } from './duration';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY_CLOCK = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const FULL = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
/** Events this much ahead of this machine's clock are now: clocks differ. */
const CLOCK_SKEW_MILLIS = 5_000;

/** `just now`, `12 s ago`, `5 min ago`, `in 3 h 20 min`. */
export function relative(at: string, nowMillis: number): string {
  const millis = Date.parse(at);
  if (Number.isNaN(millis)) return 'at an unknown time';
  const ago = nowMillis - millis;
  if (ago < -CLOCK_SKEW_MILLIS) return `in ${span(Math.ceil(-ago / 1000))}`;
  if (ago < 2_000) return 'just now';
  return `${roughly(Math.floor(ago / 1000))} ago`;
}

/** What is left until then: `3 h 20 min`, `over`. */
export function remaining(until: string, nowMillis: number): string {
  const millis = Date.parse(until) - nowMillis;
  if (Number.isNaN(millis)) return '–';
  return millis <= 0 ? 'over' : span(Math.ceil(millis / 1000));
}

/** `14:03:27` for today, `3 Nov, 14:03` for other days. */
export function clock(at: string, nowMillis: number): string {
  const millis = Date.parse(at);
  if (Number.isNaN(millis)) return '–';
  const isToday = new Date(millis).toDateString() === new Date(nowMillis).toDateString();
  return (isToday ? CLOCK : DAY_CLOCK).format(millis);
}

/** The whole date with the zone, for a tooltip. */
export function full(at: string): string {
  const millis = Date.parse(at);
  return Number.isNaN(millis) ? '' : FULL.format(millis);
}
