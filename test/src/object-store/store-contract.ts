import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { destroyObject, type ObjectStore } from '@piste/gateway/dist/archive/index.js';

/** What a store must keep to, whoever it is: run against the fake in every test run, against a real server in the others. */
export function describeStore(open: () => ObjectStore): void {
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const name = (): string => `contract/${randomBytes(6).toString('hex')}`;
  const put = (store: ObjectStore, path: string, text: string, lockedMs = 0) => {
    const bytes = Buffer.from(text, 'utf8');
    const lock =
      lockedMs === 0
        ? undefined
        : { mode: 'COMPLIANCE' as const, retainUntilMs: Math.ceil((Date.now() + lockedMs) / 1000) * 1000 };
    return store.putIfAbsent(path, bytes, { sha256: sha256(bytes), lock });
  };
  const textOf = async (store: ObjectStore, path: string): Promise<string | undefined> => {
    const found = await store.get(path, 1000);
    return found === undefined ? undefined : Buffer.from(found.bytes).toString('utf8');
  };

  test('an object is written once, and its second writer is told', async () => {
    const [store, path] = [open(), name()];
    expect(await put(store, path, 'first')).toMatchObject({ outcome: 'created' });
    expect(await put(store, path, 'second')).toEqual({ outcome: 'exists' });
    expect(await textOf(store, path)).toBe('first');
  });

  test('bytes that are not those of the checksum are refused', async () => {
    const [store, path] = [open(), name()];
    await expect(store.putIfAbsent(path, Buffer.from('x'), { sha256: '0'.repeat(64) })).rejects.toMatchObject({
      kind: 'refused',
    });
    expect(await store.head(path, undefined)).toBeUndefined();
  });

  test('a version shows its size, checksum and lock, and cannot be deleted before its time', async () => {
    const [store, path] = [open(), name()];
    const made = await put(store, path, 'locked', 60_000);
    const version = made.outcome === 'created' ? made.version : undefined;
    const head = await store.head(path, version);
    expect(head).toMatchObject({
      bytes: 6,
      sha256: sha256(Buffer.from('locked')),
      lock: { mode: 'COMPLIANCE' },
      hold: false,
    });
    const untilMs = head?.lock?.retainUntilMs ?? 0;
    const lockUntil = (retainUntilMs: number) => store.setLock(path, version, { mode: 'COMPLIANCE', retainUntilMs });
    await lockUntil(untilMs + 5000);
    expect((await store.head(path, version))?.lock).toEqual({ mode: 'COMPLIANCE', retainUntilMs: untilMs + 5000 });
    await expect(lockUntil(untilMs)).rejects.toMatchObject({ kind: 'refused' });
    expect(await store.remove(path, version)).toBe('refused');
    expect(await store.remove(path, version, true)).toBe('refused');
  });

  test('a hold keeps a version until it is lifted', async () => {
    const [store, path] = [open(), name()];
    const made = await put(store, path, 'held');
    const version = made.outcome === 'created' ? made.version : undefined;
    await store.setHold(path, version, true);
    expect(await store.head(path, version)).toMatchObject({ hold: true });
    expect(await destroyObject(store, path)).toBe('refused');
    await store.setHold(path, version, false);
    expect(await destroyObject(store, path)).toBe('destroyed');
    expect(await store.head(path, version)).toBeUndefined();
  });

  test('what is hidden behind a delete marker is still read by version', async () => {
    const [store, path] = [open(), name()];
    const made = await put(store, path, 'hidden', 60_000);
    const version = made.outcome === 'created' ? made.version : undefined;
    expect(await store.remove(path, undefined)).toBe('removed');
    expect(await store.get(path, 100)).toBeUndefined();
    expect(Buffer.from((await store.getRange(path, version, 1, 3)) ?? []).toString('utf8')).toBe('idd');
    const versions = (await store.listVersions(path)).filter((found) => found.path === path);
    expect(versions.map(({ marker, latest }) => ({ marker, latest }))).toEqual([
      { marker: true, latest: true },
      { marker: false, latest: false },
    ]);
  });

  test('ranges end where the object ends', async () => {
    const [store, path] = [open(), name()];
    await put(store, path, '0123456789');
    const read = async (from: number, length: number) =>
      Buffer.from((await store.getRange(path, undefined, from, length)) ?? Buffer.from('?')).toString('utf8');
    expect(await Promise.all([read(0, 4), read(8, 100), read(10, 5), read(3, 0)])).toEqual(['0123', '89', '', '']);
    expect(await store.getRange(`${path}-none`, undefined, 0, 1)).toBeUndefined();
    await expect(store.get(path, 5)).rejects.toMatchObject({ reason: 'TooLarge' });
  });

  test('of several writers that saw the same object one replaces it', async () => {
    const [store, path] = [open(), name()];
    const swap = (text: string, etag: string | undefined) => store.compareAndPut(path, Buffer.from(text), etag);
    const first = await swap('one', undefined);
    expect(first.outcome).toBe('swapped');
    expect(await swap('one again', undefined)).toEqual({ outcome: 'changed' });
    const etag = first.outcome === 'swapped' ? first.etag : undefined;
    expect((await store.get(path, 10))?.etag).toBe(etag);
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, racer) => swap(`racer ${racer}`, etag)));
    expect(outcomes.filter(({ outcome }) => outcome === 'swapped')).toHaveLength(1);
    expect(await textOf(store, path)).toMatch(/^racer /);
  });

  test('listings are complete however many pages they take, and names may be odd', async () => {
    const [store, folder] = [open(), name()];
    const names = Array.from({ length: 120 }, (_, index) => `${folder}/${String(index).padStart(4, '0')}`);
    const odd = `${folder}/odd name+with%20<&>é`;
    for (const path of [...names, odd]) await put(store, path, 'x');
    expect((await store.list(`${folder}/`)).map(({ path }) => path).sort()).toEqual([...names, odd].sort());
    const versions = await store.listVersions(`${folder}/`);
    expect(versions.map(({ path }) => path)).toEqual([...names, odd].sort());
    expect(versions.every(({ latest, marker, bytes }) => latest && !marker && bytes === 1)).toBe(true);
  });
}
