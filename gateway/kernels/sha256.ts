// SHA-256 (FIPS 180-4) over four messages at once: lane i of every vector belongs to message i.

const ROUNDS: i32 = 64;
const LANES: u32 = 4;
const BLOCK_BYTES: u32 = 64;
const STATE_WORDS: i32 = 8;
const VECTOR: usize = 16;
const INNER_EXTRA_BYTES: u64 = 64;

const CONSTANTS: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const schedule: usize = memory.data(1024, 16);
const state: usize = memory.data(128, 16);
const block: usize = memory.data(64, 16);
const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);
/** `pst_`, little-endian. */
const PREFIX: u32 = 0x5f747370;
const TOKEN_BYTES: u32 = 36;

// @ts-expect-error: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}

/** Mixes the schedule's first 16 vectors into the state of those lanes whose bits in `active` are set. */
function compress(active: v128): void {
  for (let t: usize = 16 * VECTOR; t < <usize>ROUNDS * VECTOR; t += VECTOR) {
    const w = schedule + t;
    const w15 = v128.load(w - 15 * VECTOR);
    const w2 = v128.load(w - 2 * VECTOR);
    const small0 = v128.xor(v128.xor(rotate(w15, 7), rotate(w15, 18)), i32x4.shr_u(w15, 3));
    const small1 = v128.xor(v128.xor(rotate(w2, 17), rotate(w2, 19)), i32x4.shr_u(w2, 10));
    const sum = i32x4.add(i32x4.add(small1, v128.load(w - 7 * VECTOR)), i32x4.add(small0, v128.load(w - 16 * VECTOR)));
    v128.store(w, sum);
  }
  let a = v128.load(state);
  let b = v128.load(state + VECTOR);
  let c = v128.load(state + 2 * VECTOR);
  let d = v128.load(state + 3 * VECTOR);
  let e = v128.load(state + 4 * VECTOR);
  let f = v128.load(state + 5 * VECTOR);
  let g = v128.load(state + 6 * VECTOR);
  let h = v128.load(state + 7 * VECTOR);
  for (let t: usize = 0; t < <usize>ROUNDS; t++) {
    const big1 = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25));
    const chosen = v128.bitselect(f, g, e);
    const word = i32x4.add(v128.load32_splat(CONSTANTS + t * 4), v128.load(schedule + t * VECTOR));
    const first = i32x4.add(i32x4.add(h, big1), i32x4.add(chosen, word));
    const big0 = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22));
    const majority = v128.bitselect(b, a, v128.xor(a, c));
    h = g;
    g = f;
    f = e;
    e = i32x4.add(d, first);
    d = c;
    c = b;
    b = a;
    a = i32x4.add(first, i32x4.add(big0, majority));
  }
  feed(0, a, active);
  feed(1, b, active);
  feed(2, c, active);
  feed(3, d, active);
  feed(4, e, active);
  feed(5, f, active);
  feed(6, g, active);
  feed(7, h, active);
}

// @ts-expect-error: decorator
@inline
function feed(word: usize, mixed: v128, active: v128): void {
  const old = v128.load(state + word * VECTOR);
  v128.store(state + word * VECTOR, v128.bitselect(i32x4.add(old, mixed), old, active));
}

function startFrom(words: usize): void {
  for (let word: usize = 0; word < <usize>STATE_WORDS; word++) {
    v128.store(state + word * VECTOR, v128.load32_splat(words + word * 4));
  }
}

/** Puts block `index` of the message into the lane. The message is `length` bytes behind one block that was taken in. */
function fillLane(lane: usize, message: usize, length: u32, index: u32, blocks: u32): void {
  const from = index * BLOCK_BYTES;
  let source = message + from;
  if (from + BLOCK_BYTES > length) {
    memory.fill(block, 0, BLOCK_BYTES);
    if (from <= length) {
      memory.copy(block, source, length - from);
      store<u8>(block + (length - from), 0x80);
    }
    if (index + 1 == blocks) store<u64>(block + 56, bswap<u64>((<u64>length + INNER_EXTRA_BYTES) * 8));
    source = block;
  }
  for (let word: usize = 0; word < 16; word++) {
    store<u32>(schedule + word * VECTOR + lane * 4, bswap<u32>(load<u32>(source + word * 4)));
  }
}

