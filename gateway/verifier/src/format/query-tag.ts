/** Snowflake keeps at most this much of a query tag. */
const MAX_TAG_CHARACTERS = 2_000;
const HEX_DIGEST = /^[0-9a-f]{64}$/;

/**
 * What stands in the `QUERY_TAG` of a forwarded statement: the place and leaf hash of the record that let it run, signed by that
 * log's writer. See docs/recording-format.md, "The tag of a statement".
 */
export interface QueryTag {
  /** Origin of the writer's log. */
  readonly writer: string;
  readonly index: number;
  /** Leaf hash, hex. */
  readonly leafHash: string;
  /** Ed25519 by the writer over `tagText`, base64url; undefined where a tag carries none. */
  readonly signature: string | undefined;
  /** The agent's own tag. */
  readonly claimed: string | undefined;
}

/** The text a writer signs for one record's tag. */
export function tagText(writer: string, index: number, leafHash: string): string {
  return `piste tag v1\n${writer}\n${index}\n${leafHash}\n`;
}

/** The tag as Snowflake gets it. An agent's own tag that does not fit is left out: it stands in the record. */
export function encodeQueryTag({ writer, index, leafHash, signature, claimed }: QueryTag): string {
  const tag = { piste: 1, w: writer, i: index, r: leafHash, s: signature };
  const withClaim = JSON.stringify({ ...tag, u: claimed });
  return withClaim.length <= MAX_TAG_CHARACTERS ? withClaim : JSON.stringify(tag);
}

/** The tag of a statement that left without its record, as mode `observe` allows: only the log that should hold it. */
export function encodePlacelessTag(writer: string, claimed: string | undefined): string {
  const tag = { piste: 1, w: writer };
  const withClaim = JSON.stringify({ ...tag, u: claimed });
  return withClaim.length <= MAX_TAG_CHARACTERS ? withClaim : JSON.stringify(tag);
}

/** Reads a tag; undefined for every text that is not the tag of a record. Says nothing about its signature. */
export function parseQueryTag(text: string): QueryTag | undefined {
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { piste, w, i, r, s, u } = value as Record<string, unknown>;
  if (piste !== 1 || typeof w !== 'string' || typeof r !== 'string' || !HEX_DIGEST.test(r)) return undefined;
  if (typeof i !== 'number' || !Number.isSafeInteger(i) || i < 0) return undefined;
  return {
    writer: w,
    index: i,
    leafHash: r,
    signature: typeof s === 'string' ? s : undefined,
    claimed: typeof u === 'string' ? u : undefined,
  };
}
