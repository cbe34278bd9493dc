// The stream of live events: kept open while somebody is signed in, taken up again when it breaks.

import { EVENTS_URL } from '../api/routes';
import type { Alert, Decision, Order } from '../api/types';
import { now } from '../state/now.svelte';
import { session } from '../state/session.svelte';
import { readFigures, readObject, type LiveEvents } from './event';
import { begin, liveStatus, lost, opened, retryMillis, type LiveStatus, type StreamState } from './status';

type Listener<Name extends keyof LiveEvents> = (event: LiveEvents[Name]) => void;

class LiveStream {
  #state: StreamState = $state.raw(begin(Date.now()));
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #hasMissed = false;
  #listeners: { [Name in keyof LiveEvents]: Set<Listener<Name>> } = {
    alert: new Set(),
    decision: new Set(),
    order: new Set(),
    figures: new Set(),
    anew: new Set(),
  };

  get status(): LiveStatus {
    return liveStatus(this.#state, now.millis);
  }

  /** Since when there is no stream. */
  get lostAt(): number {
    return this.#state.lostAt;
  }

  start(): void {
    this.stop();
    this.#state = begin(Date.now());
    document.addEventListener('visibilitychange', this.#follow);
    this.#connect();
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#follow);
    this.#disconnect();
  }

  /**
   * A page that nobody looks at lets its stream go: a browser opens six connections to a server that speaks HTTP/1.1,
   * so that six pages left open would keep every other page waiting.
   */
  #follow = (): void => {
    this.#disconnect();
    this.#hasMissed = true;
    if (document.visibilityState === 'visible') this.#connect();
  };

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
    this.#state = lost(this.#state, Date.now());
  }

  /** Calls `listener` for every event of that name until the returned function is called. */
  on<Name extends keyof LiveEvents>(name: Name, listener: Listener<Name>): () => void {
    this.#listeners[name].add(listener);
    return () => this.#listeners[name].delete(listener);
  }

  #connect(): void {
    const source = new EventSource(EVENTS_URL);
    this.#source = source;
    source.addEventListener('open', () => this.#open());
    source.addEventListener('error', () => this.#fail(source));
    source.addEventListener('alert', (event) => this.#tell('alert', readObject(event.data) as Alert | null));
    source.addEventListener('decision', (event) => this.#tell('decision', readObject(event.data) as Decision | null));
    source.addEventListener('order', (event) => this.#tell('order', readObject(event.data) as Order | null));
    source.addEventListener('figures', (event) => this.#tell('figures', readFigures(event.data)));
    source.addEventListener('reset', () => this.#readAnew());
    source.addEventListener('lagged', () => this.#readAnew());
  }

  #open(): void {
    this.#state = opened(this.#state);
    this.#attempt = 0;
    // A connection of ours, not the browser's: it could not say what was seen last.
    if (this.#hasMissed) this.#readAnew();
    this.#hasMissed = false;
  }

  #fail(source: EventSource): void {
    this.#state = lost(this.#state, Date.now());
    // The browser tries again by itself after a lost connection, but not after an answer that is no stream.
    if (source.readyState !== EventSource.CLOSED) return;
    this.#hasMissed = true;
    this.#attempt += 1;
    this.#timer = setTimeout(() => {
      void session.look();
      this.#connect();
    }, retryMillis(this.#attempt, Math.random()));
  }

  #readAnew(): void {
    for (const listener of this.#listeners.anew) listener(null);
  }

  #tell<Name extends Exclude<keyof LiveEvents, 'anew'>>(name: Name, event: LiveEvents[Name] | null): void {
    if (event === null) return;
    for (const listener of this.#listeners[name]) listener(event);
  }
}

export const live = new LiveStream();
