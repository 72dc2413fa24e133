import { describe, expect, test } from '@jest/globals';
import { createRuleChecker } from './cel-rules.js';
import { approvalRuleSchema } from './generated/approval-rule-schema.js';
import { maskingPolicySchema } from './generated/masking-policy-schema.js';
import { snowflakeConnectionSchema } from './generated/snowflake-connection-schema.js';
import { checkResource } from './parse-resources.js';
import type { Rule, Schema } from './schema.js';

const secret = { name: 'secrets', key: 'value' };

const connection = {
  apiVersion: 'piste.dev/v1alpha1',
  kind: 'SnowflakeConnection',
  metadata: { name: 'prod' },
  spec: {
    account: { identifier: 'acme-prod1' },
    auth: { type: 'Passthrough' },
    issuers: [{ name: 'people', url: 'https://login.acme.example', audience: 'piste' }],
    allowedGroups: ['analysts'],
    allowedRoles: ['ANALYST'],
  },
};
const policy = {
  apiVersion: 'piste.dev/v1alpha1',
  kind: 'MaskingPolicy',
  metadata: { name: 'pii' },
  spec: {
    targetRefs: [{ kind: 'SnowflakeConnection', name: 'prod' }],
    rules: [{ name: 'emails', match: { categories: ['EMAIL'] }, action: { type: 'Redact' } }],
  },
};
const rule = {
  apiVersion: 'piste.dev/v1alpha1',
  kind: 'ApprovalRule',
  metadata: { name: 'hold' },
  spec: {
    targetRefs: [{ kind: 'SnowflakeConnection', name: 'prod' }],
    match: { statementTypes: ['Drop'] },
    approval: { approvers: [{ kind: 'Group', name: 'owners' }] },
  },
};

const withSpec = (change: object) => ({ ...connection, spec: { ...connection.spec, ...change } });
const withIssuer = (change: object) =>
  withSpec({ issuers: [{ name: 'people', url: 'https://login.acme.example', audience: 'piste', ...change }] });
const withMasking = (change: object) => ({
  ...policy,
  spec: {
    ...policy.spec,
    rules: [{ name: 'emails', match: { categories: ['EMAIL'] }, action: { type: 'Redact' }, ...change }],
  },
});
const withRule = (change: object) => ({ ...rule, spec: { ...rule.spec, ...change } });
const { approval: _approval, ...specWithoutApproval } = rule.spec;

const accepted: [string, object][] = [
  ['a connection without defaults', connection],
  ['a default role that is offered', withSpec({ defaults: { role: 'ANALYST' } })],
  ['an approver issuer of the connection', withSpec({ approverIssuer: 'people' })],
  ['an issuer on a loopback name with a port', withIssuer({ url: 'http://localhost:8080/realms/a' })],
  ['an issuer on the IPv6 loopback', withIssuer({ url: 'http://[::1]:8080' })],
  ['an issuer with a query in its key address', withIssuer({ jwksUri: 'https://a.example/keys?tenant=1' })],
  [
    'a private link host',
    withSpec({
      account: { identifier: 'a', connectivity: 'PrivateLink', host: 'a.privatelink.snowflakecomputing.com' },
    }),
  ],
  [
    'plaintext to a stand-in',
    withSpec({ account: { identifier: 'a', transport: 'InsecurePlaintext', host: '127.0.0.1' } }),
  ],
  ['an IPv6 network', withSpec({ gateway: { egressCIDRs: ['2001:db8::/32', '0.0.0.0/0'] } })],
  ['idle time equal to lifetime', withSpec({ session: { idleTimeoutSeconds: 3600, maxLifetimeSeconds: 3600 } })],
  [
    'one approver for one approval',
    withRule({ approval: { approvers: [{ kind: 'User', name: 'a' }], minApprovals: 1 } }),
  ],
  [
    'more approvals than entries where a group is listed',
    withRule({ approval: { approvers: [{ kind: 'Group', name: 'a' }], minApprovals: 3 } }),
  ],
  [
    'a policy that only looks into results',
    {
      ...policy,
      spec: { targetRefs: policy.spec.targetRefs, detection: { mode: 'Audit', categories: ['Email'] } },
    },
  ],
  ['a rule on types alone', withMasking({ match: { dataTypes: ['BINARY', 'VARIANT'] } })],
  [
    'an exemption with reason and end',
    withMasking({ unless: [{ kind: 'Group', name: 'g', reason: 'audit', expiresAt: '2027-03-31T00:00:00.5+01:00' }] }),
  ],
  ['a claim with its value', withMasking({ unless: [{ kind: 'Claim', name: 'dept', value: 'fraud' }] })],
];

