// What happened with a client, in one sentence.

import type { Alert, ClientName } from '../api/types';
import { millisBetween, span } from './duration';
import { counted, percent } from './number';
import { actionDone, scopeName, threatName } from './threat';

/** Actions, the mildest first. */
const STRENGTH = ['observe', 'challenge', 'throttle', 'block'];

/** The alert that says why a client is treated as it is: the latest of those with the strongest action. */
export function mainAlert(alerts: readonly Alert[]): Alert | undefined {
  const strength = (alert: Alert) => STRENGTH.indexOf(alert.action);
  // They stand the latest first, and the first of equals stays.
  return alerts.reduce<Alert | undefined>((best, next) => (best && strength(best) >= strength(next) ? best : next), undefined);
}

/** The threat that the evidence names most surely. */
export function mainThreat(alert: Alert): string {
  return alert.threats[0]?.kind ?? 'anomaly';
}

/** `Stood out for credential stuffing (98% sure) after 12 requests; blocked 8 s later, after 31 requests.` */
export function tellAlert(alert: Alert): string {
  const threat = alert.threats[0];
  const name = threat ? threatName(threat.kind).toLowerCase() : 'behaviour unlike any other';
  const sureness = threat ? ` (${percent(threat.confidence)} sure)` : '';
  if (alert.members_in_all > 0) return tellCampaign(alert, `${name}${sureness}`);
  const begin = `Stood out for ${name}${sureness} after ${counted(alert.requests_before_alert, 'request')}`;
  if (alert.action === 'observe') {
    const why = alert.held_back ? `: ${alert.held_back}` : '';
    return `${begin}; only observed${why}.`;
  }
  const done = actionDone(alert.action);
  if (!alert.action_at) return `${begin}; ${done}.`;
  const secs = millisBetween(alert.alerted_at, alert.action_at) / 1000;
  if (secs < 1) return `${begin} and was ${done} at once.`;
  const total = alert.requests_before_action;
  const after = total === null || total === undefined ? '' : `, after ${counted(total, 'request')}`;
  return `${begin} and was ${done} ${span(secs)} later${after}.`;
}

/** `A campaign of 40 clients: reconnaissance (97% sure); its members are blocked.` */
function tellCampaign(alert: Alert, named: string): string {
  const begin = `A campaign of ${counted(alert.members_in_all, 'client')}: ${named}`;
  if (alert.action !== 'observe') return `${begin}; members are ${actionDone(alert.action)}, each by itself.`;
  const why = alert.held_back ? `: ${alert.held_back}` : '';
  return `${begin}; only observed${why}.`;
}

/** `address 203.0.113.9`. */
export function tellClient(client: ClientName): string {
  return `${scopeName(client.scope)} ${client.value}`;
}
