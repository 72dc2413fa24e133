import type { EntryValue } from '@piste/verifier';
import type { Approval } from '../../approval/approval.js';
import { deny, GatewayError } from '../../errors.js';
import type { ConsoleDependencies } from './dependencies.js';

/** What somebody did on the approvers' surface. Closed vocabulary of `admin.access` entries. */
export type AdminAction =
  | 'login'
  | 'requests.list'
  | 'request.view'
  | 'receipt.view'
  | 'request.decide'
  | 'reconcile.run';

export interface AdminAccess {
  readonly action: AdminAction;
  readonly channel: 'api' | 'page';
  readonly actor: { readonly issuer: string; readonly subject: string; readonly tokenDigest: string };
  readonly approval?: Approval | undefined;
  readonly details?: Readonly<Record<string, EntryValue>> | undefined;
}

export type RecordAccess = (access: AdminAccess) => Promise<void>;

/** Keeps an access before it takes effect. Throws what callers answer with 503 when the log cannot keep it. */
export function createRecordAccess(record: ConsoleDependencies['record']): RecordAccess {
  return async ({ action, channel, actor, approval, details }) => {
    const about =
      approval === undefined
        ? {}
        : { requestId: approval.id, queryId: approval.subject.queryId, bindingHash: approval.subject.bindingHash };
    try {
      await record({
        kind: 'admin.access',
        sessionId: approval?.subject.sessionId,
        fields: {
          action,
          channel,
          issuer: actor.issuer,
          subject: actor.subject,
          tokenDigest: actor.tokenDigest,
          ...about,
          ...details,
        },
        bodies: [],
      });
    } catch (cause) {
      throw new GatewayError('an access could not be recorded', deny.cannotRecord(), { cause });
    }
  };
}
