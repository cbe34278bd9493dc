// A small server with the page's files and made-up answers, for tests of the states that a real server is hardly in.

import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as data from './fixture_data';
import { poison } from './hostile';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain',
};

/** What the server answers. `silent` never answers what pages ask for, so that they stay in loading. */
export type Mood = 'full' | 'empty' | 'failing' | 'silent';

export class FixtureServer {
  mood: Mood = 'full';
  isSignedIn = true;
  isSuspended = false;
  /** Stands in every text of every answer when it is not empty. */
  poison = '';
  /** What was posted, latest last. */
  readonly posted: { path: string; body: unknown }[] = [];
  /** How many questions wait for an answer that never comes. */
  unanswered = 0;
  #server: Server;
  #readers = new Set<ServerResponse>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port = 0): Promise<FixtureServer> {
    const server = createServer();
    const own = new FixtureServer(server);
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (chunks.length > 0) own.posted.push({ path: url.pathname, body: JSON.parse(Buffer.concat(chunks).toString()) });
        void own.#answer(request.method ?? 'GET', url, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return own;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sends a live event to every page. */
  publish(name: string, value: unknown): void {
    for (const reader of this.#readers) reader.write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  /** Breaks the stream of every page, and refuses new ones while the mood is failing. */
  dropReaders(): void {
    for (const reader of this.#readers) reader.destroy();
    this.#readers.clear();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(method: string, url: URL, response: ServerResponse): Promise<void> {
    response.setHeader('content-security-policy', "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'");
    if (!url.pathname.startsWith('/api/v1/')) return sendFile(url.pathname, response);
    const path = url.pathname.slice('/api/v1'.length);
    if (path === '/session') return this.#answerSession(method, response);
    if (!this.isSignedIn) return sendProblem(response, 401, 'a key is needed');
    if (path === '/events') return this.#openStream(response);
    if (this.mood === 'silent') return this.#keepWaiting(response);
    if (this.mood === 'failing') return sendProblem(response, 503, 'the store cannot be reached');
    const value = this.#find(method, path);
    if (value === undefined) return sendProblem(response, 404, 'no such thing');
    sendJson(response, 200, this.poison === '' ? value : poison(value, this.poison));
  }

  #keepWaiting(response: ServerResponse): void {
    this.unanswered += 1;
    response.on('close', () => (this.unanswered -= 1));
  }

  #answerSession(method: string, response: ServerResponse): void {
    if (method === 'DELETE') this.isSignedIn = false;
    if (method === 'POST') this.isSignedIn = true;
    if (method !== 'GET') return void sendJson(response, 200, { name: 'bootstrap', role: 'admin' });
    if (!this.isSignedIn) return sendProblem(response, 401, 'a key is needed');
    sendJson(response, 200, { name: 'bootstrap', role: 'admin' });
  }

  #openStream(response: ServerResponse): void {
    if (this.mood === 'failing') return sendProblem(response, 503, 'no place for another reader');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
    this.#readers.add(response);
    response.on('close', () => this.#readers.delete(response));
  }

  #find(method: string, path: string): unknown {
    const isFull = this.mood === 'full';
    const list = (items: unknown[]) => ({ items: isFull ? items : [], next: null });
    if (method === 'POST' && path === '/orders') return { order: data.orders[0], decision: null, revoked: 1 };
    if (method === 'POST' && /^\/alerts\/[0-9a-f]{32}\/verdict$/.test(path)) return { order: data.orders[0], decision: null, revoked: 2 };
    if (method === 'POST' && path === '/keys') return { key: data.keys[1], secret: 'pk_0123456789abcdef' };
    const ref = /^\/clients\/([^/]+)\/([^/]+)$/.exec(path);
    if (ref?.[1] !== undefined && ref[2] !== undefined) return this.#findClient(ref[1], decodeURIComponent(ref[2]));
    switch (path) {
      case '/overview':
        return isFull
          ? data.overview()
          : { ...data.overview(), points: [], attacks: [], targets: [], figures: { requests: 0, rejected: 0, alerts: 0, blocks: 0, stopped: 0, in_force: 0 } };
      case '/hours':
        return list(data.hours());
      case '/alarms':
        return list(data.alarms);
      case '/alerts':
        return list(Array.from({ length: 14 }, (_, number) => data.alert(number)));
      case '/alerts/likeliest':
        return data.ranked(isFull);
      case '/clients':
        return list(Array.from({ length: 14 }, (_, number) => data.clientPage(data.alert(number).client).summary));
      case '/decisions':
        return list(Array.from({ length: 12 }, (_, number) => data.decision(number)));
      case '/orders':
        return list(data.orders);
      case '/allowlist':
        return list([
          { client: data.client('198.51.100.0/24', 'range'), reason: 'Partner’s new data centre', until: data.ago(-604_800), by: 'jon' },
          { client: data.client('10.0.0.0/8', 'range'), reason: 'private addresses', until: null, by: null },
        ]);
      case '/models':
        return list(data.models);
      case '/keys':
        return list(data.keys);
      case '/bouncers':
        return list(data.bouncers);
      case '/gateways':
        return list(data.gateways);
      case '/suspension':
        return data.suspension(this.isSuspended);
      case '/askers':
        return list(data.askers);
      case '/rejected':
        return list(data.rejected);
      case '/health':
        return data.health;
      default:
        return undefined;
    }
  }

  #findClient(scope: string, value: string): unknown {
    const name = data.client(value, scope);
    const nothing = { client: name, summary: null, features: null, timeline: null, alerts: [], decisions: [], orders: [], in_force: null, protected_by: null };
    return this.mood === 'full' ? data.clientPage(name) : nothing;
  }
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  // Clients' pages have dots in their paths, so the type tells files from pages.
  const file = extname(path) in TYPES ? normalize(path).replace(/^\/+/, '') : 'index.html';
  try {
    const bytes = await readFile(join(DIST, file));
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendProblem(response: ServerResponse, status: number, detail: string): void {
  const problem = { type: 'about:portcullis/test', title: 'Something is wrong', status, detail };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
}
