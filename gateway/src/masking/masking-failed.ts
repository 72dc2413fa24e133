import { deny, GatewayError } from '../errors.js';

/** A result that cannot be masked as demanded: nothing of it may leave. `what` names forms and types, never values. */
export class MaskingFailed extends GatewayError {
  constructor(what: string) {
    super(`masking failed: ${what}`, deny.cannotMask(what));
    this.name = 'MaskingFailed';
  }
}
