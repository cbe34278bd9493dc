// The latest hours as the columns of a chart.

import type { Hour } from '../api/types';

type Column = (number | null)[];

/** Columns of equal length, one value for each hour; null before it is known what is usual. */
export interface HourColumns {
  /** Milliseconds. */
  times: number[];
  requests: Column;
  requestsFrom: Column;
  requestsTo: Column;
  failed: Column;
  failedFrom: Column;
  failedTo: Column;
}

const HOUR = 3_600_000;
/** Hours that are drawn: a day, also while the first of them were not seen. */
const DRAWN = 24;

/** Each hour of the day that ends with the latest, beside what is usual then; nothing where nothing was seen. */
export function beside(hours: readonly Hour[]): HourColumns {
  const seen = new Map(hours.map((hour) => [Date.parse(hour.at), hour]));
  const latest = Math.max(...seen.keys());
  const times = seen.size === 0 ? [] : Array.from({ length: DRAWN }, (_, place) => latest - (DRAWN - 1 - place) * HOUR);
  const column = (read: (hour: Hour) => number | null | undefined): Column =>
    times.map((at) => {
      const hour = seen.get(at);
      return hour === undefined ? null : (read(hour) ?? null);
    });
  return {
    times,
    requests: column((hour) => hour.requests),
    requestsFrom: column((hour) => hour.usual_requests?.from),
    requestsTo: column((hour) => hour.usual_requests?.to),
    failed: column((hour) => hour.failed_sign_ins),
    failedFrom: column((hour) => hour.usual_failed_sign_ins?.from),
    failedTo: column((hour) => hour.usual_failed_sign_ins?.to),
  };
}

/** Whether an hour has more failed sign-ins than are usual. */
export function isAbove(hour: Hour): boolean {
  const usual = hour.usual_failed_sign_ins;
  return usual != null && hour.failed_sign_ins > usual.to;
}
