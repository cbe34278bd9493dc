// Which page an address means. Pure: the browser's history is in router.svelte.ts.

import { known } from '../format/known';

export type PageName = 'overview' | 'alerts' | 'clients' | 'client' | 'blocklist' | 'orders' | 'system' | 'missing';

/** Where the reader is. */
export interface Place {
  page: PageName;
  /** The client's reference on its page, exactly as in the path; empty elsewhere. */
  ref: string;
  /** What narrows the page's list. */
  query: URLSearchParams;
}

const PAGES: Record<string, PageName> = {
  '/': 'overview',
  '/alerts': 'alerts',
  '/clients': 'clients',
  '/blocklist': 'blocklist',
  '/orders': 'orders',
  '/system': 'system',
};

/** Reads a path and a query. */
export function readPlace(path: string, query: string): Place {
  const parameters = new URLSearchParams(query);
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path;
  const page = known(PAGES, trimmed);
  if (page !== undefined) return { page, ref: '', query: parameters };
  // The reference stays encoded: the API gave it so, and takes it so.
  const match = /^\/clients\/([a-z0-9_]+\/[^/]+)$/.exec(trimmed);
  if (match?.[1] !== undefined) return { page: 'client', ref: match[1], query: parameters };
  return { page: 'missing', ref: '', query: parameters };
}

/** The address of a client's page. */
export function clientPath(ref: string): string {
  return `/clients/${ref}`;
}

/** The reference of a client by its scope and value: all but unreserved characters (RFC 3986) are encoded. */
export function referenceOf(scope: string, value: string): string {
  const encoded = encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${scope}/${encoded}`;
}

/** The client that a person typed: an address, a range, or `scope/value`; null for nothing. */
export function referenceTyped(text: string): string | null {
  const value = text.trim();
  if (value === '') return null;
  const named = /^(ip|range|api_key|subject|consumer|session|certificate|ja4|user_agent|route|host|country|as)\/(.+)$/.exec(value);
  if (named?.[1] !== undefined && named[2] !== undefined) return referenceOf(named[1], named[2]);
  return referenceOf(value.includes('/') ? 'range' : 'ip', value);
}
