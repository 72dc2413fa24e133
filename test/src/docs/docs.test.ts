import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

describe('the documents say what the code says', () => {
  test('every refusal has a row in docs/errors.md, and every row a refusal', () => {
    const codes = (text: string): string[] => [...new Set(text.match(/PISTE-\d{4}/g) ?? [])].sort();
    const rows =
      read('docs', 'errors.md')
        .match(/^\| PISTE-\d{4}/gm)
        ?.join(' ') ?? '';
    const built =
      read('gateway', 'src', 'errors.ts')
        .match(/denial\(\s*'PISTE-\d{4}'/g)
        ?.join(' ') ?? '';
    expect(codes(rows)).toEqual(codes(built));
  });

  test('every refusal in the catalogue can happen', () => {
    const names = [...read('gateway', 'src', 'errors.ts').matchAll(/^ {2}(\w+): \(/gm)].map((match) => match[1] ?? '');
    const sources = sourcesOf('gateway').join('\n');
    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !sources.includes(`deny.${name}(`))).toEqual([]);
  });

  test('every option has a row in docs/configuration.md', () => {
    const options = [
      ...sourcesOf('gateway/src/config')
        .join('\n')
        .matchAll(/name: '(PISTE_[A-Z_]+)'/g),
    ].map((match) => match[1] ?? '');
    const rows = [...read('docs', 'configuration.md').matchAll(/^\| `(PISTE_[A-Z_]+)`/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(options.length).toBeGreaterThan(15);
    expect(rows.sort()).toEqual(options.sort());
  });

  test('every dependency earns its line in docs/dependencies.md', () => {
    const text = read('docs', 'dependencies.md');
    for (const folder of ['.', 'crds', 'gateway', 'operator', 'test']) {
      const manifest = JSON.parse(read(folder, 'package.json')) as {
        readonly dependencies?: Record<string, string>;
        readonly devDependencies?: Record<string, string>;
      };
      const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
      for (const name of names.filter((candidate) => !candidate.startsWith('@piste/')))
        expect(text).toContain(`| \`${name}\``);
    }
  });

  test('every room of the gateway is in the table of ARCHITECTURE.md', () => {
    const text = read('ARCHITECTURE.md');
    const rooms = readdirSync(join(ROOT, 'gateway', 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    for (const room of rooms) expect(text).toContain(`| \`${room.name}\``);
  });

  test('every suite that docs/requirements.md names exists', () => {
    let folder = '';
    const missing: string[] = [];
    for (const [, path = ''] of read('docs', 'requirements.md').matchAll(/`([\w/.*-]+)`/g)) {
      if (path.includes('/')) folder = path.endsWith('.ts') ? dirname(path) : path;
      const file = path.includes('/') ? path : join(folder, path);
      const isSuite = path.endsWith('.test.ts');
      if (isSuite && !path.includes('*') && !existsSync(join(ROOT, file))) missing.push(file);
      if (path.includes('/') && !path.endsWith('.ts') && !existsSync(join(ROOT, path))) missing.push(path);
    }
    expect(missing).toEqual([]);
  });

  test('every series the gateway exports is in docs/metrics.md', () => {
    const made = sourcesOf('gateway/src/telemetry')
      .join('\n')
      .matchAll(/(?:(?:counter|gauge|histogram)\(\s*'|name: 'piste_)([a-z_]+)'/g);
    const series = [...made].map((match) => `piste_${match[1] ?? ''}`);
    const text = read('docs', 'metrics.md');
    expect(series.length).toBeGreaterThan(15);
    expect(series.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.test)\.ts$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .filter((entry) => entry.name !== 'errors.ts' && !entry.parentPath.includes('dist'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}
