// A person at the dashboard of the demo: an alert arrives, its client's page explains it, lifting the block lets the
// client through. The tests are one sitting, in order, in one window that is never loaded anew.

import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { Alert, ClientPage, Slice } from '../src/api/types';
import { readTimeline } from '../src/state/behaviour';
import { APPEAR_MILLIS_MAX, Misdeeds, openPage, startBrowser } from '../tests/browser';
import { contrastFaults } from '../tests/contrast';
import { Demo } from './demo';

/** Whose attackers begin within the first minute, and of whom some do not mind being refused. */
const SEED = 6;
/** A fraction of the usual rate: the binary is a debug build, and the browser wants a core too. */
const RATE = 300;
/** Longer than all tests together may take. */
const DEMO_SECS_MAX = 600;
/** The first attack begins 25 seconds after the start. */
const ALERT_MILLIS_MAX = 60_000;
/** Longest wait for a blocked client that goes on asking. */
const INSISTENT_MILLIS_MAX = 90_000;
/** A client's page is read anew every ten seconds. */
const REREAD_MILLIS_MAX = 30_000;
/** Of a documentation range: nobody in the simulation has it. */
const NOBODY = '203.0.113.77';
/** Markup goes through the store, the API and the page as the text that it is. */
const REASON = `our own load test <img src=x onerror="window.owned=1"> {@html 'x'}`;
/** More than any page has places to stop at. */
const TABS_MAX = 300;

let demo: Demo;
let browser: Browser;
let page: Page;
let bouncer: string;
/** The blocked client that the tests are about. */
let address: string;
const misdeeds = new Misdeeds();
let navigations = 0;

