// What was said of alerts, where events do not tell it.

import type { Alert } from '../api/types';

/** An alert that an event brought, with the verdict that the list knows: events carry none. */
export function keepVerdict(alert: Alert, known: readonly Alert[]): Alert {
  const verdict = alert.verdict ?? known.find((other) => other.id === alert.id)?.verdict ?? null;
  return { ...alert, verdict };
}
