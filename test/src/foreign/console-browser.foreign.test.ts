import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { connectAgent, connectApprover, eventually, failureOf } from '../e2e/callers.js';
import { findLayoutFaults, findViolations, keepPicture, launchChromium } from '../harness/browser.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { type Playground, startPlayground } from '../playground/playground.js';

/** Long in both directions, with a comment that lies and letters that look like others. */
const LONG_DELETE = (id: number): string => `-- harmless clean-up, please approve
DELETE FROM orders
WHERE id = ${id}
  AND status IN ('OPEN', '<script>alert(1)</script>', 'раid', '${'x'.repeat(300)}')
  AND id NOT IN (${Array.from({ length: 60 }, (_, index) => 500_000 + index).join(', ')})`;

const NARROW = { width: 320, height: 640 };

let playground: Playground;
let browser: Browser;
let agent: NodeDriver;

beforeAll(async () => {
  [playground, browser] = await Promise.all([startPlayground(), launchChromium()]);
  agent = await connectAgent(playground);
}, 90_000);
afterAll(async () => {
  await agent?.close();
  await browser?.close();
  await playground?.stop();
}, 60_000);

const complaints: string[] = [];
const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const context of open.splice(0)) await context.close();
  expect(complaints.splice(0)).toEqual([]);
});

