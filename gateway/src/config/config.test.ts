import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ConfigResult, type Environment, OPTIONS, parseConfig, readSecretFile } from './config.js';
import { describeConfig, digestOf } from './digest.js';

let directory: string;
let required: Record<string, string>;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'piste-config-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  file('state-key', Buffer.alloc(32, 7).toString('base64'));
  file('short-key', Buffer.alloc(31, 7).toString('base64'));
  file('client-secret', 'a secret\n');
  file('empty', '');
  required = {
    PISTE_RESOURCES_DIR: directory,
    PISTE_SECRETS_DIR: directory,
    PISTE_RECORDING_DIR: join(directory, 'recording'),
  };
});
afterAll(() => rmSync(directory, { recursive: true }));

const configOf = (changes: Environment = {}) => {
  const result = parseConfig({ ...required, ...changes });
  if (!result.ok) throw new Error(result.complaints.join('; '));
  return result.config;
};
const complaintsOf = (result: ConfigResult): readonly string[] => (result.ok ? [] : result.complaints);

describe('the configuration', () => {
  test('needs three folders, has a default for everything else, and cannot be changed', () => {
    const config = configOf();
    expect(config).toMatchObject({
      deployment: 'piste',
      redisUrl: undefined,
      stateKey: undefined,
      tls: undefined,
      driver: { host: '127.0.0.1', port: 8443 },
      console: { host: '127.0.0.1', port: 8080 },
      ops: { host: '127.0.0.1', port: 9090 },
      consoleLogin: undefined,
      allowInsecureUpstream: false,
      allowInsecureIssuers: false,
      logLevel: 'info',
    });
    expect(config.limits).toMatchObject({ holdSeconds: 40, sessionTokenSeconds: 3600, masterTokenSeconds: 14_400 });
    expect(config.checkpointFile.startsWith(config.recordingDirectory)).toBe(false);
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('takes a file of age recipients, and none of which a line is bad', () => {
    const file = join(directory, 'recipients');
    const good = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';
    writeFileSync(file, `# audit\n${good}\n`);
    expect(configOf({ PISTE_RECORDING_RECIPIENTS_FILE: file }).recordingRecipients).toEqual([good]);
    expect(configOf().recordingRecipients).toEqual([]);
    writeFileSync(file, `${good}\nage1nobody\n`);
    expect(complaintsOf(parseConfig({ ...required, PISTE_RECORDING_RECIPIENTS_FILE: file }))).toEqual([
      'PISTE_RECORDING_RECIPIENTS_FILE: line 2 is not an age recipient (age1…)',
    ]);
  });

  test('has in its table the defaults it uses', () => {
    const { limits } = configOf();
    const fallbacks = new Map(OPTIONS.map(({ name, fallback }) => [name, fallback]));
    for (const [key, value] of Object.entries(limits)) {
      const name = `PISTE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
      expect([name, fallbacks.get(name)]).toEqual([name, String(value)]);
    }
  });

  test('takes what is given', () => {
    const config = configOf({
      PISTE_REDIS_URL: 'rediss://:secret@redis.example:6380/1',
      PISTE_STATE_KEY_FILE: join(directory, 'state-key'),
      PISTE_DRIVER_ADDRESS: '[::1]:0',
      PISTE_OPS_ADDRESS: '0.0.0.0:9191',
      PISTE_DRIVER_URL: 'https://gateway.example/',
      PISTE_CONSOLE_ISSUER: 'https://login.example',
      PISTE_CONSOLE_CLIENT_SECRET_FILE: join(directory, 'client-secret'),
      PISTE_ALLOW_INSECURE_UPSTREAM: 'true',
      PISTE_LOG_LEVEL: 'debug',
      PISTE_HOLD_SECONDS: '45',
      PATH: '/usr/bin',
    });
    expect(config).toMatchObject({
      redisUrl: 'rediss://:secret@redis.example:6380/1',
      driver: { host: '::1', port: 0 },
      ops: { host: '0.0.0.0', port: 9191 },
      driverUrl: 'https://gateway.example',
      consoleLogin: { issuer: 'https://login.example', clientId: 'piste-console', clientSecret: 'a secret' },
      allowInsecureUpstream: true,
      logLevel: 'debug',
      limits: { holdSeconds: 45 },
    });
    expect(config.stateKey?.length).toBe(32);
  });

  test('takes an empty variable as one that is not set', () => {
    expect(
      configOf({ PISTE_REDIS_URL: '', PISTE_LOG_LEVEL: '', PISTE_HOLD_SECONDS: '', PISTE_DEPLOYMENT: '' }),
    ).toEqual(configOf());
  });
});

describe('a configuration that is not usable', () => {
  test.each<readonly [string, () => Environment, RegExp]>([
    ['a typing error in a name', () => ({ PISTE_HOLD_SECOND: '4' }), /^PISTE_HOLD_SECOND is not an option/],
    ['a missing folder', () => ({ PISTE_RESOURCES_DIR: undefined }), /^PISTE_RESOURCES_DIR is required/],
    [
      'a folder that is not there',
      () => ({ PISTE_SECRETS_DIR: '/nowhere/at/all' }),
      /PISTE_SECRETS_DIR: \/nowhere\/at\/all is not a folder/,
    ],
    [
      'too little space to leave free',
      () => ({ PISTE_RECORDING_MIN_FREE_BYTES: '1000000' }),
      /^PISTE_RECORDING_MIN_FREE_BYTES must be 0, or at least 16777216/,
    ],
    ['a folder that is a file', () => ({ PISTE_RESOURCES_DIR: join(directory, 'empty') }), /is not a folder/],
    [
      'Redis without a key to seal with',
      () => ({ PISTE_REDIS_URL: 'redis://localhost' }),
      /PISTE_STATE_KEY_FILE is required with PISTE_REDIS_URL/,
    ],
    [
      'a key that is too short',
      () => ({ PISTE_STATE_KEY_FILE: join(directory, 'short-key') }),
      /must hold 32 bytes in base64/,
    ],
    [
      'a key file that is not there',
      () => ({ PISTE_STATE_KEY_FILE: '/nowhere' }),
      /PISTE_STATE_KEY_FILE: \/nowhere cannot be read/,
    ],
    [
      'another kind of store',
      () => ({ PISTE_REDIS_URL: 'http://redis', PISTE_STATE_KEY_FILE: join(directory, 'state-key') }),
      /PISTE_REDIS_URL must be a URL starting with redis:\/\/ or rediss:\/\//,
    ],
    [
      'an address without a port',
      () => ({ PISTE_DRIVER_ADDRESS: 'localhost' }),
      /PISTE_DRIVER_ADDRESS must be host:port/,
    ],
    [
      'a port that does not exist',
      () => ({ PISTE_DRIVER_ADDRESS: 'localhost:70000' }),
      /PISTE_DRIVER_ADDRESS must be host:port/,
    ],
    ['a flag in other words', () => ({ PISTE_ALLOW_INSECURE_UPSTREAM: 'yes' }), /must be true or false/],
    [
      'a hold beyond what drivers bear',
      () => ({ PISTE_HOLD_SECONDS: '46' }),
      /PISTE_HOLD_SECONDS must be a whole number from 1 to 45/,
    ],
    ['a number that is none', () => ({ PISTE_MAX_BODY_BYTES: '1e9' }), /PISTE_MAX_BODY_BYTES must be a whole number/],
    [
      'a negative number',
      () => ({ PISTE_SESSION_TOKEN_SECONDS: '-1' }),
      /PISTE_SESSION_TOKEN_SECONDS must be a whole number/,
    ],
    [
      'a log level nobody knows',
      () => ({ PISTE_LOG_LEVEL: 'loud' }),
      /PISTE_LOG_LEVEL must be one of debug, info, warn, error/,
    ],
    [
      'an issuer without a client secret',
      () => ({ PISTE_CONSOLE_ISSUER: 'https://login.example' }),
      /PISTE_CONSOLE_CLIENT_SECRET_FILE is required/,
    ],
    [
      'an empty client secret',
      () => ({
        PISTE_CONSOLE_ISSUER: 'https://login.example',
        PISTE_CONSOLE_CLIENT_SECRET_FILE: join(directory, 'empty'),
      }),
      /PISTE_CONSOLE_CLIENT_SECRET_FILE is required/,
    ],
    ['a certificate without its key', () => ({ PISTE_TLS_CERT_FILE: join(directory, 'empty') }), /belong together/],
    [
      'a certificate that is not there',
      () => ({ PISTE_TLS_CERT_FILE: '/nowhere', PISTE_TLS_KEY_FILE: join(directory, 'empty') }),
      /PISTE_TLS_CERT_FILE: \/nowhere cannot be read/,
    ],
  ])('because of %s says so', (_what, changes, complaint) => {
    expect(complaintsOf(parseConfig({ ...required, ...changes() }))).toEqual([expect.stringMatching(complaint)]);
  });

  test('names every complaint at once, and no secret among them', () => {
    const complaints = complaintsOf(
      parseConfig({
        PISTE_REDIS_URL: 'http://:redis-password@redis',
        PISTE_HOLD_SECONDS: 'long',
        PISTE_UNKNOWN: 'x',
        PISTE_LOG_LEVEL: 'x',
      }),
    );
    expect(complaints.length).toBeGreaterThanOrEqual(8);
    expect(complaints.join(' ')).not.toContain('redis-password');
  });
});

describe('a secret in a file', () => {
  beforeAll(async () => {
    await mkdir(join(directory, 'snowflake'));
    await writeFile(join(directory, 'snowflake', 'private-key.pem'), 'the key');
  });

  test('is read by the name of the secret and its key', async () => {
    expect(Buffer.from((await readSecretFile(directory, 'snowflake', 'private-key.pem')) ?? []).toString()).toBe(
      'the key',
    );
  });

  test.each([
    ['snowflake', 'missing'],
    ['missing', 'private-key.pem'],
    ['..', 'state-key'],
    ['snowflake', '../state-key'],
    ['snowflake', '..'],
    ['snowflake/..', 'state-key'],
    ['', 'state-key'],
    ['.', 'state-key'],
    ['snowflake', ''],
    ['snow\u0000flake', 'private-key.pem'],
  ])('is not there under %j and %j', async (name, key) => {
    expect(await readSecretFile(directory, name, key)).toBeUndefined();
  });

  test('is not looked for in a relative folder', async () => {
    expect(await readSecretFile('.', 'snowflake', 'private-key.pem')).toBeUndefined();
  });
});

describe('the configuration as the record holds it', () => {
  const secrets = () => ({
    PISTE_REDIS_URL: 'redis://user:redis-password@cache:6379/1?password=again',
    PISTE_STATE_KEY_FILE: join(directory, 'state-key'),
    PISTE_CONSOLE_ISSUER: 'https://people.example',
    PISTE_CONSOLE_CLIENT_SECRET_FILE: join(directory, 'client-secret'),
  });

  test('says how the gateway is set up', () => {
    const described: unknown = JSON.parse(describeConfig(configOf({ ...secrets(), PISTE_RECORDING_MODE: 'observe' })));
    expect(described).toMatchObject({
      recordingMode: 'observe',
      redisUrl: 'redis://cache:6379/1',
      consoleLogin: { issuer: 'https://people.example', clientId: 'piste-console' },
      limits: { holdSeconds: 40 },
    });
  });

  test('holds no secret', () => {
    const text = describeConfig(configOf(secrets()));
    for (const secret of ['redis-password', 'again', 'a secret', Buffer.alloc(32, 7).toString('base64')])
      expect(text).not.toContain(secret);
  });

  test('has one digest for one configuration', () => {
    expect(digestOf(configOf())).toBe(digestOf(configOf()));
    expect(digestOf(configOf({ PISTE_RECORDING_MODE: 'strict-final' }))).not.toBe(digestOf(configOf()));
  });
});
