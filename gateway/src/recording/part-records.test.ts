import { describe, expect, test } from '@jest/globals';
import { openDirectory, verify } from '@piste/verifier';
import { type LogRecord, readLog } from './index.js';
import { createPartRecords, PIECE_BYTES } from './part-records.js';
import type { Receipt } from './receipt.js';
import { entry, openTestRecording, permitOf, trustIn, withDirectory } from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';

const PART = { result: 'r', index: 1, count: 3 };
const RECIPIENT = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';

/** Bytes of which no two pieces are the same. */
function rowsOf(length: number): Buffer {
  const rows = Buffer.alloc(length, 'row,');
  for (let at = 0; at < length; at += 65_536) rows.writeUInt32BE(at, Math.min(at, length - 4));
  return rows;
}

const chunk = (bytes: Buffer) => ({
  ...entry('chunk', { qid: 'q', n: 1, rows: 7, fmt: 'json', found: [] }),
  bodies: [{ name: 'rows', bytes }],
});

async function piecesOf(directory: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readLog(directory)) if (record.leaf.kind.startsWith('chunk')) records.push(record);
  return records;
}

describe('a part of a large result', () => {
  test.each([
    ['that fits', PIECE_BYTES, 0],
    ['of one byte more', PIECE_BYTES + 1, 1],
    ['that is larger than the whole queue', 5 * PIECE_BYTES - 1, 4],
  ])('%s is recorded whole, and verifies', (_what, length, pieces) =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      await recording.recordRequest(
        permitOf('select 1'),
        entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: 'select 1' }),
      );
      const bytes = rowsOf(length);
      const answer = await recording.recordAnswer(chunk(bytes), bytes, { part: PART });
      expect(answer.standing.kind).toBe('durable');
      const trust = await trustIn(recording);
      await recording.close();
      const records = await piecesOf(directory);
      expect(records.map(({ leaf }) => leaf.kind)).toEqual([...Array(pieces).fill('chunk.piece'), 'chunk']);
      const rows = records.map(({ bodies }) => bodies.get('rows') ?? Buffer.alloc(0));
      expect(Buffer.concat(rows).equals(bytes)).toBe(true);
      expect(records.at(-1)?.leaf.fields['out']).toMatchObject({ len: length });
      const { outcome, findings } = await verify([openDirectory(directory)], trust, { deep: true });
      expect([outcome, findings]).toEqual(['sound', []]);
    }),
  );

  test('is encrypted piece by piece', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { recipients: [RECIPIENT] });
      const bytes = rowsOf(PIECE_BYTES + 5);
      await recording.recordAnswer(chunk(bytes), bytes, { part: PART });
      await recording.close();
      expect((await piecesOf(directory)).map(({ unread }) => [...unread.keys()])).toEqual([['rows'], ['rows']]);
    }));
});

describe('room', () => {
  /** Room that comes when the test says so. */
  function createRoom() {
    const asked: (PromiseWithResolvers<() => void> & { readonly bytes: number })[] = [];
    const appended: string[] = [];
    const receipts: PromiseWithResolvers<Receipt>[] = [];
    let kept = 0;
    const takePart = createPartRecords({
      append: ({ kind }) => {
        appended.push(kind);
        const receipt = Promise.withResolvers<Receipt>();
        receipts.push(receipt);
        return receipt.promise;
      },
      room: (bytes) => {
        const one = { ...Promise.withResolvers<() => void>(), bytes };
        asked.push(one);
        return one.promise;
      },
      random: (count) => new Uint8Array(count),
    });
    const give = async (): Promise<void> => {
      kept += 1;
      asked.shift()?.resolve(() => {
        kept -= 1;
      });
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { takePart, asked, appended, receipts, give, kept: () => kept };
  }

  test('is waited for piece by piece, and given back each time', async () => {
    const { takePart, asked, appended, receipts, give, kept } = createRoom();
    const taking = takePart(chunk(Buffer.alloc(2 * PIECE_BYTES + 9)));
    await give();
    expect([appended, kept(), asked.map(({ bytes }) => bytes)]).toEqual([['chunk.piece'], 0, [PIECE_BYTES]]);
    await give();
    await give();
    expect(appended).toEqual(['chunk.piece', 'chunk.piece', 'chunk']);
    const { written } = await taking;
    const receipt = { writer: 'w', index: 2, leafHash: 'c' };
    receipts[2]?.resolve(receipt);
    receipts[0]?.resolve({ ...receipt, index: 0 });
    expect(await Promise.race([written, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits');
    receipts[1]?.resolve({ ...receipt, index: 1 });
    expect(await written).toBe(receipt);
  });

  test('that does not come in time ends it: nothing of the part says that it left', async () => {
    const { takePart, asked, appended, give } = createRoom();
    const taking = takePart(chunk(Buffer.alloc(PIECE_BYTES + 9)));
    await give();
    asked[0]?.reject(new RecordingUnavailable('no room'));
    await expect(taking).rejects.toThrow('no room');
    expect(appended).toEqual(['chunk.piece']);
  });

  test('is given back when the record cannot be appended; a piece that is lost loses the part', async () => {
    const { takePart, receipts, give, kept } = createRoom();
    const taking = takePart(chunk(Buffer.alloc(PIECE_BYTES + 9)));
    await give();
    await give();
    receipts[0]?.reject(new RecordingUnavailable('lost'));
    await expect((await taking).written).rejects.toThrow('lost');
    expect(kept()).toBe(0);
  });
});
