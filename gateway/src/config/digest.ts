import { createHash } from 'node:crypto';
import type { Config } from './config.js';

const SECRETS: ReadonlySet<string> = new Set(['stateKey', 'clientSecret', 'secretAccessKey', 'sessionToken']);

/** SHA-256 (hex) that names a configuration: two gateways with the same one were told the same. Covers no secret. */
export function digestOf(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config, withoutSecrets)).digest('hex');
}

function withoutSecrets(key: string, value: unknown): unknown {
  if (SECRETS.has(key)) return undefined;
  if (key !== 'redisUrl' || typeof value !== 'string') return value;
  const { protocol, host, pathname } = new URL(value);
  return `${protocol}//${host}${pathname}`;
}
