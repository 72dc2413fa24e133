import { describe, expect, test } from '@jest/globals';
import type { PisteCode } from '../errors.js';
import type {
  Analysis,
  ColumnRef,
  Facts,
  ObjectName,
  Output,
  SessionContext,
  SessionEffect,
  Unread,
  UnreadKind,
} from '../sql/facts.js';
import type {
  CompiledApprovalRule,
  CompiledMaskingPolicy,
  CompiledMaskingRule,
  ConnectionPolicy,
  Requester,
} from './compiled.js';
import { decide } from './decide.js';

const agent: Requester = { issuer: 'https://issuer.example', subject: 'agent-1', groups: ['agents'] };
const context: SessionContext = { database: 'CRM', schema: 'PUBLIC', role: 'ANALYST', warehouse: 'WH' };

const object = (path: string): ObjectName => {
  const [database = '', schema = '', name = ''] = path.split('.');
  return { database, schema, name };
};
const customers = object('CRM.PUBLIC.CUSTOMERS');
const email: ColumnRef = { object: customers, column: 'EMAIL' };
const city: ColumnRef = { object: customers, column: 'CITY' };

const copyOf = (column: ColumnRef): Output => ({ name: column.column, sources: [column], direct: column });
const expressionOf = (...sources: ColumnRef[]): Output => ({ name: 'X', sources, direct: undefined });

function facts(statementClass: string, fields: Partial<Facts> = {}): Facts {
  return {
    read: true,
    class: statementClass,
    verb: statementClass.replace(/_(?!OR_|REPLACE|ALTER).*$/, ''),
    objectType: undefined,
    canonicalText: statementClass.replaceAll('_', ' '),
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
    ...fields,
  };
}

function select(
  outputs: readonly Output[],
  predicate: readonly ColumnRef[] = [],
  reads: readonly ObjectName[] = [customers],
): Facts {
  return facts('SELECT', {
    canonicalText: 'SELECT …',
    objects: reads,
    query: { text: 'SELECT …', sources: [], outputs, reads, predicate, computed: [], revealing: [] },
  });
}

function unread(statementClass: string, kind: UnreadKind, fields: Partial<Unread> = {}): Unread {
  return {
    read: false,
    class: statementClass,
    verb: statementClass.replace(/_.*$/, ''),
    objectType: undefined,
    kind,
    detail: 'something is not analysed',
    needs: [],
    canonicalText: statementClass,
    objects: [],
    ...fields,
  };
}

function maskingRule(fields: Partial<CompiledMaskingRule> = {}): CompiledMaskingRule {
  return {
    name: 'emails',
    columns: [{ database: 'CRM', schema: '*', object: 'CUSTOMERS', column: 'EMAIL' }],
    action: { type: 'Redact' },
    unless: [],
    ...fields,
  };
}

function masking(
  rules: readonly CompiledMaskingRule[],
  fields: Partial<CompiledMaskingPolicy> = {},
): CompiledMaskingPolicy {
  return { name: 'pii', enforcement: 'Enforce', onUnresolved: 'Deny', rules, ...fields };
}

function rule(
  name: string,
  action: CompiledApprovalRule['action'],
  match: Partial<CompiledApprovalRule['match']>,
): CompiledApprovalRule {
  return {
    name,
    action,
    match: { statementTypes: undefined, objectTypes: undefined, objects: undefined, ...match },
    approval: action === 'Hold' ? { groups: ['owners'], users: [], minApprovals: 1, timeoutSeconds: 600 } : undefined,
    message: action === 'Hold' ? `${name} asks you` : undefined,
    alternative: action === 'Block' ? 'ask the owner' : undefined,
  };
}

function policy(fields: Partial<ConnectionPolicy> = {}): ConnectionPolicy {
  return {
    connection: 'prod',
    revision: 'r1',
    allowedRoles: ['ANALYST', 'SUPPORT'],
    unmatchedObjects: 'Deny',
    rules: [],
    maskingPolicies: [masking([maskingRule()])],
    rejected: [],
    ...fields,
  };
}

const on = (path: string) => {
  const [database = '*', schema = '*', name = '*'] = path.split('.');
  return [{ database, schema, object: name }];
};

const use = (
  what: 'role' | 'warehouse' | 'database' | 'schema' | 'secondary-roles',
  name: readonly string[] | undefined,
): Facts => facts(`USE_${what.toUpperCase().replace('-', '_')}`, { effect: { kind: 'use', what, name } });
const alterSession = (set: readonly (readonly [string, string | undefined])[], unset: readonly string[] = []): Facts =>
  facts('ALTER_SESSION', {
    effect: { kind: 'alter-session', set: set.map(([name, value]) => ({ name, value })), unset },
  });
