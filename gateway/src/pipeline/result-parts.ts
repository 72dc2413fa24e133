import { createHash, randomBytes } from 'node:crypto';
import { deny, driverCode, GatewayError } from '../errors.js';
import { createMaskPlan, type MaskedBytes, MaskingFailed, type MaskingKeys, maskBytes } from '../masking/index.js';
import type { MaskObligation } from '../policy/decision.js';
import type { ClientChunk, ResultFormat, RowtypeColumn, UpstreamChunk } from '../protocol/index.js';
import type { Recording } from '../recording/index.js';
import type { Sealer, Store } from '../store/index.js';
import type { ChunkSource } from '../upstream/index.js';
import { afterRun } from './after-run.js';
import type { Masked } from './exchange.js';
import { partsKey } from './keys.js';

/**
 * Large results: Snowflake hands out signed URLs, the gateway keeps them and hands out capabilities of its own. Drivers
 * send no token with these requests, so the path itself is the right: random, for one result, for as long as Snowflake's
 * own URLs live.
 */
export interface ResultParts {
  /** Keeps the parts of a result and names the URLs the driver may ask. */
  register(masked: Masked): Promise<readonly ClientChunk[]>;
  /** One part, masked and recorded; undefined when the capability opens nothing. Throws `GatewayError`. */
  serve(capability: string, index: number): Promise<Buffer | undefined>;
}

export interface ResultPartsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly recording: Recording;
  readonly maskingKeys: () => MaskingKeys;
  readonly fetchChunk: (source: ChunkSource) => Promise<Buffer>;
  readonly onDelivered: (connection: string, rows: number, bytes: number) => void;
  readonly onMaskFailed: (reason: string) => void;
  readonly onMasked: (policy: string, method: string, values: number) => void;
}

interface Kept {
  readonly sessionId: string;
  readonly connection: string;
  readonly queryId: string;
  readonly rowtype: readonly RowtypeColumn[];
  readonly format: ResultFormat;
  readonly masks: readonly MaskObligation[];
  readonly chunks: readonly UpstreamChunk[];
  readonly headers: Readonly<Record<string, string>>;
}

/** Life of Snowflake's signed URLs. */
const PARTS_SECONDS = 6 * 3600;
const CAPABILITY_BYTES = 32;
/** Longest text a mask can put where a shorter one stood, quotes and all; JDBC reserves what is announced. */
const MASK_GROWTH_BYTES = 48;

const digestOf = (capability: string): string => createHash('sha256').update(capability).digest('hex');

export function createResultParts(deps: ResultPartsDeps): ResultParts {
  /** Fetches, masks and records one part; its bytes may then leave. */
  const deliver = async (kept: Kept, chunk: UpstreamChunk, index: number): Promise<Buffer> => {
    const source = await deps.fetchChunk({ url: chunk.url, headers: kept.headers });
    const masked = maskOrRefuse(deps, kept, source);
    if (masked.rows !== chunk.rowCount) {
      throw new GatewayError('a chunk has another length', deny.upstreamUnexpected('a malformed result part'));
    }
    const { bytes } = masked;
    await afterRun(() =>
      deps.recording.append({
        kind: 'chunk',
        sessionId: kept.sessionId,
        fields: { qid: kept.queryId, n: index, rows: masked.rows, fmt: masked.format },
        bodies: [{ name: 'rows', bytes }],
      }),
    );
    for (const count of masked.counts) deps.onMasked(count.policy, count.action, count.values);
    deps.onDelivered(kept.connection, masked.rows, bytes.length);
    return bytes;
  };

  const recordWithheld = async (kept: Kept, index: number, error: unknown): Promise<void> => {
    const code = error instanceof GatewayError ? driverCode(error.denial.code) : null;
    await deps.recording.append({
      kind: 'response.withheld',
      sessionId: kept.sessionId,
      fields: { qid: kept.queryId, n: index, code, outcome: 'withheld', why: 'part', rows: 0, cols: 0 },
      bodies: [],
    });
  };

  return {
    async register(masked) {
      const { result, session, queryId, connection, decision, origin } = masked;
      if (result.chunks.length === 0) return [];
      const capability = randomBytes(CAPABILITY_BYTES).toString('base64url');
      const key = partsKey(digestOf(capability));
      const kept: Kept = {
        sessionId: session.id,
        connection: connection.name,
        queryId,
        rowtype: masked.rowtype,
        format: masked.inline.format,
        masks: decision.masks,
        chunks: result.chunks,
        headers: result.chunkHeaders,
      };
      await deps.store.create(key, deps.sealer.seal(JSON.stringify(kept), key), PARTS_SECONDS);
      return result.chunks.map((chunk, index) => ({
        url: `${origin}/results/${capability}/${index}`,
        rowCount: chunk.rowCount,
        uncompressedSize: chunk.uncompressedSize + chunk.rowCount * decision.masks.length * MASK_GROWTH_BYTES,
      }));
    },

    async serve(capability, index) {
      const key = partsKey(digestOf(capability));
      const stored = await deps.store.get(key);
      const opened = stored === undefined ? undefined : deps.sealer.open(stored.value, key);
      if (opened === undefined) return undefined;
      const kept = JSON.parse(opened) as Kept;
      const chunk = kept.chunks[index];
      if (chunk === undefined) return undefined;
      return deliver(kept, chunk, index).catch(async (error: unknown) => {
        // Without a record nothing was delivered, so the refusal itself is all that may still be said.
        await recordWithheld(kept, index, error).catch(() => undefined);
        throw error;
      });
    },
  };
}

function maskOrRefuse(deps: ResultPartsDeps, { rowtype, format, masks }: Kept, bytes: Buffer): MaskedBytes {
  try {
    return maskBytes(createMaskPlan(rowtype, masks, deps.maskingKeys()), { format, bytes });
  } catch (error) {
    deps.onMaskFailed('failed');
    if (error instanceof MaskingFailed)
      throw new GatewayError('a result part cannot be masked', error.denial, { cause: error });
    throw error;
  }
}
