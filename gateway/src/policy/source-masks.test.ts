import { describe, expect, test } from '@jest/globals';
import type {
  CatalogColumn,
  ColumnRef,
  Facts,
  ObjectName,
  Output,
  QueryFacts,
  SessionContext,
  SourceSite,
} from '../sql/facts.js';
import type { CompiledMaskingPolicy, CompiledMaskingRule, ConnectionPolicy, Requester } from './compiled.js';
import { decide } from './decide.js';
import type { Decision } from './decision.js';

const agent: Requester = { issuer: 'https://issuer.example', subject: 'agent-1', groups: ['agents'] };
const context: SessionContext = { database: 'CRM', schema: 'PUBLIC', role: 'ANALYST', warehouse: 'WH' };
const NOW = Date.parse('2026-11-01T00:00:00Z');

const named = (name: string): ObjectName => ({ database: 'CRM', schema: 'PUBLIC', name });
const at = (table: string, column: string): ColumnRef => ({ object: named(table), column });
const email = at('CUSTOMERS', 'EMAIL');
const city = at('CUSTOMERS', 'CITY');
const copyOf = (...sources: readonly [ColumnRef, ...ColumnRef[]]): Output => ({
  name: sources[0].column,
  sources,
  direct: sources[0],
});
const expressionOf = (...sources: ColumnRef[]): Output => ({ name: 'X', sources, direct: undefined });

const text = (...names: readonly string[]): readonly CatalogColumn[] =>
  names.map((name) => ({ name, type: 'text', tags: [] }));

function site(table: string, columns: readonly CatalogColumn[], more: Partial<SourceSite> = {}): SourceSite {
  return { object: named(table), start: 0, end: 0, columns, view: undefined, unmaskable: undefined, ...more };
}
const customers = site('CUSTOMERS', text('ID', 'EMAIL', 'CITY'));

function select(fields: Partial<QueryFacts>, more: Partial<Facts> = {}): Facts {
  const sources = fields.sources ?? [customers];
  return {
    read: true,
    class: 'SELECT',
    verb: 'SELECT',
    objectType: undefined,
    canonicalText: 'SELECT …',
    objects: [],
    query: {
      text: 'SELECT …',
      outputs: [],
      reads: sources.map((source) => source.object),
      predicate: [],
      computed: [],
      revealing: [],
      ...fields,
      sources,
    },
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
    ...more,
  };
}

function rule(column: string, fields: Partial<CompiledMaskingRule> = {}): CompiledMaskingRule {
  const columns = [{ database: 'CRM', schema: '*', object: '*', column }];
  return { name: column.toLowerCase(), columns, action: { type: 'Redact' }, unless: [], ...fields };
}

function masking(fields: Partial<CompiledMaskingPolicy>, ...rules: CompiledMaskingRule[]): CompiledMaskingPolicy {
  return { name: 'pii', enforcement: 'Enforce', onUnresolved: 'Deny', rules, ...fields };
}

function policy(...maskingPolicies: CompiledMaskingPolicy[]): ConnectionPolicy {
  return {
    connection: 'prod',
    revision: 'r1',
    allowedRoles: ['ANALYST'],
    unmatchedObjects: 'Allow',
    rules: [],
    maskingPolicies,
    rejected: [],
  };
}

const ask = (facts: Facts, ...policies: CompiledMaskingPolicy[]): Decision =>
  decide(facts, agent, context, policy(...policies), NOW);

/** `block CODE`, or what is replaced at the source and in the result. */
function say(decision: Decision): string {
  if (decision.verdict === 'block') return decision.denial.code;
  const sources = decision.sourceMasks.map(
    ({ column, action }) => `${column.object.name}.${column.column}=${action.type}`,
  );
  const results = decision.masks.map(({ index, action, barrier }) => `${index}=${action.type}/${barrier}`);
  return [...sources, ...results].join(' ');
}

