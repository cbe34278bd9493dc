// The reader's place, kept in the browser's address.

import { readPlace, type Place } from './place';

class Router {
  place: Place = $state.raw(readPlace(location.pathname, location.search));

  constructor() {
    addEventListener('popstate', () => this.#look());
  }

  /** Goes to a path, which may carry a query. */
  go(path: string): void {
    history.pushState(null, '', path);
    this.#look();
    scrollTo(0, 0);
  }

  /** Changes the query without leaving an entry for every keystroke in the history. */
  narrow(query: URLSearchParams): void {
    const text = query.toString();
    history.replaceState(null, '', text === '' ? location.pathname : `${location.pathname}?${text}`);
    this.#look();
  }

  #look(): void {
    this.place = readPlace(location.pathname, location.search);
  }
}

export const router = new Router();

/** Makes a link change the page without loading it anew; new tabs and windows stay the browser's business. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!isPlain || !(link instanceof HTMLAnchorElement) || link.origin !== location.origin) return;
  event.preventDefault();
  router.go(link.pathname + link.search);
}
