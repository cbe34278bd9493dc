// A running `portcullis demo`, as a person would start it, for as long as a test needs it.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Longest wait for the demo's address: a debug build on a busy machine. */
const START_MILLIS_MAX = 60_000;
/** Longest wait for its end; then it is killed. */
const END_MILLIS_MAX = 40_000;
/** What is kept of its words, to be shown when something fails. */
const WORDS_KEPT = 8_000;

const INDEX = fileURLToPath(new URL('../dist/index.html', import.meta.url));

/** Where the binary is; throws when there is none. */
function findBinary(): string {
  const { PORTCULLIS_BIN, CARGO_TARGET_DIR } = process.env;
  const target = CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));
  const path = PORTCULLIS_BIN ?? join(target, 'debug/portcullis');
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}: run cargo build --workspace --locked, or set PORTCULLIS_BIN`);
  }
  return path;
}

export class Demo {
  /** Where the dashboard is. */
  readonly url: string;
  /** The administrator's key. */
  readonly key: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #words: Words;

  private constructor(process: ChildProcess, folder: string, words: Words, url: string, key: string) {
    this.#process = process;
    this.#folder = folder;
    this.#words = words;
    this.url = url;
    this.key = key;
  }

  /**
   * Starts it on a free port with a folder of its own. The same seed brings the same clients and attackers. After
   * `secsMax` it ends by itself, should nobody be left to end it.
   */
  static async start(options: { seed: number; rate: number; secsMax: number }): Promise<Demo> {
    const binary = findBinary();
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-e2e-'));
    const own = ['--listen', '127.0.0.1:0', '--data', folder];
    const traffic = ['--seed', `${options.seed}`, '--rate', `${options.rate}`, '--for', `${options.secsMax}`];
    const child = spawn(binary, ['demo', ...own, ...traffic], { stdio: ['ignore', 'pipe', 'pipe'] });
    const words = new Words(child);
    try {
      const [, url, key] = await words.find(/^dashboard (\S+)\nkey (\S+)\n/m, START_MILLIS_MAX);
      const demo = new Demo(child, folder, words, url ?? '', key ?? '');
      await demo.#ensurePage();
      return demo;
    } catch (error) {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** An answer of the API as the administrator gets it. */
  async read<Answer>(path: string): Promise<Answer> {
    return (await this.#ask(path, {})) as Answer;
  }

  /** Makes a key for a gateway's bouncer and returns it. */
  async addBouncer(name: string): Promise<string> {
    const body = JSON.stringify({ name, role: 'bouncer', gateway: 'demo' });
    const answer = await this.#ask('/keys', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (answer as { secret: string }).secret;
  }

  /** What a bouncer of CrowdSec's hears about an address: null when nothing is in force. */
  async askBouncer(key: string, address: string): Promise<{ type: string; duration: string }[] | null> {
    const answer = await fetch(`${this.url}/v1/decisions?ip=${address}`, { headers: { 'x-api-key': key } });
    if (!answer.ok) throw new Error(`the bouncer's API answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { type: string; duration: string }[] | null;
  }

  /** What NGINX's `auth_request` hears about an address. */
  async check(address: string): Promise<{ status: number; decision: string | null }> {
    const answer = await fetch(`${this.url}/check`, { headers: { 'x-forwarded-for': address } });
    return { status: answer.status, decision: answer.headers.get('x-portcullis-decision') };
  }

  /** The last things it said. */
  get words(): string {
    return this.#words.text;
  }

  /** Ends it as Ctrl-C does. Returns its exit code; null when it had to be killed. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    const ended = new Promise<number | null>((resolve) => {
      if (child.exitCode !== null) resolve(child.exitCode);
      else child.once('exit', resolve);
    });
    child.kill('SIGINT');
    const killer = setTimeout(() => child.kill('SIGKILL'), END_MILLIS_MAX);
    const code = await ended;
    clearTimeout(killer);
    await rm(this.#folder, { recursive: true, force: true });
    return code;
  }

  /** Makes sure that it serves the page that was built last, and not an older one. */
  async #ensurePage(): Promise<void> {
    const page = await (await fetch(`${this.url}/`)).text();
    if (page !== readFileSync(INDEX, 'utf8')) {
      throw new Error('the binary carries another page than dist/: run cargo build --workspace --locked');
    }
  }

  async #ask(path: string, request: RequestInit): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.key}`, ...request.headers };
    const answer = await fetch(`${this.url}/api/v1${path}`, { ...request, headers });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
}

/** What a process says on both of its outputs. */
class Words {
  text = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (words: string) => (this.text = (this.text + words).slice(-WORDS_KEPT)));
    }
  }

  /** Waits until it says something; rejects when it ends before, or takes too long. */
  find(pattern: RegExp, withinMillis: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const end = (why: string | null, match?: RegExpExecArray) => {
        clearTimeout(timer);
        this.#child.stdout?.off('data', look);
        this.#child.off('error', fail).off('exit', exit);
        if (match) resolve(match);
        else reject(new Error(`${why}; it said:\n${this.text}`));
      };
      const look = () => {
        const match = pattern.exec(this.text);
        if (match) end(null, match);
      };
      const fail = (error: Error) => end(`could not start the demo: ${error.message}`);
      const exit = (code: number | null) => end(`the demo ended with ${code}`);
      const timer = setTimeout(() => end('the demo did not start in time'), withinMillis);
      this.#child.stdout?.on('data', look);
      this.#child.on('error', fail).on('exit', exit);
    });
  }
}
