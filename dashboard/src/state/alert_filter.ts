// Which alerts are wanted: kept in the page's query, sent to the API.

import type { Query } from '../api/routes';
import type { Alert } from '../api/types';
import { JUDGEMENTS } from '../format/verdict';

/** What narrows the list of alerts; empty fields do not. */
export interface AlertFilter {
  action: string;
  threat: string;
  text: string;
  /** What a person said of it: `attack`, `false_positive`, or `none` for those nobody has judged. */
  verdict: string;
  /** How far back, in seconds; 0 for all. */
  secs: number;
  /** Whether those that nobody has judged come in the order of how likely they are attacks: nothing else narrows them then. */
  isLikeliest: boolean;
}

/** How far back a list may be cut, in seconds. */
export const ALERT_SPANS = [900, 3600, 21_600, 86_400, 604_800] as const;

/** Longest text that is searched for: the API refuses more. */
export const TEXT_MAX = 200;

/** What may be asked for of verdicts. */
const VERDICTS: readonly string[] = [...JUDGEMENTS, 'none'];

/** Reads the page's query. What makes no sense counts as absent. */
export function readAlertFilter(query: URLSearchParams): AlertFilter {
  const secs = Number(query.get('last') ?? 0);
  return {
    action: query.get('action') ?? '',
    threat: query.get('threat') ?? '',
    text: (query.get('text') ?? '').slice(0, TEXT_MAX),
    verdict: VERDICTS.find((verdict) => verdict === query.get('verdict')) ?? '',
    secs: Number.isSafeInteger(secs) && secs > 0 ? secs : 0,
    isLikeliest: query.get('order') === 'likeliest',
  };
}

/** The page's query for a filter. */
export function writeAlertFilter(filter: AlertFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.isLikeliest) query.set('order', 'likeliest');
  if (filter.action !== '') query.set('action', filter.action);
  if (filter.threat !== '') query.set('threat', filter.threat);
  if (filter.text !== '') query.set('text', filter.text);
  if (filter.verdict !== '') query.set('verdict', filter.verdict);
  if (filter.secs > 0) query.set('last', String(filter.secs));
  return query;
}

/** What the API is asked. */
export function alertQuery(filter: AlertFilter, nowMillis: number): Query {
  return {
    action: filter.action,
    threat: filter.threat,
    text: filter.text,
    verdict: filter.verdict,
    from: filter.secs > 0 ? new Date(nowMillis - filter.secs * 1000).toISOString() : '',
  };
}

/** Whether an alert that an event brought belongs into the list. Texts are left to the API, which knows how. */
export function matchesAlert(filter: AlertFilter, alert: Alert): boolean {
  return (
    (filter.action === '' || alert.action === filter.action) &&
    (filter.threat === '' || alert.threats.some((threat) => threat.kind === filter.threat)) &&
    filter.text === '' &&
    (filter.verdict === '' || filter.verdict === (alert.verdict?.judgement ?? 'none'))
  );
}
