import { describe, expect, test } from '@jest/globals';
import {
  changedParameters,
  clientParameters,
  encodeParameters,
  filterParameters,
  upstreamSessionParameters,
} from './parameters.js';
import { jsonFormats } from './result-formats.js';

const allowed = (name: string): boolean => name === 'TIMEZONE' || name === 'QUERY_TAG';

describe('parameters a client sends', () => {
  test('are passed on when policy allows them, in upper case', () => {
    expect(filterParameters({ timezone: 'UTC', QUERY_TAG: 'x' }, allowed)).toEqual({
      passed: { TIMEZONE: 'UTC', QUERY_TAG: 'x' },
      refused: undefined,
    });
  });

  test.each([
    ['a result format nobody knows', { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'CSV' }],
    ['a choice of the client', { CLIENT_TELEMETRY_ENABLED: true }],
    ['a note of a driver about itself', { '_SNOWFLAKE.INTERNAL.CONNECTIONIDENTIFIERSHAPE': { hostProvided: true } }],
    ['a default said aloud', { NEW_SQL_FORMAT: false }],
  ])('are dropped when they are %s', (_what, given) => {
    expect(filterParameters(given, allowed)).toEqual({ passed: {}, refused: undefined });
  });

  test('say which form of results the client reads', () => {
    const given = { python_connector_query_result_format: 'json', JDBC_QUERY_RESULT_FORMAT: 'ARROW' };
    expect(filterParameters(given, allowed)).toEqual({
      passed: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON', JDBC_QUERY_RESULT_FORMAT: 'ARROW' },
      refused: undefined,
    });
  });

  test.each([
    ['changes how names are read', { QUOTED_IDENTIFIERS_IGNORE_CASE: true }, 'QUOTED_IDENTIFIERS_IGNORE_CASE'],
    ['is not the default', { NEW_SQL_FORMAT: true }, 'NEW_SQL_FORMAT'],
    ['is an object where a value belongs', { QUERY_TAG: { a: 1 } }, 'QUERY_TAG'],
    ['nobody knows', { 'x"<\n>': 1 }, 'X????'],
  ])('are refused when one %s', (_what, given, refused) => {
    expect(filterParameters(given, allowed)).toMatchObject({ refused });
  });
});

describe('parameters of a statement as text', () => {
  test('is the same for the same parameters, in whatever order they came', () => {
    const session = { TIMEZONE: 'UTC', AUTOCOMMIT: false };
    expect(encodeParameters({ session, statement: {} })).toBe(
      '{"session":{"AUTOCOMMIT":false,"TIMEZONE":"UTC"},"statement":{}}',
    );
    expect(encodeParameters({ session: {}, statement: session })).not.toBe(
      encodeParameters({ session, statement: {} }),
    );
  });

  test('is absent where there are none', () => {
    expect(encodeParameters({ session: {}, statement: {} })).toBeUndefined();
  });
});

describe('parameters of the session with Snowflake', () => {
  test('are Arrow for the drivers that need it, JSON for the others, and what the client chose', () => {
    expect(upstreamSessionParameters()).toMatchObject({
      PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'ARROW',
      GO_QUERY_RESULT_FORMAT: 'ARROW',
      JDBC_QUERY_RESULT_FORMAT: 'JSON',
      ODBC_QUERY_RESULT_FORMAT: 'JSON',
    });
    expect(upstreamSessionParameters({ PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' })).toMatchObject({
      PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON',
    });
    expect(new Set(Object.values(jsonFormats()))).toEqual(new Set(['JSON']));
  });

  test('pin what would change the meaning of a name, whatever the client says', () => {
    const chosen = { QUOTED_IDENTIFIERS_IGNORE_CASE: true, SEARCH_PATH: 'OTHER', MULTI_STATEMENT_COUNT: 0 };
    expect(upstreamSessionParameters(chosen)).toMatchObject({
      QUOTED_IDENTIFIERS_IGNORE_CASE: false,
      SEARCH_PATH: '$current, $public',
      MULTI_STATEMENT_COUNT: 1,
    });
  });
});

describe('parameters a client is told', () => {
  const upstream = [
    { name: 'TIMEZONE', value: 'UTC' },
    { name: 'CLIENT_TELEMETRY_ENABLED', value: true },
    { name: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT', value: 'ARROW' },
    { name: 'SOME_INTERNAL_SWITCH', value: 'secret' },
  ];

  test('are those it acts on, with the choices of the gateway over them', () => {
    const told = clientParameters(upstream, 'PythonConnector');
    expect(told).toContainEqual({ name: 'TIMEZONE', value: 'UTC' });
    expect(told).toContainEqual({ name: 'CLIENT_TELEMETRY_ENABLED', value: false });
    expect(told).toContainEqual({ name: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT', value: 'ARROW' });
    expect(told).toContainEqual({ name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', value: 0 });
    expect(JSON.stringify(told)).not.toContain('SOME_INTERNAL_SWITCH');
  });

  test('turn staged binds off in the way the Node driver understands', () => {
    expect(clientParameters([], 'JavaScript')).toContainEqual({
      name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD',
      value: 2_147_483_647,
    });
  });

  test('stay unsaid when nothing changed', () => {
    expect(changedParameters([], 'JDBC')).toEqual([]);
  });
});