const withEffect = (statementClass: string, effect: SessionEffect | undefined): Facts =>
  facts(statementClass, { effect });
const text = (statementClass: string, canonicalText: string, fields: Partial<Facts> = {}): Facts =>
  facts(statementClass, { canonicalText, ...fields });
const insert = (canonicalText: string, fields: Partial<Facts> = {}): Facts =>
  text('INSERT', canonicalText, {
    objects: [object('CRM.PUBLIC.NOTES')],
    identifiers: ['CRM', 'PUBLIC', 'NOTES', 'ID'],
    ...fields,
  });

const dropCrm = text('DROP_DATABASE', 'DROP DATABASE CRM', { objectType: 'DATABASE', objects: [object('CRM')] });
const holdUnread = rule('unread', 'Hold', { statementTypes: ['Unread'] });

type Expected = 'allow' | 'hold' | PisteCode;
type Row = readonly [sentence: string, analysis: Analysis, fields: Partial<ConnectionPolicy>, expected: Expected];

function verdictOf(analysis: Analysis, fields: Partial<ConnectionPolicy>, who = agent): Expected {
  const decision = decide(analysis, who, context, policy(fields));
  return decision.verdict === 'block' ? decision.denial.code : decision.verdict;
}

describe('what happens where no rule speaks', () => {
  const rows: readonly Row[] = [
    ['a query on a spoken-about object runs', select([copyOf(city)]), {}, 'allow'],
    ['a query without tables runs', select([{ name: '1', sources: [], direct: undefined }], [], []), {}, 'allow'],
    ['a query whose columns were not traced is blocked', facts('SELECT'), {}, 'PISTE-1205'],
    ['SHOW TABLES runs', text('SHOW', 'SHOW TABLES LIKE ? IN SCHEMA CRM.PUBLIC'), {}, 'allow'],
    ['SHOW TERSE OBJECTS runs', text('SHOW', 'SHOW TERSE OBJECTS'), {}, 'allow'],
    ['SHOW VIEWS is blocked because it carries view texts', text('SHOW', 'SHOW VIEWS'), {}, 'PISTE-1201'],
    ['SHOW TERSE VIEWS runs', text('SHOW', 'SHOW TERSE VIEWS IN DATABASE CRM'), {}, 'allow'],
    ['SHOW USERS is blocked', text('SHOW', 'SHOW USERS'), {}, 'PISTE-1201'],
    ['SHOW TRANSACTIONS is blocked', text('SHOW', 'SHOW TRANSACTIONS IN ACCOUNT'), {}, 'PISTE-1201'],
    [
      'DESCRIBE TABLE runs',
      text('DESCRIBE', 'DESCRIBE TABLE CRM.PUBLIC.CUSTOMERS', { objectType: 'TABLE' }),
      {},
      'allow',
    ],
    ['DESCRIBE RESULT is blocked', text('DESCRIBE', "DESCRIBE RESULT '01b-x'"), {}, 'PISTE-1205'],
    ['DESCRIBE FUNCTION is blocked', text('DESCRIBE', 'DESCRIBE FUNCTION F(NUMBER)'), {}, 'PISTE-1201'],
    ['SHOW of something new is blocked', text('SHOW', 'SHOW NOVELTIES'), {}, 'PISTE-1205'],
    ['SHOW PARAMETERS runs', text('SHOW', 'SHOW PARAMETERS IN SESSION'), {}, 'allow'],
    ['SHOW MASKING POLICIES is blocked', text('SHOW', 'SHOW MASKING POLICIES'), {}, 'PISTE-1201'],
    ['an offered role may be taken', use('role', ['SUPPORT']), {}, 'allow'],
    ['another role may not be taken', use('role', ['ACCOUNTADMIN']), {}, 'PISTE-1203'],
    ['a role that differs in case is another role', use('role', ['support']), {}, 'PISTE-1203'],
    ['a computed role may not be taken', use('role', undefined), {}, 'PISTE-1205'],
    ['secondary roles may be turned off', use('secondary-roles', ['NONE']), {}, 'allow'],
    ['secondary roles may not be turned on', use('secondary-roles', ['ALL']), {}, 'PISTE-1203'],
    ['another database may be used', use('database', ['SALES']), {}, 'allow'],
    ['a warehouse may be used', use('warehouse', ['WH2']), {}, 'allow'],
    ['QUERY_TAG may be set', alterSession([['QUERY_TAG', 'x']]), {}, 'allow'],
    ['TIMEZONE may be unset', alterSession([], ['TIMEZONE']), {}, 'allow'],
    [
      'one forbidden parameter among allowed ones is refused',
      alterSession([
        ['TIMEZONE', 'UTC'],
        ['SEARCH_PATH', 'X'],
      ]),
      {},
      'PISTE-1206',
    ],
    ['the result format may not be changed', alterSession([['JDBC_QUERY_RESULT_FORMAT', 'ARROW']]), {}, 'PISTE-1206'],
    [
      'identifier folding may not be changed',
      alterSession([['QUOTED_IDENTIFIERS_IGNORE_CASE', 'true']]),
      {},
      'PISTE-1206',
    ],
    ['statement batches may not be enabled', alterSession([['MULTI_STATEMENT_COUNT', '0']]), {}, 'PISTE-1206'],
    ['a forbidden parameter may not be unset either', alterSession([], ['CLIENT_PREFETCH_THREADS']), {}, 'PISTE-1206'],
    ['a parameter takes literals only', alterSession([['QUERY_TAG', undefined]]), {}, 'PISTE-1205'],
    ['ALTER SESSION whose effect was not read is refused', facts('ALTER_SESSION'), {}, 'PISTE-1205'],
    ['USE whose effect was not read is refused', facts('USE_ROLE'), {}, 'PISTE-1205'],
    [
      'a variable may hold a literal',
      withEffect('SET', { kind: 'variable', literal: true, variables: [] }),
      {},
      'allow',
    ],
    [
      'a variable may not hold a computed value',
      withEffect('SET', { kind: 'variable', literal: false, variables: [] }),
      {},
      'PISTE-1205',
    ],
    ['a variable may be forgotten', withEffect('UNSET', undefined), {}, 'allow'],
    ['transactions run', withEffect('TRANSACTION', { kind: 'transaction' }), {}, 'allow'],
    ['PUT is refused', facts('PUT'), {}, 'PISTE-1204'],
    ['GET is refused', facts('GET'), {}, 'PISTE-1204'],
    ...[
      'INSERT',
      'UPDATE',
      'DELETE',
      'MERGE',
      'TRUNCATE',
      'CTAS',
      'DROP_TABLE',
      'CREATE_OR_REPLACE_TABLE',
      'ALTER_TABLE',
    ].map((name): Row => [`${name} is blocked`, facts(name), {}, 'PISTE-1201']),
    ...['GRANT', 'REVOKE', 'CALL', 'LOAD', 'UNLOAD', 'LIST', 'REMOVE', 'EXPLAIN', 'EXECUTE_TASK', 'ABORT_SESSION'].map(
      (name): Row => [`${name} is blocked`, facts(name), {}, 'PISTE-1201'],
    ),
  ];
  test.each(rows)('%s', (_sentence, analysis, fields, expected) => {
    expect(verdictOf(analysis, fields)).toBe(expected);
  });
});

