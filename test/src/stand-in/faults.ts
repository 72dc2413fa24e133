/** Which requests a fault hits: by path prefix on the Snowflake port, or the chunk port. */
export type FaultTarget = 'login' | 'renew' | 'query' | 'result' | 'chunk' | 'any';

/**
 * What goes wrong, once or `times` times.
 * `status`: this HTTP status instead of an answer, nothing is executed. `reset`: the connection dies before the request
 * is looked at. `reset-after`: the request takes effect, then the connection dies. `truncate`: half of the body, then
 * the connection dies. `delay`: the first byte comes late.
 */
export type Fault = {
  readonly kind: 'status' | 'reset' | 'reset-after' | 'truncate' | 'delay';
  readonly target: FaultTarget;
  readonly times?: number;
  readonly status?: number;
  readonly delayMilliseconds?: number;
};

const targets: readonly (readonly [FaultTarget, RegExp])[] = [
  ['login', /^\/session\/v1\/login-request/],
  ['renew', /^\/session\/token-request/],
  ['query', /^\/queries\/v1\/query-request/],
  ['result', /^\/queries\/[^/]+\/result/],
  ['chunk', /^\/results\//],
];

/** Faults that wait for their request. */
export class Faults {
  readonly #waiting: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  /** The fault for this request, if one waits; it is used up. */
  take(path: string): Fault | undefined {
    const target = targets.find(([, pattern]) => pattern.test(path))?.[0];
    const found = this.#waiting.find(
      ({ fault, left }) => left > 0 && (fault.target === 'any' || fault.target === target),
    );
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }
}
