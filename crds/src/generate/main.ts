import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateFiles } from './generate.js';

/** `generate` writes the files, `verify` exits with 1 when one of them is not what the schemas say. */
const verify = process.argv[2] === 'verify';
const root = join(import.meta.dirname, '..', '..');

for (const [path, text] of generateFiles(root)) {
  const target = join(root, path);
  if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
  if (verify) {
    process.stderr.write(`crds/${path} is not what crds/schemas says; run npm run generate -w @piste/crds\n`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  process.stdout.write(`crds/${path}\n`);
}
