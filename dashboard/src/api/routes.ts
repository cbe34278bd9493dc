// The routes of the API that the page uses.

import { create, read, remove, withQuery } from './request';
import type {
  Alarm,
  Alert,
  AllowEntry,
  Asker,
  Bouncer,
  ClientPage,
  ClientSummary,
  Decision,
  Gateway,
  Health,
  Hour,
  Key,
  Model,
  NewKey,
  NewKeyAnswer,
  NewOrder,
  NewVerdict,
  Order,
  OrderReceipt,
  Overview,
  Ranked,
  Rejected,
  Session,
  Slice,
  Suspension,
} from './types';

/** Where the live events come from. */
export const EVENTS_URL = '/api/v1/events';

/** Items of one slice of a list: a few screens. */
const SLICE_ITEMS = 50;

/** Items of the list that is ordered by verdicts: it has one slice, and whoever judges begins at its top. */
const LIKELIEST_ITEMS = 100;

/** Narrows a list; absent or empty fields do not. */
export type Query = Record<string, string | number | null | undefined>;

export const readSession = () => read<Session>('/session');
export const signIn = (key: string) => create<Session>('/session', { key });
export const signOut = () => remove('/session');

export const readOverview = (query: Query, signal?: AbortSignal) =>
  read<Overview>(withQuery('/overview', query), signal);

export const listHours = (signal?: AbortSignal) => read<Slice<Hour>>('/hours', signal);

/** What makes Portcullis blind or late: what goes on first. */
export const listAlarms = (signal?: AbortSignal) => read<Slice<Alarm>>('/alarms', signal);

export const listAlerts = (query: Query, signal?: AbortSignal) =>
  read<Slice<Alert>>(withQuery('/alerts', { limit: SLICE_ITEMS, ...query }), signal);

/** Alerts that nobody has judged, the likeliest attacks first. */
export const listLikeliest = (signal?: AbortSignal) =>
  read<Ranked>(withQuery('/alerts/likeliest', { limit: LIKELIEST_ITEMS }), signal);

export const judgeAlert = (id: string, verdict: NewVerdict) => create<OrderReceipt>(`/alerts/${id}/verdict`, verdict);

export const listClients = (query: Query, signal?: AbortSignal) =>
  read<Slice<ClientSummary>>(withQuery('/clients', { limit: SLICE_ITEMS, ...query }), signal);

/** `ref` is the client's reference as the API gave it, and goes into the path as it is. */
export const readClient = (ref: string, signal?: AbortSignal) => read<ClientPage>(`/clients/${ref}`, signal);

export const listDecisions = (query: Query, signal?: AbortSignal) =>
  read<Slice<Decision>>(withQuery('/decisions', { limit: SLICE_ITEMS, ...query }), signal);

export const listOrders = (query: Query, signal?: AbortSignal) =>
  read<Slice<Order>>(withQuery('/orders', { limit: SLICE_ITEMS, ...query }), signal);

export const giveOrder = (order: NewOrder) => create<OrderReceipt>('/orders', order);

/** Where the journal is downloaded. */
export const ordersExportUrl = (format: 'csv' | 'jsonl') => `/api/v1/orders/export?format=${format}`;

export const listAllowed = (signal?: AbortSignal) => read<Slice<AllowEntry>>('/allowlist', signal);
export const listModels = (signal?: AbortSignal) => read<Slice<Model>>('/models', signal);
export const listBouncers = (signal?: AbortSignal) => read<Slice<Bouncer>>('/bouncers', signal);
export const listGateways = (signal?: AbortSignal) => read<Slice<Gateway>>('/gateways', signal);
export const readSuspension = (signal?: AbortSignal) => read<Suspension>('/suspension', signal);
export const listAskers = (signal?: AbortSignal) => read<Slice<Asker>>('/askers', signal);
export const listRejected = (query: Query, signal?: AbortSignal) =>
  read<Slice<Rejected>>(withQuery('/rejected', { limit: SLICE_ITEMS, ...query }), signal);
export const readHealth = (signal?: AbortSignal) => read<Health>('/health', signal);

export const listKeys = (signal?: AbortSignal) => read<Slice<Key>>('/keys', signal);
export const createKey = (key: NewKey) => create<NewKeyAnswer>('/keys', key);
export const revokeKey = (name: string) => remove(`/keys/${encodeURIComponent(name)}`);
