// Verdicts in words.

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