/** A page of a browser nobody is signed in to; what it complains about in its console fails the test. */
async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  open.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(50_000);
  page.on('console', (message) => {
    // A refused page is told with its status, which Chromium repeats here.
    if (message.type() === 'error' && !/status of (403|404|409)/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return page;
}

/** The text as a person sees it. */
// biome-ignore lint/performance/useDomNodeTextContent: what the layout hides must not count as shown
const shown = (locator: Locator): Promise<string> => locator.innerText();

/** Opens a page of the console and signs in at the issuer on the way. */
async function openAs(page: Page, person: string, path = '/requests'): Promise<void> {
  await page.goto(`${playground.consoleUrl}${path}`);
  await page.getByRole('button', { name: person }).click();
  await page.waitForURL(`${playground.consoleUrl}${path}`);
}

let lastOrder = 600_000;

/** An order, and a statement of the agent that waits for a decision about deleting it. */
async function hold(driver: NodeDriver = agent) {
  lastOrder += 1;
  await driver.execute(`INSERT INTO orders (id, status) VALUES (${lastOrder}, 'OPEN')`);
  const text = LONG_DELETE(lastOrder);
  const done = driver.execute(text);
  done.catch(() => undefined);
  const dana = await connectApprover(playground);
  const request = await dana.find(new RegExp(`\\b${lastOrder}\\b`));
  return { order: lastOrder, done, request, path: `/requests/${request.id}` };
}

const countOf = async (order: number) =>
  (await agent.execute(`SELECT COUNT(*) AS n FROM orders WHERE id = ${order}`)).rows;

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('a person %s', (how, javaScriptEnabled) => {
  test('finds the request in the inbox, reads the whole statement and approves it', async () => {
    const held = await hold();
    const page = await newPage({ javaScriptEnabled });
    await openAs(page, 'Dana (data owner)');
    await keepPicture(page, `inbox ${how}`);
    const link = page.locator(`a[href="${held.path}"]`);
    expect(await shown(link)).toBe('DELETE on CRM.PUBLIC.ORDERS');
    await link.click();
    await page.waitForURL(`**${held.path}`);
    await keepPicture(page, `decision ${how}`);
    const statement = page.locator('pre').first();
    expect((await shown(statement)).trim()).toBe(held.request.canonicalText.trim());
    expect(await statement.isVisible()).toBe(true);
    await page.getByLabel('Note (optional)').fill('agreed');
    await page.getByRole('button', { name: 'Approve once' }).click();
    await page.waitForURL(`**${held.path}/receipt`);
    await keepPicture(page, `receipt ${how}`);
    expect(await shown(page.locator('main'))).toContain('Approved');
    expect((await held.done).rows).toEqual([{ 'number of rows deleted': 1 }]);
    expect(await countOf(held.order)).toEqual([{ N: 0 }]);
  }, 60_000);

  test('denies with a reason, and the agent is told', async () => {
    const held = await hold();
    const page = await newPage({ javaScriptEnabled });
    await openAs(page, 'Dana (data owner)', held.path);
    const deny = page.getByRole('button', { name: 'Deny' });
    await deny.click();
    // The reason is required, so nothing was sent.
    expect(page.url()).toBe(`${playground.consoleUrl}${held.path}`);
    await page.getByLabel('Why not?').fill('not before the audit');
    await deny.click();
    await page.waitForURL(`**${held.path}/receipt`);
    await keepPicture(page, `denied ${how}`);
    const error = await failureOf(held.done);
    expect(error.code).toBe('861302');
    expect(error.message).toContain('Denied by Dana (data owner)');
    expect(error.message).toContain('"not before the audit"');
    expect(await shown(page.locator('blockquote'))).toBe(error.message);
    expect(await countOf(held.order)).toEqual([{ N: 1 }]);
  }, 60_000);
});

test('warns of hidden comments and of letters that look like others, and runs no script of the statement', async () => {
  const held = await hold();
  const page = await newPage();
  await openAs(page, 'Dana (data owner)', held.path);
  const warnings = await shown(page.locator('.warning'));
  expect(warnings).toContain('A comment');
  expect(warnings).toContain('U+0440');
  expect(await shown(page.locator('pre').first())).toContain('<script>alert(1)</script>');
  expect(await page.locator('script').count()).toBe(0);
  await deny(held.request.id);
});

test('the one who asked sees the request, but nothing to approve it with', async () => {
  const claims = { name: 'Sam (analyst)', groups: ['analysts'] };
  const own = await connectAgent(playground, { subject: 'sam.analyst', claims });
  const held = await hold(own);
  const page = await newPage();
  await openAs(page, 'Sam (analyst)', held.path);
  await keepPicture(page, 'own request');
  expect(await shown(page.locator('main'))).toContain('You asked for this yourself, so somebody else must decide.');
  expect(await page.getByRole('button', { name: /approve|deny/i }).count()).toBe(0);
  await deny(held.request.id);
  await own.close();
});

test('for somebody who is neither requester nor approver there is no such request', async () => {
  const held = await hold();
  const page = await newPage();
  await openAs(page, 'Sky (security)', held.path);
  await keepPicture(page, 'no such request');
  expect(await shown(page.locator('main'))).toContain('There is no such request');
  await page.goto(`${playground.consoleUrl}/requests`);
  expect(await shown(page.locator('main'))).toContain('Nothing waits for you.');
  await deny(held.request.id);
});

test('a page that was open while somebody else decided says that the vote came too late', async () => {
  const held = await hold();
  const page = await newPage();
  await openAs(page, 'Dana (data owner)', held.path);
  await deny(held.request.id);
  await page.getByRole('button', { name: 'Approve once' }).click();
  await page.getByRole('heading', { name: 'Your vote was not counted' }).waitFor();
  await keepPicture(page, 'too late');
  expect(await countOf(held.order)).toEqual([{ N: 1 }]);
});

test('the content security policy blocks a script that got into a page', async () => {
  const page = await newPage();
  await openAs(page, 'Dana (data owner)');
  const blocked = await page.evaluate<string>(`new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'document.title = "taken over"';
    document.body.append(script);
    setTimeout(() => resolve('nothing was blocked'), 20_000);
  })`);
  expect(blocked).toMatch(/^script-src/);
  expect(await page.title()).not.toBe('taken over');
  expect(complaints.splice(0).join('\n')).toContain('Content Security Policy');
});

test('after signing out, signing in again asks the issuer who it is', async () => {
  const page = await newPage();
  await openAs(page, 'Dana (data owner)');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/auth/signed-out');
  await keepPicture(page, 'signed out');
  await page.getByRole('link', { name: 'Sign in again' }).click();
  await page.getByRole('button', { name: 'Sam (analyst)' }).click();
  await page.waitForURL(`${playground.consoleUrl}/requests`);
  expect(await shown(page.locator('header'))).toContain('Signed in as Sam (analyst)');
});

describe.each([
  ['light', 'narrow', NARROW],
  ['dark', 'narrow', NARROW],
  ['light', 'wide', { width: 1200, height: 800 }],
] as const)('every page in %s colours on a %s screen', (colorScheme, size, viewport) => {
  test('fits, has targets to hit and no serious fault of accessibility', async () => {
    const held = await hold();
    const page = await newPage({ colorScheme, viewport });
    const faults: Record<string, unknown> = {};
    const look = async (name: string): Promise<void> => {
      await keepPicture(page, `${name} ${colorScheme} ${size}`);
      const found = [...(await findLayoutFaults(page)), ...(await findViolations(page))];
      if (found.length > 0) faults[name] = found;
    };
    await page.goto(`${playground.consoleUrl}/requests`);
    await look('login');
    await page.getByRole('button', { name: 'Dana (data owner)' }).click();
    await page.waitForURL('**/requests');
    await look('inbox');
    await page.goto(`${playground.consoleUrl}${held.path}`);
    await page.getByText('Exactly as it was sent').click();
    await look('decision');
    await page.getByLabel('Why not?').fill('because '.repeat(30));
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL('**/receipt');
    await look('receipt');
    await page.goto(`${playground.consoleUrl}${held.path}`);
    await look('decided');
    await page.goto(`${playground.consoleUrl}/requests/none`);
    await look('unknown');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/auth/signed-out');
    await look('signed out');
    expect(faults).toEqual({});
  }, 60_000);
});

/** Ends a request that a test left open. */
async function deny(id: string): Promise<void> {
  const dana = await connectApprover(playground);
  const request = (await dana.list()).find((one) => one.id === id);
  if (request !== undefined) await dana.decide(request, 'deny', 'the test is over');
  await eventually('the end of the request', async () =>
    (await dana.get(id)).body['state'] === 'denied' ? true : undefined,
  );
}
