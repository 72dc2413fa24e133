#!/usr/bin/env node
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const MINIMUM_NODE = [22, 19] as const;

function isOldNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1]);
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion && typeof manifest.version === 'string' ? manifest.version : 'unknown';
}

/** A user that no account is kept for has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

if (isOldNode(process.versions.node)) {
  process.stderr.write(`piste needs Node.js ${MINIMUM_NODE.join('.')} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  // Imported only now: an old Node must reach the message above, not a missing module.
  const { runCli } = await import('./run.js');
  process.stdout.on('error', () => process.exit(1));
  process.exitCode = await runCli(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    write: async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
    get input() {
      return process.stdin;
    },
    isTerminal: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    isWatched: process.stdout.isTTY === true,
    environment: process.env,
    claimant: () => ({ user: userName(), host: hostname() }),
    nowMs: () => Date.now(),
    sleep: (milliseconds) => sleep(milliseconds),
    stopped: async () => void (await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])),
    version: readVersion(),
  });
}
