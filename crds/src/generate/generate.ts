import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { printSchemaConstant } from './constants.js';
import { printManifest } from './manifest.js';
import { parseKindSource, type SourceKind } from './source.js';
import { createTypePrinter } from './types.js';

/** Base names of the files in `schemas/`, one per kind. */
export const KIND_FILES = ['snowflake-connection', 'masking-policy', 'approval-rule'] as const;

const NOTE = 'Generated from crds/schemas by `npm run generate -w @piste/crds`. Change it there.';

/** Reads the kinds below the workspace's folder. */
export function readKinds(root: string): SourceKind[] {
  const shared = readFileSync(join(root, 'schemas', 'shared.yaml'), 'utf8');
  return KIND_FILES.map((file) => parseKindSource(readFileSync(join(root, 'schemas', `${file}.yaml`), 'utf8'), shared));
}

/**
 * Everything generated, by path below the workspace's folder. Equal schemas give equal bytes; it is formatted by the
 * repository's own formatter.
 */
export function generateFiles(root: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const printer = createTypePrinter();
  for (const [index, source] of readKinds(root).entries()) {
    const file = KIND_FILES[index] ?? source.singular;
    printer.addKind(source);
    files.set(`manifests/${file}.yaml`, format(root, printManifest(source, `# ${NOTE}\n`), 'yaml'));
    files.set(`src/generated/${file}-schema.ts`, format(root, `// ${NOTE}\n${printSchemaConstant(source)}`, 'ts'));
  }
  const imports = "import type { ResourceMetadata } from '../metadata.js';\n\n";
  files.set('src/generated/resources.ts', format(root, `// ${NOTE}\n${imports}${printer.print()}`, 'ts'));
  return files;
}

function format(root: string, text: string, language: 'ts' | 'yaml'): string {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  return execFileSync(process.execPath, [biome, 'format', `--stdin-file-path=crds/generated.${language}`], {
    cwd: join(root, '..'),
    input: text,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  });
}
