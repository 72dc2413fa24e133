#!/usr/bin/env node
/**
 * Starts `piste`. This file stands in the repository so that `npm ci` can link it before anything is built. On a Node that
 * is too old it starts the repository's own, which npm installed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MINIMUM_NODE = [22, 19];
const STARTED_AGAIN = 'PISTE_STARTED_AGAIN';

function isOldNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1]);
}

/** The Node of the package `node`; undefined where it is not installed. */
function installedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const program = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(`piste: ${message}\n`);
  process.exitCode = 1;
}

/** Hands everything over to another Node: arguments, standard streams, signals and the way it ends. */
function startWith(program) {
  const child = spawn(program, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [STARTED_AGAIN]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${program} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const newerNode =
  isOldNode(process.versions.node) && process.env[STARTED_AGAIN] === undefined ? installedNode() : undefined;
if (!existsSync(main)) fail('it is not built yet; run `make build` in the repository first');
else if (newerNode !== undefined) startWith(newerNode);
else import(pathToFileURL(main).href).catch((error) => fail(error instanceof Error ? error.message : String(error)));
