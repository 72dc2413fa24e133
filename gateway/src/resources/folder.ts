import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_TEXT_BYTES } from '@piste/crds';
import { errorCode } from '../errors.js';

/** A file's text, or why it cannot be had. */
export type FileText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const MAX_FILES = 1000;

/**
 * The YAML and JSON files of a folder by name, in the order of their names. Names beginning with a dot and subfolders are
 * not looked at, so a mounted ConfigMap reads like a folder. Rejects when the folder itself cannot be read.
 */
export async function readFolder(directory: string): Promise<ReadonlyMap<string, FileText>> {
  const names = (await readdir(directory)).filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name)).sort();
  if (names.length > MAX_FILES) throw new Error(`the folder holds more than ${MAX_FILES} files`);
  const files = new Map<string, FileText>();
  for (const name of names) {
    const file = await readText(join(directory, name));
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/** Undefined for what is not a file, or vanished since the folder was listed. */
async function readText(path: string): Promise<FileText | undefined> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return undefined;
    if (facts.size > MAX_TEXT_BYTES) return { ok: false, why: `it is larger than ${MAX_TEXT_BYTES} bytes` };
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)) };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return undefined;
    return {
      ok: false,
      why:
        code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : `it cannot be read (${code ?? 'unknown'})`,
    };
  }
}
