import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Entry } from '@piste/verifier';
import type { Approval, ApprovalSubject } from '../../approval/index.js';
import { createApprovals } from '../../approval/index.js';
import { deny } from '../../errors.js';
import type { ConsoleLogin, IdentityOutcome, Principal } from '../../identity/index.js';
import { createMemoryStore } from '../../store/index.js';
import { createConsole } from './console.js';
import type { ConsoleConnection } from './dependencies.js';
import { sampleSubject } from './sample-approval.js';
import { STYLESHEET_PATH } from './stylesheet.js';

const ISSUER = 'https://issuer.example';
const NOW_MS = Date.UTC(2026, 10, 23, 12);
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** People by subject, with their groups. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'dana.owner': ['data-owners'],
  'sam.analyst': ['analysts'],
  'sky.security': ['security'],
  'report-agent': ['agents', 'data-owners'],
};

const issuer = {
  name: 'main',
  url: ISSUER,
  audience: 'https://piste.example',
  algorithms: ['RS256'],
  claims: { displayName: 'name', groups: 'groups', agent: 'agent' },
};
const connection: ConsoleConnection = {
  name: 'analytics',
  issuers: [issuer],
  allowedGroups: ['agents'],
  approverIssuer: undefined,
};

/** An issuer without a network: the person is whoever the code names. */
const login: ConsoleLogin = {
  begin: async () => ({
    url: `${ISSUER}/authorize?state=s1`,
    pending: { state: 's1', nonce: 'n1', codeVerifier: 'v1' },
  }),
  finish: async (query, pending) => {
    const answer = new URLSearchParams(query);
    if (answer.get('state') !== pending.state) return { ok: false, why: 'rejected' };
    const sub = answer.get('code') ?? '';
    return {
      ok: true,
      login: { issuerUrl: ISSUER, claims: { sub, name: sub, groups: GROUPS[sub] }, tokenDigest: 'e'.repeat(64) },
    };
  },
};

/** Bearer tokens are subjects here; the real ones are tested with `identity`. */
async function authenticate(presented: string): Promise<IdentityOutcome> {
  const groups = GROUPS[presented];
  if (groups === undefined)
    return { ok: false, refusal: { kind: 'signature', denial: deny.badToken('its signature does not verify', 'x') } };
  const agent = presented.endsWith('-agent') ? presented : undefined;
  const principal: Principal = {
    issuer: ISSUER,
    subject: presented,
    name: presented,
    groups,
    agent,
    instance: undefined,
    delegator: undefined,
    task: undefined,
    tokenDigest: 'f'.repeat(64),
  };
  return { ok: true, principal };
}

interface World {
  readonly url: string;
  readonly entries: Entry[];
  readonly fail: { record: boolean };
  request(subject?: Partial<ApprovalSubject>): Promise<Approval>;
  get(id: string): Promise<Approval | undefined>;
  /** One browser: cookies are kept, redirects are not followed. */
  browser(): Browser;
}

type Browser = (
  path: string,
  init?: { form?: Record<string, string>; headers?: Record<string, string> },
) => Promise<Response & { page: string }>;

const closing: Array<() => void> = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function startWorld(
  changes: { connection?: ConsoleConnection; login?: ConsoleLogin | undefined } = { login },
): Promise<World> {
  const entries: Entry[] = [];
  const fail = { record: false };
  const record = async (entry: Entry) => {
    if (fail.record) throw new Error('disk full');
    entries.push(entry);
  };
  const clock = () => NOW_MS;
  const store = createMemoryStore({ clock });
  const approvals = createApprovals({ store, clock, random: randomBytes, log: silent, record });
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const connections = { list: () => [changes.connection ?? connection] };
  const app = createConsole({
    approvals,
    identity: { authenticate },
    connections,
    login: changes.login,
    publicUrl: url,
    store,
    record,
    log: silent,
    clock,
  });
  server.on('request', app);
  const request = (subject: Partial<ApprovalSubject> = {}) => {
    const requester = { ...sampleSubject().requester, issuer: ISSUER };
    return approvals.request(sampleSubject({ requester, ...subject }));
  };
  return { url, entries, fail, request, get: (id) => approvals.get(id), browser: () => newBrowser(url) };
}

