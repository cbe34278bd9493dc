// Starts the Chromium that is installed, without anything that would look for a network.

import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Longest wait for something to appear: slow machines draw slowly. */
export const APPEAR_MILLIS_MAX = 15_000;

/** Starts the browser. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium here: apt-get install chromium');
  return chromium.launch({
    executablePath,
    args: [
      // As root there is no sandbox; the browser sees loopback pages of ours only.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page did that it must not: threw, logged an error, broke its policy, or asked another host. */
export class Misdeeds {
  readonly seen: string[] = [];

  watch(page: Page, allowed: (text: string) => boolean = () => false): void {
    const note = (text: string) => {
      if (!allowed(text)) this.seen.push(text);
    };
    page.on('pageerror', (error) => note(`threw ${error.message}`));
    page.on('dialog', (dialog) => {
      note(`opened a ${dialog.type()} saying ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') note(`logged ${message.text()}`);
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.hostname !== '127.0.0.1') note(`asked ${request.url()}`);
    });
  }
}

/** A page in a window of that size. */
export async function openPage(
  browser: Browser,
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
    locale: 'en-GB',
  });
  context.setDefaultTimeout(APPEAR_MILLIS_MAX);
  return { page: await context.newPage(), context };
}
