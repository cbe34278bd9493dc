// How live the page is: a pure state machine over what the stream does.

export type LiveStatus = 'connecting' | 'live' | 'reconnecting' | 'stale';

/** Without a stream for this long, what is shown may be wrong and is called stale. */
export const STALE_AFTER_MILLIS = 10_000;

/** What is known of the stream. */
export interface StreamState {
  isOpen: boolean;
  /** Whether it was ever open. */
  wasOpen: boolean;
  /** Since when it has not been open. */
  lostAt: number;
}

/** A page that has just begun. */
export function begin(nowMillis: number): StreamState {
  return { isOpen: false, wasOpen: false, lostAt: nowMillis };
}

/** The stream opened. */
export function opened(state: StreamState): StreamState {
  return { ...state, isOpen: true, wasOpen: true };
}

/** The stream broke. Repeated failures do not move the moment when it was lost. */
export function lost(state: StreamState, nowMillis: number): StreamState {
  return state.isOpen ? { ...state, isOpen: false, lostAt: nowMillis } : state;
}

/** What to tell the reader. */
export function liveStatus(state: StreamState, nowMillis: number): LiveStatus {
  if (state.isOpen) return 'live';
  if (nowMillis - state.lostAt >= STALE_AFTER_MILLIS) return 'stale';
  return state.wasOpen ? 'reconnecting' : 'connecting';
}

/** How long to wait before the next attempt: the API may be starting again, and many pages wait for it. */
export function retryMillis(attempt: number, random: number): number {
  const most = Math.min(15_000, 500 * 2 ** Math.min(attempt, 5));
  return Math.round(most * (0.5 + random / 2));
}
