// Orders in words.

import type { OrderKind } from '../api/types';
import { span } from './duration';
import { full } from './time';
import { judgementSaid } from './verdict';

/** `Blocked for 4 h`. */
export function orderDone(order: OrderKind): string {
  switch (order.kind) {
    case 'block':
      return `Blocked for ${span(order.ttl_secs)}`;
    case 'lift':
      return `Lifted, machine held back for ${span(order.grace_secs)}`;
    case 'revoke':
      return 'Ended one decision';
    case 'allow':
      return order.until ? `Allowed until ${full(order.until)}` : 'Allowed for good';
    case 'disallow':
      return 'Taken off the allowlist';
    case 'suspend':
      return order.until ? `Everything suspended until ${full(order.until)}` : 'Everything suspended';
    case 'report':
      return 'Reported';
    case 'resume':
      return 'Decisions carried out again';
    case 'verdict':
      return `Alert judged: ${judgementSaid(order.judgement).toLowerCase()}`;
  }
}