function newBrowser(url: string): Browser {
  const jar = new Map<string, string>();
  return async (path, init = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = init.form === undefined ? {} : { method: 'POST', body: new URLSearchParams(init.form) };
    const own = init.form === undefined ? {} : { origin: url, 'sec-fetch-site': 'same-origin' };
    const response = await fetch(new URL(path, url), {
      ...sent,
      redirect: 'manual',
      headers: { cookie, ...own, ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return Object.assign(response, { page: await response.text() });
  };
}

async function signIn(browser: Browser, person: string, path = '/requests'): Promise<string | null> {
  await browser(`/auth/login?returnTo=${encodeURIComponent(path)}`);
  return (await browser(`/auth/callback?state=s1&code=${person}`)).headers.get('location');
}

const field = (page: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';

async function openForm(world: World, approval: Approval, person = 'dana.owner') {
  const browser = world.browser();
  await signIn(browser, person);
  const { page } = await browser(`/requests/${approval.id}`);
  const form = { csrf: field(page, 'csrf'), bindingHash: approval.subject.bindingHash, choice: 'approve', reason: '' };
  return { browser, form, target: `/requests/${approval.id}/decision` };
}

/** What was done, in order, without the record every answer has. */
const actionsOf = (world: World): readonly unknown[] =>
  world.entries.map((entry) => entry.fields['action'] ?? entry.kind).filter((action) => action !== 'answer');

describe('the login', () => {
  test('comes before every page and returns to the page that was asked for', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const browser = world.browser();
    const away = await browser(`/requests/${approval.id}`);
    expect([away.status, away.headers.get('location')]).toEqual([
      303,
      `/auth/login?returnTo=%2Frequests%2F${approval.id}`,
    ]);
    expect(await signIn(browser, 'dana.owner', `/requests/${approval.id}`)).toBe(`/requests/${approval.id}`);
    expect((await browser(`/requests/${approval.id}`)).page).toContain('What will run');
    expect(actionsOf(world).filter((action) => action !== 'approval.request')).toEqual(['login', 'request.view']);
  });

  test.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/requests/../auth',
    '/requests?x=//evil',
    'javascript:alert(1)',
  ])('never leads to %s', async (target) => {
    const world = await startWorld();
    expect(await signIn(world.browser(), 'dana.owner', target)).toBe('/requests');
  });

  test('cannot be finished twice, with another state, or in another browser', async () => {
    const world = await startWorld();
    const browser = world.browser();
    await browser('/auth/login');
    expect((await browser('/auth/callback?state=other&code=dana.owner')).status).toBe(403);
    expect((await browser('/auth/callback?state=s1&code=dana.owner')).status).toBe(400);
    await browser('/auth/login');
    expect((await world.browser()('/auth/callback?state=s1&code=dana.owner')).status).toBe(400);
  });

  test('gives a new session id each time and ends the old one', async () => {
    const world = await startWorld();
    const browser = world.browser();
    await browser('/auth/login');
    const first = (await browser('/auth/callback?state=s1&code=dana.owner')).headers.getSetCookie().join();
    await browser('/auth/login');
    const second = (await browser('/auth/callback?state=s1&code=dana.owner')).headers.getSetCookie().join();
    const id = (cookies: string) => /piste-session=([^;]+)/.exec(cookies)?.[1];
    expect(id(first)).toBeDefined();
    expect(id(second)).not.toBe(id(first));
    const old = await world.browser()('/requests', { headers: { cookie: `piste-session=${id(first)}` } });
    expect(old.status).toBe(303);
    expect(first).toMatch(/piste-session=[\w-]{43}; Path=\/; Max-Age=14400; HttpOnly; SameSite=Lax/);
  });

  test('ends with a form of our own page only', async () => {
    const world = await startWorld();
    const browser = world.browser();
    await signIn(browser, 'dana.owner');
    const { page } = await browser('/requests');
    expect((await browser('/auth/logout', { form: { csrf: 'guess' } })).status).toBe(403);
    expect((await browser('/requests')).status).toBe(200);
    expect((await browser('/auth/logout', { form: { csrf: field(page, 'csrf') } })).headers.get('location')).toBe(
      '/auth/signed-out',
    );
    expect((await browser('/requests')).status).toBe(303);
  });
});

describe('a request', () => {
  test('exists only for its approvers and its requester', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const statusFor = async (person: string, id = approval.id) => {
      const browser = world.browser();
      await signIn(browser, person);
      return (await browser(`/requests/${id}`)).status;
    };
    expect(await statusFor('dana.owner')).toBe(200);
    expect(await statusFor('sam.analyst')).toBe(404);
    expect(await statusFor('report-agent')).toBe(200);
    expect(await statusFor('dana.owner', '01kmx9d3h5unknownrequest1')).toBe(404);
  });

  test('is hidden from approvers of another issuer than the one that may approve', async () => {
    const other = { ...issuer, name: 'people', url: 'https://people.example' };
    const world = await startWorld({
      login,
      connection: { ...connection, issuers: [issuer, other], approverIssuer: 'people' },
    });
    const approval = await world.request();
    const browser = world.browser();
    await signIn(browser, 'dana.owner');
    expect((await browser(`/requests/${approval.id}`)).status).toBe(404);
  });

  test('stands in the inbox of those who may see it', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const [dana, sam] = [world.browser(), world.browser()];
    await signIn(dana, 'dana.owner');
    await signIn(sam, 'sam.analyst');
    expect((await dana('/')).headers.get('location')).toBe('/requests');
    expect((await dana('/requests')).page).toContain(`/requests/${approval.id}"`);
    expect((await sam('/requests')).page).not.toContain(approval.id);
  });

  test('is not shown when the view cannot be recorded', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const browser = world.browser();
    await signIn(browser, 'dana.owner');
    world.fail.record = true;
    const answer = await browser(`/requests/${approval.id}`);
    expect(answer.status).toBe(503);
    expect(answer.page).toContain('The gateway cannot record');
    expect(answer.page).not.toContain('DELETE');
  });
});

