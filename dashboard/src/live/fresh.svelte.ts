// Which items came while the reader was looking: they are lit up for a moment.

import { SvelteSet } from 'svelte/reactivity';

/** Most ids that are remembered: far more than a screen shows. */
const IDS_MAX = 500;

export class FreshIds {
  readonly ids: SvelteSet<string> = new SvelteSet<string>();

  add(id: string): void {
    if (this.ids.size >= IDS_MAX) this.ids.clear();
    this.ids.add(id);
  }
}
