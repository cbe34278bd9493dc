// Curves of the overview, from the API's points and the live figures.

import type { Overview, StatsPoint } from '../api/types';
import type { LiveFigures } from '../live/event';

/** Fewest steps that a curve shows: a young installation's first minutes are not stretched over the screen. */
const STEPS_MIN = 6;
/** The running slice's rate is not computed from less than this: it would jump. */
const RATE_SECS_MIN = 5;

/** Aligned columns for a chart. */
export interface Columns {
  /** Beginning of each slice in milliseconds. */
  times: number[];
  /** Per second; null before the first figures. */
  requests: (number | null)[];
  stopped: (number | null)[];
  /** Per slice. */
  alerts: (number | null)[];
  blocks: (number | null)[];
}

/** The columns of an overview. Slices without figures count as zero, as nothing was read in them. */
export function columns(overview: Overview, nowMillis: number): Columns {
  const stepMillis = overview.step_secs * 1000;
  const byStart = new Map(overview.points.map((point) => [Date.parse(point.at), point]));
  const first = overview.points[0];
  const result: Columns = { times: [], requests: [], stopped: [], alerts: [], blocks: [] };
  const last = overview.points.at(-1);
  if (first === undefined || last === undefined || stepMillis <= 0) return result;
  const end = Date.parse(last.at);
  const begin = Math.min(Date.parse(first.at), end - (STEPS_MIN - 1) * stepMillis);
  for (let start = begin; start <= end; start += stepMillis) {
    const point = byStart.get(start);
    const isBefore = start < Date.parse(first.at);
    const secs = Math.min(overview.step_secs, Math.max(RATE_SECS_MIN, (nowMillis - start) / 1000));
    const value = (count: number | undefined, divisor: number) => (isBefore ? null : (count ?? 0) / divisor);
    result.times.push(start);
    result.requests.push(value(point?.requests, secs));
    result.stopped.push(value(point?.stopped, secs));
    result.alerts.push(value(point?.alerts, 1));
    result.blocks.push(value(point?.blocks, 1));
  }
  return result;
}

const COUNTS = ['requests', 'rejected', 'alerts', 'blocks', 'stopped'] as const;

/**
 * The overview with the running minute's figures in it. They replace the minute's earlier ones, so the sums grow by
 * the difference. Null where slices are longer than a minute: then it has to be read anew.
 */
export function withFigures(overview: Overview, live: LiveFigures): Overview | null {
  if (overview.step_secs !== 60) return null;
  const millis = Date.parse(live.minute);
  const before = overview.points.find((point) => Date.parse(point.at) === millis);
  const figures = { ...overview.figures };
  for (const name of COUNTS) figures[name] += live[name] - (before?.[name] ?? 0);
  const { minute, ...counts } = live;
  const point: StatsPoint = { at: minute, ...counts };
  const others = overview.points.filter((other) => other !== before);
  const points = [...others, point].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return { ...overview, figures, points };
}
