// The requests that show what a client did.

import type { Alert, Evidence } from '../api/types';

/** Most rows that a page shows. */
const ROWS_MAX = 40;

/** The evidence of some alerts, latest first, each request once. */
export function evidenceOf(alerts: readonly Alert[]): Evidence[] {
  const rows = new Map<string, Evidence>();
  for (const row of alerts.flatMap((alert) => alert.evidence)) rows.set(`${row.source}:${row.line}`, row);
  return [...rows.values()].sort((one, other) => Date.parse(other.at) - Date.parse(one.at)).slice(0, ROWS_MAX);
}
