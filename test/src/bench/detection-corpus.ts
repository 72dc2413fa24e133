import {
  inContext,
  NEGATIVE_KINDS,
  POSITIVE_KINDS,
  pick,
  type Random,
} from '@piste/gateway/dist/masking/detection/testing/corpus.js';

/** One column in every form the variants read. */
export interface BenchColumn {
  readonly texts: readonly string[];
  readonly arrow: { readonly data: Uint8Array; readonly offsets: Int32Array };
  readonly json: { readonly bytes: Uint8Array; readonly spans: Int32Array };
  readonly bytes: number;
}

const WORDS =
  'the customer asked about an order from last week and we told them that it was shipped on time by our partner in town'.split(
    ' ',
  );

/** Free text as in comments of support cases: a third of the values hold a number, an address or the like. */
export function buildFreeText(values: number, random: Random): BenchColumn {
  const kinds = POSITIVE_KINDS.filter(({ category }) => category !== 'Secret');
  return columnOf(
    Array.from({ length: values }, () => {
      const sentence = Array.from({ length: 8 + Math.floor(random() * 12) }, () => pick(random, WORDS)).join(' ');
      const draw = random();
      if (draw < 1 / 3) return `${sentence} ${pick(random, kinds).make(random)}`;
      return draw < 2 / 3 ? `${sentence} ${pick(random, NEGATIVE_KINDS).make(random)}` : sentence;
    }),
  );
}

/** The JSON texts of variants, where escapes within escapes are common. */
export function buildVariants(values: number, random: Random): BenchColumn {
  return columnOf(
    Array.from({ length: values }, () => {
      const note = inContext(random, pick(random, random() < 0.1 ? POSITIVE_KINDS : NEGATIVE_KINDS).make(random));
      return JSON.stringify(
        { id: Math.floor(random() * 1e9), is_active: true, created_at: '2024-03-15', note },
        undefined,
        2,
      );
    }),
  );
}

/** Short identifiers: the cheapest values are the commonest ones. */
export const buildIdentifiers = (values: number, random: Random): BenchColumn =>
  columnOf(Array.from({ length: values }, () => `cust_${Math.floor(random() * 1e6)}_eu_west`));

function columnOf(texts: readonly string[]): BenchColumn {
  const offsets = new Int32Array(texts.length + 1);
  const spans = new Int32Array(2 * texts.length);
  const rows: string[] = [];
  let at = 0;
  texts.forEach((text, row) => {
    offsets[row + 1] = (offsets[row] ?? 0) + Buffer.byteLength(text);
    const quoted = JSON.stringify(text);
    const length = Buffer.byteLength(quoted);
    spans[2 * row] = at + 2;
    spans[2 * row + 1] = at + length;
    rows.push(`[${quoted}]`);
    at += length + '[],'.length;
  });
  const data = Buffer.from(texts.join(''));
  return { texts, arrow: { data, offsets }, json: { bytes: Buffer.from(rows.join(',')), spans }, bytes: data.length };
}
