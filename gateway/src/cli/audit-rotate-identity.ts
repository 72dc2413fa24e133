import { type NoteSigner, type Registry, readRegistry } from '@piste/verifier';
import { loadSigner, rotateIdentity } from '../registry/index.js';
import { originOf } from './audit-erase.js';
import { type CliIo, EXIT, UsageError } from './io.js';
import { toLine } from './plain-text.js';
import type { RegistryArguments } from './registry-arguments.js';
import { loadIdentity, openDeployment } from './registry-home.js';

/** `piste audit rotate-identity`: hands the registry over to another identity key. Run again, it finishes what was interrupted. */
export async function auditRotateIdentity(args: RegistryArguments, io: CliIo): Promise<number> {
  if (args.positionals.length > 0) throw new UsageError('audit rotate-identity takes options only');
  const origin = originOf(args, io);
  const from = await loadIdentity(args, origin, io);
  const { signer: to } = await loadSigner(args.need('new-identity-key'), origin);
  if (from.vkey === to.vkey) throw new UsageError('both files hold the same key');
  const deployment = await openDeployment(args, io);
  try {
    const { store, source } = await deployment.openRegistry();
    if ((await store.get('checkpoint')) === undefined)
      throw new UsageError(`there is no registry here: ${store.label}`);
    const { registry, findings } = await readRegistry(source());
    const broken = findings.find(({ severity }) => severity === 'tampered');
    if (broken !== undefined || registry === undefined)
      return refuse(`the registry does not verify: ${broken?.message ?? 'it cannot be read'}`, io);
    const refusal = refusalOf(registry, from, to);
    if (refusal !== undefined) return refuse(refusal, io);
    const keys = `old identity  ${from.vkey}\nnew identity  ${to.vkey}\n`;
    if (registry.keys.at(-1)?.vkey === to.vkey) {
      io.out(`the registry ${origin} has the new identity already\n${keys}`);
      return EXIT.ok;
    }
    if (args.flag('check')) {
      io.out(`the registry ${origin} can be handed over; nothing was changed\n${keys}`);
      return EXIT.ok;
    }
    const index = await rotateIdentity({ store, from, to, nowMs: io.nowMs });
    io.out(`the registry ${origin} was handed over: entry ${index}\n${keys}`);
    io.err('gateways that still have the old key record nothing more: restart each with the new one\n');
    return EXIT.ok;
  } finally {
    deployment.close();
  }
}

/** Why the registry cannot go from one key to the other, or nothing. */
function refusalOf({ origin, keys }: Registry, from: NoteSigner, to: NoteSigner): string | undefined {
  if (origin !== from.name) return `the registry is ${origin} and not ${from.name}: name its deployment`;
  const [before, current] = [keys.at(-2)?.vkey, keys.at(-1)?.vkey];
  if (current === to.vkey && before === from.vkey) return undefined;
  if (current !== from.vkey) return `the registry's identity is ${current}, and --identity-key holds ${from.vkey}`;
  // Whoever got hold of a key that was given up must not come back with it.
  const isUsed = keys.some(({ vkey }) => vkey === to.vkey);
  return isUsed ? 'the new key was the identity before: make another one' : undefined;
}

function refuse(why: string, io: CliIo): number {
  io.err(`piste: nothing was changed: ${toLine(why)}\n`);
  return EXIT.failed;
}
