import { createCosigner, isKeyName, parseVkey } from '@piste/verifier';
import { claimState, createWitness, createWitnessServer, loadSigningKey, openWitnessStore } from '../registry/index.js';
import { type CliIo, EXIT, UsageError } from './io.js';
import type { RegistryArguments } from './registry-arguments.js';

/** `piste witness`: serves until it is stopped. The first line of output is one JSON object with the address and the key. */
export async function runWitness(args: RegistryArguments, io: CliIo): Promise<number> {
  const logs = args.list('log');
  if (logs.length === 0) throw new UsageError('witness needs at least one --log VKEY');
  const bad = logs.find((vkey) => parseVkey(vkey) === undefined);
  if (bad !== undefined) throw new UsageError('--log is an Ed25519 verifier key');
  const { host, port } = addressOf(args.need('listen'));
  const name = args.need('name');
  if (!isKeyName(name)) throw new UsageError('--name has no spaces and no plus signs');
  const cosigner = createCosigner(name, await loadSigningKey(args.need('key')));
  const state = args.need('state');
  const release = await claimState(state);
  const witness = createWitness({ cosigner, logs, store: await openWitnessStore(state), nowMs: io.nowMs });
  const server = createWitnessServer(witness, (status, error) => {
    const at = new Date(io.nowMs()).toISOString();
    if (status !== 200 && status !== 409)
      io.err(`${JSON.stringify({ at, status, ...(error === undefined ? {} : { error }) })}\n`);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    const address = server.address();
    const listening = typeof address === 'object' && address !== null ? address.port : port;
    io.out(`${JSON.stringify({ ready: true, url: `http://${host}:${listening}/`, vkey: cosigner.vkey })}\n`);
    await io.stopped();
  } finally {
    server.close();
    server.closeAllConnections();
    await release();
  }
  return EXIT.ok;
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', digits = ''] = /^(.+):([0-9]{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(digits) > 65_535) throw new UsageError('--listen is HOST:PORT');
  return { host: host.replaceAll(/^\[|\]$/g, ''), port: Number(digits) };
}
