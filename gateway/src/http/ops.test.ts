import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import type { OpsDependencies, ReadinessCheck } from './ops.js';
import { createOps } from './ops.js';

const closing: Array<() => void> = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function startOps(checks: readonly ReadinessCheck[], changes: Partial<OpsDependencies> = {}) {
  const warnings: unknown[] = [];
  const log = { info: () => {}, warn: (...parts: unknown[]) => void warnings.push(parts), error: () => {} };
  const metrics = {
    render: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: '# HELP up x\nup 1\n' }),
  };
  const server = createServer(createOps({ checks, metrics, log, ...changes }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  return { get, warnings };
}

const good: ReadinessCheck = { name: 'store', check: async () => {} };
const bad: ReadinessCheck = { name: 'recording', check: () => Promise.reject(new Error('disk full at /var/log')) };

test('is alive whatever the checks say', async () => {
  const { get } = await startOps([bad]);
  expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
});

test('is ready when every check passes, and names them on request', async () => {
  const { get } = await startOps([good]);
  expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\n' });
  expect((await get('/readyz?verbose')).text).toBe('[+]store ok\nreadyz check passed\n');
});

test('names the check that fails and keeps its reason for the log', async () => {
  const { get, warnings } = await startOps([good, bad]);
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    text: '[+]store ok\n[-]recording failed\nreadyz check failed\n',
  });
  expect(JSON.stringify(warnings)).toContain('disk full');
});

test('does not wait for a check that hangs', async () => {
  const hanging = { name: 'store', check: () => new Promise<void>(() => {}) };
  const { get } = await startOps([hanging], { checkTimeoutMs: 20 });
  expect((await get('/readyz')).status).toBe(503);
});

test('serves the metrics as they are rendered', async () => {
  const { get } = await startOps([]);
  expect(await get('/metrics')).toEqual({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: '# HELP up x\nup 1\n',
  });
});

test('answers 500 without details when metrics cannot be rendered, and 404 elsewhere', async () => {
  const metrics = { render: () => Promise.reject(new Error('secret detail')) };
  const { get } = await startOps([], { metrics });
  expect(await get('/metrics')).toMatchObject({ status: 500, text: 'failed\n' });
  expect((await get('/debug')).status).toBe(404);
});
