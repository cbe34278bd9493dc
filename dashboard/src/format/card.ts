// A model's card, whose fields are the model's own business, as rows of text.

import { fraction } from './number';
import { sentenceCase } from './threat';

export interface CardRow {
  name: string;
  text: string;
}

/** Most rows of a card, and how deep it is read: the rest is left to the API. */
const ROWS_MAX = 200;
const DEPTH_MAX = 4;

/** The rows of a card, nested names joined: `Training · Rows`. */
export function cardRows(card: unknown): CardRow[] {
  const rows: CardRow[] = [];
  collect(card, '', 0, rows);
  return rows;
}

function collect(value: unknown, name: string, depth: number, rows: CardRow[]): void {
  if (rows.length >= ROWS_MAX || value === null || value === undefined) return;
  if (typeof value !== 'object') {
    rows.push({ name: name === '' ? 'Card' : name, text: plain(value) });
    return;
  }
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)) {
    rows.push({ name, text: value.map(plain).join(', ') });
    return;
  }
  if (depth >= DEPTH_MAX) {
    rows.push({ name, text: JSON.stringify(value) });
    return;
  }
  for (const [key, part] of Object.entries(value)) {
    const own = Array.isArray(value) ? String(Number(key) + 1) : sentenceCase(key);
    collect(part, name === '' ? own : `${name} · ${own}`, depth + 1, rows);
  }
}

function plain(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : fraction(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === null || value === undefined ? '–' : String(value);
}