const refused: [string, object, string][] = [
  ['a name no Service can have', { ...connection, metadata: { name: '1prod' } }, 'metadata.name'],
  ['a name longer than 52 characters', { ...connection, metadata: { name: 'a'.repeat(53) } }, 'metadata.name'],
  ['a default role that is not offered', withSpec({ defaults: { role: 'analyst' } }), 'spec.defaults.role'],
  ['an approver issuer from elsewhere', withSpec({ approverIssuer: 'others' }), 'spec.approverIssuer'],
  [
    'two issuers of one url',
    withSpec({
      issuers: [...connection.spec.issuers, { name: 'b', url: 'https://login.acme.example', audience: 'b' }],
    }),
    'spec.issuers',
  ],
  ['an issuer without https', withIssuer({ url: 'http://login.acme.example' }), 'spec.issuers[0].url'],
  [
    'an issuer whose host only begins like loopback',
    withIssuer({ url: 'http://localhost.acme.example' }),
    'spec.issuers[0].url',
  ],
  [
    'an issuer whose address begins like loopback',
    withIssuer({ url: 'http://127.0.0.1.acme.example/' }),
    'spec.issuers[0].url',
  ],
  ['an issuer with a user part', withIssuer({ url: 'https://login.acme.example@evil.example' }), 'spec.issuers[0].url'],
  ['an issuer with a fragment', withIssuer({ url: 'https://login.acme.example/#a' }), 'spec.issuers[0].url'],
  ['an issuer with a space', withIssuer({ url: 'https://login.acme.example/a b' }), 'spec.issuers[0].url'],
  ['an issuer with a line break', withIssuer({ url: 'https://login.acme.example\n' }), 'spec.issuers[0].url'],
  [
    'an issuer with broken percent-encoding',
    withIssuer({ url: 'https://login.acme.example/%zz' }),
    'spec.issuers[0].url',
  ],
  ['an issuer that is no URL', withIssuer({ url: 'https://' }), 'spec.issuers[0].url'],
  ['keys over plain http', withIssuer({ jwksUri: 'http://login.acme.example/keys' }), 'spec.issuers[0].jwksUri'],
  ["Snowflake's audience", withIssuer({ audience: 'SnowflakeComputing.com' }), 'spec.issuers[0].audience'],
  [
    "an account's audience in China",
    withIssuer({ audience: 'https://a.snowflakecomputing.cn' }),
    'spec.issuers[0].audience',
  ],
  [
    'a group rule with nothing to compare',
    withIssuer({ groupRules: [{ claim: 'sub', groups: ['a'] }] }),
    'spec.issuers[0].groupRules[0]',
  ],
  [
    'private link without a host',
    withSpec({ account: { identifier: 'a', connectivity: 'PrivateLink' } }),
    'spec.account.host',
  ],
  [
    'private link to a public host',
    withSpec({ account: { identifier: 'a', connectivity: 'PrivateLink', host: 'a.snowflakecomputing.com' } }),
    'spec.account.host',
  ],
  [
    'plaintext without a host',
    withSpec({ account: { identifier: 'a', transport: 'InsecurePlaintext' } }),
    'spec.account.transport',
  ],
  [
    'plaintext to Snowflake',
    withSpec({ account: { identifier: 'a', transport: 'InsecurePlaintext', host: 'A.SNOWFLAKECOMPUTING.COM' } }),
    'spec.account.transport',
  ],
  ['a key pair login without key pair', withSpec({ auth: { type: 'KeyPair' } }), 'spec.auth.keyPair'],
  [
    'an OAuth login without client',
    withSpec({ auth: { type: 'OAuthClientCredentials' } }),
    'spec.auth.oauthClientCredentials',
  ],
  ['a workload login without provider', withSpec({ auth: { type: 'WorkloadIdentity' } }), 'spec.auth.workloadIdentity'],
  [
    'a token login without token',
    withSpec({ auth: { type: 'ProgrammaticAccessToken' } }),
    'spec.auth.programmaticAccessToken',
  ],
  [
    'a passthrough login with a key',
    withSpec({ auth: { type: 'Passthrough', keyPair: { user: 'A', privateKeySecretRef: secret } } }),
    'spec.auth.keyPair',
  ],
  [
    'an idle time beyond the default lifetime',
    withSpec({ session: { idleTimeoutSeconds: 28801 } }),
    'spec.session.idleTimeoutSeconds',
  ],
  ['replicas and autoscaling', withSpec({ gateway: { replicas: 1, autoscaling: {} } }), 'spec.gateway'],
  [
    'fewer pods at most than at least',
    withSpec({ gateway: { autoscaling: { maxReplicas: 1 } } }),
    'spec.gateway.autoscaling.minReplicas',
  ],
  ['a network with a host name', withSpec({ gateway: { egressCIDRs: ['db/8'] } }), 'spec.gateway.egressCIDRs[0]'],
  [
    'a network with too many bits',
    withSpec({ gateway: { egressCIDRs: ['10.0.0.0/33'] } }),
    'spec.gateway.egressCIDRs[0]',
  ],
  [
    'a network with a leading zero',
    withSpec({ gateway: { egressCIDRs: ['10.0.0.0/08'] } }),
    'spec.gateway.egressCIDRs[0]',
  ],
  [
    'an IPv4 address in IPv6 form',
    withSpec({ gateway: { egressCIDRs: ['::ffff:10.0.0.0/104'] } }),
    'spec.gateway.egressCIDRs[0]',
  ],
  ['an empty masking match', withMasking({ match: {} }), 'spec.rules[0].match'],
  ['a partial mask without its numbers', withMasking({ action: { type: 'Partial' } }), 'spec.rules[0].action.partial'],
  [
    'a partial mask that keeps nothing',
    withMasking({ action: { type: 'Partial', partial: {} } }),
    'spec.rules[0].action.partial',
  ],
  ['a hash without key', withMasking({ action: { type: 'Hash' } }), 'spec.rules[0].action.hash'],
  ['tokens without key', withMasking({ action: { type: 'Tokenize' } }), 'spec.rules[0].action.tokenize'],
  ['a policy that says nothing', { ...policy, spec: { targetRefs: policy.spec.targetRefs } }, 'spec.rules'],
  ['dates without unit', withMasking({ action: { type: 'DateTruncate' } }), 'spec.rules[0].action.dateTruncate'],
  ['a constant without value', withMasking({ action: { type: 'Constant' } }), 'spec.rules[0].action.constant'],
  ['buckets without size', withMasking({ action: { type: 'Bucket' } }), 'spec.rules[0].action.bucket'],
  [
    'a denial with a key',
    withMasking({ action: { type: 'Deny', hash: { keySecretRef: secret } } }),
    'spec.rules[0].action.hash',
  ],
  [
    'a claim without value',
    withMasking({ unless: [{ kind: 'Claim', name: 'dept' }] }),
    'spec.rules[0].unless[0].value',
  ],
  ['a rule that selects nothing', withRule({ match: {} }), 'spec.match'],
  ['a hold without approvers', { ...rule, spec: specWithoutApproval }, 'spec.approval'],
  ['an allowance with approvers', withRule({ action: 'Allow' }), 'spec.approval'],
  [
    'an allowance of the unread',
    { ...rule, spec: { ...specWithoutApproval, action: 'Allow', match: { statementTypes: ['Unread'] } } },
    'spec.match.statementTypes',
  ],
  [
    'two approvals from one person',
    withRule({ approval: { approvers: [{ kind: 'User', name: 'a' }], minApprovals: 2 } }),
    'spec.approval.minApprovals',
  ],
];

