const REDACTED = '[redacted]';

/** Shapes of secrets, most specific first. None can match a SHA-256 digest in hex or a UUID. */
const SECRET_SHAPES: readonly RegExp[] = [
  // The END line may be missing where a text was cut.
  /-----BEGIN [A-Z0-9 ]{1,40}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g,
  /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g,
  /\bSnowflake\s+Token\s*=\s*\\?"?[^"\s,}]+\\?"?/gi,
  /\bBearer\s+[^\s",}]+/gi,
  /\bBasic\s+[A-Za-z0-9+/=]{8,}/gi,
  /\bver:\d+-hint:[^\s",}]+/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b/g,
  /\b(?:AWS_KEY_ID|AWS_SECRET_KEY|AWS_TOKEN|aws_secret_access_key|aws_session_token)\b["'\s]*[=:]\s*["']?[^\s"',}]+/gi,
  /\b(?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|sig|sv|se)=[^&\s"']+/g,
  /\b(?:password|passwd|secret|token|api[-_]?key|private[-_]?key|passcode)\b["']?\s*[=:]\s*["']?[^\s"',}]{4,}/gi,
  /\/\/[^/\s:@]*:[^/\s@]+@/g,
  // Longer than any digest in hex: keys, tokens and signatures in base64.
  /[A-Za-z0-9+_-]{65,}={0,2}/g,
  /[A-Za-z0-9+/]{65,}={0,2}/g,
];

/**
 * The text with everything replaced that looks like a token, key, signed URL or password. A second barrier: nothing secret
 * should reach it. It may replace harmless text that looks alike.
 */
export function redact(text: string): string {
  return SECRET_SHAPES.reduce((clean, shape) => clean.replace(shape, REDACTED), text);
}

const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The text with control, format and line-separating characters written as `\u{…}`: one value can never pass for two lines. */
export function escapeControls(text: string): string {
  return text.replace(NOT_PRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}
