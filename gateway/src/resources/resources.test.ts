import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectionPolicy, decide } from '../policy/index.js';
import {
  findConnection,
  formatResourceComplaint,
  openResources,
  type PolicyEntry,
  type Resources,
  type Timers,
} from './index.js';

const connection = (name: string, extra = '') => `
apiVersion: piste.dev/v1alpha1
kind: SnowflakeConnection
metadata: {name: ${name}}
spec:
  account: {identifier: acme-${name}}
  auth:
    type: KeyPair
    keyPair: {user: GATEWAY_SVC, privateKeySecretRef: {name: sf-key, key: tls.key}}
  issuers: [{name: main, url: 'https://issuer.example', audience: 'https://piste.example'}]
  allowedGroups: [agents]
  allowedRoles: [ANALYST]
${extra}`;

const policy = (name: string, action = '{type: Redact}', extra = '') => `
apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: {name: ${name}}
spec:
  targetRefs: [{kind: SnowflakeConnection, name: prod}]
  rules:
  - name: emails
    match: {columns: [{database: CRM, object: CUSTOMERS, column: EMAIL}]}
    action: ${action}
${extra}`;

const rule = (name: string, spec: string) => `
apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: {name: ${name}}
spec:
  targetRefs: [{kind: SnowflakeConnection, name: prod}]
${spec}`;

const HASH = '{type: Hash, hash: {keySecretRef: {name: salts, key: email}}}';
const PEM = 'not-really-a-key-but-secret';

/** Timers that fire only when told. */
function manualTimers(): Timers & { fire(milliseconds: number): void } {
  const armed = new Set<{ readonly milliseconds: number; readonly callback: () => void }>();
  return {
    set(milliseconds, callback) {
      const timer = { milliseconds, callback };
      armed.add(timer);
      return { cancel: () => armed.delete(timer) };
    },
    fire(milliseconds) {
      for (const timer of armed) {
        if (timer.milliseconds !== milliseconds) continue;
        armed.delete(timer);
        timer.callback();
      }
    },
  };
}

