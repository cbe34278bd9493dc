// Where a decision stands.

import type { Decision } from '../api/types';

export type DecisionState = 'active' | 'shadow' | 'expired' | 'revoked';

/** Where a decision stands at a moment. A shadow decision is in force nowhere. */
export function decisionState(decision: Decision, nowMillis: number): DecisionState {
  if (decision.revoked_at) return 'revoked';
  if (Date.parse(decision.expires_at) <= nowMillis) return 'expired';
  return decision.mode === 'enforced' ? 'active' : 'shadow';
}
