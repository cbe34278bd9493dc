// Something that is fetched, in every state that a page must draw.

import { Failure } from '../api/request';

/** Shortest time between two fetches that events ask for: an attack makes hundreds of events a second. */
const REFRESH_MILLIS_MIN = 2_000;

/** A value that is fetched, kept while it is fetched anew, and shown as stale when that fails. */
export class Resource<T> {
  /** The latest value; undefined before the first. */
  value: T | undefined = $state.raw(undefined);
  /** Why the latest fetch failed; undefined when it did not. */
  failure: Failure | undefined = $state.raw(undefined);
  /** When `value` was fetched. */
  fetchedAt: number = $state(0);
  isFetching: boolean = $state(false);

  #fetch: (signal: AbortSignal) => Promise<T>;
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedAt = 0;

  constructor(fetch: (signal: AbortSignal) => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Fetches now. A fetch that still runs is given up: its question may be an old one. */
  async load(): Promise<void> {
    this.stop();
    const own = new AbortController();
    this.#running = own;
    this.#startedAt = Date.now();
    this.isFetching = true;
    try {
      const value = await this.#fetch(own.signal);
      if (own.signal.aborted) return;
      this.value = value;
      this.fetchedAt = Date.now();
      this.failure = undefined;
    } catch (error) {
      if (own.signal.aborted) return;
      this.failure = error instanceof Failure ? error : new Failure(0, 'The page could not read the answer');
    } finally {
      if (this.#running === own) {
        this.#running = undefined;
        this.isFetching = false;
      }
    }
  }

  /** Fetches soon, and once for many calls. */
  refresh(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#startedAt + REFRESH_MILLIS_MIN - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A slow answer is waited for; giving it up again and again would show nothing ever.
      if (this.#running !== undefined) this.refresh();
      else void this.load();
    }, wait);
  }

  /** Forgets the value, so that another question does not show the answer of the last. */
  clear(): void {
    this.value = undefined;
    this.failure = undefined;
  }

  /** Gives up what runs or waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running?.abort();
    this.#running = undefined;
    this.isFetching = false;
  }
}

/** Loads a resource while the component that calls this is shown, and reads it anew every so often. */
export function reread<T>(resource: Resource<T>, millis: number): void {
  $effect(() => {
    void resource.load();
    const timer = setInterval(() => resource.refresh(), millis);
    return () => {
      clearInterval(timer);
      resource.stop();
    };
  });
}
