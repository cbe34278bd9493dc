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

/** Each hour beside what is usual then. */
export function beside(hours: readonly Hour[]): HourColumns {
  return {
    times: hours.map((hour) => Date.parse(hour.at)),
    requests: hours.map((hour) => hour.requests),
    requestsFrom: hours.map((hour) => hour.usual_requests?.from ?? null),
    requestsTo: hours.map((hour) => hour.usual_requests?.to ?? null),
    failed: hours.map((hour) => hour.failed_sign_ins),
    failedFrom: hours.map((hour) => hour.usual_failed_sign_ins?.from ?? null),
    failedTo: hours.map((hour) => hour.usual_failed_sign_ins?.to ?? null),
  };
}

/** Whether an hour has more failed sign-ins than are usual. */
export function isAbove(hour: Hour): boolean {
  const usual = hour.usual_failed_sign_ins;
  return usual != null && hour.failed_sign_ins > usual.to;
}
