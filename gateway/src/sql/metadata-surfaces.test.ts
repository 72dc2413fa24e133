import { describe, expect, test } from '@jest/globals';
import { listMetadataSurfaces, metadataSurfaceOf, readStatement } from './index.js';

describe('what SHOW and DESCRIBE tell', () => {
  test.each([
    ['SHOW TABLES', 'names'],
    ['SHOW TERSE TABLES IN ACCOUNT', 'names'],
    ['SHOW VIEWS', 'definitions'],
    ['SHOW TERSE VIEWS', 'names'],
    ['SHOW GRANTS ON TABLE', 'names'],
    ['SHOW GRANTS OF ROLE R', 'people'],
    ['SHOW GRANTS TO USER U', 'people'],
    ['SHOW GRANTS TO ROLE R', 'names'],
    ['SHOW VARIABLES', 'session-values'],
    ['SHOW PARAMETERS IN SESSION', 'settings'],
    ['SHOW USERS', 'people'],
    ['SHOW TRANSACTIONS', 'activity'],
    ['SHOW MASKING POLICIES', 'definitions'],
    ['SHOW STAGES', 'connections'],
    ['SHOW SOMETHING NEW', undefined],
    ['SHOW', undefined],
    ['DESCRIBE TABLE', 'names'],
    ['DESCRIBE RESULT', 'session-values'],
    ['DESCRIBE MASKING POLICY', 'definitions'],
    ['DESCRIBE USER', 'people'],
    ['DESCRIBE TERSE TABLE', undefined],
  ] as const)('%s: %s', (text, kind) => {
    const [verb, ...words] = text.split(' ');
    expect(metadataSurfaceOf(verb === 'SHOW' ? 'SHOW' : 'DESCRIBE', words)?.kind).toBe(kind);
  });

  test.each([
    ['SHOW VARIABLES', 'VARIABLE'],
    ['show /* */ parameters', 'PARAMETER'],
    ["SHOW TERSE TABLES LIKE '%'", 'TABLE'],
    ['SHOW MASKING POLICIES', 'MASKING_POLICY'],
    ['SHOW GRANTS TO ROLE r', 'GRANT'],
    ['SHOW FUTURE GRANTS IN SCHEMA s', 'GRANT'],
    ['SHOW "TABLES"', undefined],
    ['DESCRIBE RESULT LAST_QUERY_ID()', 'RESULT'],
    ['DESC TABLE t', 'TABLE'],
    ['DESCRIBE SEARCH OPTIMIZATION ON t', 'TABLE'],
  ])('%s is about %s', (text, objectType) => expect(readStatement(text).head.objectType).toBe(objectType));

  test('every row has a reason and a type', () => {
    for (const [, , surface] of listMetadataSurfaces()) {
      expect(surface.reason.length).toBeGreaterThan(10);
      expect(surface.objectType).toMatch(/^[A-Z_]+$/);
    }
  });
});
