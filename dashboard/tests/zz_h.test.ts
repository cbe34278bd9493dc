import { test } from 'vitest';
import { openPage, startBrowser, Misdeeds } from './browser';
import { FixtureServer } from './fixture_server';
import { HOSTILE } from './hostile';
test('h', async () => {
  const server = await FixtureServer.start();
  const browser = await startBrowser();
  const misdeeds = new Misdeeds();
  const { page } = await openPage(browser);
  misdeeds.watch(page);
  server.poison = HOSTILE.join(' ');
  for (const p of ['/', '/alerts', '/clients', '/clients/ip/203.0.113.9', '/blocklist', '/orders', '/system', '/system?part=bouncers','/system?part=models','/system?part=keys','/system?part=rejected']) {
    await page.goto(server.url + p); await page.waitForTimeout(400);
    console.log(p, await page.locator('h1').count(), misdeeds.seen.splice(0));
  }
  await browser.close(); await server.stop();
}, 60000);
