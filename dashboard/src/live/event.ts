// Live events, checked: the stream is no route with a type of its own.

import type { Alert, Decision, Order } from '../api/types';

/** The figures of the running minute. They replace those of the same minute. */
export interface LiveFigures {
  minute: string;
  requests: number;
  rejected: number;
  clients: number;
  alerts: number;
  blocks: number;
  stopped: number;
}

/** What the stream may bring. `anew` means that something was missed and everything must be read again. */
export interface LiveEvents {
  alert: Alert;
  decision: Decision;
  order: Order;
  figures: LiveFigures;
  anew: null;
}

const FIGURES = ['requests', 'rejected', 'clients', 'alerts', 'blocks', 'stopped'] as const;

/** Reads an event's data; null for what is not JSON of that kind. */
export function readObject(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Reads the figures of a minute; null when they are none. */
export function readFigures(data: string): LiveFigures | null {
  const value = readObject(data);
  const isWhole = FIGURES.every((name) => typeof value?.[name] === 'number');
  return value !== null && isWhole && typeof value['minute'] === 'string' ? (value as unknown as LiveFigures) : null;
}