describe('the resources folder', () => {
  let directory: string;
  let resources: Resources | undefined;
  let entries: PolicyEntry[];
  let warnings: string[];
  let secrets: Map<string, string>;
  let refuseRecord: boolean;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'piste-resources-'));
    entries = [];
    warnings = [];
    secrets = new Map([
      ['sf-key/tls.key', PEM],
      ['salts/email', 'sixteen bytes and more'],
    ]);
    refuseRecord = false;
  });

  afterEach(async () => {
    resources?.close();
    resources = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(join(directory, `.${name}.new`), text);
    await rename(join(directory, `.${name}.new`), join(directory, name));
  };

  const open = async (timers: Timers = manualTimers()): Promise<Resources> => {
    resources = await openResources({
      directory,
      secrets: async (name, key) => {
        const value = secrets.get(`${name}/${key}`);
        return value === undefined ? undefined : Buffer.from(value);
      },
      clock: () => 0,
      log: {
        info: () => undefined,
        warn: (message) => warnings.push(message),
        error: (message) => warnings.push(message),
      },
      record: async (entry) => {
        if (refuseRecord) throw new Error('disk full');
        entries.push(entry);
      },
      timers,
      debounceMs: 5,
      pollMs: 1000,
    });
    return resources;
  };

  const complaintsOf = (opened: Resources) => opened.current().complaints.map(formatResourceComplaint);
  const prodOf = (opened: Resources) => opened.current().connections.get('prod');

  test('becomes one snapshot with what is in force for each connection', async () => {
    await put(
      'a.yaml',
      `${connection('prod')}---${policy('pii')}---${rule('drops', '  action: Block\n  match: {statementTypes: [Drop]}')}`,
    );
    const opened = await open();
    expect(complaintsOf(opened)).toEqual([]);
    expect(opened.current()).toMatchObject({ sequence: 1, revision: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(prodOf(opened)).toMatchObject({
      name: 'prod',
      allowedGroups: ['agents'],
      problems: [],
      policy: {
        connection: 'prod',
        revision: opened.current().revision,
        allowedRoles: ['ANALYST'],
        unmatchedObjects: 'Deny',
        rejected: [],
        rules: [{ name: 'drops', action: 'Block' }],
        maskingPolicies: [
          {
            name: 'pii',
            enforcement: 'Enforce',
            rules: [{ columns: [{ database: 'CRM', schema: '*', object: 'CUSTOMERS', column: 'EMAIL' }] }],
          },
        ],
      },
    });
    expect(Object.isFrozen(prodOf(opened)?.policy.rules)).toBe(true);
  });

  test('records the compiled content before it takes effect, and holds no secret', async () => {
    await put('a.yaml', `${connection('prod')}---${policy('pii', HASH)}`);
    const opened = await open();
    expect(entries.map((entry) => entry.kind)).toEqual(['policy.loaded']);
    expect(entries[0]?.fields).toEqual({ rev: opened.current().revision, prev: null, seq: 1, connections: ['prod'] });
    const bundle = Buffer.from(entries[0]?.bodies[0]?.bytes ?? []).toString('utf8');
    expect(JSON.parse(bundle)).toMatchObject([{ name: 'prod' }]);
    const everything = [
      bundle,
      inspect(opened.current(), { depth: 20 }),
      JSON.stringify(opened.current()),
      inspect(opened.credential('prod'), { depth: 9 }),
    ];
    for (const text of everything) {
      expect(text).not.toContain(PEM);
      expect(text).not.toContain('sixteen bytes');
    }
    const credential = opened.credential('prod');
    expect(
      credential?.type === 'KeyPair' && credential.privateKeys.map((key) => Buffer.from(key.reveal()).toString()),
    ).toEqual([PEM]);
    expect([...opened.maskingKeys().keys()]).toEqual(['salts/email']);
  });

  test('a new snapshot that cannot be recorded does not take effect until it can', async () => {
    await put('a.yaml', connection('prod'));
    const opened = await open();
    refuseRecord = true;
    await put('b.yaml', policy('pii'));
    await opened.look();
    expect(prodOf(opened)?.policy.maskingPolicies).toEqual([]);
    refuseRecord = false;
    await opened.look();
    expect(prodOf(opened)?.policy.maskingPolicies.length).toBe(1);
    expect(opened.current().sequence).toBe(2);
  });

  test('does not open when the first snapshot cannot be recorded', async () => {
    await put('a.yaml', connection('prod'));
    refuseRecord = true;
    await expect(open()).rejects.toThrow('disk full');
  });

  test('a bad file keeps what it last said well, and says so', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', policy('pii'));
    const opened = await open();
    const revision = opened.current().revision;
    await put('b.yaml', policy('pii').replace('Redact', 'Redcat'));
    await opened.look();
    expect(opened.current().revision).toBe(revision);
    expect(opened.current().sequence).toBe(1);
    expect(complaintsOf(opened)[0]).toMatch(/^b\.yaml.*last good version stays in force/);
    expect(entries.at(-1)).toMatchObject({ kind: 'policy.rejected', fields: { count: 1 } });
    await put('b.yaml', policy('pii', '{type: "Null"}'));
    await opened.look();
    expect(complaintsOf(opened)).toEqual([]);
    expect(prodOf(opened)?.policy.maskingPolicies[0]?.rules[0]?.action).toEqual({ type: 'Null' });
  });

  test('a file that never was good denies everything it might protect', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', 'kind: [');
    const opened = await open();
    expect(prodOf(opened)?.policy.rejected).toEqual(['b.yaml']);
    expect(prodOf(opened)?.problems.length).toBe(1);
  });

  test.each(['', '# later\n', '---\n'])('a file that is emptied (%j) keeps its resources in force', async (text) => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', policy('emails'));
    const opened = await open();
    const { revision } = opened.current();
    await put('b.yaml', text);
    await opened.look();
    expect(opened.current().revision).toBe(revision);
    expect(opened.current().complaints.map(formatResourceComplaint)).toEqual([
      'b.yaml: it holds no resource any more; remove the file if its resources are to go (its last good version stays in force)',
    ]);
  });

  test('a removed file takes its resources with it', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', policy('pii'));
    const opened = await open();
    await rm(join(directory, 'b.yaml'));
    await opened.look();
    expect(prodOf(opened)?.policy.maskingPolicies).toEqual([]);
    await rm(join(directory, 'a.yaml'));
    await opened.look();
    expect(opened.current().connections.size).toBe(0);
    expect(opened.credential('prod')).toBeUndefined();
  });

  test('two policies of one name in two files deny their targets', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', policy('pii'));
    await put('c.yaml', policy('pii', '{type: "Null"}'));
    const opened = await open();
    expect(prodOf(opened)?.policy).toMatchObject({ rejected: ['MaskingPolicy pii'], maskingPolicies: [] });
    expect(complaintsOf(opened).length).toBe(2);
  });

  test('two connections of one name are both not served', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', connection('prod'));
    expect((await open()).current().connections.size).toBe(0);
  });

  test('a policy without its connection is complained about', async () => {
    await put('a.yaml', policy('pii'));
    expect(complaintsOf(await open())).toEqual([expect.stringContaining('there is no SnowflakeConnection prod')]);
  });

  test('a policy in another namespace does not attach, one without a namespace does', async () => {
    await put('a.yaml', connection('prod').replace('{name: prod}', '{name: prod, namespace: data}'));
    await put('b.yaml', policy('open'));
    await put('c.yaml', policy('foreign').replace('{name: foreign}', '{name: foreign, namespace: other}'));
    const opened = await open();
    expect(prodOf(opened)?.policy.maskingPolicies.map((masking) => masking.name)).toEqual(['open']);
    expect(complaintsOf(opened)).toEqual([expect.stringContaining('MaskingPolicy foreign')]);
  });

  test('without a key the connection is not served, and with it, it is', async () => {
    await put('a.yaml', connection('prod'));
    secrets.delete('sf-key/tls.key');
    const opened = await open();
    expect(opened.current().connections.size).toBe(0);
    expect(complaintsOf(opened)[0]).toContain('the Secret sf-key/tls.key cannot be read');
    secrets.set('sf-key/tls.key', PEM);
    await opened.look();
    expect(opened.current().connections.size).toBe(1);
  });

  test('a rotated key makes a new snapshot of the same revision', async () => {
    await put('a.yaml', connection('prod'));
    const opened = await open();
    const { revision } = opened.current();
    const seen: number[] = [];
    opened.onChange((snapshot) => seen.push(snapshot.sequence));
    secrets.set('sf-key/tls.key', 'the next key');
    await opened.look();
    expect(opened.current()).toMatchObject({ revision, sequence: 2 });
    expect(seen).toEqual([2]);
    const credential = opened.credential('prod');
    expect(credential?.type === 'KeyPair' && Buffer.from(credential.privateKeys[0]?.reveal() ?? []).toString()).toBe(
      'the next key',
    );
  });

  test.each([
    ['minEstimatedRows', rule('r', '  action: Block\n  match: {minEstimatedRows: 5}'), 'ApprovalRule r'],
    ['expression', rule('r', "  action: Block\n  match: {expression: 'true'}"), 'ApprovalRule r'],
    [
      'scope',
      rule(
        'r',
        '  match: {statementTypes: [Drop]}\n  approval: {approvers: [{kind: Group, name: g}], grant: {scope: Session}}',
      ),
      'ApprovalRule r',
    ],
  ])('a resource with %s, which is not built, denies its targets', async (field, text, rejected) => {
    await put('a.yaml', `${connection('prod')}---${text}`);
    const opened = await open();
    expect(complaintsOf(opened)).toEqual([expect.stringMatching(new RegExp(`${field}.*not built in this version`))]);
    expect(prodOf(opened)?.policy.rejected).toEqual([rejected]);
    const decision = decide(
      {
        read: true,
        class: 'SHOW',
        verb: 'SHOW',
        objectType: undefined,
        canonicalText: 'SHOW TABLES',
        objects: [],
        query: undefined,
        effect: undefined,
        carriesQuery: false,
        moved: undefined,
        writes: [],
        temporary: [],
        defined: undefined,
        explained: undefined,
        unreadBecause: undefined,
        identifiers: [],
        placeholders: 0,
      },
      { issuer: 'i', subject: 's', groups: [] },
      { database: undefined, schema: undefined, role: undefined, warehouse: undefined },
      prodOf(opened)?.policy as ConnectionPolicy,
    );
    expect(decision.verdict).toBe('block');
  });

  test('what cannot protect is only complained about: Allow rules, DryRun policies, receivers of notices', async () => {
    const allow = rule('r', "  action: Allow\n  match: {expression: 'true'}");
    const dry = policy('d', HASH.replace('salts', 'nowhere'), '  enforcement: DryRun');
    const notify = rule(
      'notices',
      '  match: {statementTypes: [Drop]}\n  approval: {approvers: [{kind: Group, name: g}]}\n  notify: [{name: chat, webhookSecretRef: {name: a, key: b}}]',
    );
    await put('a.yaml', [connection('prod'), allow, dry, notify].join('\n---'));
    const opened = await open();
    expect(complaintsOf(opened).length).toBe(3);
    expect(prodOf(opened)?.policy.rejected).toEqual([]);
    expect(prodOf(opened)?.policy.rules).toEqual([
      expect.objectContaining({
        name: 'notices',
        approval: { groups: ['g'], users: [], minApprovals: 1, timeoutSeconds: 3600 },
      }),
    ]);
  });

  test('a hash key that is missing or short denies the targets', async () => {
    await put('a.yaml', `${connection('prod')}---${policy('pii', HASH)}`);
    secrets.set('salts/email', 'short');
    const opened = await open();
    expect(prodOf(opened)?.policy.rejected).toEqual(['MaskingPolicy pii']);
    expect(complaintsOf(opened)[0]).toContain('salts/email is missing or shorter than 16 bytes');
  });

  test.each(['Passthrough', 'WorkloadIdentity'])('a connection with %s is not served', async (type) => {
    const auth =
      type === 'Passthrough' ? '{type: Passthrough}' : '{type: WorkloadIdentity, workloadIdentity: {provider: AWS}}';
    const text = connection('prod').replace(/auth:[\s\S]*?issuers/, `auth: ${auth}\n  issuers`);
    await put('a.yaml', text);
    const opened = await open();
    expect(opened.current().connections.size).toBe(0);
    expect(complaintsOf(opened)).toEqual([expect.stringContaining(`${type} is not built in this version`)]);
  });

  test('a change is seen without being asked for', async () => {
    await put('a.yaml', connection('prod'));
    const opened = await open({
      set(milliseconds, callback) {
        const handle = setTimeout(callback, milliseconds);
        return { cancel: () => clearTimeout(handle) };
      },
    });
    const changed = new Promise<number>((resolve) => opened.onChange((snapshot) => resolve(snapshot.sequence)));
    await put('b.yaml', policy('pii'));
    expect(await changed).toBe(2);
    expect(prodOf(opened)?.policy.maskingPolicies.length).toBe(1);
  });

  test('the poll finds a rotated Secret', async () => {
    await put('a.yaml', connection('prod'));
    const timers = manualTimers();
    const opened = await open(timers);
    secrets.set('sf-key/tls.key', 'the next key');
    const changed = new Promise<void>((resolve) => opened.onChange(() => resolve()));
    timers.fire(1000);
    await changed;
    expect(opened.current().sequence).toBe(2);
  });

  test('files that are not YAML and hidden files are not looked at', async () => {
    await put('a.yaml', connection('prod'));
    await put('README.md', 'not yaml: [');
    await writeFile(join(directory, '.hidden.yaml'), 'not yaml: [');
    expect(complaintsOf(await open())).toEqual([]);
  });

  test('a file that is not UTF-8 is refused', async () => {
    await put('a.yaml', connection('prod'));
    await writeFile(join(directory, 'b.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    const opened = await open();
    expect(complaintsOf(opened)[0]).toContain('it is not UTF-8');
    expect(prodOf(opened)?.policy.rejected).toEqual(['b.yaml']);
  });

  test.each([
    ['the name', 'prod', 'prod'],
    ['the name in upper case', 'PROD', 'prod'],
    ['the account identifier', 'acme-prod', 'prod'],
    ['the account identifier with an underscore', 'ACME_PROD', 'prod'],
    ['the account identifier with a region', 'acme-prod.eu-central-1.aws', 'prod'],
    ['an unknown account', 'acme-other', undefined],
    ['nothing', '', undefined],
    ['only a dot', '.', undefined],
  ])('routes by %s', async (_what, account, expected) => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', connection('test'));
    expect(findConnection((await open()).current(), account)?.name).toBe(expected);
  });

  test('does not guess between two connections of one account', async () => {
    await put('a.yaml', connection('prod'));
    await put('b.yaml', connection('twin').replace('acme-twin', 'acme-prod'));
    const snapshot = (await open()).current();
    expect(findConnection(snapshot, 'acme-prod')).toBeUndefined();
    expect(findConnection(snapshot, 'twin')?.name).toBe('twin');
  });
});
