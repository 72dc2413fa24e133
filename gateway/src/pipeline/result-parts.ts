import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Denial, deny, driverCode, GatewayError } from '../errors.js';
import { MaskingFailed, type MaskingKeys, rowGrowthBytes } from '../masking/index.js';
import type { ConnectionPolicy, MaskObligation } from '../policy/index.js';
import {
  type ClientChunk,
  encodeBody,
  failure,
  type ResultFormat,
  type RowtypeColumn,
  type UpstreamChunk,
} from '../protocol/index.js';
import type { AnswerScope, Entry, Recording, ResultPart } from '../recording/index.js';
import type { Sealer, Store } from '../store/index.js';
import type { Log } from '../telemetry/index.js';
import type { ChunkSource } from '../upstream/index.js';
import { afterRun } from './after-run.js';
import type { Answer } from './answer.js';
import { denialOf } from './denial-of.js';
import { detectedFields } from './entries.js';
import type { Masked } from './exchange.js';
import { partsKey } from './keys.js';
import { DETECTION, maskPart, type PartOutcome, redactionOf } from './masked-part.js';
import type { PartsGate } from './parts-gate.js';

/**
 * Large results: Snowflake hands out signed URLs, the gateway keeps them and hands out capabilities of its own. Drivers
 * send no token with these requests, so the path itself is the right: random, for one result, for as long as Snowflake's
 * own URLs live.
 */
export interface ResultParts {
  /** Keeps the parts of a result and names the URLs the driver may ask. */
  register(masked: Masked): Promise<RegisteredParts>;
  /** One part, masked and recorded, once there is place for it; undefined when the capability opens nothing. Rejects when nothing can be recorded. */
  serve(capability: string, index: number, nobodyWaits: AbortSignal): Promise<PartAnswer | undefined>;
}

/** The parts of one result. */
export interface RegisteredParts {
  /** For the driver: each URL is a right. */
  readonly told: readonly ClientChunk[];
  /** For the record: the capability's SHA-256 stands in its place, so that who reads the log can fetch nothing. */
  readonly recorded: readonly ClientChunk[];
}

/** A part, or the refusal in its place; recorded either way. */
export type PartAnswer =
  | {
      readonly ok: true;
      readonly answer: Answer;
      /** Gives its place to another part. To be called when its bytes are gone. */
      readonly gone: () => void;
    }
  | { readonly ok: false; readonly denial: Denial; readonly answer: Answer };

export interface ResultPartsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly recording: Recording;
  readonly log: Log;
  readonly maskingKeys: () => MaskingKeys;
  readonly fetchChunk: (source: ChunkSource) => Promise<Buffer>;
  readonly gate: PartsGate;
  readonly onDelivered: (connection: string, rows: number, bytes: number) => void;
  readonly onMaskFailed: (reason: string) => void;
  readonly onDetected: (category: string) => void;
  readonly onMasked: (policy: string, method: string, values: number) => void;
}

interface Kept {
  readonly sessionId: string;
  readonly connection: string;
  readonly queryId: string;
  readonly isStrict: boolean;
  readonly rowtype: readonly RowtypeColumn[];
  readonly format: ResultFormat;
  readonly masks: readonly MaskObligation[];
  readonly detection: ConnectionPolicy['detection'];
  readonly chunks: readonly UpstreamChunk[];
  readonly headers: Readonly<Record<string, string>>;
}

/** Life of Snowflake's signed URLs. */
const PARTS_SECONDS = 6 * 3600;
const CAPABILITY_BYTES = 32;
/** What a part counts at least: its size is another system's word. */
const LEAST_PART_BYTES = 1024 * 1024;

const NO_PARTS: RegisteredParts = { told: [], recorded: [] };

const sha256 = (capability: string): Buffer => createHash('sha256').update(capability).digest();
const digestOf = (capability: string): string => sha256(capability).toString('hex');

