import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import type { ApprovalSubject } from '@piste/gateway/dist/approval/index.js';
import { createApprovals } from '@piste/gateway/dist/approval/index.js';
import { createConsole } from '@piste/gateway/dist/http/console/index.js';
import { createConsoleLogin, createIdentity } from '@piste/gateway/dist/identity/index.js';
import { createMemoryStore } from '@piste/gateway/dist/store/index.js';
import { type Browser, fieldOf, openBrowser, type Page } from '../harness/page-browser.js';
import type { Issuer } from '../issuer/issuer.js';
import { startIssuer } from '../issuer/issuer.js';

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const AUDIENCE = 'https://piste.example/analytics';

const closing: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

function subjectOf(issuer: Issuer): ApprovalSubject {
  return {
    queryId: '01b0c0de-0000-4000-8000-000000000001',
    sessionId: 'session-1',
    connection: 'analytics',
    account: 'AB12345',
    requester: {
      issuer: issuer.url,
      subject: 'report-agent',
      name: 'report-agent',
      groups: ['agents'],
      agent: 'report-agent',
      instance: undefined,
      delegator: 'sam.analyst',
      task: undefined,
      tokenDigest: 'd'.repeat(64),
    },
    claimedPurpose: undefined,
    class: 'DROP_TABLE',
    canonicalText: 'DROP TABLE SALES.PUBLIC.ORDERS',
    submittedText: 'drop table orders',
    binds: undefined,
    parameters: undefined,
    role: 'ANALYST',
    warehouse: undefined,
    database: 'SALES',
    schema: 'PUBLIC',
    objects: [{ database: 'SALES', schema: 'PUBLIC', name: 'ORDERS' }],
    masks: [],
    demand: {
      rules: ['hold-drops'],
      quorums: [{ rule: 'hold-drops', groups: ['data-owners', 'security'], users: [], minApprovals: 2 }],
      timeoutSeconds: 600,
      messages: [],
    },
    bindingHash: 'b'.repeat(64),
  };
}

async function startWorld() {
  const server = createServer();
  const url = await listen(server);
  const client = {
    clientId: 'piste-console',
    clientSecret: 'console-demo-secret',
    redirectUris: [`${url}/auth/callback`],
  };
  const issuer = await startIssuer({ console: client });
  closing.push(() => issuer.close());
  const store = createMemoryStore({ clock: Date.now });
  const shared = { store, log: silent, clock: Date.now, record: async () => {} };
  const approvals = createApprovals({ ...shared, random: randomBytes });
  const trusted = {
    name: 'demo',
    url: issuer.url,
    audience: AUDIENCE,
    algorithms: ['RS256'],
    claims: { displayName: 'name', groups: 'groups', agent: 'agent' },
  };
  const loginOptions = {
    issuerUrl: issuer.url,
    clientId: client.clientId,
    redirectUri: `${url}/auth/callback`,
    log: silent,
    clock: Date.now,
  };
  const login = createConsoleLogin({ ...loginOptions, clientSecret: client.clientSecret });
  const identity = createIdentity({ clock: Date.now, log: silent });
  const connections = {
    list: () => [{ name: 'analytics', issuers: [trusted], allowedGroups: ['agents'], approverIssuer: undefined }],
  };
  server.on('request', createConsole({ ...shared, approvals, identity, connections, login, publicUrl: url }));
  return { url, issuer, approvals, loginOptions };
}

const first = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? '';

const decide = (browser: Browser, page: Page, choice: string, reason = '') =>
  browser.open(`${page.url}/decision`, {
    csrf: fieldOf(page, 'csrf'),
    bindingHash: fieldOf(page, 'bindingHash'),
    choice,
    reason,
  });

