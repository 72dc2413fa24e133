import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CryptoKey, JWK } from 'jose';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { IdentityOutcome } from './identity.js';
import { createIdentity } from './identity.js';
import type { IdentityConnection, TrustedIssuer } from './trusted-issuer.js';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const NOW = NOW_MS / 1000;
const AUDIENCE = 'https://piste.example/analytics';
const silent = { info: () => {}, warn: () => {}, error: () => {} };

interface LocalIssuer {
  readonly url: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly requests: string[];
  readonly server: Server;
}

async function startLocalIssuer(): Promise<LocalIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', alg: 'RS256' };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const document = request.url === '/keys' ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return { url, privateKey, publicKey, requests, server };
}

let issuer: LocalIssuer;
beforeAll(async () => {
  issuer = await startLocalIssuer();
});
afterAll(() => {
  issuer.server.closeAllConnections();
  issuer.server.close();
});

function connectionOf(changes: Partial<TrustedIssuer> = {}, allowedGroups = ['agents']): IdentityConnection {
  const trusted: TrustedIssuer = {
    name: 'main',
    url: issuer.url,
    audience: AUDIENCE,
    algorithms: ['RS256', 'ES256'],
    claims: {
      displayName: 'email',
      groups: 'groups',
      agent: 'agent',
      instance: '/run/id',
      delegator: 'requesting_user',
      task: 'task',
    },
    ...changes,
  };
  return { name: 'analytics', issuers: [trusted], allowedGroups };
}

const newIdentity = (nowMs = NOW_MS) => createIdentity({ clock: () => nowMs, log: silent });

interface TokenParts {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: CryptoKey | Uint8Array;
}

