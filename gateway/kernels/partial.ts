// Keeps characters at the ends of UTF-8 texts and puts the hidden middle between them.

// @ts-expect-error: decorator
@inline
function isContinuation(at: usize): bool {
  return (load<u8>(at) & 0xc0) == 0x80;
}

function skipCharacters(start: usize, end: usize, characters: u32): usize {
  let at = start;
  for (let left = characters; left > 0 && at < end; left--) {
    at++;
    while (at < end && isContinuation(at)) at++;
  }
  return at;
}

function skipBackwards(start: usize, end: usize, characters: u32): usize {
  let at = end;
  for (let left = characters; left > 0; left--) {
    if (at <= start) return start;
    at--;
    while (at > start && isContinuation(at)) at--;
  }
  return at;
}

// @ts-expect-error: decorator
@inline
function copyShort(target: usize, source: usize, length: usize): void {
  for (let index: usize = 0; index < length; index++) store<u8>(target + index, load<u8>(source + index));
}

/** `partial` points to five words: characters kept first and last, place and length of the middle, whether it keeps itself. */
export function writePartial(partial: usize, start: usize, end: usize, target: usize): usize {
  const hidden = <usize>load<u32>(partial, 8);
  const hiddenBytes = <usize>load<u32>(partial, 12);
  const firstEnd = skipCharacters(start, end, load<u32>(partial));
  const lastStart = skipBackwards(firstEnd, end, load<u32>(partial, 4));
  let to = target;
  let keeps = firstEnd < lastStart;
  if (keeps && load<u32>(partial, 16) != 0 && end - start == hiddenBytes) {
    keeps = memory.compare(start, hidden, hiddenBytes) != 0;
  }
  if (keeps) {
    copyShort(to, start, firstEnd - start);
    to += firstEnd - start;
  }
  copyShort(to, hidden, hiddenBytes);
  to += hiddenBytes;
  if (keeps) {
    copyShort(to, lastStart, end - lastStart);
    to += end - lastStart;
  }
  return to;
}

/** All texts of a column; gives the bytes written. `offsets` takes `count + 1` words. */
export function maskPartialTexts(partial: usize, bytes: usize, starts: usize, ends: usize, count: u32, target: usize, offsets: usize): u32 {
  let to = target;
  store<u32>(offsets, 0);
  for (let index: usize = 0; index < <usize>count; index++) {
    const place = index << 2;
    to = writePartial(partial, bytes + load<u32>(starts + place), bytes + load<u32>(ends + place), to);
    store<u32>(offsets + place + 4, <u32>(to - target));
  }
  return <u32>(to - target);
}