export function createResultParts(deps: ResultPartsDeps): ResultParts {
  /** Fetches, masks and records one part; its bytes may then leave. */
  const deliver = async (kept: Kept, chunk: UpstreamChunk, part: ResultPart): Promise<Answer> => {
    const { index } = part;
    const source = await deps.fetchChunk({ url: chunk.url, headers: kept.headers });
    const { masked, detected } = maskOrRefuse(deps, kept, source);
    if (masked.rows !== chunk.rowCount) {
      throw new GatewayError('a chunk has another length', deny.upstreamUnexpected('a malformed result part'));
    }
    const { bytes } = masked;
    const entry: Entry = {
      kind: 'chunk',
      sessionId: kept.sessionId,
      fields: { qid: kept.queryId, n: index, rows: masked.rows, fmt: masked.format, found: detectedFields(detected) },
      bodies: [{ name: 'rows', bytes }],
    };
    const answer = await afterRun(() => deps.recording.recordAnswer(entry, bytes, { ...scopeOf(kept), part }));
    for (const count of masked.counts) deps.onMasked(count.policy, count.action, count.values);
    deps.onDelivered(kept.connection, masked.rows, bytes.length);
    return answer;
  };

  const withhold = async (kept: Kept, index: number, error: unknown): Promise<PartAnswer> => {
    const denial = denialOf(error, randomUUID(), deps.log);
    const bytes = encodeBody(failure(denial, kept.queryId));
    const code = driverCode(denial.code);
    const entry: Entry = {
      kind: 'response.withheld',
      sessionId: kept.sessionId,
      fields: { qid: kept.queryId, n: index, code, outcome: 'withheld', why: 'part', rows: 0, cols: 0 },
      bodies: [{ name: 'head', bytes }],
    };
    return {
      ok: false,
      denial,
      answer: await deps.recording.recordAnswer(entry, bytes, scopeOf(kept)),
    };
  };

  return {
    async register(masked) {
      const { result, session, queryId, connection, origin } = masked;
      if (result.chunks.length === 0) return NO_PARTS;
      const capability = randomBytes(CAPABILITY_BYTES).toString('base64url');
      const key = partsKey(digestOf(capability));
      const kept: Kept = {
        sessionId: session.id,
        connection: connection.name,
        queryId,
        isStrict: masked.decision.strictBy !== undefined,
        rowtype: masked.rowtype,
        format: masked.inline.format,
        masks: masked.masks,
        detection: connection.policy.detection,
        chunks: result.chunks,
        headers: result.chunkHeaders,
      };
      await deps.store.create(key, deps.sealer.seal(JSON.stringify(kept), key), PARTS_SECONDS);
      const growth = rowGrowthBytes(masked.masks) + rowGrowthBytes(furtherMasks(kept));
      const named = (name: string): readonly ClientChunk[] =>
        result.chunks.map((chunk, index) => ({
          url: `${origin}/results/${name}/${index}`,
          rowCount: chunk.rowCount,
          uncompressedSize: chunk.uncompressedSize + chunk.rowCount * growth,
        }));
      return { told: named(capability), recorded: named(sha256(capability).toString('base64url')) };
    },

    async serve(capability, index, nobodyWaits) {
      const key = partsKey(digestOf(capability));
      const stored = await deps.store.get(key);
      const opened = stored === undefined ? undefined : deps.sealer.open(stored.value, key);
      if (opened === undefined) return undefined;
      const kept = JSON.parse(opened) as Kept;
      const chunk = kept.chunks[index];
      if (chunk === undefined) return undefined;
      let leave: (() => void) | undefined;
      try {
        leave = await deps.gate.enter(key, Math.max(chunk.uncompressedSize, LEAST_PART_BYTES), nobodyWaits);
        const part = { result: key, index, count: kept.chunks.length };
        return withPlace(await deliver(kept, chunk, part), leave);
      } catch (error) {
        leave?.();
        return withhold(kept, index, error);
      }
    },
  };
}

/** Where bytes go ahead of their record, they are in memory until it is written, too. */
function withPlace(answer: Answer, leave: () => void): PartAnswer {
  const { standing } = answer;
  const gone = (): void => {
    if (standing.kind === 'deferred') void standing.written.then(leave);
    else leave();
  };
  return { ok: true, answer, gone };
}

const scopeOf = ({ connection, isStrict }: Kept): AnswerScope => ({ connection, isStrict });

/** Masks that later parts may bring. */
function furtherMasks({ detection, rowtype }: Kept): readonly MaskObligation[] {
  return detection?.mode === 'Mask' ? rowtype.map((_, index) => redactionOf(index, DETECTION, rowtype)) : [];
}

/**
 * A column that looked harmless in earlier parts may turn out otherwise in a later one. Rows that left cannot be called back;
 * from this part on the column is hidden, or nothing more comes.
 */
function maskOrRefuse(deps: ResultPartsDeps, kept: Kept, bytes: Buffer): Extract<PartOutcome, { ok: true }> {
  const outcome = maskOrFail(deps, kept, bytes);
  for (const { category } of outcome.detected) deps.onDetected(category);
  if (outcome.ok) return outcome;
  throw new GatewayError('a result part looks protected', outcome.denial);
}

function maskOrFail(deps: ResultPartsDeps, kept: Kept, bytes: Buffer): PartOutcome {
  const { rowtype, format, masks, detection } = kept;
  try {
    return maskPart({ format, bytes }, { rowtype, masks, detection, keys: deps.maskingKeys() });
  } catch (error) {
    deps.onMaskFailed('failed');
    if (error instanceof MaskingFailed)
      throw new GatewayError('a result part cannot be masked', error.denial, { cause: error });
    throw error;
  }
}
