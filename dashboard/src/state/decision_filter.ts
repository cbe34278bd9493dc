// Which decisions are wanted: kept in the page's query, sent to the API.

import type { Query } from '../api/routes';
import type { Decision } from '../api/types';
import { referenceTyped } from './place';

/** What narrows the list of decisions; empty fields do not. */
export interface DecisionFilter {
  /** `active`, `revoked`, `expired` or `all`. */
  state: string;
  action: string;
  threat: string;
  /** What a person typed. */
  client: string;
}

const STATES = ['active', 'revoked', 'expired', 'all'];

/** Reads the page's query. */
export function readDecisionFilter(query: URLSearchParams): DecisionFilter {
  const state = query.get('state') ?? 'active';
  return {
    state: STATES.includes(state) ? state : 'active',
    action: query.get('action') ?? '',
    threat: query.get('threat') ?? '',
    client: query.get('client') ?? '',
  };
}

/** The page's query for a filter. */
export function writeDecisionFilter(filter: DecisionFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.state !== 'active') query.set('state', filter.state);
  if (filter.action !== '') query.set('action', filter.action);
  if (filter.threat !== '') query.set('threat', filter.threat);
  if (filter.client !== '') query.set('client', filter.client);
  return query;
}

/** What the API is asked. What is in force is what is carried out: shadow decisions are in no blocklist. */
export function decisionQuery(filter: DecisionFilter): Query {
  const ref = referenceTyped(filter.client);
  const [scope, value] = ref === null ? ['', ''] : splitReference(ref);
  return {
    state: filter.state === 'all' ? '' : filter.state,
    mode: filter.state === 'active' ? 'enforced' : '',
    action: filter.action,
    threat: filter.threat,
    scope,
    value,
  };
}

/** Whether a decision that an event brought belongs into the list. */
export function matchesDecision(filter: DecisionFilter, decision: Decision): boolean {
  return (
    (filter.state === 'active' || filter.state === 'all') &&
    (filter.state === 'all' || (decision.mode === 'enforced' && !decision.revoked_at)) &&
    (filter.action === '' || decision.action === filter.action) &&
    (filter.threat === '' || decision.threat === filter.threat) &&
    filter.client === ''
  );
}

function splitReference(ref: string): [string, string] {
  const place = ref.indexOf('/');
  return [ref.slice(0, place), decodeURIComponent(ref.slice(place + 1))];
}