test('two people sign in at the issuer, see the statement and approve it together', async () => {
  const { url, issuer, approvals } = await startWorld();
  const { id } = await approvals.request(subjectOf(issuer));

  const dana = openBrowser();
  const danasPage = await dana.openAs('dana.owner', `${url}/requests/${id}`);
  expect([danasPage.status, danasPage.url]).toEqual([200, `${url}/requests/${id}`]);
  expect(danasPage.text).toContain('Signed in as <bdi>Dana (data owner)</bdi>');
  expect(danasPage.text).toContain('DROP TABLE SALES.PUBLIC.ORDERS');
  const receipt = await decide(dana, danasPage, 'approve', 'agreed');
  expect(receipt.url).toBe(`${url}/requests/${id}/receipt`);
  expect(receipt.text).toContain('Waiting for a decision.');
  expect((await dana.open(`${url}/requests/${id}`)).text).toContain('Your vote is counted');

  const sky = openBrowser();
  const skysPage = await sky.openAs('sky.security', `${url}/requests/${id}`);
  expect((await decide(sky, skysPage, 'approve')).text).toContain('<strong>Approved.</strong>');
  expect(await approvals.get(id)).toMatchObject({
    state: 'approved',
    votes: [{ voter: { subject: 'dana.owner' } }, { voter: { subject: 'sky.security' } }],
  });
});

test('somebody without the right sees nothing of it, also with a bearer token', async () => {
  const { url, issuer, approvals } = await startWorld();
  const { id } = await approvals.request(subjectOf(issuer));
  const page = await openBrowser().openAs('sam.analyst', `${url}/requests/${id}`);
  expect(page.status).toBe(404);
  expect(page.text).not.toContain('DROP TABLE');

  const get = async (subject: string, groups: readonly string[]) => {
    const token = await issuer.mintToken({ subject, audience: AUDIENCE, claims: { groups } });
    return (await fetch(`${url}/api/v1/requests/${id}`, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  expect(await get('sam.analyst', ['analysts'])).toBe(404);
  expect(await get('dana.owner', ['data-owners'])).toBe(200);
  expect((await fetch(`${url}/api/v1/requests/${id}`)).status).toBe(401);
});

test('an ID token of the console opens no API: its audience is another', async () => {
  const { url, issuer } = await startWorld();
  const token = await issuer.mintToken({
    subject: 'dana.owner',
    audience: 'piste-console',
    claims: { groups: ['data-owners'] },
  });
  const response = await fetch(`${url}/api/v1/requests`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'PISTE-1003' });
});

test('after signing out the issuer asks again who it is', async () => {
  const { url } = await startWorld();
  const browser = openBrowser();
  const inbox = await browser.openAs('dana.owner', `${url}/requests`);
  const signedOut = await browser.open(`${url}/auth/logout`, { csrf: fieldOf(inbox, 'csrf') });
  expect(signedOut.url).toBe(`${url}/auth/signed-out`);
  const again = new URL(first(/href="(\/auth\/login[^"]*)"/, signedOut.text), url).href;
  expect((await browser.openAs('sky.security', again)).text).toContain('Sky (security)');
});

test('a login with another nonce, state or verifier is rejected, and so is a wrong client secret', async () => {
  const { issuer, loginOptions } = await startWorld();
  const finishWith = async (secret: string, change: Record<string, string>) => {
    const login = createConsoleLogin({ ...loginOptions, clientSecret: secret });
    const begun = await login.begin();
    if (begun === undefined) throw new Error('the issuer did not answer');
    const browser = openBrowser();
    const form = await browser.open(begun.url);
    // The console of this test has no pending login, so its callback answers 400 and the code stays unused.
    const callback = await browser.open(new URL(first(/action="([^"]+)"/, form.text), issuer.url).href, {
      login: 'dana.owner',
    });
    return login.finish(new URL(callback.url).search, { ...begun.pending, ...change });
  };
  expect(await finishWith('console-demo-secret', {})).toMatchObject({
    ok: true,
    login: { claims: { sub: 'dana.owner' } },
  });
  for (const change of [{ nonce: 'other' }, { state: 'other' }, { codeVerifier: 'x'.repeat(43) }]) {
    expect(await finishWith('console-demo-secret', change)).toEqual({ ok: false, why: 'rejected' });
  }
  expect(await finishWith('wrong', {})).toEqual({ ok: false, why: 'rejected' });
});
