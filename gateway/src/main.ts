#!/usr/bin/env node
/** Starts the gateway. The version is checked before anything that needs a newer Node is loaded. */
const REQUIRED = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1])) {
  process.stderr.write(`piste needs Node ${REQUIRED.join('.')} or newer, this is ${process.versions.node}\n`);
  process.exit(1);
}

const { run } = await import('./serve.js');
await run(process);
