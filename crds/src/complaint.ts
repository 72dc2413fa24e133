/** One fault of a resource, with what to do about it. Never quotes more than 60 characters of the text. */
export interface Complaint {
  /** Where the text came from, as given to the parser. */
  readonly source: string;
  /** Index of the YAML document in the text, from 0. */
  readonly document: number;
  /** Line of the text, from 1, where it is known. */
  readonly line?: number;
  /** Column of the line, from 1, where it is known. */
  readonly column?: number;
  readonly kind?: string;
  readonly name?: string;
  /** Path of the field, such as `spec.issuers[0].url`; empty for the document as a whole. */
  readonly field: string;
  readonly message: string;
  readonly fix: string;
}

/** One line for people: `prod.yaml:12: SnowflakeConnection prod: spec.issuers[0].url: <what>; <what to do>`. */
export function formatComplaint(complaint: Complaint): string {
  const place =
    complaint.line === undefined
      ? `${complaint.source} (document ${complaint.document + 1})`
      : `${complaint.source}:${complaint.line}`;
  const resource = [complaint.kind, complaint.name].filter((part) => part !== undefined).join(' ');
  const parts = [place, resource, complaint.field, `${complaint.message}; ${complaint.fix}`];
  return parts.filter((part) => part !== '').join(': ');
}

/** Text of the resource, shortened and on one line, for quoting in a complaint. */
export function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const plain = text.slice(0, 240).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
  const characters = Array.from(plain);
  return characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : plain;
}
