import { MATCH, NOTHING, type Outcome } from './categories.js';
import { byteAt, type Cell, codeOf, isDigit, isHost, isLetter, isLetterOrDigit, isLocalPart } from './cell.js';

/** Longest local part of an address in octets (RFC 5321, 4.5.3.1.1); quotes and backslashes may come on top. */
const MAX_LOCAL_BYTES = 64;
/** Longest domain in octets (RFC 5321, 4.5.3.1.2). */
const MAX_DOMAIN_BYTES = 255;
/** File names such as `logo@2x.png` have the form of an address; none of these is a top-level domain. */
const FILE_ENDINGS = new Set(['png', 'jpg', 'jpeg', 'gif', 'svg', 'webp', 'css', 'js', 'json', 'html', 'pdf', 'tgz']);
const LONGEST_ENDING = 4;

const QUOTE = codeOf('"');
const BACKSLASH = codeOf('\\');
const DOT = codeOf('.');
const STAR = codeOf('*');
const DASH = codeOf('-');
const CASE_BIT = 0x20;

/** An address around the at sign that stands at `at` and is `width` bytes wide (`@`, or `%40` within a URL). */
export function emailAt(cell: Cell, at: number, width: number): Outcome {
  const hasLocal = byteAt(cell, at - 1) === QUOTE ? hasQuotedLocal(cell, at - 1) : hasPlainLocal(cell, at);
  if (!hasLocal) return NOTHING;
  return byteAt(cell, at + width) === codeOf('[')
    ? isAddressLiteral(cell, at + width + 1)
      ? MATCH
      : NOTHING
    : isDomain(cell, at + width)
      ? MATCH
      : NOTHING;
}

/** Something of a name must be there, and no two stars: `j***@example.com` was masked by somebody else already. */
function hasPlainLocal(cell: Cell, end: number): boolean {
  let hasName = false;
  for (let at = end - 1; at >= end - MAX_LOCAL_BYTES; at -= 1) {
    const byte = byteAt(cell, at);
    if (!isLocalPart(byte)) break;
    if (byte === STAR && byteAt(cell, at - 1) === STAR) return false;
    if (isLetterOrDigit(byte)) hasName = true;
  }
  return hasName;
}

function hasQuotedLocal(cell: Cell, closing: number): boolean {
  for (let at = closing - 1; at >= closing - 2 * MAX_LOCAL_BYTES; at -= 1) {
    const byte = byteAt(cell, at);
    if (byte === 0) return false;
    if (byte === QUOTE && byteAt(cell, at - 1) !== BACKSLASH) return at < closing - 1;
  }
  return false;
}

/** Labels with at least one dot, the last of them letters: a top-level domain has no digits unless it is `xn--`. */
function isDomain(cell: Cell, start: number): boolean {
  let labelStart = start;
  let at = start;
  while (at - start < MAX_DOMAIN_BYTES) {
    const byte = byteAt(cell, at);
    if (byte === DOT) {
      if (at === labelStart || !isHost(byteAt(cell, at + 1))) break;
      labelStart = at + 1;
    } else if (!isHost(byte)) break;
    at += 1;
  }
  return labelStart > start && isTopLevel(cell, labelStart, at);
}

function isTopLevel(cell: Cell, start: number, end: number): boolean {
  if (end - start < 2) return false;
  if (end - start > 4 && byteAt(cell, start + 2) === DASH && byteAt(cell, start + 3) === DASH) return true;
  let ending = '';
  for (let at = start; at < end; at += 1) {
    const byte = byteAt(cell, at);
    if (!isLetter(byte)) return false;
    // Text of another script may follow without a space: what counts is the part before it.
    if (byte >= 0x80) return ending.length !== 1 && !FILE_ENDINGS.has(ending);
    if (ending.length <= LONGEST_ENDING) ending += String.fromCharCode(byte | CASE_BIT);
  }
  return !FILE_ENDINGS.has(ending);
}

/** `[192.168.0.1]` or `[IPv6:…]` behind the at sign. */
function isAddressLiteral(cell: Cell, start: number): boolean {
  let digits = 0;
  for (let at = start; at - start < MAX_DOMAIN_BYTES; at += 1) {
    const byte = byteAt(cell, at);
    if (byte === codeOf(']')) return digits >= 2;
    if (isDigit(byte)) digits += 1;
    else if (byte !== DOT && byte !== codeOf(':') && (byte >= 0x80 || !isLetter(byte))) return false;
  }
  return false;
}
