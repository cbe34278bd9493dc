// The time, for "5 min ago": one clock for the whole page.

/** How often relative times are written anew. */
const TICK_MILLIS = 1_000;

class Now {
  millis: number = $state(Date.now());

  constructor() {
    setInterval(() => (this.millis = Date.now()), TICK_MILLIS);
  }
}

export const now = new Now();
