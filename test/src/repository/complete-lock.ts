import { readFileSync, writeFileSync } from 'node:fs';
import { completeLock, type LockFile } from './lock-file.js';

/** Rewrites `package-lock.json` so that `npm ci` accepts it on any registry; see `lock-file.ts`. */
const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8')) as LockFile;
writeFileSync(file, `${JSON.stringify(completeLock(lock), null, 2)}\n`);