const redact = masking({}, rule('EMAIL'));
const TOKENIZE = { type: 'Tokenize', key: 'k/k', alphabet: 'Digits' } as const;

describe('what is replaced at its source', () => {
  const view = site('V', text('CONTACT'), { view: { text: '', sources: [customers] } });
  test.each<readonly [string, Partial<QueryFacts>, readonly CompiledMaskingPolicy[], string]>([
    ['a column nobody mentions', { outputs: [copyOf(city)] }, [redact], 'CUSTOMERS.EMAIL=Redact'],
    ['a column inside an expression', { outputs: [expressionOf(email, city)] }, [redact], 'CUSTOMERS.EMAIL=Redact'],
    ['a column in the predicate', { predicate: [email] }, [redact], 'CUSTOMERS.EMAIL=Redact'],
    ['a column that something fails by', { revealing: [email], computed: [email] }, [redact], 'CUSTOMERS.EMAIL=Redact'],
    [
      'a copied column, which is masked once more in the result',
      { outputs: [copyOf(city), copyOf(email)] },
      [redact],
      'CUSTOMERS.EMAIL=Redact 1=Redact/second',
    ],
    ['a column behind a view', { sources: [view], outputs: [expressionOf(email)] }, [redact], 'CUSTOMERS.EMAIL=Redact'],
    ["a view's own column", { sources: [view] }, [masking({}, rule('CONTACT'))], 'V.CONTACT=Redact'],
    [
      'a column of two policies, by the strictest action',
      {},
      [redact, masking({ name: 'b' }, rule('EMAIL', { action: { type: 'Null' } }))],
      'CUSTOMERS.EMAIL=Null',
    ],
    [
      'a column with the action Deny that nobody mentions, by NULL',
      { outputs: [copyOf(city)] },
      [masking({}, rule('EMAIL', { action: { type: 'Deny' } }))],
      'CUSTOMERS.EMAIL=Null',
    ],
    ['nothing where no column is protected', { outputs: [copyOf(city)] }, [masking({}, rule('PHONE'))], ''],
    [
      'nothing under a policy in DryRun',
      { outputs: [copyOf(email)] },
      [masking({ enforcement: 'DryRun' }, rule('EMAIL'))],
      '',
    ],
    [
      'nothing where predicates see real values',
      { outputs: [copyOf(email)], predicate: [email] },
      [masking({ predicates: 'Allow' }, rule('EMAIL'))],
      '0=Redact/only',
    ],
    [
      'nothing that only the gateway can make',
      { outputs: [copyOf(email)] },
      [masking({}, rule('EMAIL', { action: TOKENIZE }))],
      '0=Tokenize/only',
    ],
  ])('%s', (_what, query, policies, expected) => {
    expect(say(ask(select(query), ...policies))).toBe(expected);
    expect(say(ask(select(query), ...policies.toReversed()))).toBe(expected);
  });

  test('a mask carries the traits that say the type it keeps', () => {
    expect(ask(select({}), redact)).toMatchObject({
      sourceMasks: [{ column: { traits: { type: 'text' } }, policy: 'pii', rule: 'email' }],
    });
  });

  test('what a mask is for is said once, for columns the statement mentions', () => {
    const reasons = (query: Partial<QueryFacts>) =>
      ask(select(query), redact)
        .reasons.filter((reason) => reason.kind === 'masked')
        .map((reason) => reason.message);
    expect(reasons({ outputs: [copyOf(city)] })).toEqual([]);
    expect(reasons({ predicate: [email, email] })).toEqual([
      'CRM.PUBLIC.CUSTOMERS.EMAIL is masked where it is read (Redact).',
    ]);
    expect(reasons({ outputs: [copyOf(email)], predicate: [email] })).toEqual([
      'Output 1 carries CRM.PUBLIC.CUSTOMERS.EMAIL, masked (Redact).',
    ]);
  });
});