function sign({ claims, header, key }: TokenParts = {}): Promise<string> {
  const usual = { iss: issuer.url, sub: 'agent-7', aud: AUDIENCE, iat: NOW - 10, exp: NOW + 300, groups: ['agents'] };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT', ...header })
    .sign(key ?? issuer.privateKey);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function refusalOf(outcome: IdentityOutcome) {
  if (outcome.ok) throw new Error('the token was accepted');
  return outcome.refusal;
}

describe('a good token', () => {
  test('becomes a principal with every mapped claim and a digest instead of the token', async () => {
    const token = await sign({
      claims: {
        email: 'agent@example.com',
        agent: 'devin',
        run: { id: 'r-1' },
        requesting_user: 'sam',
        task: 'T-1',
        groups: ['agents', 'etl'],
      },
    });
    expect(await newIdentity().verify(token, connectionOf())).toEqual({
      ok: true,
      principal: {
        issuer: issuer.url,
        subject: 'agent-7',
        name: 'agent@example.com',
        groups: ['agents', 'etl'],
        agent: 'devin',
        instance: 'r-1',
        delegator: 'sam',
        task: 'T-1',
        tokenDigest: createHash('sha256').update(token).digest('hex'),
      },
    });
  });

  test('may name our audience in an array of one', async () => {
    expect((await newIdentity().verify(await sign({ claims: { aud: [AUDIENCE] } }), connectionOf())).ok).toBe(true);
  });

  test('may carry one group as text, and gets groups from rules', async () => {
    const connection = connectionOf({ groupRules: [{ claim: 'sub', prefix: 'agent-', groups: ['robots'] }] }, [
      'robots',
    ]);
    const outcome = await newIdentity().verify(await sign({ claims: { groups: 'etl' } }), connection);
    expect(outcome.ok && outcome.principal.groups).toEqual(['etl', 'robots']);
  });

  test('is accepted within 60 seconds of clock difference and not beyond', async () => {
    const identity = newIdentity();
    expect((await identity.verify(await sign({ claims: { exp: NOW - 59 } }), connectionOf())).ok).toBe(true);
    expect((await identity.verify(await sign({ claims: { nbf: NOW + 59, iat: NOW + 59 } }), connectionOf())).ok).toBe(
      true,
    );
    expect(refusalOf(await identity.verify(await sign({ claims: { exp: NOW - 61 } }), connectionOf())).kind).toBe(
      'expired',
    );
  });

  test('proves who a person is without admitting to the connection', async () => {
    const token = await sign({ claims: { groups: ['data-owners'] } });
    expect((await newIdentity().authenticate(token, connectionOf())).ok).toBe(true);
    expect(refusalOf(await newIdentity().verify(token, connectionOf())).kind).toBe('not-admitted');
  });
});

describe('a token that is refused', () => {
  const table: ReadonlyArray<
    readonly [what: string, token: () => Promise<string> | string, kind: string, text: RegExp]
  > = [
    ['an empty text', () => '', 'not-a-token', /^\[PISTE-1001\] No usable OIDC token\./],
    ['a password', () => 'Tr0ub4dor&3', 'not-a-token', /^\[PISTE-1001\] .*does not accept Snowflake passwords or keys/],
    ['a Snowflake session token', () => 'ver:1-hint:2041-ETMsDgAAAYt0aBc', 'not-a-token', /^\[PISTE-1001\]/],
    ['three segments that are not JSON', () => 'aaaa.bbbb.cccc', 'not-a-token', /^\[PISTE-1001\]/],
    ['an encrypted token', () => 'a.b.c.d.e', 'not-a-token', /^\[PISTE-1001\]/],
    [
      'a Snowflake key-pair token',
      () => sign({ claims: { iss: 'ACC.USER.SHA256:abc=' } }),
      'not-a-token',
      /^\[PISTE-1001\] No usable/,
    ],
    [
      'a token of more than 16 KiB',
      () => sign({ claims: { pad: 'x'.repeat(16_384) } }),
      'too-large',
      /larger than 16384 bytes/,
    ],
    [
      'no issuer',
      () => sign({ claims: { iss: undefined } }),
      'untrusted-issuer',
      /^\[PISTE-1004\] Issuer none is not trusted/,
    ],
    [
      'another issuer',
      () => sign({ claims: { iss: 'https://evil.example' } }),
      'untrusted-issuer',
      /^\[PISTE-1004\] Issuer https:\/\/evil\.example is not trusted for connection "analytics"/,
    ],
    [
      'an issuer with one more slash',
      () => sign({ claims: { iss: `${issuer.url}/` } }),
      'untrusted-issuer',
      /^\[PISTE-1004\]/,
    ],
    [
      'alg none',
      () => `${encode({ alg: 'none' })}.${encode({ iss: issuer.url, aud: AUDIENCE, sub: 'x', exp: NOW + 60 })}.`,
      'algorithm',
      /^\[PISTE-1001\].*algorithm/,
    ],
    [
      'HS256 with the public key as secret',
      async () => sign({ header: { alg: 'HS256' }, key: new TextEncoder().encode(await exportSPKI(issuer.publicKey)) }),
      'algorithm',
      /algorithm/,
    ],
    [
      'an algorithm the issuer does not use',
      () =>
        sign({ header: { alg: 'RS512' }, key: issuer.privateKey }).catch(
          () => `${encode({ alg: 'RS512' })}.${encode({ iss: issuer.url, aud: AUDIENCE })}.c2ln`,
        ),
      'algorithm',
      /algorithm/,
    ],
    ['a logout token', () => sign({ header: { typ: 'logout+jwt' } }), 'token-type', /meant for another use/],
    ['no audience', () => sign({ claims: { aud: undefined } }), 'audience', /^\[PISTE-1003\] Token audience is "none"/],
    [
      'another audience',
      () => sign({ claims: { aud: 'https://other.example' } }),
      'audience',
      /^\[PISTE-1003\] Token audience is "https:\/\/other\.example"; this gateway needs "https:\/\/piste\.example\/analytics"/,
    ],
    [
      'Snowflake as a second audience',
      () => sign({ claims: { aud: [AUDIENCE, 'https://ab12345.eu-west-1.SnowflakeComputing.com'] } }),
      'audience',
      /^\[PISTE-1003\]/,
    ],
    ['any second audience', () => sign({ claims: { aud: [AUDIENCE, 'account'] } }), 'audience', /^\[PISTE-1003\]/],
    ['an empty audience list', () => sign({ claims: { aud: [] } }), 'audience', /^\[PISTE-1003\]/],
    ['an unknown key id', () => sign({ header: { kid: 'k2' } }), 'unknown-key', /no such signing key/],
    [
      'a changed payload',
      async () =>
        (await sign()).replace(
          /\.[^.]+\./,
          `.${encode({ iss: issuer.url, aud: AUDIENCE, sub: 'root', exp: NOW + 60 })}.`,
        ),
      'signature',
      /signature does not verify/,
    ],
    [
      'an expired life',
      () => sign({ claims: { exp: NOW - 600 } }),
      'expired',
      /^\[PISTE-1002\] Your token expired 10 min ago/,
    ],
    ['no end of life', () => sign({ claims: { exp: undefined } }), 'claims', /"exp" is missing/],
    [
      'an end of life that is a text',
      () => sign({ claims: { exp: '9999999999' } }),
      'claims',
      /"exp" is missing or malformed/,
    ],
    ['a beginning in the future', () => sign({ claims: { nbf: NOW + 120 } }), 'not-yet-valid', /not valid yet/],
    ['an issue in the future', () => sign({ claims: { iat: NOW + 120 } }), 'not-yet-valid', /issued in the future/],
    ['no subject', () => sign({ claims: { sub: undefined } }), 'claims', /no claim "sub"/],
    [
      'a subject that is a number',
      () => sign({ claims: { sub: 42 } }),
      'claims',
      /"sub" is (missing or malformed|not a plain text)/,
    ],
    [
      'a subject with a hidden character',
      () => sign({ claims: { sub: 'dana\u202eowner' } }),
      'claims',
      /"sub" is not a plain text/,
    ],
    ['an agent name that is a list', () => sign({ claims: { agent: ['a'] } }), 'claims', /"agent" is not a plain text/],
    [
      'groups that are an object',
      () => sign({ claims: { groups: { agents: true } } }),
      'claims',
      /"groups" is not a list of texts/,
    ],
    [
      'groups left out by overage',
      () => sign({ claims: { groups: undefined, _claim_names: { groups: 'src1' } } }),
      'group-overage',
      /more groups than the issuer puts into a token/,
    ],
    [
      'groups replaced by a flag',
      () => sign({ claims: { groups: undefined, hasgroups: true } }),
      'group-overage',
      /more groups/,
    ],
    ['a binding to a key', () => sign({ claims: { cnf: { jkt: 'x' } } }), 'claims', /bound to a key/],
    [
      'no admitted group',
      () => sign({ claims: { groups: ['guests'] } }),
      'not-admitted',
      /^\[PISTE-1005\] agent-7 \(groups: guests\) may not use connection "analytics"/,
    ],
  ];

  test.each(table)('%s', async (_what, token, kind, text) => {
    const presented = await token();
    const refusal = refusalOf(await newIdentity().verify(presented, connectionOf()));
    expect(refusal.kind).toBe(kind);
    expect(refusal.denial.message).toMatch(text);
    expect(refusal.denial.message).toContain('Nothing was executed.');
    const signature = presented.split('.')[2];
    if (signature !== undefined && signature.length > 20) expect(refusal.denial.message).not.toContain(signature);
  });

  test('by a foreign key under a known key id', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    expect(refusalOf(await newIdentity().verify(await sign({ key: privateKey }), connectionOf())).kind).toBe(
      'signature',
    );
  });

  test('with a key of its own in the header', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const token = await sign({
      key: privateKey,
      header: { jwk: await exportJWK(publicKey), jku: `${issuer.url}/keys` },
    });
    expect(refusalOf(await newIdentity().verify(token, connectionOf())).kind).toBe('signature');
  });

  test('when the connection itself names an audience of Snowflake', async () => {
    const audience = 'https://ab12345.snowflakecomputing.com';
    const outcome = await newIdentity().verify(await sign({ claims: { aud: audience } }), connectionOf({ audience }));
    expect(refusalOf(outcome).kind).toBe('audience');
  });

  test('when nobody is admitted', async () => {
    expect(refusalOf(await newIdentity().verify(await sign(), connectionOf({}, []))).kind).toBe('not-admitted');
  });

  test('when HS256 or none is on the list of algorithms by mistake', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(issuer.publicKey));
    const token = await sign({ header: { alg: 'HS256' }, key: secret });
    expect(refusalOf(await newIdentity().verify(token, connectionOf({ algorithms: ['HS256', 'none'] }))).kind).toBe(
      'algorithm',
    );
  });

  test('before anything is fetched when its issuer, audience or algorithm is not ours', async () => {
    const before = issuer.requests.length;
    const identity = newIdentity();
    for (const claims of [{ iss: 'https://evil.example' }, { aud: 'other' }])
      await identity.verify(await sign({ claims }), connectionOf());
    await identity.verify(`${encode({ alg: 'none' })}.${encode({ iss: issuer.url, aud: AUDIENCE })}.`, connectionOf());
    expect(issuer.requests.length).toBe(before);
  });

  test('without any of it in a log line or counter', async () => {
    const said: unknown[] = [];
    const note = (...parts: unknown[]) => void said.push(parts);
    const identity = createIdentity({
      clock: () => NOW_MS,
      log: { info: note, warn: note, error: note },
      metrics: { tokenChecked: note, keysFetched: note },
    });
    const good = await sign();
    await identity.verify(good, connectionOf());
    await identity.verify(`${good}x`, connectionOf());
    await identity.verify('hunter2-password', connectionOf());
    expect(said.length).toBeGreaterThanOrEqual(4);
    expect(JSON.stringify(said)).not.toContain('hunter2');
    for (const segment of good.split('.')) expect(JSON.stringify(said)).not.toContain(segment);
  });
});
