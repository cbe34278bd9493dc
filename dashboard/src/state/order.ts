// Orders that a person may give, and the lengths of time that are offered for them.

import type { ClientName, NewOrder } from '../api/types';

export type OrderVerb = 'block' | 'lift' | 'allow' | 'disallow';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Lengths in seconds for each order; 0 is for good. Blocks without an end do not exist. */
export const ORDER_SPANS: Record<OrderVerb, readonly number[]> = {
  block: [900, HOUR, 4 * HOUR, DAY, 7 * DAY, 30 * DAY],
  lift: [HOUR, 4 * HOUR, DAY, 7 * DAY],
  allow: [0, DAY, 7 * DAY, 30 * DAY, 90 * DAY],
  disallow: [],
};

/** The length that is chosen first. */
export const FIRST_SPANS: Record<OrderVerb, number> = { block: 4 * HOUR, lift: 4 * HOUR, allow: 7 * DAY, disallow: 0 };

/** Longest reason in characters: the store keeps 2,000 bytes, and a character takes up to four. */
export const REASON_MAX = 500;

/** For how long everything may be suspended, in seconds; 0 is until somebody resumes. */
export const SUSPEND_SPANS: readonly number[] = [0, 900, HOUR, 4 * HOUR, DAY];

/** An order to suspend everything, or to carry it out again. */
export function writeSuspension(isSuspended: boolean, reason: string, secs: number, nowMillis: number): NewOrder {
  const why = reason.trim();
  if (isSuspended) return { kind: 'resume', reason: why };
  return { kind: 'suspend', until: secs === 0 ? null : new Date(nowMillis + secs * 1000).toISOString(), reason: why };
}

/** The order in the API's form. */
export function writeOrder(verb: OrderVerb, client: ClientName, reason: string, secs: number, nowMillis: number): NewOrder {
  const about = { client, reason: reason.trim() };
  switch (verb) {
    case 'block':
      return { kind: 'block', ttl_secs: secs, ...about };
    case 'lift':
      return { kind: 'lift', grace_secs: secs, ...about };
    case 'allow':
      return { kind: 'allow', until: secs === 0 ? null : new Date(nowMillis + secs * 1000).toISOString(), ...about };
    case 'disallow':
      return { kind: 'disallow', ...about };
  }
}