describe('what is refused', () => {
  const stuck = { unmaskable: 'SAMPLE with a seed' };
  const sampled = site('CUSTOMERS', text('ID', 'EMAIL', 'CITY'), stuck);
  const sampledView = site('V', text('ID'), { ...stuck, view: { text: '', sources: [customers] } });
  const deny = masking({}, rule('EMAIL', { action: { type: 'Deny' } }));
  const tokens = (predicates: 'Mask' | 'Allow' | 'Deny') =>
    masking({ predicates }, rule('EMAIL', { action: TOKENIZE }));
  test.each<readonly [string, Partial<QueryFacts>, readonly CompiledMaskingPolicy[], string]>([
    ['a source that cannot be replaced', { sources: [sampled], outputs: [copyOf(city)] }, [redact], 'PISTE-1403'],
    ['a view that cannot be written out', { sources: [sampledView] }, [redact], 'PISTE-1403'],
    ['a column with Deny in an output', { outputs: [expressionOf(email)] }, [deny], 'PISTE-1404'],
    ['a column with Deny in the predicate', { predicate: [email] }, [deny], 'PISTE-1404'],
    [
      'a predicate where predicates are denied',
      { predicate: [email] },
      [masking({ predicates: 'Deny' }, rule('EMAIL'))],
      'PISTE-1404',
    ],
    [
      'a predicate where one of two policies denies them',
      { predicate: [email] },
      [masking({ predicates: 'Allow' }, rule('EMAIL')), masking({ name: 'b', predicates: 'Deny' }, rule('EMAIL'))],
      'PISTE-1404',
    ],
    ['a token in the predicate', { predicate: [email] }, [tokens('Mask')], 'PISTE-1404'],
    ['a token in the predicate where they are denied', { predicate: [email] }, [tokens('Deny')], 'PISTE-1404'],
    ['a token inside an expression', { outputs: [expressionOf(email)] }, [tokens('Mask')], 'PISTE-1403'],
    ['a token something can fail by', { revealing: [email] }, [tokens('Mask')], 'PISTE-1403'],
    [
      'an expression where predicates see real values',
      { outputs: [expressionOf(email)] },
      [masking({ predicates: 'Allow' }, rule('EMAIL'))],
      'PISTE-1403',
    ],
    ['a protected column that stands at no source', { sources: [], predicate: [email] }, [redact], 'PISTE-1404'],
  ])('%s', (_what, query, policies, expected) => {
    expect(say(ask(select(query), ...policies))).toBe(expected);
    expect(say(ask(select(query), ...policies.toReversed()))).toBe(expected);
  });

  test.each<readonly [string, Partial<QueryFacts>, readonly CompiledMaskingPolicy[], string]>([
    ['a token in the predicate where they see real values', { predicate: [email] }, [tokens('Allow')], ''],
    [
      'an expression over a token, hidden whole',
      { outputs: [expressionOf(email)] },
      [masking({ onUnresolved: 'MaskAll' }, rule('EMAIL', { action: TOKENIZE }))],
      '0=Null/only',
    ],
    ['a source that cannot be replaced and need not be', { sources: [sampled] }, [masking({}, rule('PHONE'))], ''],
    [
      'two policies of which one masks predicates',
      { predicate: [email] },
      [masking({ predicates: 'Allow' }, rule('EMAIL')), masking({ name: 'b' }, rule('EMAIL'))],
      'CUSTOMERS.EMAIL=Redact',
    ],
  ])('but not %s', (_what, query, policies, expected) => {
    expect(say(ask(select(query), ...policies))).toBe(expected);
  });
});

