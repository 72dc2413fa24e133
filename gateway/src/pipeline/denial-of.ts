import { type Denial, deny, errorMessage, GatewayError } from '../errors.js';
import type { Log } from '../telemetry/index.js';

/** What a caller sees of an error that is not a denial by itself. */
export function denialOf(error: unknown, reference: string, log: Log): Denial {
  if (error instanceof GatewayError) return error.denial;
  log.error('unexpected error', { error: errorMessage(error), reference });
  return deny.internal(reference, false);
}
