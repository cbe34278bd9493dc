// Requests per second, from the running minute's figures: they only count up until the next minute begins.

import type { LiveFigures } from './event';

/** Points that are kept: five minutes at one a second. */
export const RATE_POINTS_MAX = 300;
/** Events closer together than this are put into one point: a difference of few requests is noise. */
const STEP_MILLIS_MIN = 900;

/** One moment's rates. */
export interface RatePoint {
  millis: number;
  /** Requests per second. */
  requests: number;
  /** Stopped requests per second. */
  stopped: number;
}

/** What is remembered of the events. */
export interface Rates {
  points: RatePoint[];
  last: { millis: number; figures: LiveFigures } | null;
}

export const NO_RATES: Rates = { points: [], last: null };

/** The rates after an event that arrived at `millis`. */
export function nextRates(rates: Rates, figures: LiveFigures, millis: number): Rates {
  const last = rates.last;
  if (last === null || figures.minute < last.figures.minute) {
    return last === null ? { points: rates.points, last: { millis, figures } } : rates;
  }
  const passed = millis - last.millis;
  if (figures.minute !== last.figures.minute) {
    // What the old minute still got is not known: the next event begins anew.
    return { points: rates.points, last: { millis, figures } };
  }
  if (passed < STEP_MILLIS_MIN) return rates;
  const rate = (now: number, before: number) => (Math.max(0, now - before) * 1000) / passed;
  const point = {
    millis,
    requests: rate(figures.requests, last.figures.requests),
    stopped: rate(figures.stopped, last.figures.stopped),
  };
  return { points: [...rates.points, point].slice(-RATE_POINTS_MAX), last: { millis, figures } };
}
