// A list that is read slice by slice, newest first, and that events extend at its front.

import { Failure } from '../api/request';
import type { Slice } from '../api/types';
import { append, putFirst } from './list';
import { Resource } from './resource.svelte';

/** Most items that are kept on the page: drawing more takes longer than anybody reads. */
const ITEMS_MAX = 1_000;

export class Paged<T> {
  /** The first slice, with those after it put behind. */
  readonly resource: Resource<Slice<T>>;
  isMoreBusy: boolean = $state(false);
  moreFailure: string = $state('');

  #fetch: (cursor: string | null, signal?: AbortSignal) => Promise<Slice<T>>;
  #key: (item: T) => string;

  constructor(fetch: (cursor: string | null, signal?: AbortSignal) => Promise<Slice<T>>, key: (item: T) => string) {
    this.#fetch = fetch;
    this.#key = key;
    this.resource = new Resource((signal) => this.#readFront(signal));
  }

  get hasMore(): boolean {
    const value = this.resource.value;
    return value !== undefined && value.next != null && value.items.length < ITEMS_MAX;
  }

  /** Reads the following slice. */
  async more(): Promise<void> {
    const before = this.resource.value;
    if (before?.next == null || this.isMoreBusy) return;
    this.isMoreBusy = true;
    this.moreFailure = '';
    try {
      const slice = await this.#fetch(before.next);
      // Events may have changed the front meanwhile.
      const items = this.resource.value?.items ?? [];
      this.resource.value = { items: append(items, slice.items, this.#key), next: slice.next ?? null };
    } catch (error) {
      this.moreFailure = error instanceof Failure ? error.message : 'The page could not read the answer';
    } finally {
      this.isMoreBusy = false;
    }
  }

  /** Puts an item that an event brought to the front, or in the place of its older self. */
  put(item: T): void {
    const before = this.resource.value;
    if (before === undefined) return;
    this.resource.value = { ...before, items: putFirst(before.items, item, this.#key, ITEMS_MAX) };
  }

  /** Takes items out that no longer belong into the list. */
  drop(isGone: (item: T) => boolean): void {
    const before = this.resource.value;
    if (before === undefined) return;
    this.resource.value = { ...before, items: before.items.filter((item) => !isGone(item)) };
  }

  /** The first slice anew. What was read behind it stays only when the reader had asked for it. */
  async #readFront(signal: AbortSignal): Promise<Slice<T>> {
    const read = await this.#fetch(null, signal);
    // Each item once: a page that draws by keys would not draw at all with one of them twice.
    const slice = { items: append([], read.items, this.#key), next: read.next ?? null };
    const before = this.resource.value;
    const last = slice.items.at(-1);
    if (before === undefined || last === undefined || slice.next == null) return slice;
    const place = before.items.findIndex((item) => this.#key(item) === this.#key(last));
    const behind = place < 0 ? [] : before.items.slice(place + 1);
    if (behind.length === 0) return slice;
    return { items: append(slice.items, behind, this.#key), next: before.next ?? null };
  }
}
