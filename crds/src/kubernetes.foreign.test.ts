import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { formatComplaint } from './complaint.js';
import { parseResources } from './parse-resources.js';
import { isRecord } from './schema.js';

const root = join(import.meta.dirname, '..');

/** Where this parser refuses what the API server would take: aliases are expanded before it sees them. */
const STRICTER_HERE = ['invalid/yaml-alias.yaml'];

/** Building Kubernetes' validation for the first time takes minutes. */
const BUILD_TIMEOUT_MILLISECONDS = 20 * 60_000;

let verdicts: Readonly<Record<string, readonly string[]>> = {};

beforeAll(() => {
  const answer = execFileSync('go', ['run', '.', root], {
    cwd: join(root, 'kubernetes'),
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT_MILLISECONDS,
  });
  const parsed: unknown = JSON.parse(answer);
  if (!isRecord(parsed)) throw new Error('no verdicts');
  verdicts = Object.fromEntries(
    Object.entries(parsed).map(([file, faults]) => [file, Array.isArray(faults) ? faults.map(String) : []]),
  );
}, BUILD_TIMEOUT_MILLISECONDS);

const below = (folder: string) => Object.entries(verdicts).filter(([file]) => file.startsWith(`${folder}/`));

describe("Kubernetes' own validation", () => {
  test('accepts every CustomResourceDefinition, its defaults and the cost of its rules', () => {
    expect(below('manifests')).toEqual([
      ['manifests/approval-rule.yaml', []],
      ['manifests/masking-policy.yaml', []],
      ['manifests/snowflake-connection.yaml', []],
    ]);
  });

  test('accepts every valid example', () => {
    expect(below('valid').filter(([, faults]) => faults.length > 0)).toEqual([]);
    expect(below('valid').length).toBeGreaterThan(0);
  });

  test('refuses every invalid example the parser refuses, but for those named here', () => {
    expect(
      below('invalid')
        .filter(([, faults]) => faults.length === 0)
        .map(([file]) => file),
    ).toEqual(STRICTER_HERE);
  });

  test('gives the same message for the same field wherever a CEL rule speaks', () => {
    const different = below('invalid').filter(([file, faults]) => {
      const { complaints } = parseResources(readFileSync(join(root, 'examples', file), 'utf8'), file);
      return faults.some((fault) => {
        const [field = '', message = ''] =
          /^(.+?): Invalid value: (?:".*?": )?([^;]+; .+)$/s.exec(fault)?.slice(1) ?? [];
        if (message === '' || fault.includes('no such key') || field === '<nil>') return false;
        return !complaints.some(
          (complaint) => complaint.field === field && formatComplaint(complaint).endsWith(message),
        );
      });
    });
    expect(different).toEqual([]);
  });
});
