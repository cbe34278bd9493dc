// Every page in each of its states, drawn by a real browser from a server of made-up answers.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Misdeeds, openPage, startBrowser } from './browser';
import { contrastFaults } from './contrast';
import * as data from './fixture_data';
import { FixtureServer, type Mood } from './fixture_server';
import { HOSTILE } from './hostile';

/** Long for a slow machine: each test opens a dozen pages. */
const TEST_MILLIS_MAX = 120_000;

const PAGES = {
  overview: { path: '/', full: 'Latest alerts', empty: 'No traffic yet' },
  alerts: { path: '/alerts', full: 'credential stuffing', empty: 'No alerts' },
  clients: { path: '/clients', full: '203.0.113.9', empty: 'No clients' },
  client: { path: '/clients/ip/203.0.113.9', full: 'Stood out for credential stuffing', empty: 'Nothing is known of this client' },
  blocklist: { path: '/blocklist', full: '203.0.113.9', empty: 'Nothing is in force' },
  orders: { path: '/orders', full: 'Our own load test', empty: 'No orders' },
  health: { path: '/system', full: 'has not asked for 3 minutes', empty: 'has not asked for 3 minutes' },
  alarms: { path: '/system?part=alarms', full: 'clients.trusted_proxies', empty: 'Nothing makes us blind' },
  bouncers: { path: '/system?part=bouncers', full: 'crowdsec-nginx-bouncer', empty: 'No gateway takes the blocklist' },
  gateways: { path: '/system?part=bouncers', full: 'Connection refused', empty: 'No gateway is told' },
  askers: { path: '/system?part=bouncers', full: 'The bouncer does not ask for this scope', empty: 'No gateway has asked' },
  models: { path: '/system?part=models', full: 'Clients have changed since the days before: 2 features moved by much', empty: 'No model is recorded' },
  keys: { path: '/system?part=keys', full: 'old-grafana', empty: 'There is no key' },
  rejected: { path: '/system?part=rejected', full: 'missing field', empty: 'Every line could be read' },
} as const;

let server: FixtureServer;
let browser: Browser;
let page: Page;
let misdeeds: Misdeeds;
let close: () => Promise<void>;

beforeAll(async () => {
  [server, browser] = await Promise.all([FixtureServer.start(), startBrowser()]);
}, TEST_MILLIS_MAX);

afterAll(async () => {
  await browser.close();
  await server.stop();
});

beforeEach(async () => {
  server.mood = 'full';
  server.isSignedIn = true;
  server.isSuspended = false;
  server.poison = '';
  server.posted.length = 0;
  const opened = await openPage(browser);
  page = opened.page;
  close = () => opened.context.close();
  misdeeds = new Misdeeds();
});

afterEach(() => close());

/** An answer with an error status is logged by the browser itself. */
const isAnswerLog = (text: string) => text.includes('Failed to load resource');

/** Waits until exactly that text can be seen: some stands twice, for narrow screens and for wide ones. */
const see = (text: string) => page.getByText(text, { exact: true }).filter({ visible: true }).first().waitFor();

/** Opens every page and waits until a text of it stands there. */
async function visitAll(mood: Mood, text: (name: keyof typeof PAGES) => string): Promise<void> {
  server.mood = mood;
  for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
    await page.goto(server.url + PAGES[name].path);
    await page.getByText(text(name)).filter({ visible: true }).first().waitFor();
  }
}

