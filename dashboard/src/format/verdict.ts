// Verdicts in words.

import type { Ranked } from '../api/types';
import { counted } from './number';

export const JUDGEMENTS = ['attack', 'false_positive'] as const;

export type Judgement = (typeof JUDGEMENTS)[number];

/** `False positive`. One that this page does not know is shown as it came. */
export function judgementSaid(judgement: string): string {
  switch (judgement) {
    case 'attack':
      return 'Attack';
    case 'false_positive':
      return 'False positive';
    default:
      return judgement;
  }
}

/** What the order of alerts rests on, or what is missing for one. */
export function restsOn(ranked: Ranked): string {
  const named = `${counted(ranked.attacks, 'attack')} and ${counted(ranked.false_positives, 'false positive')}`;
  if (ranked.is_ranked) return `The order rests on ${named} that people named. It decides nothing.`;
  return `The latest first: people named ${named}. An order takes ${ranked.verdicts_needed} verdicts, ${ranked.each_needed} of each.`;
}