describe('what masking policies do to queries', () => {
  const redact = masking([maskingRule()]);
  const rows: readonly Row[] = [
    ['a plain copy of a protected column runs masked', select([copyOf(email)]), {}, 'allow'],
    ['a protected column inside an expression is blocked', select([expressionOf(email)]), {}, 'PISTE-1403'],
    [
      'a copy of a protected column through a view runs masked',
      select([{ name: 'E', sources: [email, { object: object('CRM.PUBLIC.V'), column: 'E' }], direct: email }]),
      {},
      'allow',
    ],
    [
      'a view column with the Deny action is refused though its base column is only masked',
      select([{ name: 'E', sources: [email, city], direct: email }]),
      {
        maskingPolicies: [
          masking([
            maskingRule(),
            maskingRule({
              name: 'deny',
              columns: [{ database: '*', schema: '*', object: '*', column: 'CITY' }],
              action: { type: 'Deny' },
            }),
          ]),
        ],
      },
      'PISTE-1404',
    ],
    ['a protected column in the predicate is blocked', select([copyOf(city)], [email]), {}, 'PISTE-1404'],
    ['an unprotected predicate runs', select([copyOf(city)], [city]), {}, 'allow'],
    ['an object without a policy is blocked', select([], [], [object('CRM.PUBLIC.ORDERS')]), {}, 'PISTE-1201'],
    [
      'an object without a policy runs where the connection says so',
      select([], [], [object('CRM.PUBLIC.ORDERS')]),
      { unmatchedObjects: 'Allow' },
      'allow',
    ],
    [
      'one object without a policy among others blocks',
      select([copyOf(city)], [], [customers, object('CRM.PUBLIC.ORDERS')]),
      {},
      'PISTE-1201',
    ],
    [
      'a table whose name differs in case has no policy',
      select([], [], [object('CRM.PUBLIC.customers')]),
      {},
      'PISTE-1201',
    ],
    [
      'a column that differs in case is protected all the same',
      select([copyOf({ ...email, column: 'email' })], [email]),
      {},
      'PISTE-1404',
    ],
    [
      'the Deny action refuses even a plain copy',
      select([copyOf(email)]),
      { maskingPolicies: [masking([maskingRule({ action: { type: 'Deny' } })])] },
      'PISTE-1404',
    ],
    [
      'Deny beats every other action',
      select([copyOf(email)]),
      { maskingPolicies: [redact, masking([maskingRule({ action: { type: 'Deny' } })], { name: 'b' })] },
      'PISTE-1404',
    ],
    [
      'a DryRun policy masks nothing',
      select([expressionOf(email)]),
      { maskingPolicies: [masking([maskingRule()], { enforcement: 'DryRun' })], unmatchedObjects: 'Allow' },
      'allow',
    ],
    [
      'a DryRun policy does not open an object',
      select([copyOf(city)]),
      { maskingPolicies: [masking([maskingRule()], { enforcement: 'DryRun' })] },
      'PISTE-1201',
    ],
    ['INFORMATION_SCHEMA.COLUMNS may be read', select([], [], [object('CRM.INFORMATION_SCHEMA.COLUMNS')]), {}, 'allow'],
    [
      'INFORMATION_SCHEMA.VIEWS may not be read',
      select([], [], [object('CRM.INFORMATION_SCHEMA.VIEWS')]),
      { unmatchedObjects: 'Allow' },
      'PISTE-1201',
    ],
    [
      'query history may not be read',
      select([], [], [object('SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY')]),
      { unmatchedObjects: 'Allow' },
      'PISTE-1201',
    ],
    [
      'query history may not be read under a rule that only happens to cover it',
      select([], [], [object('SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY')]),
      { rules: [rule('all', 'Allow', { objects: on('*') })] },
      'PISTE-1201',
    ],
    [
      'query history may be read under a rule that names it',
      select([], [], [object('SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY')]),
      { rules: [rule('history', 'Allow', { objects: on('SNOWFLAKE.ACCOUNT_USAGE') })] },
      'allow',
    ],
    ['a rejected policy blocks reading', select([copyOf(city)]), { rejected: ['MaskingPolicy phones'] }, 'PISTE-1201'],
    ['a rejected policy leaves constant queries', select([], [], []), { rejected: ['MaskingPolicy phones'] }, 'allow'],
    ['a rejected policy leaves the session', use('role', ['ANALYST']), { rejected: ['x'] }, 'allow'],
    ['a rejected policy blocks metadata', text('SHOW', 'SHOW TABLES'), { rejected: ['x'] }, 'PISTE-1201'],
    [
      'a rejected policy blocks what a rule would hold',
      dropCrm,
      { rejected: ['x'], rules: [rule('h', 'Hold', {})] },
      'PISTE-1201',
    ],
    [
      'an output of mixed columns may be hidden whole',
      select([expressionOf(email, city)]),
      { maskingPolicies: [masking([maskingRule()], { onUnresolved: 'MaskAll' })] },
      'allow',
    ],
    [
      'hiding whole needs every policy to agree',
      select([expressionOf(email)]),
      { maskingPolicies: [masking([maskingRule()], { onUnresolved: 'MaskAll' }), redact] },
      'PISTE-1403',
    ],
  ];
  test.each(rows)('%s', (_sentence, analysis, fields, expected) => {
    expect(verdictOf(analysis, fields)).toBe(expected);
  });

  test('the strictest of several actions becomes the obligation', () => {
    const actions = [
      maskingRule({ name: 'p', action: { type: 'Partial', keepFirst: 1, keepLast: 1, replacement: '*' } }),
      maskingRule({ name: 'n', action: { type: 'Null' } }),
      maskingRule({ name: 'h', action: { type: 'Hash', key: 'k/k' } }),
      maskingRule({ name: 'r', action: { type: 'Redact' } }),
    ];
    const decision = decide(
      select([copyOf(city), copyOf(email)]),
      agent,
      context,
      policy({ maskingPolicies: [masking(actions)] }),
    );
    expect(decision).toMatchObject({
      verdict: 'allow',
      masks: [{ index: 1, name: 'EMAIL', action: { type: 'Null' }, policy: 'pii', rule: 'n', column: email }],
      outputs: { names: ['CITY', 'EMAIL'], touchesProtected: true },
    });
  });

  test('the strictest rule of all columns a copy comes through becomes the obligation', () => {
    const viewColumn: ColumnRef = { object: object('CRM.PUBLIC.V'), column: 'E' };
    const rules = [
      maskingRule(),
      maskingRule({
        name: 'view',
        columns: [{ database: 'CRM', schema: '*', object: 'V', column: 'E' }],
        action: { type: 'Null' },
      }),
    ];
    const copy = { name: 'E', sources: [email, viewColumn], direct: email };
    expect(decide(select([copy]), agent, context, policy({ maskingPolicies: [masking(rules)] }))).toMatchObject({
      masks: [{ rule: 'view', action: { type: 'Null' }, column: viewColumn }],
    });
  });

  test('of two partial masks the one that keeps less wins', () => {
    const partial = (name: string, keepLast: number) =>
      maskingRule({ name, action: { type: 'Partial', keepFirst: 0, keepLast, replacement: '*' } });
    const decision = decide(
      select([copyOf(email)]),
      agent,
      context,
      policy({ maskingPolicies: [masking([partial('a', 4), partial('b', 2)])] }),
    );
    expect(decision.verdict === 'allow' && decision.masks[0]?.rule).toBe('b');
  });

  test('a group exempts from its own rule only', () => {
    const exempted = maskingRule({ unless: [{ kind: 'Group', name: 'agents' }] });
    const free = decide(select([copyOf(email)]), agent, context, policy({ maskingPolicies: [masking([exempted])] }));
    expect(free).toMatchObject({ verdict: 'allow', masks: [], outputs: { touchesProtected: false } });
    const other = maskingRule({ name: 'other', action: { type: 'Null' } });
    const still = decide(
      select([copyOf(email)]),
      agent,
      context,
      policy({ maskingPolicies: [masking([exempted, other])] }),
    );
    expect(still).toMatchObject({ masks: [{ rule: 'other' }] });
  });

  test('a user is exempt as issuer and subject, and not under another issuer', () => {
    const rules = [maskingRule({ unless: [{ kind: 'User', name: 'https://issuer.example#agent-1' }] })];
    const fields = { maskingPolicies: [masking(rules)] };
    expect(decide(select([copyOf(email)]), agent, context, policy(fields))).toMatchObject({ masks: [] });
    const other = { ...agent, issuer: 'https://other.example' };
    expect(decide(select([copyOf(email)]), other, context, policy(fields))).toMatchObject({
      masks: [{ rule: 'emails' }],
    });
  });

  test('a claim exempts only when it was proven', () => {
    const rules = [maskingRule({ unless: [{ kind: 'Claim', name: 'dept', value: 'fraud' }] })];
    const fields = { maskingPolicies: [masking(rules)] };
    const masksFor = (who: Requester) => {
      const decision = decide(select([copyOf(email)]), who, context, policy(fields));
      return decision.verdict === 'allow' ? decision.masks.length : undefined;
    };
    expect(masksFor(agent)).toBe(1);
    expect(masksFor({ ...agent, claims: { dept: 'sales' } })).toBe(1);
    expect(masksFor({ ...agent, claims: { dept: ['ops', 'fraud'] } })).toBe(0);
  });

  test('DryRun says what it would have done', () => {
    const dry = masking([maskingRule()], { enforcement: 'DryRun' });
    const decision = decide(
      select([copyOf(email)]),
      agent,
      context,
      policy({ maskingPolicies: [dry], unmatchedObjects: 'Allow' }),
    );
    expect(decision).toMatchObject({ verdict: 'allow', masks: [] });
    expect(decision.reasons.map((reason) => reason.message)).toContain(
      'DryRun: CRM.PUBLIC.CUSTOMERS.EMAIL would have been protected (Redact).',
    );
  });

  test('every reason to block is listed and the first one is told', () => {
    const decision = decide(select([expressionOf(email)], [email], [object('X.Y.Z')]), agent, context, policy());
    expect(decision.reasons.map((reason) => reason.kind)).toEqual([
      'protected-column-not-direct',
      'protected-column-in-predicate',
      'object-without-policy',
    ]);
    expect(decision.verdict === 'block' && decision.denial.code).toBe('PISTE-1403');
  });

  test('a session whose role is not offered runs nothing', () => {
    const decision = decide(select([copyOf(city)]), agent, { ...context, role: 'ACCOUNTADMIN' }, policy());
    expect(decision.verdict === 'block' && decision.denial.code).toBe('PISTE-1203');
  });
});

