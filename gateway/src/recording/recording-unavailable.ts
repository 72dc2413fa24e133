import { deny, GatewayError } from '../errors.js';

/** The record could not be made durable, so whatever depended on it must not happen. The message is for operators. */
export class RecordingUnavailable extends GatewayError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, deny.cannotRecord(), options);
    this.name = 'RecordingUnavailable';
  }
}