describe('values the session holds already are not masked at a source', () => {
  const result = {
    queryId: 'a',
    upstreamQueryId: 'b',
    columns: [{ name: 'E', sources: [email] }],
    predicate: [],
  };
  const holding = (facts: SessionContext['facts']): SessionContext => ({ ...context, ...(facts && { facts }) });
  const verdict = (facts: Facts, session: SessionContext): string =>
    say(decide(facts, agent, session, policy(redact), NOW));
  test.each<readonly [string, SessionContext, Partial<Facts>, string]>([
    [
      'an earlier result that is read',
      holding({ variables: {}, results: [result] }),
      { identifiers: ['RESULT_SCAN'] },
      'PISTE-1403',
    ],
    ['an earlier result that is not read', holding({ variables: {}, results: [result] }), {}, 'CUSTOMERS.EMAIL=Redact'],
    ['a variable', holding({ variables: { X: [email] }, results: [] }), {}, 'PISTE-1403'],
    ['a variable of another column', holding({ variables: { X: [city] }, results: [] }), {}, 'CUSTOMERS.EMAIL=Redact'],
  ])('%s', (_what, session, more, expected) => {
    expect(verdict(select({ outputs: [expressionOf(email)] }, more), session)).toBe(expected);
  });

  test('a copy of an earlier result is masked in the result', () => {
    const facts = select({ outputs: [copyOf(email)] }, { identifiers: ['RESULT_SCAN'] });
    expect(verdict(facts, holding({ variables: {}, results: [result] }))).toBe('CUSTOMERS.EMAIL=Redact 0=Redact/only');
  });
});

describe('which columns a rule selects', () => {
  const none = { columns: [] };
  const byTag = (value?: string) => rule('r', { ...none, tags: [{ name: 'GOV.TAGS.PII', value }] });
  const byCategory = rule('r', { ...none, categories: ['EMAIL'] });
  const byType = rule('r', { ...none, dataTypes: ['VARCHAR', 'BINARY'] });
  const tagged = (name: string, value: string): Partial<CatalogColumn> => ({ tags: [{ name, value }] });
  test.each<readonly [string, CompiledMaskingRule, Partial<CatalogColumn>, boolean]>([
    ['a tag', byTag(), tagged('GOV.TAGS.PII', 'x'), true],
    ['a tag in another case', byTag(), tagged('gov.tags.pii', 'x'), true],
    ['another tag', byTag(), tagged('GOV.TAGS.PI', 'x'), false],
    ['a tag with its value', byTag('email'), tagged('GOV.TAGS.PII', 'Email'), true],
    ['a tag with another value', byTag('email'), tagged('GOV.TAGS.PII', 'name'), false],
    ['no tags', byTag(), { tags: [] }, false],
    ['tags that were not read', byTag(), {}, true],
    ['a category', byCategory, { category: 'EMAIL' }, true],
    ['a category of which the tags were not read', byCategory, { category: 'NAME' }, false],
    ['a category in the classification tag', byCategory, tagged('SNOWFLAKE.CORE.SEMANTIC_CATEGORY', 'EMAIL'), true],
    ['no category', byCategory, { tags: [] }, false],
    ['a category that was not read', byCategory, {}, true],
    ['a type', byType, { type: 'binary' }, true],
    ['a type by its other name', byType, { type: 'text' }, true],
    ['another type', byType, { type: 'fixed' }, false],
    ['a type that is not told', byType, { type: 'unknown' }, true],
    ['a type nobody lists', byType, { type: 'hyperlink' }, true],
  ])('%s', (_what, selecting, traits, expected) => {
    const column: CatalogColumn = { name: 'C', type: 'fixed', ...traits };
    const decision = ask(select({ sources: [site('T', [column])] }), masking({}, selecting));
    expect(say(decision)).toBe(expected ? 'T.C=Redact' : '');
  });

  test('lists add up', () => {
    const both = rule('EMAIL', { dataTypes: ['BINARY'] });
    const columns: readonly CatalogColumn[] = [
      { name: 'EMAIL', type: 'text' },
      { name: 'KEY', type: 'binary' },
      { name: 'CITY', type: 'text' },
    ];
    expect(say(ask(select({ sources: [site('T', columns)] }), masking({}, both)))).toBe('T.EMAIL=Redact T.KEY=Redact');
  });

  test('a column of which nothing is known is protected by a rule on types', () => {
    const decision = ask(select({ sources: [], outputs: [copyOf(city)] }), masking({}, byType));
    expect(say(decision)).toBe('0=Redact/only');
  });

  test.each([
    ['a tag on one of its columns', byTag(), 'allow'],
    ['a data type', byType, 'block'],
  ])('a table is spoken about by %s: %s', (_what, selecting, expected) => {
    const columns: readonly CatalogColumn[] = [
      { name: 'C', type: 'text', tags: [{ name: 'GOV.TAGS.PII', value: 'x' }] },
    ];
    const closed: ConnectionPolicy = { ...policy(masking({}, selecting)), unmatchedObjects: 'Deny' };
    expect(decide(select({ sources: [site('T', columns)] }), agent, context, closed, NOW).verdict).toBe(expected);
  });
});

