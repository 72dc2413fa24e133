import { deny, GatewayError } from '../errors.js';

/**
 * The store did not answer, or not in time. Whether an interrupted write took place is unknown; reading tells.
 *
 * It carries no `cause`: errors of the Redis client hold the arguments of the failed command, and those are sealed
 * tokens, statements and, for AUTH, the password.
 */
export class StoreUnavailable extends GatewayError {
  constructor(why: string) {
    super(`store unavailable: ${why}`, deny.storeUnavailable());
    this.name = 'StoreUnavailable';
  }
}
