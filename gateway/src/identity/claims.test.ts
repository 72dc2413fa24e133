import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isOnlyAudience, opensSnowflake } from './audience.js';
import { readClaim } from './claim-path.js';
import { groupsByRule, matchesPattern } from './group-rules.js';

describe('a claim name', () => {
  const claims = {
    sub: 's',
    'https://example.com/groups': ['g'],
    'a.b': 'dotted',
    'kubernetes.io': { namespace: 'etl', 'odd/name~': 'odd', list: ['x'] },
  };
  const table: ReadonlyArray<readonly [string, unknown]> = [
    ['sub', 's'],
    ['https://example.com/groups', ['g']],
    ['a.b', 'dotted'],
    ['/kubernetes.io/namespace', 'etl'],
    ['/kubernetes.io/odd~1name~0', 'odd'],
    ['/sub', 's'],
    ['kubernetes.io/namespace', undefined],
    ['/kubernetes.io/list/0', undefined],
    ['/kubernetes.io/missing/more', undefined],
    ['', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
    ['/kubernetes.io/constructor', undefined],
  ];
  test.each(table)('%s reads what stands there and nothing inherited', (path, value) => {
    expect(readClaim(claims, path)).toEqual(value);
  });
});

describe('a pattern', () => {
  const table: ReadonlyArray<readonly [pattern: string, value: string, matches: boolean]> = [
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/etl:ref:refs/heads/main', true],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/etl:ref:refs/heads/main2', false],
    ['repo:acme/*', 'repo:acme/', true],
    ['*', '', true],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['a.c', 'abc', false],
  ];
  test.each(table)('%s on %s: %s', (pattern, value, matches) => {
    expect(matchesPattern(pattern, value)).toBe(matches);
  });

  test('agrees with the obvious definition', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const naive = (pattern: string, value: string): boolean => {
      if (pattern === '') return value === '';
      if (pattern[0] !== '*') return value[0] === pattern[0] && naive(pattern.slice(1), value.slice(1));
      return naive(pattern.slice(1), value) || (value !== '' && naive(pattern, value.slice(1)));
    };
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }), (pattern, value) => {
        expect(matchesPattern(pattern, value)).toBe(naive(pattern, value));
      }),
    );
  });

  test('does not blow up on a hostile value', () => {
    expect(matchesPattern(`${'a*'.repeat(8)}b`, 'a'.repeat(16_000))).toBe(false);
  });
});

test('group rules add the groups of every rule that fits, also for one member of a list', () => {
  const rules = [
    { claim: 'repo', equals: 'acme/etl', groups: ['etl'] },
    { claim: 'repo', prefix: 'acme/', groups: ['acme'] },
    { claim: 'roles', pattern: 'reader-*', groups: ['readers'] },
    { claim: 'repo', prefix: 'other/', groups: ['others'] },
    { claim: 'repo', groups: ['everybody'] },
    { claim: 'missing', prefix: '', groups: ['everybody'] },
    { claim: 'repo', prefix: '', groups: ['everybody'] },
  ];
  expect(groupsByRule({ repo: 'acme/etl', roles: [7, 'reader-eu'] }, rules)).toEqual(['etl', 'acme', 'readers']);
});

describe('an audience', () => {
  const snowflake = [
    'https://ab12345.snowflakecomputing.com',
    'HTTPS://AB12345.SNOWFLAKECOMPUTING.COM/',
    'http://org-acc.privatelink.snowflakecomputing.com:443/x?y',
    'ab12345.snowflakecomputing.com',
    'snowflakecomputing.com.',
    'https://user@acc.snowflakecomputing.cn',
  ];
  test.each(snowflake)('%s opens Snowflake', (audience) => {
    expect(opensSnowflake(audience)).toBe(true);
    expect(isOnlyAudience([audience], audience)).toBe(false);
  });

  test.each(['https://piste.example', 'notsnowflakecomputing.com', 'https://snowflakecomputing.com.example'])(
    '%s does not',
    (audience) => {
      expect(opensSnowflake(audience)).toBe(false);
    },
  );
});
