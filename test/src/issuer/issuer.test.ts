import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createIdentity } from '@piste/gateway/dist/identity/index.js';
import type { Program } from '../harness/child.js';
import { startProgram } from '../harness/child.js';
import type { MintRequest } from './signing-keys.js';

const AUDIENCE = 'https://piste.example/analytics';
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

let program: Program;
let url: string;
beforeAll(async () => {
  program = await startProgram(MAIN, [JSON.stringify({ audiences: [AUDIENCE], dangerouslyMintForAnyone: true })]);
  url = String(program.ready['url']);
});
afterAll(async () => {
  expect(await program.stop()).toBe(0);
});

const identity = createIdentity({ clock: Date.now, log: silent });
const connection = () => ({
  name: 'analytics',
  allowedGroups: ['agents'],
  issuers: [
    {
      name: 'demo',
      url,
      audience: AUDIENCE,
      algorithms: ['RS256'],
      claims: { groups: 'groups', agent: 'agent', instance: 'instance', delegator: 'delegator', task: 'task' },
    },
  ],
});

async function fetchToken(resource: string, authorization: string): Promise<{ status: number; token: string }> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(authorization).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  const answer: unknown = await response.json();
  const token =
    typeof answer === 'object' && answer !== null && 'access_token' in answer ? String(answer.access_token) : '';
  return { status: response.status, token };
}

async function mint(request: MintRequest): Promise<string> {
  const response = await fetch(`${url}/control/mint`, { method: 'POST', body: JSON.stringify(request) });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('token' in answer)) throw new Error('no token was minted');
  return String(answer.token);
}

describe('a workload', () => {
  test('gets a token with client credentials that the gateway admits', async () => {
    const { token } = await fetchToken(AUDIENCE, 'report-agent:report-agent-demo-secret');
    expect(await identity.verify(token, connection())).toMatchObject({
      ok: true,
      principal: {
        issuer: url,
        subject: 'report-agent',
        groups: ['agents'],
        agent: 'report-agent',
        instance: 'run-1',
        delegator: 'sam.analyst',
      },
    });
  });

  test('gets none with a wrong secret or for another audience', async () => {
    expect((await fetchToken(AUDIENCE, 'report-agent:wrong')).status).toBe(401);
    expect(
      (await fetchToken('https://ab12345.snowflakecomputing.com', 'report-agent:report-agent-demo-secret')).status,
    ).toBe(400);
  });
});

describe('a minted token', () => {
  const usual: MintRequest = { subject: 'devin-1', audience: AUDIENCE, claims: { groups: ['agents'] } };

  test('is admitted when nothing is wrong with it', async () => {
    expect((await identity.verify(await mint(usual), connection())).ok).toBe(true);
  });

  const table: ReadonlyArray<readonly [what: string, change: Partial<MintRequest>, kind: string, code: string]> = [
    ['an expired life', { expiresInSeconds: -120 }, 'expired', 'PISTE-1002'],
    ['another audience', { audience: 'https://other.example' }, 'audience', 'PISTE-1003'],
    [
      'Snowflake as a second audience',
      { audience: [AUDIENCE, 'https://ab12345.snowflakecomputing.com'] },
      'audience',
      'PISTE-1003',
    ],
    ['a foreign key', { signedWith: 'foreign' }, 'signature', 'PISTE-1001'],
    ['an unknown key', { signedWith: 'unknown-key' }, 'unknown-key', 'PISTE-1001'],
    ['no signature', { signedWith: 'none' }, 'algorithm', 'PISTE-1001'],
    ['the public key as secret', { signedWith: 'public-key-as-secret' }, 'algorithm', 'PISTE-1001'],
    ['another issuer', { claims: { iss: 'https://evil.example' } }, 'untrusted-issuer', 'PISTE-1004'],
    ['no admitted group', { claims: { groups: ['guests'] } }, 'not-admitted', 'PISTE-1005'],
  ];
  test.each(table)('is refused with %s', async (_what, change, kind, code) => {
    const token = await mint({ ...usual, ...change });
    expect(await identity.verify(token, connection())).toMatchObject({
      ok: false,
      refusal: { kind, denial: { code } },
    });
  });
});

test('nobody mints tokens unless the option is set', async () => {
  const plain = await startProgram(MAIN);
  try {
    const response = await fetch(`${String(plain.ready['url'])}/control/mint`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
  } finally {
    expect(await plain.stop()).toBe(0);
  }
});

test('a connection to an issuer that is gone is refused with a reason', async () => {
  const gone = await startProgram(MAIN, [JSON.stringify({ dangerouslyMintForAnyone: true })]);
  const goneUrl = String(gone.ready['url']);
  await gone.stop();
  const token = await mint({ subject: 'x', audience: AUDIENCE, claims: { iss: goneUrl } });
  const issuers = connection().issuers.map((issuer) => ({ ...issuer, url: goneUrl }));
  expect(await identity.verify(token, { ...connection(), issuers })).toMatchObject({
    ok: false,
    refusal: { kind: 'issuer-unavailable', issuer: goneUrl, denial: { code: 'PISTE-1004' } },
  });
});
