import { createHash } from 'node:crypto';
import { encodeCanonical } from '@piste/verifier';
import type { Config } from './config.js';

/** Told as they are. What is not listed is not told: an option that holds a secret is safe before anybody thinks of it. */
const SHOWN = [
  'resourcesDirectory',
  'secretsDirectory',
  'recordingDirectory',
  'checkpointFile',
  'recordingMode',
  'deployment',
  'driver',
  'console',
  'ops',
  'tls',
  'driverUrl',
  'consoleUrl',
  'allowInsecureUpstream',
  'allowInsecureIssuers',
  'logLevel',
  'limits',
] as const satisfies readonly (keyof Config)[];

/**
 * The configuration in force as canonical JSON: of secrets only that they are there, of URLs nothing before the host. What
 * the record of a start holds, so that it can be told later how the gateway was set up.
 */
export function describeConfig(config: Config): string {
  const { stateKey, consoleLogin, redisUrl } = config;
  const described = {
    ...Object.fromEntries(SHOWN.map((name) => [name, config[name]])),
    stateKey: stateKey === undefined ? null : 'set',
    redisUrl: redisUrl === undefined ? null : withoutUser(redisUrl),
    consoleLogin: consoleLogin === undefined ? null : { issuer: consoleLogin.issuer, clientId: consoleLogin.clientId },
  };
  // Drops what is undefined, which canonical JSON does not know.
  return encodeCanonical(JSON.parse(JSON.stringify(described)));
}

/** SHA-256 (hex) of `describeConfig`. */
export function digestOfConfig(config: Config): string {
  return createHash('sha256').update(describeConfig(config)).digest('hex');
}

function withoutUser(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.search = '';
  return url.href;
}
