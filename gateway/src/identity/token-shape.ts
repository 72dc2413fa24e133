/** Larger tokens are not looked at. */
export const MAX_TOKEN_BYTES = 16 * 1024;

/** What a token says of itself before anything is proven. */
export interface UnverifiedToken {
  readonly algorithm: string | undefined;
  readonly type: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: unknown;
}

/** Reads a compact JWS without believing it. Undefined when the text has another form (RFC 7519 §7.2). */
export function parseUnverifiedToken(text: string): UnverifiedToken | undefined {
  const parts = text.split('.');
  if (parts.length !== 3) return undefined;
  const [header, payload] = parts.map(parseSegment);
  // The signature may be empty here, so that `alg: none` is refused by its name.
  if (header === undefined || payload === undefined || !/^[A-Za-z0-9_-]*$/.test(parts[2] ?? '.')) return undefined;
  const textMember = (holder: object, name: string) => {
    const value: unknown = Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    algorithm: textMember(header, 'alg'),
    type: Object.hasOwn(header, 'typ') ? (textMember(header, 'typ') ?? 'unreadable') : undefined,
    issuer: textMember(payload, 'iss'),
    audience: Object.hasOwn(payload, 'aud') ? Reflect.get(payload, 'aud') : undefined,
  };
}

function parseSegment(segment: string): object | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(segment)) return undefined;
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(segment, 'base64url')),
    );
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const BEARER_TYPES: ReadonlySet<string> = new Set(['jwt', 'jose', 'at+jwt', 'application/at+jwt', 'application/jwt']);

/** False for types that name another use, such as `logout+jwt` or `dpop+jwt` (RFC 8725 §3.11). */
export function isBearerType(type: string | undefined): boolean {
  return type === undefined || BEARER_TYPES.has(type.toLowerCase());
}

/** True for the JWT a Snowflake driver signs with a user's key pair: `iss` is `ACCOUNT.USER.SHA256:…`. */
export function isSnowflakeKeyPairIssuer(issuer: string | undefined): boolean {
  return issuer?.includes('.SHA256:') === true;
}