describe('what rules do', () => {
  const allow = (
    ...statementTypes: NonNullable<CompiledApprovalRule['match']['statementTypes']>
  ): Partial<ConnectionPolicy> => ({
    rules: [rule('a', 'Allow', { statementTypes })],
  });
  const hold = (match: Partial<CompiledApprovalRule['match']>): Partial<ConnectionPolicy> => ({
    rules: [rule('h', 'Hold', match)],
  });
  const rows: readonly Row[] = [
    ['DROP DATABASE is held by a rule on Drop', dropCrm, hold({ statementTypes: ['Drop'] }), 'hold'],
    ['DROP DATABASE is held by a rule on a schema inside', dropCrm, hold({ objects: on('CRM.SALES') }), 'hold'],
    ['DROP DATABASE is not held by a rule on another database', dropCrm, hold({ objects: on('HR') }), 'PISTE-1201'],
    ['DROP DATABASE is not held by a rule on tables', dropCrm, hold({ objectTypes: ['Table'] }), 'PISTE-1201'],
    [
      'DROP of unknown objects is held by a rule on objects',
      facts('DROP_TABLE', { objectType: 'TABLE' }),
      hold({ objects: on('HR') }),
      'hold',
    ],
    ['DROP of an unknown kind is held by a rule on kinds', facts('DROP'), hold({ objectTypes: ['Table'] }), 'hold'],
    [
      'an unknown object is not allowed by a rule on objects',
      facts('DROP_TABLE', { objectType: 'TABLE' }),
      { rules: [rule('a', 'Allow', { objects: on('HR') })] },
      'PISTE-1201',
    ],
    [
      'DROP of a whole database is not allowed by a rule on its schema',
      dropCrm,
      { rules: [rule('a', 'Allow', { objects: on('CRM.SANDBOX') })] },
      'PISTE-1201',
    ],
    [
      'DROP DATABASE is allowed by a rule on it',
      dropCrm,
      { rules: [rule('a', 'Allow', { objects: on('CRM') })] },
      'allow',
    ],
    [
      'COMMIT is not held by a rule on objects',
      withEffect('TRANSACTION', { kind: 'transaction' }),
      hold({ objects: on('CRM') }),
      'allow',
    ],
    ['a query is held by a rule on its object', select([copyOf(email)]), hold({ objects: on('crm') }), 'hold'],
    [
      'a held query is still blocked when it cannot be masked',
      select([expressionOf(email)]),
      hold({ statementTypes: ['Select'] }),
      'PISTE-1403',
    ],
    ['a constant query is not held by a rule on objects', select([], [], []), hold({ objects: on('CRM') }), 'allow'],
    ['a rule cannot let files move', facts('PUT'), allow('Put'), 'PISTE-1204'],
    ['a rule cannot hold files', facts('GET'), hold({ statementTypes: ['Get'] }), 'PISTE-1204'],
    ['a rule cannot offer another role', use('role', ['ACCOUNTADMIN']), allow('Use'), 'PISTE-1203'],
    ['a rule cannot open a parameter', alterSession([['SEARCH_PATH', 'X']]), allow('Set', 'Alter'), 'PISTE-1206'],
    ['a rule can open SHOW USERS', text('SHOW', 'SHOW USERS'), allow('Show'), 'allow'],
    ['a rule cannot open SHOW VARIABLES', text('SHOW', 'SHOW VARIABLES'), allow('Show'), 'PISTE-1205'],
    ['a rule cannot open what is not known', text('SHOW', 'SHOW NOVELTIES'), allow('Show'), 'PISTE-1205'],
    ['a rule can hold SHOW VIEWS', text('SHOW', 'SHOW VIEWS'), hold({ statementTypes: ['Show'] }), 'hold'],
    [
      'an unknown class stays blocked whatever the rules',
      facts('ABORT_SESSION'),
      { rules: [rule('a', 'Allow', {}), rule('h', 'Hold', {})] },
      'PISTE-1201',
    ],
    [
      'Block beats Hold and Allow',
      dropCrm,
      { rules: [rule('a', 'Allow', {}), rule('h', 'Hold', {}), rule('b', 'Block', {})] },
      'PISTE-1201',
    ],
    ['Hold beats Allow', dropCrm, { rules: [rule('a', 'Allow', {}), rule('h', 'Hold', {})] }, 'hold'],
    ['CTAS needs Hold', facts('CTAS', { carriesQuery: true }), allow('CreateTableAsSelect'), 'PISTE-1205'],
    [
      'CTAS can be held',
      facts('CTAS', { carriesQuery: true }),
      hold({ statementTypes: ['CreateTableAsSelect'] }),
      'hold',
    ],
    ['UNLOAD needs Hold', facts('UNLOAD'), allow('Unload'), 'PISTE-1205'],
    [
      'CREATE VIEW needs Hold',
      text('CREATE_VIEW', 'CREATE VIEW V AS SELECT 1', { objectType: 'VIEW', carriesQuery: true }),
      allow('Create'),
      'PISTE-1205',
    ],
    [
      'CREATE TABLE can be allowed',
      text('CREATE_TABLE', 'CREATE TABLE T (ID NUMBER)', { objectType: 'TABLE' }),
      allow('Create'),
      'allow',
    ],
    [
      'a clone needs Hold',
      text('CREATE_TABLE', 'CREATE TABLE T CLONE CRM.PUBLIC.CUSTOMERS', { objectType: 'TABLE' }),
      allow('Create'),
      'PISTE-1205',
    ],
    [
      'a renamed table needs Hold',
      text('ALTER_TABLE', 'ALTER TABLE CUSTOMERS RENAME TO X', { objectType: 'TABLE' }),
      allow('Alter'),
      'PISTE-1205',
    ],
    [
      'a procedure needs Hold',
      text('CREATE_PROCEDURE', 'CREATE PROCEDURE P()', { objectType: 'PROCEDURE' }),
      allow('Create'),
      'PISTE-1205',
    ],
    ['GRANT needs Hold', facts('GRANT'), allow('Grant'), 'PISTE-1205'],
    ['GRANT can be held', facts('GRANT'), hold({ statementTypes: ['Grant'] }), 'hold'],
    ['REVOKE can be allowed', facts('REVOKE'), allow('Revoke'), 'allow'],
    ['EXPLAIN of a query needs Hold', facts('EXPLAIN', { carriesQuery: true }), allow('Explain'), 'PISTE-1205'],
    [
      'CALL cannot even be held where masks are in force',
      facts('CALL'),
      hold({ statementTypes: ['Call'] }),
      'PISTE-1205',
    ],
    [
      'CALL can be held where no masks are in force',
      facts('CALL'),
      { ...hold({ statementTypes: ['Call'] }), maskingPolicies: [] },
      'hold',
    ],
    [
      'INSERT of values can be allowed',
      insert('INSERT INTO CRM.PUBLIC.NOTES (ID) VALUES (1)'),
      allow('Insert'),
      'allow',
    ],
    [
      'INSERT of computed values can be allowed',
      insert("INSERT INTO NOTES (ID) VALUES (UPPER('x'))"),
      allow('Insert'),
      'allow',
    ],
    [
      'INSERT that calls an unknown function needs Hold',
      insert('INSERT INTO NOTES (ID) VALUES (LEAK(1))'),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'INSERT that calls a qualified function needs Hold',
      insert('INSERT INTO NOTES (ID) VALUES (CRM.PUBLIC.UPPER(1))'),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'INSERT that calls a quoted function needs Hold',
      insert('INSERT INTO NOTES (ID) VALUES ("UPPER"(1))'),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'INSERT from a query needs Hold',
      insert('INSERT INTO NOTES SELECT 1', { carriesQuery: true }),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'INSERT that names a protected column needs Hold',
      insert('INSERT INTO NOTES (EMAIL) VALUES (1)', { identifiers: ['NOTES', 'EMAIL'] }),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'a protected name in another case counts',
      insert('INSERT INTO NOTES ("Email") VALUES (1)', { identifiers: ['NOTES', 'Email'] }),
      allow('Insert'),
      'PISTE-1205',
    ],
    [
      'UPDATE from another table needs Hold',
      text('UPDATE', 'UPDATE NOTES SET A = 1 FROM V', { identifiers: ['NOTES', 'A', 'V'] }),
      allow('Update'),
      'PISTE-1205',
    ],
    [
      'UPDATE that takes the whole row needs Hold',
      text('UPDATE', 'UPDATE NOTES SET A = OBJECT_CONSTRUCT(*)', { identifiers: ['NOTES', 'A'] }),
      allow('Update'),
      'PISTE-1205',
    ],
    [
      'plain UPDATE can be allowed',
      text('UPDATE', 'UPDATE NOTES SET A = 1 WHERE B = 2', { identifiers: ['NOTES', 'A', 'B'] }),
      allow('Update'),
      'allow',
    ],
    [
      'DELETE can be allowed',
      text('DELETE', 'DELETE FROM NOTES WHERE ID = 1', { identifiers: ['NOTES', 'ID'] }),
      allow('Delete'),
      'allow',
    ],
    [
      'DELETE USING needs Hold',
      text('DELETE', 'DELETE FROM NOTES USING V WHERE A = B', { identifiers: ['NOTES'] }),
      allow('Delete'),
      'PISTE-1205',
    ],
    [
      'MERGE needs Hold',
      text('MERGE', 'MERGE INTO NOTES USING V ON A = B', { identifiers: ['NOTES'] }),
      allow('Merge'),
      'PISTE-1205',
    ],
    [
      'a policy on every column of the target needs Hold',
      insert('INSERT INTO NOTES (ID) VALUES (1)'),
      {
        ...allow('Insert'),
        maskingPolicies: [
          masking([maskingRule({ columns: [{ database: 'CRM', schema: '*', object: 'NOTES', column: '*' }] })]),
        ],
      },
      'PISTE-1205',
    ],
  ];
  test.each(rows)('%s', (_sentence, analysis, fields, expected) => {
    expect(verdictOf(analysis, fields)).toBe(expected);
  });

  test('a block tells the rule, what is blocked and what to do instead', () => {
    const decision = decide(
      dropCrm,
      agent,
      context,
      policy({ rules: [rule('no-drops', 'Block', { statementTypes: ['Drop'] })] }),
    );
    expect(decision.verdict === 'block' && decision.denial.message).toBe(
      '[PISTE-1201] Blocked by rule "no-drops": DROP DATABASE on CRM is not allowed for agents. Nothing was executed. Retry: no; rewording will be blocked and is recorded. Instead: ask the owner',
    );
  });

  test('a hold asks the approvers of every rule that fits, for the shortest time', () => {
    const quick = {
      ...rule('quick', 'Hold', {}),
      approval: { groups: [], users: ['u'], minApprovals: 2, timeoutSeconds: 60 },
    };
    const decision = decide(dropCrm, agent, context, policy({ rules: [rule('h', 'Hold', {}), quick] }));
    expect(decision).toMatchObject({
      verdict: 'hold',
      approval: {
        rules: ['h', 'quick'],
        timeoutSeconds: 60,
        quorums: [
          { rule: 'h', groups: ['owners'], users: [], minApprovals: 1 },
          { rule: 'quick', groups: [], users: ['u'], minApprovals: 2 },
        ],
        messages: ['h asks you', 'quick asks you'],
      },
    });
  });

  test('a held query keeps its masks', () => {
    const decision = decide(select([copyOf(email)]), agent, context, policy({ rules: [rule('h', 'Hold', {})] }));
    expect(decision).toMatchObject({
      verdict: 'hold',
      masks: [{ index: 0, action: { type: 'Redact' } }],
      outputs: { names: ['EMAIL'] },
    });
  });
});