describe('an exemption', () => {
  const exempting = (expiresAt?: string) =>
    masking({}, rule('EMAIL', { unless: [{ kind: 'Group', name: 'agents', ...(expiresAt && { expiresAt }) }] }));
  test.each<readonly [string, string | undefined, number | undefined, string]>([
    ['without an end holds', undefined, NOW, ''],
    ['holds until its end', '2026-11-01T00:00:00.001Z', NOW, ''],
    ['is over at its end', '2026-11-01T00:00:00Z', NOW, 'CUSTOMERS.EMAIL=Redact'],
    ['counts its offset', '2026-11-01T01:00:00+02:00', NOW, 'CUSTOMERS.EMAIL=Redact'],
    ['with an end that cannot be read is over', 'soon', NOW, 'CUSTOMERS.EMAIL=Redact'],
    ['with an end is over where nobody knows the time', '2099-01-01T00:00:00Z', undefined, 'CUSTOMERS.EMAIL=Redact'],
  ])('%s', (_what, expiresAt, nowMs, expected) => {
    expect(say(decide(select({}), agent, context, policy(exempting(expiresAt)), nowMs))).toBe(expected);
  });
});

describe('a policy in DryRun', () => {
  const dry = (fields: Partial<CompiledMaskingPolicy>, ...rules: CompiledMaskingRule[]) =>
    masking({ enforcement: 'DryRun', ...fields }, ...rules);
  test('tells which columns it would have masked', () => {
    const decision = ask(select({ outputs: [copyOf(email)], predicate: [email] }), dry({}, rule('EMAIL')));
    expect(say(decision)).toBe('');
    expect(decision.dryRun).toMatchObject({
      verdict: 'allow',
      masked: [{ column: email, action: 'Redact', policy: 'pii', rule: 'email' }],
      blocked: [],
    });
  });

  test('tells why it would have refused', () => {
    const decision = ask(select({ predicate: [email] }), dry({ predicates: 'Deny' }, rule('EMAIL')));
    expect(decision.verdict).toBe('allow');
    expect(decision.dryRun).toMatchObject({
      verdict: 'block',
      blocked: [{ kind: 'protected-column-in-predicate', rule: 'pii/email' }],
    });
  });

  test('tells what would change beside policies that are enforced', () => {
    const decision = ask(
      select({ outputs: [copyOf(email)] }),
      masking({}, rule('EMAIL')),
      dry({ name: 'new' }, rule('EMAIL', { action: { type: 'Null' } })),
    );
    expect(say(decision)).toBe('CUSTOMERS.EMAIL=Redact 0=Redact/second');
    expect(decision.dryRun).toMatchObject({ masked: [{ action: 'Null', policy: 'new' }] });
  });

  test.each([
    ['it would change nothing', [dry({}, rule('PHONE'))]],
    ['every policy is enforced', [redact]],
  ])('says nothing where %s', (_when, policies) => {
    expect(ask(select({ outputs: [copyOf(city)] }), ...policies)).not.toHaveProperty('dryRun');
  });
});