beforeAll(async () => {
  [demo, browser] = await Promise.all([Demo.start({ seed: SEED, rate: RATE, secsMax: DEMO_SECS_MAX }), startBrowser()]);
  bouncer = await demo.addBouncer('e2e');
  ({ page } = await openPage(browser, { width: 1440, height: 900 }));
  // The page asks who is signed in, and nobody is yet: the browser logs that answer by itself.
  misdeeds.watch(page, (text) => text.includes('401 (Unauthorized)'));
  page.on('load', () => (navigations += 1));
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const region = (name: string) => page.getByRole('region', { name });
const isBlocked = async (client: string) => (await demo.check(client)).status === 403;

/** Tells what the demo said when a test fails. */
const tellOnFailure = () => onTestFailed(() => console.error(demo.words));

/** Waits until a condition holds. */
async function until(what: string, withinMillis: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + withinMillis;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${withinMillis / 1000} s in vain until ${what}`);
    await page.waitForTimeout(250);
  }
}

/** Presses the tab key until that is focused. */
async function tabTo(place: Locator): Promise<void> {
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press('Tab');
    if (await place.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`the tab key does not reach ${place}`);
}

/** How many requests of a client passed so far, and how many were stopped, as its page tells it. */
async function readFigures(): Promise<{ passed: number; stopped: number }> {
  const story = region('What happened');
  const requests = await story.locator('div', { has: page.getByText('Requests', { exact: true }) }).locator('dd').innerText();
  const summary = await region('Timeline').getByRole('img').getAttribute('aria-label');
  const stopped = /([\d,]+) stopped/.exec(summary ?? '')?.[1];
  const number = (text: string | undefined) => Number((text ?? 'none').replaceAll(',', ''));
  return { passed: number(requests) - number(stopped), stopped: number(stopped) };
}

/** A blocked client that goes on asking although it is refused. */
async function findInsistent(): Promise<string> {
  const stoppedOf = async (alert: Alert) => {
    const client = await demo.read<ClientPage>(`/clients/${alert.client.ref}`);
    return readTimeline(client.timeline).reduce((sum, point) => sum + point.stopped, 0);
  };
  const before = new Map<string, number>();
  let found = '';
  await until('a blocked client goes on asking', INSISTENT_MILLIS_MAX, async () => {
    const alerts = await demo.read<Slice<Alert>>('/alerts?action=block&limit=50');
    for (const alert of alerts.items.filter((one) => one.client.scope === 'ip')) {
      const stopped = await stoppedOf(alert);
      const earlier = before.get(alert.client.value);
      if (earlier && stopped >= earlier + 3 && (await isBlocked(alert.client.value))) {
        found = alert.client.value;
        return true;
      }
      if (!earlier) before.set(alert.client.value, stopped);
    }
    return false;
  });
  return found;
}

test('the printed key opens the dashboard', async () => {
  tellOnFailure();
  await page.goto(demo.url);
  await page.getByLabel('API key').fill(demo.key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  expect(await page.content()).not.toContain(demo.key);
});

test('an alert appears without a reload', async () => {
  tellOnFailure();
  navigations = 0;
  await page.evaluate(() => Object.assign(window, { marker: 'never loaded anew' }));
  const items = region('Latest alerts').locator('[data-alert]');
  const shown = async () => items.evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['alert'] ?? ''));
  const before = new Set(await shown());
  await until('an alert appears', ALERT_MILLIS_MAX, async () => (await shown()).some((id) => !before.has(id)));
  await items.first().getByRole('link').waitFor();
  await region('Attacks').getByRole('listitem').first().waitFor();
});

test('its client’s page explains the block', async () => {
  tellOnFailure();
  address = await findInsistent();
  await page.getByRole('link', { name: 'Alerts', exact: true }).click();
  await page.getByRole('link', { name: address, exact: true }).first().click();
  await page.getByRole('heading', { name: address, level: 1 }).waitFor();

  const story = region('What happened');
  expect(await story.locator('.sentence').innerText()).toMatch(/^Stood out for [a-z ]+ \([<\d.]+% sure\) after [\d,]+ requests?.* blocked .+\.$/);
  expect(await story.locator('.reasons li').count(), 'reasons').toBeGreaterThan(0);

  const features = await region('Behaviour against the population').getByRole('listitem').allInnerTexts();
  expect(features.length, 'features').toBeGreaterThanOrEqual(8);
  for (const text of features) expect(text).toMatch(/typical .+/);

  const evidence = await region('Evidence').locator('tbody tr').allInnerTexts();
  expect(evidence.length, 'evidence').toBeGreaterThan(0);
  for (const text of evidence) expect(text).toMatch(/(GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS) \/.*\d{3}.*line \d+/s);

  const decision = region('Decisions').locator('tbody tr').first();
  expect(await decision.locator('[data-label=Action]').innerText()).toContain('blocked');
  expect(await decision.locator('[data-label=Ends]').innerText()).toMatch(/\d+ (s|min|h)/);
  expect(await page.locator('.stand').innerText()).toMatch(/blocked\s+for \d+.* more/);
  await region('Timeline').locator('canvas').waitFor();
});

test('lifting the block lets the client through', async () => {
  tellOnFailure();
  const refused = await demo.check(address);
  expect(refused.status).toBe(403);
  expect(refused.decision).toMatch(/^[0-9a-f]+$/);
  expect(await demo.askBouncer(bouncer, address)).toMatchObject([{ type: 'ban' }]);

  await page.getByRole('button', { name: 'Lift', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Lift the block of address ${address}` });
  await dialog.getByLabel('Why').fill(REASON);
  await dialog.getByRole('button', { name: 'Lift the block' }).click();
  await page.getByText(/^Lifted: \d+ decisions? ended\.$/).waitFor();
  await page.getByText('Nothing is in force: its requests pass.').waitFor();
  expect(await region('Decisions').locator('tbody tr').first().innerText()).toContain('lifted by');
  expect(await region('Orders').innerText()).toContain(REASON);
  expect(await page.evaluate(() => 'owned' in window), 'markup in a reason is only text').toBe(false);

  expect(await demo.check(address)).toEqual({ status: 200, decision: null });
  expect(await demo.askBouncer(bouncer, address)).toBeNull();
  // The gateway hears of it within a second, and then the client's requests reach the site again.
  const before = await readFigures();
  await until('its requests pass again', REREAD_MILLIS_MAX, async () => (await readFigures()).passed >= before.passed + 3);
  const after = await readFigures();
  await until('more of them pass', REREAD_MILLIS_MAX, async () => (await readFigures()).passed > after.passed);
  expect((await readFigures()).stopped, 'stopped after the lift').toBe(after.stopped);
});