describe('what could not be read', () => {
  const rows: readonly Row[] = [
    ['is blocked', unread('SELECT', 'unknown-syntax'), {}, 'PISTE-1205'],
    [
      'is blocked under a rule that allows everything',
      unread('INSERT', 'unknown-syntax'),
      { rules: [rule('a', 'Allow', {})] },
      'PISTE-1205',
    ],
    [
      'is blocked under a Hold that does not name Unread',
      unread('INSERT', 'unknown-syntax'),
      { rules: [rule('h', 'Hold', {})] },
      'PISTE-1205',
    ],
    ['can be held as a change of rows', unread('MERGE', 'unsupported'), { rules: [holdUnread] }, 'hold'],
    ['can be held as DDL', unread('CREATE_TABLE', 'unknown-syntax'), { rules: [holdUnread] }, 'hold'],
    ['is never held as a query', unread('SELECT', 'unknown-function'), { rules: [holdUnread] }, 'PISTE-1205'],
    [
      'is never held as an unknown statement',
      unread('UNKNOWN', 'unknown-statement'),
      { rules: [holdUnread] },
      'PISTE-1205',
    ],
    ['is never held as a call', unread('CALL', 'unsupported'), { rules: [holdUnread] }, 'PISTE-1205'],
    [
      'is never held without a canonical text',
      unread('INSERT', 'unknown-syntax', { canonicalText: undefined }),
      { rules: [holdUnread] },
      'PISTE-1205',
    ],
    ...(['lexical', 'too-large', 'empty', 'several-statements', 'flow', 'script', 'dynamic'] as const).map(
      (kind): Row => [`is never held as ${kind}`, unread('INSERT', kind), { rules: [holdUnread] }, 'PISTE-1205'],
    ),
    [
      'is blocked by a Block rule on Unread',
      unread('INSERT', 'unsupported'),
      { rules: [holdUnread, rule('b', 'Block', { statementTypes: ['Unread'] })] },
      'PISTE-1201',
    ],
    [
      'says that it is unread where a Block rule meets it only because its type is unknown',
      unread('UNKNOWN', 'unknown-statement'),
      { rules: [rule('b', 'Block', { statementTypes: ['Drop'] })] },
      'PISTE-1205',
    ],
    ['is refused as a file transfer first', unread('PUT', 'unsupported'), { rules: [holdUnread] }, 'PISTE-1204'],
  ];
  test.each(rows)('%s', (_sentence, analysis, fields, expected) => {
    expect(verdictOf(analysis, fields)).toBe(expected);
  });
});
