import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { completeLock, type LockFile, missingPlatformPackages, registryAddresses } from './lock-file.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

describe('the lock file', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;

  test('knows the packages of every platform (otherwise: npm run lock)', () => {
    expect(missingPlatformPackages(lock).map(({ name }) => name)).toEqual([]);
  });

  test('names no registry (otherwise: npm run lock)', () => {
    expect(registryAddresses(lock)).toEqual([]);
  });

  test('is completed without losing what it says', () => {
    const given: LockFile = {
      packages: {
        '': {},
        'node_modules/tool': {
          version: '1.0.0',
          dev: true,
          resolved: 'https://registry.example/tool.tgz',
          optionalDependencies: { '@tool/darwin-arm64': '1.0.0', '@tool/linux-x64': '1.0.0' },
        },
        'node_modules/@tool/linux-x64': { version: '1.0.0' },
      },
    };
    expect(completeLock(given)).toEqual({
      packages: {
        '': {},
        'node_modules/@tool/darwin-arm64': {
          version: '1.0.0',
          cpu: ['arm64'],
          dev: true,
          optional: true,
          os: ['darwin'],
        },
        'node_modules/@tool/linux-x64': { version: '1.0.0' },
        'node_modules/tool': {
          version: '1.0.0',
          dev: true,
          optionalDependencies: { '@tool/darwin-arm64': '1.0.0', '@tool/linux-x64': '1.0.0' },
        },
      },
    });
  });
});