test('by keyboard alone a client is found, blocked, found on the blocklist and let go', async () => {
  tellOnFailure();
  await tabTo(page.getByRole('searchbox', { name: /^Find a client/ }));
  await page.keyboard.type(NOBODY);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: NOBODY, level: 1 }).waitFor();
  await page.getByText('Nothing is known of this client.').waitFor();

  await tabTo(page.getByRole('button', { name: 'Block', exact: true }));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Block address ${NOBODY}` });
  await tabTo(dialog.getByLabel('Why'));
  await page.keyboard.type('seen in another site’s log');
  await tabTo(dialog.getByRole('button', { name: 'Block' }));
  await page.keyboard.press('Enter');
  await page.getByText('The order is given.').waitFor();
  await until('the gateways refuse it', APPEAR_MILLIS_MAX, () => isBlocked(NOBODY));

  await tabTo(page.getByRole('link', { name: 'Blocklist', exact: true }));
  await page.keyboard.press('Enter');
  const row = region('Decisions').locator('tbody tr', { hasText: NOBODY });
  await row.waitFor();
  expect(await row.innerText()).toContain('an operator');
  await tabTo(row.getByRole('button', { name: `Lift ${NOBODY}` }));
  await page.keyboard.press('Enter');
  const lift = page.getByRole('dialog', { name: `Lift the block of address ${NOBODY}` });
  await tabTo(lift.getByLabel('Why'));
  await page.keyboard.type('it was somebody else');
  await tabTo(lift.getByRole('button', { name: 'Lift the block' }));
  await page.keyboard.press('Enter');
  await row.waitFor({ state: 'detached' });
  expect(await isBlocked(NOBODY)).toBe(false);
});

test('an allowed client is on the allowlist, is let through, and comes off again', async () => {
  tellOnFailure();
  const give = async (name: string, button: string) => {
    const dialog = page.getByRole('dialog', { name });
    await dialog.getByLabel('Why').fill('a partner');
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await page.getByRole('searchbox', { name: /^Find a client/ }).fill(NOBODY);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Block', exact: true }).click();
  await give(`Block address ${NOBODY}`, 'Block');
  await until('the gateways refuse it', APPEAR_MILLIS_MAX, () => isBlocked(NOBODY));
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await give(`Allow address ${NOBODY}`, 'Allow');
  await page.locator('.stand').getByText('allowed', { exact: true }).waitFor();
  await until('the gateways let it through', APPEAR_MILLIS_MAX, async () => !(await isBlocked(NOBODY)));

  await page.getByRole('link', { name: 'Blocklist', exact: true }).click();
  const row = region('Allowlist').locator('tbody tr', { hasText: NOBODY });
  await row.waitFor();
  expect(await row.innerText()).toContain('a partner');
  await row.getByRole('button', { name: 'Take off' }).click();
  await give(`Take off the allowlist: address ${NOBODY}`, 'Take off the allowlist');
  await row.waitFor({ state: 'detached' });
});

test('all of that happened on one page that was never loaded anew', async () => {
  expect(navigations).toBe(0);
  expect(await page.evaluate(() => ('marker' in window ? window.marker : 'lost'))).toBe('never loaded anew');
});

/** Charts are drawn anew a moment after the window has changed its width; what stays too wide is a fault. */
async function fits(page: Page, path: string): Promise<void> {
  const excess = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(excess, { message: `${path} is wider than the screen`, timeout: 5000 }).toBeLessThanOrEqual(0);
}

test('every page of a running system fits, and can be read, wide and narrow, light and dark', async () => {
  tellOnFailure();
  const paths = ['/', '/alerts', '/clients', `/clients/ip/${address}`, '/blocklist', '/blocklist?state=all', '/orders'];
  const parts = ['', '?part=bouncers', '?part=models', '?part=keys', '?part=rejected'].map((part) => `/system${part}`);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of [...paths, ...parts]) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(demo.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
      expect(await contrastFaults(page), `${path} in ${colorScheme}`).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      await fits(page, path);
    }
  }
});

test('nothing was logged, and nothing broke the content security policy', () => {
  expect(misdeeds.seen).toEqual([]);
});

test('the demo ends when it is interrupted, and says what was done', async () => {
  tellOnFailure();
  await page.goto('about:blank');
  expect(await demo.stop()).toBe(130);
  expect(demo.words).toMatch(/of traffic: [\d,]+ requests/);
});
