import { type Denial, deny, GatewayError } from '../errors.js';

/** A result that cannot be masked as demanded: nothing of it may leave. `what` names forms and types, never values. */
export class MaskingFailed extends GatewayError {
  constructor(what: string, denial: Denial = deny.cannotMask(what)) {
    super(`masking failed: ${what}`, denial);
    this.name = 'MaskingFailed';
  }
}

/** Bytes that are not rows of the announced columns, whatever is to be masked: the caller's statement is not at fault. */
export function malformedResult(what: string): MaskingFailed {
  return new MaskingFailed(what, deny.upstreamUnexpected(`a malformed result: ${what}`));
}
