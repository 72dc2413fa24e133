import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Trust } from '@piste/verifier';
import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameType, type Verdict, verifyDirectory } from '@piste/verifier';
import { entry, openTestRecording, permitOf, trustIn } from './recording-fixture.js';

// Equipment of the tests that damage logs.

export interface Sample {
  readonly directory: string;
  readonly segment: string;
  readonly bytes: Buffer;
  /** Key and checkpoint over the whole log. */
  readonly anchored: Trust;
}

export async function segmentOf(directory: string): Promise<string> {
  const [ulid = ''] = (await readdir(directory)).sort();
  return join(directory, ulid, '00000001.seg');
}

/** A log of two commits and the close, with or without it. */
export async function makeSmallLog(directory: string, closed: boolean): Promise<Sample> {
  const recording = await openTestRecording(directory);
  await recording.recordRequest(
    permitOf('select 1'),
    entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: 'select 1' }),
  );
  if (closed) await recording.close();
  const segment = await segmentOf(directory);
  const bytes = await readSegment(segment);
  const anchored = await trustIn(recording);
  if (!closed) await recording.close();
  return { directory, segment, bytes, anchored };
}

/** What was written into a segment, without the zeros that were only written ahead. */
export async function readSegment(segment: string): Promise<Buffer> {
  const bytes = await readFile(segment);
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

export interface RawFrame {
  readonly type: FrameType;
  readonly bytes: Buffer;
}

export function framesOf(bytes: Buffer): readonly RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const header = decodeFrameHeader(bytes.subarray(at));
    if (!header.ok) throw new Error(header.reason);
    const end = at + FRAME_HEADER_BYTES + header.payloadBytes;
    frames.push({ type: header.type, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return frames;
}

export function endOfFirstGroup(bytes: Buffer): number {
  const frames = framesOf(bytes);
  const firstCommit = frames.findIndex(({ type }) => type === 'commit');
  return frames.slice(0, firstCommit + 1).reduce((sum, frame) => sum + frame.bytes.byteLength, 0);
}

export function repairCrc(frame: Buffer): void {
  frame.writeUInt32BE(crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, 12))), 12);
}

export function outcomeWith({ segment, directory }: Sample, bytes: Buffer, trust?: Trust): Promise<Verdict> {
  return writeFile(segment, bytes).then(() => verifyDirectory(directory, trust));
}

export function codesOf(verdict: Verdict): readonly string[] {
  return verdict.findings.map(({ code }) => code);
}
