import { describe, expect, test } from '@jest/globals';
import { type EndpointFields, endpointOf } from './endpoint.js';

const originOf = (account: EndpointFields, allowInsecure = false): string => {
  const found = endpointOf('crm', account, allowInsecure);
  return found.ok ? found.endpoint.origin : found.why;
};

describe('where an account is reached', () => {
  test.each<readonly [EndpointFields, string]>([
    [{ identifier: 'ACME' }, 'https://acme.snowflakecomputing.com:443'],
    [{ identifier: 'MYORG-MY_ACCOUNT' }, 'https://myorg-my-account.snowflakecomputing.com:443'],
    [{ identifier: 'acme.eu-central-1' }, 'https://acme.eu-central-1.snowflakecomputing.com:443'],
    [
      { identifier: 'ACME', host: 'acme.privatelink.snowflakecomputing.com' },
      'https://acme.privatelink.snowflakecomputing.com:443',
    ],
    [{ identifier: 'ACME', host: 'proxy.example', port: 8443, transport: 'TLS' }, 'https://proxy.example:8443'],
    [{ identifier: 'ACME', host: '::1', port: 8443 }, 'https://[::1]:8443'],
  ])('%j is at %s', (account, origin) => {
    expect(originOf(account)).toBe(origin);
  });

  test('plain http needs the permission of the operator, by name', () => {
    const account = { identifier: 'ACME', host: '127.0.0.1', port: 8080, transport: 'InsecurePlaintext' } as const;
    expect(originOf(account)).toMatch(/PISTE_ALLOW_INSECURE_UPSTREAM/);
    expect(originOf(account, true)).toBe('http://127.0.0.1:8080');
  });

  test('the permission alone makes nothing plain', () => {
    expect(originOf({ identifier: 'ACME' }, true)).toMatch(/^https:/);
  });
});