describe('a decision on the page', () => {
  test('is counted, recorded before, and answered with a receipt', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const { browser, form, target } = await openForm(world, approval);
    const answer = await browser(target, { form });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/requests/${approval.id}/receipt`]);
    expect((await browser(`/requests/${approval.id}/receipt`)).page).toContain('✓ approved');
    expect((await world.get(approval.id))?.state).toBe('approved');
    expect(actionsOf(world)).toEqual([
      'approval.request',
      'login',
      'request.view',
      'request.decide',
      'approval.vote',
      'decision',
      'receipt.view',
    ]);
  });

  type Attempt = { form: Record<string, string>; headers: Record<string, string> };
  const refused: ReadonlyArray<readonly [what: string, change: (attempt: Attempt) => void, status: number]> = [
    ['without the token of the session', ({ form }) => delete form['csrf'], 403],
    ['with a guessed token', ({ form }) => Object.assign(form, { csrf: 'x'.repeat(43) }), 403],
    ['from another site', ({ headers }) => Object.assign(headers, { 'sec-fetch-site': 'cross-site' }), 403],
    ['from a sibling host', ({ headers }) => Object.assign(headers, { 'sec-fetch-site': 'same-site' }), 403],
    ['from another origin', ({ headers }) => Object.assign(headers, { origin: 'https://evil.example' }), 403],
    ['from nowhere', ({ headers }) => Object.assign(headers, { origin: 'null' }), 403],
    ['with another hash', ({ form }) => Object.assign(form, { bindingHash: 'c'.repeat(64) }), 409],
    ['without a choice', ({ form }) => delete form['choice'], 400],
    ['as a denial without a reason', ({ form }) => Object.assign(form, { choice: 'deny', reason: '  ' }), 422],
    ['with an endless reason', ({ form }) => Object.assign(form, { reason: 'x'.repeat(281) }), 400],
    ['with a form that is too large', ({ form }) => Object.assign(form, { reason: 'x'.repeat(20_000) }), 413],
  ];
  test.each(refused)('is not counted %s', async (_what, change, status) => {
    const world = await startWorld();
    const approval = await world.request();
    const { browser, form, target } = await openForm(world, approval);
    const attempt: Attempt = { form: { ...form }, headers: {} };
    change(attempt);
    expect((await browser(target, attempt)).status).toBe(status);
    expect((await world.get(approval.id))?.votes).toEqual([]);
  });

  test('is not counted from the requester, even one in the approvers’ group', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const { browser, form, target } = await openForm(world, approval, 'report-agent');
    expect((await browser(target, { form })).status).toBe(403);
    expect((await world.get(approval.id))?.state).toBe('pending');
  });

  test('cannot approve what was too long to be shown whole', async () => {
    const world = await startWorld();
    const approval = await world.request({ canonicalText: `SELECT '${'x'.repeat(300_000)}'` });
    const { browser, form, target } = await openForm(world, approval);
    expect((await browser(target, { form })).status).toBe(403);
    expect((await browser(target, { form: { ...form, choice: 'deny', reason: 'too long' } })).status).toBe(303);
    expect((await world.get(approval.id))?.state).toBe('denied');
  });

  test('is not counted when it cannot be recorded', async () => {
    const world = await startWorld();
    const approval = await world.request();
    const { browser, form, target } = await openForm(world, approval);
    world.fail.record = true;
    expect((await browser(target, { form })).status).toBe(503);
    world.fail.record = false;
    expect((await world.get(approval.id))?.votes).toEqual([]);
  });
});

/** Calls the admin API. */
const call = async (world: World, path: string, token?: string, body?: unknown) => {
  const response = await fetch(`${world.url}/api/v1${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const text = await response.text();
  const answer: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, type: response.headers.get('content-type'), answer, headers: response.headers };
};

describe('the admin API', () => {
  test('lists, shows and decides', async () => {
    const world = await startWorld({ login: undefined });
    const { id, subject } = await world.request();
    expect((await call(world, '/requests', 'dana.owner')).answer['requests']).toMatchObject([
      { id, state: 'pending', mayDecide: true },
    ]);
    expect((await call(world, '/requests', 'sam.analyst')).answer['requests']).toEqual([]);
    const shown = await call(world, `/requests/${id}`, 'dana.owner');
    expect(shown.answer).toMatchObject({ id, bindingHash: subject.bindingHash, canonicalText: subject.canonicalText });
    expect(JSON.stringify(shown.answer)).not.toContain('tokenDigest');
    const vote = { choice: 'deny', reason: 'wrong table', bindingHash: subject.bindingHash };
    const decided = await call(world, `/requests/${id}/decision`, 'dana.owner', vote);
    expect([decided.status, decided.answer['state']]).toEqual([200, 'denied']);
    expect((await world.get(id))?.votes).toMatchObject([{ choice: 'deny', channel: 'api', reason: 'wrong table' }]);
  });

  const hash = sampleSubject().bindingHash;
  const problems: ReadonlyArray<
    readonly [what: string, token: string | undefined, body: unknown, status: number, code: string]
  > = [
    ['no token', undefined, { choice: 'approve', bindingHash: hash }, 401, 'PISTE-1001'],
    ['a bad token', 'mallory', { choice: 'approve', bindingHash: hash }, 401, 'PISTE-1001'],
    ['somebody who may not see it', 'sam.analyst', { choice: 'approve', bindingHash: hash }, 404, 'PISTE-1104'],
    ['the requester', 'report-agent', { choice: 'approve', bindingHash: hash }, 403, 'PISTE-1308'],
    ['another hash', 'dana.owner', { choice: 'approve', bindingHash: 'c'.repeat(64) }, 409, 'PISTE-1305'],
    ['no hash', 'dana.owner', { choice: 'approve' }, 400, 'PISTE-1103'],
    ['no reason for a denial', 'dana.owner', { choice: 'deny', bindingHash: hash }, 422, 'PISTE-1308'],
    ['an unknown member', 'dana.owner', { choice: 'approve', bindingHash: hash, force: true }, 400, 'PISTE-1103'],
    ['a body that is not JSON', 'dana.owner', '{', 400, 'PISTE-1103'],
  ];
  test.each(problems)('answers %s with a problem', async (_what, token, body, status, code) => {
    const world = await startWorld();
    const { id } = await world.request();
    const problem = await call(world, `/requests/${id}/decision`, token, body);
    expect(problem).toMatchObject({
      status,
      type: expect.stringContaining('application/problem+json'),
      answer: { code, status },
    });
    expect(problem.answer['detail']).toContain(`[${code}]`);
    expect(problem.headers.has('www-authenticate')).toBe(status === 401);
    expect((await world.get(id))?.votes).toEqual([]);
  });

  test('refuses an agent that is not the requester but stands in the approvers’ group', async () => {
    const world = await startWorld();
    const { id } = await world.request({
      requester: { ...sampleSubject().requester, issuer: ISSUER, subject: 'other-agent' },
    });
    expect(
      (await call(world, `/requests/${id}/decision`, 'report-agent', { choice: 'approve', bindingHash: hash })).answer,
    ).toMatchObject({ status: 403, reason: 'not-an-approver' });
  });

  test('an answer about one request is recorded in the session it was asked in, one about several in none', async () => {
    const world = await startWorld();
    const { id } = await world.request();
    await call(world, `/requests/${id}`, 'dana.owner');
    await call(world, '/requests', 'dana.owner');
    const answers = world.entries.filter(({ fields }) => fields['action'] === 'answer');
    expect(answers.map(({ sessionId }) => sessionId)).toEqual(['session-1', undefined]);
  });

  test('answers 503 when nothing can be recorded, and 404 for what it does not have', async () => {
    const world = await startWorld();
    const { id } = await world.request();
    expect((await call(world, '/nothing', 'dana.owner')).status).toBe(404);
    world.fail.record = true;
    expect((await call(world, `/requests/${id}`, 'dana.owner')).answer).toMatchObject({
      status: 503,
      code: 'PISTE-1701',
    });
  });
});

test('every answer forbids scripts, framing, sniffing and caching', async () => {
  const world = await startWorld();
  for (const path of ['/auth/signed-out', '/nowhere', '/api/v1/requests']) {
    const { headers } = await fetch(world.url + path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.has('x-powered-by')).toBe(false);
  }
  const style = /href="(\/assets\/[^"]+)"/.exec(await (await fetch(`${world.url}/nowhere`)).text())?.[1] ?? '';
  const sheet = await fetch(world.url + style);
  expect([sheet.status, sheet.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
});

test('pages are off without an issuer for people', async () => {
  const world = await startWorld({ login: undefined });
  const answer = await fetch(`${world.url}/requests`);
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain('Decision pages are off');
});

describe('every answer', () => {
  const digestOf = (text: string) => ({
    len: Buffer.byteLength(text),
    sha: createHash('sha256').update(text).digest('hex'),
  });

  test.each([
    ['a refusal of the API', 'GET', '/api/v1/requests', 401],
    ['a refused vote of nobody', 'POST', '/api/v1/requests/x/decision', 401],
    ['an unknown path of the API', 'GET', '/api/elsewhere', 404],
    ['an unknown page', 'GET', '/elsewhere', 404],
    ['the way to the login', 'GET', '/requests', 303],
    ['a login that cannot go on', 'GET', '/auth/callback?code=the-code', 400],
    ['the end of a session', 'GET', '/auth/signed-out', 200],
    ['the stylesheet', 'GET', STYLESHEET_PATH, 200],
  ])('is recorded with its bytes: %s', async (_what, method, path, status) => {
    const world = await startWorld();
    const response = await fetch(`${world.url}${path}`, { method, redirect: 'manual' });
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(world.entries.map(({ kind, fields }) => [kind, fields])).toEqual([
      [
        'admin.access',
        {
          action: 'answer',
          channel: path.startsWith('/api/') ? 'api' : 'page',
          method,
          path: path.split('?')[0],
          status,
          out: digestOf(text),
        },
      ],
    ]);
  });

  test('is empty when it cannot be recorded', async () => {
    const world = await startWorld();
    world.fail.record = true;
    const response = await fetch(`${world.url}/auth/signed-out`);
    expect([response.status, await response.text()]).toEqual([503, '']);
  });

  test('gives no login and no way on when it cannot be recorded', async () => {
    const world = await startWorld();
    world.fail.record = true;
    const response = await fetch(`${world.url}/auth/login`, { redirect: 'manual' });
    expect(response.status).toBe(503);
    expect([response.headers.get('set-cookie'), response.headers.get('location')]).toEqual([null, null]);
  });
});