test('every page shows what is there', async () => {
  misdeeds.watch(page);
  await visitAll('full', (name) => PAGES[name].full);
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('every page says so when there is nothing', async () => {
  misdeeds.watch(page);
  await visitAll('empty', (name) => PAGES[name].empty);
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('every page says that it is loading', async () => {
  misdeeds.watch(page);
  await visitAll('silent', () => 'Loading…');
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('a server that answers nothing keeps nobody from going on or from giving an order', async () => {
  await page.goto(`${server.url}/`);
  await see('live');
  server.mood = 'silent';
  await page.goto(`${server.url}/`);
  await page.getByText('Loading…').first().waitFor();
  // Until everything that this page asks for has been asked.
  await expect.poll(() => server.unanswered, { timeout: TEST_MILLIS_MAX }).toBe(3);
  await page.evaluate(() => void fetch('/api/v1/orders', { method: 'POST', body: '{}' }).catch(() => 'given up'));
  await expect.poll(() => server.posted.length).toBe(1);
  await page.goto(`${server.url}/alerts`);
  await page.getByText('Loading…').first().waitFor();
}, TEST_MILLIS_MAX);

test('every page says what failed and tries again when asked', async () => {
  misdeeds.watch(page, isAnswerLog);
  await visitAll('failing', () => 'the store cannot be reached');
  server.mood = 'full';
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(PAGES.rejected.full).waitFor();
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('a page whose source fails later keeps its figures and calls them stale', async () => {
  await page.goto(`${server.url}/`);
  await see('live');
  server.mood = 'failing';
  server.publish('decision', data.decision(0));
  await page.getByText('Stale.').waitFor();
  expect(await page.getByText('Credential stuffing').first().isVisible()).toBe(true);
}, TEST_MILLIS_MAX);

test('a lost stream is called reconnecting, then stale, and then live again', async () => {
  await page.clock.install();
  await page.goto(`${server.url}/orders`);
  await see('live');
  server.mood = 'failing';
  server.dropReaders();
  await see('reconnecting');
  await page.clock.fastForward(11_000);
  await page.getByText('what you see may').waitFor();
  server.mood = 'full';
  await page.clock.fastForward(20_000);
  await see('live');
}, TEST_MILLIS_MAX);

test('an alert, a decision and an order appear without a reload', async () => {
  misdeeds.watch(page);
  await page.goto(`${server.url}/alerts`);
  await see('live');
  server.publish('alert', { ...data.alert(90), client: data.client('198.51.100.90'), action: 'block' });
  await page.getByRole('link', { name: '198.51.100.90' }).waitFor();

  await page.goto(`${server.url}/blocklist`);
  await see('live');
  server.publish('decision', { ...data.decision(91), ...data.client('198.51.100.91') });
  await page.getByRole('link', { name: '198.51.100.91' }).waitFor();

  await page.goto(`${server.url}/orders`);
  await see('live');
  server.publish('order', { ...data.orders[0], seq: 92, reason: 'came while you were looking' });
  await page.getByText('came while you were looking').waitFor();
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('a key signs in, is not kept on the page, and signing out asks for one again', async () => {
  misdeeds.watch(page, isAnswerLog);
  server.isSignedIn = false;
  await page.goto(`${server.url}/alerts`);
  await page.getByLabel('API key').fill('pk_secret');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Alerts', level: 1 }).waitFor();
  expect(server.posted).toEqual([{ path: '/api/v1/session', body: { key: 'pk_secret' } }]);
  expect(await page.content()).not.toContain('pk_secret');
  expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).not.toContain('pk_secret');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('filters stand in the address and come back with it', async () => {
  await page.goto(`${server.url}/alerts`);
  await page.getByLabel('Threat').selectOption('scraping');
  await page.getByLabel('Text').fill("' OR 1=1");
  await page.waitForURL((url) => url.searchParams.get('text') === "' OR 1=1" && url.searchParams.get('threat') === 'scraping');
  await page.reload();
  expect(await page.getByLabel('Text').inputValue()).toBe("' OR 1=1");
  expect(await page.getByLabel('Threat').inputValue()).toBe('scraping');
}, TEST_MILLIS_MAX);

test('everything is suspended with a reason, and every page says so until it is carried out again', async () => {
  misdeeds.watch(page);
  await page.goto(`${server.url}/blocklist`);
  await page.getByRole('button', { name: 'Suspend everything' }).click();
  const dialog = page.getByRole('dialog', { name: 'Suspend everything' });
  await dialog.getByLabel('Why').fill('half a carrier cannot get in');
  await dialog.getByRole('button', { name: 'Suspend everything' }).click();
  await dialog.waitFor({ state: 'hidden' });
  const suspend = { kind: 'suspend', until: null, reason: 'half a carrier cannot get in' };
  expect(server.posted).toEqual([{ path: '/api/v1/orders', body: suspend }]);

  server.isSuspended = true;
  await page.goto(`${server.url}/alerts`);
  await page.getByText('Nothing is carried out.').waitFor();
  await page.getByRole('button', { name: 'Carry out again' }).click();
  const again = page.getByRole('dialog', { name: 'Carry out again' });
  await again.getByLabel('Why').fill('it was the office');
  await again.getByRole('button', { name: 'Carry out again' }).click();
  await again.waitFor({ state: 'hidden' });
  expect(server.posted[1]).toEqual({ path: '/api/v1/orders', body: { kind: 'resume', reason: 'it was the office' } });
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('an order is given by keyboard alone, with a reason and a length', async () => {
  misdeeds.watch(page);
  await page.goto(`${server.url}/clients/ip/203.0.113.9`);
  const block = page.getByRole('button', { name: 'Block', exact: true });
  await block.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Block address 203.0.113.9' });
  await dialog.waitFor();
  expect(await dialog.getByRole('button', { name: 'Block' }).isDisabled(), 'a reason is missing').toBe(true);
  await dialog.getByLabel('Block for').selectOption({ label: '1 day' });
  await dialog.getByLabel('Why').focus();
  await page.keyboard.type('seen by the shop team');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('The order is given.').waitFor();
  const body = { kind: 'block', ttl_secs: 86_400, client: data.client('203.0.113.9'), reason: 'seen by the shop team' };
  expect(server.posted).toEqual([{ path: '/api/v1/orders', body }]);
  await block.focus();
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('a verdict is given with a reason, and lists show what was said', async () => {
  misdeeds.watch(page);
  await page.goto(`${server.url}/alerts`);
  await page.getByText('says mira').waitFor();
  await page.getByLabel('Verdict').selectOption('none');
  await page.waitForURL((url) => url.searchParams.get('verdict') === 'none');
  await page.getByLabel('Order').selectOption('likeliest');
  await page.waitForURL((url) => url.searchParams.get('order') === 'likeliest');
  await page.getByText('The order rests on 21 attacks and 9 false positives that people named.').waitFor();
  expect(await page.locator('[data-alert]').first().textContent()).toContain('93% likely an attack');
  await page.goto(`${server.url}/clients/ip/203.0.113.9`);
  const judged = page.getByRole('group', { name: 'What it was' }).first();
  await judged.getByRole('button', { name: 'False positive' }).click();
  const dialog = page.getByRole('dialog');
  const button = dialog.getByRole('button', { name: 'False positive' });
  expect(await button.isDisabled(), 'a reason is missing').toBe(true);
  await dialog.getByLabel('Why').fill('our own load test');
  await button.click();
  await page.getByText('A false positive: 2 decisions ended.').waitFor();
  const posted = { path: `/api/v1/alerts/${data.alert(0).id}/verdict`, body: { judgement: 'false_positive', reason: 'our own load test' } };
  expect(server.posted).toEqual([posted]);
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('every page is reached by the tab key with a visible focus, and fits a narrow screen', async () => {
  misdeeds.watch(page);
  await page.setViewportSize({ width: 360, height: 780 });
  for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
    await page.goto(server.url + PAGES[name].path);
    await page.getByText(PAGES[name].full).filter({ visible: true }).first().waitFor();
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(excess, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement ?? document.body);
      return { text: document.activeElement?.textContent, outline: style.outlineStyle };
    });
    expect(focus).toEqual({ text: 'Skip to the content', outline: 'solid' });
  }
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);

test('every text can be told from its ground, in light and in dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const mood of ['full', 'empty', 'failing'] as const) {
      server.mood = mood;
      for (const { path } of Object.values(PAGES)) {
        await page.goto(server.url + path);
        await page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
        expect(await contrastFaults(page), `${path}, ${mood}, ${colorScheme}`).toEqual([]);
      }
    }
  }
}, TEST_MILLIS_MAX);

test('the theme that a reader chooses holds over a reload', async () => {
  await page.goto(`${server.url}/orders`);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'Theme: as the system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  expect(await ground()).toBe(dark);
}, TEST_MILLIS_MAX);

test('hostile text in every field of every answer is only text', async () => {
  misdeeds.watch(page);
  await page.setViewportSize({ width: 360, height: 780 });
  // Markup does the same wherever it stands in a text, so all go together; names of JavaScript must stand alone.
  for (const text of [HOSTILE.join(' '), 'constructor', '__proto__']) {
    server.poison = text;
    for (const { path } of Object.values(PAGES)) {
      await page.goto(server.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
    }
    server.publish('alert', { ...data.alert(1), threats: [{ kind: text, confidence: 1 }], client: { ...data.client('192.0.2.1'), value: text } });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${server.url}/clients/ip/203.0.113.9`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.evaluate(() => [Object.hasOwn(window, 'owned'), document.querySelectorAll('#app script, #app iframe, #app img').length])).toEqual([false, 0]);
  expect(misdeeds.seen).toEqual([]);
}, TEST_MILLIS_MAX);
