// Draws the pictures of the documentation from a running demo: `npm run screenshots`. With SCREENSHOTS set to a folder
// it draws every page there instead, light and dark, wide and narrow, to be looked at.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import type { Alert, Slice } from '../src/api/types';
import { openPage, startBrowser } from '../tests/browser';
import { Demo } from './demo';

const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));
/** The same people and attackers in every picture. */
const SEED = 1;
/** How long the demo plays before the first picture: until the curves have something to show. */
const PLAY_MILLIS = 1000 * Number(process.env['SCREENSHOTS_AFTER'] ?? 330);
const RATE = Number(process.env['SCREENSHOTS_RATE'] ?? 2_000);

test('pictures', async () => {
  const [demo, browser] = await Promise.all([Demo.start({ seed: SEED, rate: RATE, secsMax: 1800 }), startBrowser()]);
  try {
    const { page } = await openPage(browser, { width: 1440, height: 900 });
    await signIn(page, demo);
    await page.waitForTimeout(PLAY_MILLIS);
    const folder = process.env['SCREENSHOTS'];
    if (folder) await drawAll(page, demo, folder);
    else await drawImages(page, demo);
  } finally {
    await browser.close();
    await demo.stop();
  }
});

async function signIn(page: Page, demo: Demo): Promise<void> {
  await page.goto(demo.url);
  await page.getByLabel('API key').fill(demo.key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

/** The pictures that the README shows. */
async function drawImages(page: Page, demo: Demo): Promise<void> {
  await page.screenshot({ path: join(IMAGES, 'overview.png') });
  const ref = await mostTelling(demo);
  await page.goto(`${demo.url}/clients/${ref}`);
  await settle(page);
  await page.screenshot({ path: join(IMAGES, 'client.png') });
}

/** Every page in full, for a person to look at. */
async function drawAll(page: Page, demo: Demo, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const ref = await mostTelling(demo);
  const pages: Record<string, string> = {
    overview: '/',
    alerts: '/alerts',
    clients: '/clients',
    client: `/clients/${ref}`,
    blocklist: '/blocklist',
    orders: '/orders',
    health: '/system',
    bouncers: '/system?part=bouncers',
    models: '/system?part=models',
    keys: '/system?part=keys',
    rejected: '/system?part=rejected',
  };
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [[1440, 900], [390, 844]] as const) {
      await page.setViewportSize({ width, height });
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(demo.url + path);
        await settle(page);
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      }
    }
  }
}

/** The reference of the blocked client with the most to show: kinds of reasons first, then requests. */
async function mostTelling(demo: Demo): Promise<string> {
  const alerts = await demo.read<Slice<Alert>>('/alerts?action=block&limit=200');
  const worth = (alert: Alert) => 1000 * alert.reasons.length + Math.min(999, alert.requests_before_action ?? 0);
  const [best] = alerts.items.filter((alert) => alert.client.scope === 'ip').sort((one, other) => worth(other) - worth(one));
  if (best === undefined) throw new Error('nobody was blocked so far');
  return best.client.ref;
}

/** Waits until a page is drawn and its curves stand. */
async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(500);
}