// @ts-expect-error: decorator
@inline
function lengthAt(starts: usize, ends: usize, index: u32): u32 {
  return load<u32>(ends + (<usize>index << 2)) - load<u32>(starts + (<usize>index << 2));
}

/**
 * The tokens of `count` texts, 36 bytes each, one behind the other. `states` holds the inner and the outer state behind the
 * key's blocks, 8 words each.
 */
export function hashTexts(bytes: usize, starts: usize, ends: usize, count: u32, states: usize, target: usize, keepsTokens: bool): void {
  for (let first: u32 = 0; first < count; first += LANES) hashFour(bytes, starts, ends, count, first, states, target);
  if (!keepsTokens) return;
  for (let index: u32 = 0; index < count; index++) {
    const text = bytes + load<u32>(starts + (<usize>index << 2));
    if (lengthAt(starts, ends, index) == TOKEN_BYTES && isToken(text)) {
      memory.copy(target + <usize>index * TOKEN_BYTES, text, TOKEN_BYTES);
    }
  }
}

function hashFour(bytes: usize, starts: usize, ends: usize, count: u32, first: u32, states: usize, target: usize): void {
  let most: u32 = 0;
  for (let lane: u32 = 0; lane < LANES; lane++) {
    const index = min(first + lane, count - 1);
    most = max(most, (lengthAt(starts, ends, index) + 8) / BLOCK_BYTES + 1);
  }
  startFrom(states);
  for (let number: u32 = 0; number < most; number++) {
    let active = i32x4.splat(0);
    for (let lane: u32 = 0; lane < LANES; lane++) {
      // The last group repeats the last text in the lanes it has no text for.
      const index = min(first + lane, count - 1);
      const length = lengthAt(starts, ends, index);
      const blocks = (length + 8) / BLOCK_BYTES + 1;
      if (number >= blocks) continue;
      active = activate(active, lane);
      fillLane(lane, bytes + load<u32>(starts + (<usize>index << 2)), length, number, blocks);
    }
    compress(active);
  }
  for (let word: usize = 0; word < 8; word++) v128.store(schedule + word * VECTOR, v128.load(state + word * VECTOR));
  v128.store(schedule + 8 * VECTOR, i32x4.splat(0x80000000));
  for (let word: usize = 9; word < 15; word++) v128.store(schedule + word * VECTOR, i32x4.splat(0));
  v128.store(schedule + 15 * VECTOR, i32x4.splat((64 + 32) * 8));
  startFrom(states + 32);
  compress(i32x4.splat(-1));
  for (let lane: u32 = 0; lane < LANES && first + lane < count; lane++) {
    writeToken(target + <usize>(first + lane) * TOKEN_BYTES, lane);
  }
}

function activate(active: v128, lane: u32): v128 {
  if (lane == 0) return i32x4.replace_lane(active, 0, -1);
  if (lane == 1) return i32x4.replace_lane(active, 1, -1);
  if (lane == 2) return i32x4.replace_lane(active, 2, -1);
  return i32x4.replace_lane(active, 3, -1);
}

function writeToken(target: usize, lane: usize): void {
  store<u32>(target, PREFIX);
  let to = target + 4;
  for (let word: usize = 0; word < 4; word++) {
    const value = load<u32>(state + word * VECTOR + lane * 4);
    for (let shift: i32 = 28; shift >= 0; shift -= 4) {
      store<u8>(to++, load<u8>(HEX + ((value >> shift) & 15)));
    }
  }
}

function isToken(text: usize): bool {
  if (load<u32>(text) != PREFIX) return false;
  for (let at: usize = 4; at < TOKEN_BYTES; at++) {
    const byte = load<u8>(text + at);
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false;
  }
  return true;
}
