// What was seen of the models while they scored, in words.

import type { Agreement, Drift, Model } from '../api/types';
import { counted, fraction, whole } from './number';

/** From this share of a large index on a feature has moved a little: 0.1 of 0.25, as the index is usually read. */
const MODERATE_SHARE = 0.4;

/** What a model does now. */
export function modelStanding(model: Model): string {
  if (model.role === 'challenger') return 'challenges';
  if (model.retired_at) return 'retired';
  return model.activated_at ? 'in use' : 'waiting';
}

/** How far a feature has moved: `hardly`, `a little`, `much`. */
export function movement(index: number, large: number): string {
  if (index > large) return 'much';
  return index > large * MODERATE_SHARE ? 'a little' : 'hardly';
}

export interface Verdict {
  kind: 'moved' | 'still' | 'unknown';
  title: string;
  text: string;
}

/** Whether clients have changed, and what to do about it. */
export function driftVerdict(drift: Drift): Verdict {
  const moved = drift.alarms.length;
  if (moved > 0) {
    return {
      kind: 'moved',
      title: `Clients have changed since the days before: ${counted(moved, 'feature')} moved by much`,
      text: 'Look at the alerts first: an attack moves features too. Then at what changed on the site: a release, a campaign, a new partner. If it is to stay, train a model on what is usual now.',
    };
  }
  if (drift.client_days < drift.client_days_min) {
    const text = `${counted(drift.client_days, 'client-day')} of the ${whole(drift.client_days_min)} that it takes.`;
    return { kind: 'unknown', title: 'Too few clients in a day to say whether they have changed', text };
  }
  if (drift.features.every((feature) => feature.site == null)) {
    const text = 'It takes eight whole days to know what is usual here.';
    return { kind: 'unknown', title: 'Too early to say whether clients have changed since the days before', text };
  }
  return { kind: 'still', title: 'Clients are like those of the days before', text: '' };
}

/** What the verdict rests on. */
export function driftBasis(drift: Drift): string {
  const day = drift.is_whole ? `On ${drift.day} (UTC)` : `Since the start, on ${drift.day} (UTC) so far`;
  const left = drift.beyond > 0 ? `; ${whole(drift.beyond)} that the model finds beyond the budget were left out` : '';
  const before = drift.client_days_before > 0 ? `, held against ${whole(drift.client_days_before)} of the days before` : '';
  return `${day}: ${counted(drift.client_days, 'client-day')}${before}${left}.`;
}

/** How alike a challenger and the model that decides are. */
export function agreementTold(agreement: Agreement): string {
  if (agreement.client_days === 0) return 'Nothing was compared yet.';
  const { both, champion_only, challenger_only } = agreement;
  const beyond =
    both + champion_only + challenger_only === 0
      ? `neither model finds one beyond a budget of ${whole(agreement.budget)} wrong blocks per million`
      : `beyond a budget of ${whole(agreement.budget)} wrong blocks per million: ${whole(both)} for both models, ` +
        `${whole(champion_only)} for the one in use alone, ${whole(challenger_only)} for this one alone`;
  const rank = agreement.rank == null ? '' : ` They rank clients alike to ${fraction(agreement.rank)}, where 1 is the same order and 0 no more than chance.`;
  return `Of ${counted(agreement.client_days, 'client-day')} since the start, ${beyond}.${rank}`;
}
