import type { EntryKind } from '@piste/verifier';
import { deny, GatewayError } from '../errors.js';

/** The record could not be made durable, so whatever depended on it must not happen. The message is for operators. */
export class RecordingUnavailable extends GatewayError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, deny.cannotRecord(), options);
    this.name = 'RecordingUnavailable';
  }
}

/** The log works and this record was not let into it. */
export class RecordRefused extends RecordingUnavailable {
  readonly kind: EntryKind;

  constructor(kind: EntryKind, why: string) {
    super(`${kind} is refused: ${why}`);
    this.name = 'RecordRefused';
    this.kind = kind;
  }
}
