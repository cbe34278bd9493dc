// Where a client stands: what is in force about it, and which orders make sense.

import type { ClientPage, Decision } from '../api/types';
import { decisionState } from './decision';
import type { OrderVerb } from './order';

export interface Standing {
  /** The decision in force; its own or that of a range around it. */
  decision: Decision | null;
  /** The action in force; null when the client passes. */
  action: string | null;
  /** Whether the decision in force names something around the client. */
  isByAnother: boolean;
  /** Why a decision about it would not be carried out. */
  protectedBy: string | null;
  /** Orders that change something, the likeliest first. */
  verbs: OrderVerb[];
}

/** Where a client stands at a moment. */
export function standing(page: ClientPage, nowMillis: number): Standing {
  const inForce = page.in_force ?? null;
  const own = page.decisions.find((decision) => decision.id === inForce) ?? null;
  const isStillActive = own === null || decisionState(own, nowMillis) === 'active';
  const isInForce = inForce !== null && isStillActive;
  const protectedBy = page.protected_by ?? null;
  const verbs: OrderVerb[] = [];
  if (isInForce) verbs.push('lift');
  // The newest order that touches the allowlist says whether the client is allowed by a person; the configuration's entries stay.
  const isAboutAllowing = (kind: string) => kind === 'allow' || kind === 'disallow' || kind === 'block';
  const isAllowedByOrder = page.orders.find((order) => isAboutAllowing(order.order.kind))?.order.kind === 'allow';
  if (protectedBy !== null && isAllowedByOrder) verbs.push('disallow');
  else if (protectedBy === null) verbs.push('allow');
  verbs.push('block');
  return {
    decision: isInForce ? own : null,
    action: isInForce ? (own?.action ?? 'block') : null,
    isByAnother: isInForce && own !== null && own.ref !== page.client.ref,
    protectedBy,
    verbs,
  };
}