describe('CEL rules of the kinds', () => {
  test.each(accepted)('accept %s', (_title, resource) => {
    expect(checkResource(resource, 'test').complaints).toEqual([]);
  });

  test.each(refused)('refuse %s', (_title, resource, field) => {
    expect(checkResource(resource, 'test').complaints.map((complaint) => complaint.field)).toEqual([field]);
  });

  test('have each been broken by this table, except those about the former state', () => {
    const broken = new Set(
      refused.flatMap(([, resource]) =>
        checkResource(resource, 'test').complaints.map((c) => `${c.message}; ${c.fix}`),
      ),
    );
    const all = [snowflakeConnectionSchema, maskingPolicySchema, approvalRuleSchema].flatMap((kind) => [
      ...kind.rules,
      ...rulesBelow(kind.spec),
    ]);
    const missing = all.filter((each) => !each.transition && !broken.has(`${each.message}; ${each.fix}`));
    expect(missing).toEqual([]);
    expect(all.filter((each) => each.transition).map((each) => each.rule)).toEqual(['self == oldSelf']);
  });
});

describe('the rule checker', () => {
  const text: Schema = { type: 'string', maxLength: 10 };
  const checkWith = (expression: string, schema: Schema, value: unknown) =>
    createRuleChecker().check(
      value,
      { ...schema, rules: [{ rule: expression, message: 'm', fix: 'f' }] },
      'spec',
      () => false,
    );

  test.each([
    ['a rule that does not parse', 'self ==='],
    ['an unknown function', 'isLovely(self)'],
    ['an unknown field', 'self.size() == 0 || other'],
    ['a rule that divides by zero', '1 / 0 == 1'],
    ['a rule that gives a text', 'self'],
    ['a comparison of different types', 'self < 1'],
  ])('complains about %s instead of accepting the value', (_title, expression) => {
    expect(checkWith(expression, text, 'abc')).toEqual([
      { field: 'spec', message: 'a rule about this field could not be evaluated', fix: 'f' },
    ]);
  });

  test('hands integers over as CEL integers', () => {
    expect(checkWith('type(self) == int && self + 1 == 3', { type: 'integer' }, 2)).toEqual([]);
  });

  test('skips a rule whose value has a structural fault', () => {
    const schema: Schema = { ...text, rules: [{ rule: 'false', message: 'm', fix: 'f' }] };
    expect(createRuleChecker().check('abc', schema, 'spec', (path) => path === 'spec')).toEqual([]);
  });

  test('skips rules about the former state', () => {
    const schema: Schema = { ...text, rules: [{ rule: 'self == oldSelf', message: 'm', fix: 'f', transition: true }] };
    expect(createRuleChecker().check('abc', schema, 'spec', () => false)).toEqual([]);
  });
});

function rulesBelow(schema: Schema): Rule[] {
  return [
    ...(schema.rules ?? []),
    ...(schema.items === undefined ? [] : rulesBelow(schema.items)),
    ...Object.values(schema.properties ?? {}).flatMap(rulesBelow),
  ];
}
