import { createHash } from 'node:crypto';
import type { Config } from './config.js';

/** Options that hold a secret themselves; those that name a file of one end otherwise. */
const SECRET_NAME = /(secret|token|password|key)$/i;

/** The configuration as JSON text, for the record: without secrets, and of URLs nothing before the host. */
export function describeConfig(config: Config): string {
  return JSON.stringify(config, withoutSecrets);
}

/** SHA-256 (hex) of `describeConfig`: two gateways with the same one were told the same. */
export function digestOf(config: Config): string {
  return createHash('sha256').update(describeConfig(config)).digest('hex');
}

function withoutSecrets(key: string, value: unknown): unknown {
  if (SECRET_NAME.test(key) && typeof value !== 'boolean' && typeof value !== 'number') return undefined;
  if (typeof value !== 'string' || !value.includes('://') || !URL.canParse(value)) return value;
  const { protocol, host, pathname, username, password, search } = new URL(value);
  if (username === '' && password === '' && search === '') return value;
  return `${protocol}//${host}${pathname}`;
}
