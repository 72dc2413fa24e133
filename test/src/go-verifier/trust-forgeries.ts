import { createNoteSigner } from '@piste/verifier';
import { type Built, canonical, type Fields, leafHash, ODD, treeRoot } from './leaves.js';
import type { Random } from './random.js';

/** Trust in these logs, by the trust file alone or by way of a registry. */
export function makeTrust(
  built: readonly Built[],
  files: Map<string, Buffer>,
  random: Random,
): { trust: string; said: string } {
  const sizes = built.map(({ leaves }) => (random.chance(6) ? 1 + random.below(leaves.length + 1) : leaves.length));
  const kept = built.map(({ log, leaves }, index) => ({
    origin: log.origin,
    size: sizes[index] ?? 0,
    root: treeRoot(leaves.slice(0, sizes[index])).toString('base64'),
    ...(random.chance(24) ? { nove: 'x' } : {}),
  }));
  const file = { v: 1, writers: built.map(({ vkey }) => vkey), checkpoints: kept };
  if (!random.chance(3)) {
    if (random.chance(8)) file.checkpoints = [];
    return { trust: JSON.stringify(file), said: `kept ${sizes.join(',')}` };
  }
  return makeRegistry(built, kept, files, random);
}

function makeRegistry(
  built: readonly Built[],
  kept: readonly { origin: string; size: number; root: string }[],
  files: Map<string, Buffer>,
  random: Random,
): { trust: string; said: string } {
  const origin = 'test/registry';
  const signer = createNoteSigner(origin);
  const entries: Fields[] = [{ k: 'registry.open', f: { origin, vkey: signer.vkey } }];
  for (const [index, { log, vkey, leaves }] of built.entries()) {
    const told = kept[index] ?? { origin: log.origin, size: 0, root: '' };
    const full = { origin: log.origin, size: leaves.length, root: treeRoot(leaves).toString('base64') };
    if (!random.chance(8)) entries.push({ k: 'writer.open', f: { origin: log.origin, vkey } });
    if (!random.chance(3)) entries.push({ k: 'writer.checkpoint', f: told });
    if (random.chance(4)) entries.push({ k: 'writer.close', f: random.chance(2) ? full : told });
    if (random.chance(4)) {
      entries.push({
        k: 'writer.sealed',
        f: { ...(random.chance(2) ? full : told), closed: random.chance(2), torn: random.pick([0, 0, 18]), by: 'x' },
      });
    }
  }
  for (let more = random.below(3); more > 0; more--) entries.push(registryChange(entries, random));
  const start = random.pick([1000, 2_000_000_000_000]);
  const leaves = entries.map((entry, index) => Buffer.from(canonical({ v: 1, t: start + index, ...entry })));
  const hashes = leaves.map(leafHash);
  const bundle = Buffer.concat(leaves.flatMap((leaf) => [Buffer.of(leaf.length >> 8, leaf.length & 255), leaf]));
  const size = entries.length;
  files.set(`registry/tile/entries/000.p/${size}`, bundle);
  files.set(`registry/tile/0/000.p/${size}`, Buffer.concat(hashes));
  files.set(
    'registry/checkpoint',
    Buffer.from(signer.signNote(`${origin}\n${size}\n${treeRoot(hashes).toString('base64')}\n`)),
  );
  const part = random.chance(4) ? 1 + random.below(size + 2) : size;
  const trust = {
    v: 1,
    writers: random.chance(3) ? built.map(({ vkey }) => vkey) : [],
    checkpoints: random.chance(2)
      ? [{ origin, size: part, root: treeRoot(hashes.slice(0, part)).toString('base64') }]
      : [],
    ...(random.chance(12) ? {} : { registry: random.chance(12) ? createNoteSigner(origin).vkey : signer.vkey }),
  };
  const said = `registry ${entries.map((entry) => canonical(entry).slice(0, 200)).join(' ')} damaged: ${damageRegistry(files, random)}`;
  return { trust: JSON.stringify(trust), said: `${said} trust ${JSON.stringify(trust)}` };
}

/** An entry of some kind, or a change of one that is there. */
function registryChange(entries: readonly Fields[], random: Random): Fields {
  const copy = structuredClone(random.pick(entries));
  if (random.chance(2))
    return random.pick<Fields>([
      { k: 'tick', f: { origin: 'x' } },
      { k: 'unheard', f: { a: 1 } },
      { k: 'config', f: { by: 'x' } },
      { k: 'hold', f: { id: 'h', v: 'set', reason: 'r' } },
    ]);
  const fields = copy['f'] as Fields;
  const name = random.pick(Object.keys(fields));
  fields[name] = random.pick([...ODD, 3, 4, 'test/w/01M83FTSR9SXY4HBNHSMKGJ52Z']);
  return copy;
}

function damageRegistry(files: Map<string, Buffer>, random: Random): string {
  if (!random.chance(3)) return 'no';
  const paths = [...files.keys()].filter((path) => path.startsWith('registry/'));
  const path = random.pick(paths);
  const bytes = files.get(path) ?? Buffer.alloc(0);
  switch (random.below(4)) {
    case 0:
      files.delete(path);
      return `without ${path}`;
    case 1: {
      const at = random.below(bytes.length);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.below(8)), at);
      return `${path} byte ${at}`;
    }
    case 2: {
      const extra = random.pick([
        'registry/x',
        'registry/cosigned/1',
        'registry/cosigned/x',
        'registry/append/1',
        'registry/append/x',
        'registry/.lock',
        'registry/tile/0/001',
        'registry/tile/9/000',
        'registry/tile/x',
        'registry/tile/entries/000',
      ]);
      files.set(extra, Buffer.from(bytes));
      return `${path} as ${extra}`;
    }
    default:
      files.set(path, bytes.subarray(0, random.below(bytes.length)));
      return `${path} cut`;
  }
}
