// Asks the API. Every failure becomes a `Failure` with words for a person.

import { Turns } from './turns';
import type { Problem } from './types';

/** Longest wait for an answer: a page that hangs must say so. */
const ANSWER_MILLIS_MAX = 15_000;

/**
 * Most questions at once. A browser opens six connections to a server that speaks HTTP/1.1: the live stream has one,
 * and the next page and an order need theirs, also when the server answers no question.
 */
const READS_AT_ONCE_MAX = 3;

const reads = new Turns(READS_AT_ONCE_MAX);

/** Why a request failed. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the session is over. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

/** Reads a resource. */
export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>('GET', path, undefined, signal);
}

/** Creates something and gives what the API answers. */
export function create<T>(path: string, body: object): Promise<T> {
  return ask<T>('POST', path, body);
}

/** Removes something. */
export function remove(path: string): Promise<void> {
  return ask<void>('DELETE', path);
}

/** A path with the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function ask<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(ANSWER_MILLIS_MAX);
  const both = signal ? AbortSignal.any([signal, limit]) : limit;
  const options: RequestInit = {
    method,
    headers: { accept: 'application/json' },
    credentials: 'same-origin',
    cache: 'no-store',
    signal: both,
  };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const answer = () => fetch(`/api/v1${path}`, options).then((response) => readAnswer<T>(response));
  try {
    return await (method === 'GET' ? reads.take(answer, both) : answer());
  } catch (error) {
    if (signal?.aborted || error instanceof Failure) throw error;
    throw new Failure(0, limit.aborted ? 'Portcullis did not answer in time' : 'Portcullis cannot be reached');
  }
}

/** What was answered, or why it is no answer. */
async function readAnswer<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Failure(response.status, await readProblem(response));
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Failure(response.status, 'Portcullis answered something that is no JSON');
  }
}

/** What the API says was wrong. */
async function readProblem(response: Response): Promise<string> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  if (isProblem) {
    try {
      const problem = (await response.json()) as Problem;
      if (problem.detail !== '') return problem.detail;
      return problem.title;
    } catch {
      // The status must do.
    }
  }
  return `Portcullis answered with status ${response.status}`;
}
