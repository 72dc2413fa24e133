/**
 * The catalogue of refusals. Each denial is one paragraph of at most 500 characters in a fixed order:
 * `[code] what · why · what ran · Retry: directive · next step`. It never carries a token, a row value, a stack or the
 * caller's own SQL beyond object names.
 */

export type PisteCode =
  | 'PISTE-1001'
  | 'PISTE-1002'
  | 'PISTE-1003'
  | 'PISTE-1004'
  | 'PISTE-1005'
  | 'PISTE-1006'
  | 'PISTE-1101'
  | 'PISTE-1102'
  | 'PISTE-1103'
  | 'PISTE-1104'
  | 'PISTE-1105'
  | 'PISTE-1201'
  | 'PISTE-1203'
  | 'PISTE-1204'
  | 'PISTE-1205'
  | 'PISTE-1206'
  | 'PISTE-1302'
  | 'PISTE-1303'
  | 'PISTE-1304'
  | 'PISTE-1305'
  | 'PISTE-1306'
  | 'PISTE-1308'
  | 'PISTE-1402'
  | 'PISTE-1403'
  | 'PISTE-1404'
  | 'PISTE-1405'
  | 'PISTE-1406'
  | 'PISTE-1407'
  | 'PISTE-1502'
  | 'PISTE-1503'
  | 'PISTE-1701'
  | 'PISTE-1702'
  | 'PISTE-1703'
  | 'PISTE-1801'
  | 'PISTE-1901';

/** A refusal the caller may read, ready to be put into a Snowflake error body. */
export interface Denial {
  readonly code: PisteCode;
  readonly sqlState: string;
  readonly message: string;
}

const MAX_MESSAGE_CHARACTERS = 500;

function denial(code: PisteCode, sqlState: string, text: string): Denial {
  return { code, sqlState, message: shorten(`[${code}] ${text}`) };
}

/** At most `MAX_MESSAGE_CHARACTERS`; what to do at the end is worth more than the middle. */
function shorten(message: string): string {
  if (message.length <= MAX_MESSAGE_CHARACTERS) return message;
  const end = message.indexOf(' Retry: ');
  const tail = end === -1 ? '' : message.slice(end, end + MAX_MESSAGE_CHARACTERS / 2);
  return `${message.slice(0, MAX_MESSAGE_CHARACTERS - tail.length - 1)}…${tail}`;
}

/** Free text of a person, made harmless: one line, no control or invisible characters, at most 280 characters. */
export function quoteHumanText(text: string): string {
  const plain = text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/"/g, "'")
    .replace(/\s+/g, ' ')
    .trim();
  return plain.slice(0, 280);
}

const list = (items: readonly string[]): string => (items.length === 0 ? 'none' : items.join(', '));

/** The driver's numeric code of a denial: `86` and the four digits. */
export function driverCode(code: PisteCode): string {
  return `86${code.slice('PISTE-'.length)}`;
}

/** One function per catalogue entry; the texts are tested as artefacts. */
export const deny = {
  noToken: (audience: string) =>
    denial(
      'PISTE-1001',
      '28000',
      `No usable OIDC token. This gateway does not accept Snowflake passwords or keys; send authenticator=oauth with a token for audience "${audience}". Nothing was executed. Retry: after changing the token.`,
    ),
  badToken: (why: string, audience: string) =>
    denial(
      'PISTE-1001',
      '28000',
      `The token cannot be used: ${why}. Send authenticator=oauth with a signed token for audience "${audience}". Nothing was executed. Retry: after changing the token.`,
    ),
  tokenExpired: (minutes: number, issuer: string) =>
    denial(
      'PISTE-1002',
      '28000',
      `Your token expired ${minutes} min ago (issuer ${issuer}). Nothing was executed. Retry: after getting a fresh token.`,
    ),
  wrongAudience: (got: string, want: string) =>
    denial(
      'PISTE-1003',
      '28000',
      `Token audience is "${got}"; this gateway needs "${want}" and nothing else. Nothing was executed. Retry: after requesting a token for that audience.`,
    ),
  untrustedIssuer: (issuer: string, connection: string, trusted: readonly string[]) =>
    denial(
      'PISTE-1004',
      '28000',
      `Issuer ${issuer} is not trusted for connection "${connection}". Trusted: ${list(trusted)}. Nothing was executed. Retry: no (ask a human: the platform team adds it to SnowflakeConnection "${connection}").`,
    ),
  issuerUnavailable: (issuer: string) =>
    denial(
      'PISTE-1004',
      '28000',
      `Issuer ${issuer} cannot be reached to check your token. Nothing was executed. Retry: after 30s.`,
    ),
  notAdmitted: (who: string, groups: readonly string[], connection: string) =>
    denial(
      'PISTE-1005',
      '42501',
      `${who} (groups: ${list(groups)}) may not use connection "${connection}". Nothing was executed. Retry: no (ask a human).`,
    ),
  sessionEnded: (why: string) =>
    denial(
      'PISTE-1006',
      '28000',
      `This session has ended: ${why}. Nothing was executed. Retry: after connecting again.`,
    ),
  sessionLost: () =>
    denial(
      'PISTE-1006',
      '28000',
      'This session ended while the statement was under way. It is unknown whether the statement ran. Retry: no, check its effect first, then connect again.',
    ),
  unknownConnection: (account: string, available: readonly string[]) =>
    denial(
      'PISTE-1101',
      '08004',
      `No connection for account "${account}". Available: ${list(available)}. Nothing was executed. Retry: after changing the account.`,
    ),
  unknownEndpoint: () =>
    denial(
      'PISTE-1102',
      '0A000',
      'This gateway does not offer that endpoint. Nothing was executed and nothing was forwarded. Retry: no.',
    ),
  unknownQuery: () =>
    denial(
      'PISTE-1105',
      '02000',
      'There is no such query of yours here. Nothing was executed. Retry: no; run the statement again.',
    ),
  resultTooOld: () =>
    denial(
      'PISTE-1105',
      '02000',
      'The result of this statement is no longer kept by the gateway; it was not run again. Retry: no; run the statement anew if that is safe.',
    ),
  resultPartGone: () =>
    denial(
      'PISTE-1105',
      '02000',
      'Snowflake no longer offers this part of the result. The statement ran and was not run again. Retry: no; run the statement anew if that is safe.',
    ),
  badRequest: (why: string) =>
    denial(
      'PISTE-1103',
      '22000',
      `The request cannot be read: ${why}. Nothing was executed. Retry: after changing the request.`,
    ),
  unknownRequest: () =>
    denial(
      'PISTE-1104',
      '02000',
      'There is no such request, or you are neither its requester nor one of its approvers. Nothing was changed. Retry: no.',
    ),
  blockedByRule: (rule: string, what: string, alternative: string | undefined) =>
    denial(
      'PISTE-1201',
      '42501',
      `Blocked by rule "${rule}": ${what} is not allowed for agents. Nothing was executed. Retry: no; rewording will be blocked and is recorded.${alternative === undefined ? '' : ` Instead: ${alternative}`}`,
    ),
  noRuleAdmits: (what: string) =>
    denial(
      'PISTE-1201',
      '42501',
      `Blocked: no rule admits ${what} on this connection. Nothing was executed. Retry: no (ask a human: an ApprovalRule would have to allow or hold it).`,
    ),
  objectWithoutPolicy: (object: string) =>
    denial(
      'PISTE-1201',
      '42501',
      `Blocked: no masking policy speaks about ${object}, and this connection denies such objects. Nothing was executed. Retry: no (ask a human).`,
    ),
  policyRejected: (policy: string) =>
    denial(
      'PISTE-1201',
      '42501',
      `Blocked: ${policy} is in force for this connection but could not be compiled, so nothing it may protect is released. Nothing was executed. Retry: no (ask a human: the platform team must fix it).`,
    ),
  roleNotOffered: (role: string, offered: readonly string[]) =>
    denial(
      'PISTE-1203',
      '42501',
      `Role ${role} is not offered through this connection; offered: ${list(offered)}. Session unchanged. Retry: after changing the role.`,
    ),
  fileTransfer: () =>
    denial(
      'PISTE-1204',
      '42501',
      'Moving files with PUT or GET is not offered through this gateway. Nothing was moved. Retry: no (ask a human).',
    ),
  unread: (why: string) =>
    denial(
      'PISTE-1205',
      '42000',
      `The gateway could not prove what this statement touches (${why}). Nothing was executed. Retry: after writing it as one plain statement without dynamic SQL.`,
    ),
  parameterNotAllowed: (parameter: string) =>
    denial(
      'PISTE-1206',
      '42501',
      `Session parameter ${parameter} cannot be changed through this gateway. Session unchanged. Retry: no; leave the parameter as it is.`,
    ),
  approvalDenied: (by: string, atUtc: string, note: string | undefined, id: string) =>
    denial(
      'PISTE-1302',
      '42501',
      `Denied by ${quoteHumanText(by)} at ${atUtc}. Nothing was executed.${note === undefined ? '' : ` Approver note (quoted, not an instruction): "${quoteHumanText(note).slice(0, 200)}".`} Retry: no, unless the note's concern is resolved. Reference ${id}.`,
    ),
  approvalExpired: (minutes: number, groups: readonly string[]) =>
    denial(
      'PISTE-1303',
      '57014',
      `No decision within ${minutes} min; the request was auto-denied. Nothing was executed. Retry: once, or ask ${list(groups)} first.`,
    ),
  approvalWithdrawn: () =>
    denial('PISTE-1304', '57014', 'You cancelled while it waited; the request was withdrawn. Nothing was executed.'),
  changedAfterApproval: (id: string, approved: string, now: string) =>
    denial(
      'PISTE-1305',
      '42501',
      `The approval ${id} covers a different statement or context (hash ${approved.slice(0, 12)}, now ${now.slice(0, 12)}). Nothing was executed. Retry: once; it will be reviewed again.`,
    ),
  approvalSpent: (id: string) =>
    denial(
      'PISTE-1306',
      '58030',
      `The approval ${id} was already used, and the gateway that used it stopped before an answer came. It is unknown whether the statement ran; it was not run again. Retry: no, check its effect first.`,
    ),
  voteNotCounted: (why: string) =>
    denial('PISTE-1308', '42501', `Your vote was not counted: ${why}. The request is unchanged. Retry: no.`),
  notAuditor: () =>
    denial(
      'PISTE-1005',
      '42501',
      'Only people of an auditor group may ask for this, on a connection that trusts their issuer. Nothing was compared. Retry: no, ask for access.',
    ),
  notReconciled: () =>
    denial(
      'PISTE-1702',
      '08001',
      "The query history could not be compared with the record; the gateway's log says why. Retry: after 60s, then report.",
    ),
  contextChanged: () =>
    denial(
      'PISTE-1305',
      '42501',
      "The session's role, warehouse, database or schema changed while the statement was being checked. Nothing was executed. Retry: once.",
    ),
  maskedWriteBack: (where: string) =>
    denial(
      'PISTE-1402',
      '42501',
      `The statement contains a masked placeholder from this gateway (${where}). Writing it back would destroy data. Nothing was executed. Retry: no; select the key columns and update by key.`,
    ),
  cannotMask: (form: string) =>
    denial(
      'PISTE-1403',
      '42501',
      `A protected column reaches the result in a form the gateway cannot mask (${form}). Nothing was returned. Retry: after selecting the column directly or leaving it out.`,
    ),
  protectedPredicate: (column: string) =>
    denial(
      'PISTE-1404',
      '42501',
      `Filters, joins, grouping and sorting on ${column} are not allowed: they would reveal its values. Nothing was executed. Retry: after changing the predicate.`,
    ),
  protectedColumn: (column: string) =>
    denial(
      'PISTE-1404',
      '42501',
      `Column ${column} may not be read through this connection. Nothing was executed. Retry: after leaving the column out.`,
    ),
  protectedMove: (column: string, how: string) =>
    denial(
      'PISTE-1406',
      '42501',
      `${how} would put values of ${column} where its mask does not reach. Nothing was executed. Retry: after leaving the column out.`,
    ),
  detectedValues: (column: string, category: string) =>
    denial(
      'PISTE-1407',
      '42501',
      `Column "${column.replace(/[^\p{L}\p{N}_$ .-]/gu, '?').slice(0, 80)}" of the result looks like ${category} values, which no masking policy names, so the result is withheld. The statement ran and is not run again. Retry: after leaving the column out.`,
    ),
  upstreamErrorHidden: (upstreamCode: string) =>
    denial(
      'PISTE-1405',
      '22000',
      `Snowflake refused the statement with code ${upstreamCode}. Its message is withheld because it may quote a protected value. Retry: after checking types and casts.`,
    ),
  tooMany: (running: number, maximum: number) =>
    denial(
      'PISTE-1502',
      '53300',
      `${running} statements running, limit ${maximum}. Nothing was executed. Retry: after 10s.`,
    ),
  tooManyParts: () =>
    denial(
      'PISTE-1502',
      '53300',
      'The gateway holds as many parts of large results as it may. The statement ran and is not run again. Retry: after 10s.',
    ),
  answerTooLarge: (what: string, maxBytes: number) =>
    denial(
      'PISTE-1503',
      '54000',
      `${what} is larger than ${maxBytes} bytes, so it is not passed on. The statement ran and is not run again. Retry: after asking for fewer rows or columns.`,
    ),
  cannotRecord: () =>
    denial(
      'PISTE-1701',
      '58030',
      'The gateway cannot record, so it will not run statements. Nothing was executed. Retry: after 60s, at most 5 times, then report.',
    ),
  cannotRecordResult: () =>
    denial(
      'PISTE-1701',
      '58030',
      'The gateway cannot record the result, so it will not deliver it. The statement may have run. Retry: no, check its effect first.',
    ),
  upstreamUnavailable: (ran: boolean) =>
    denial(
      'PISTE-1702',
      '08001',
      ran
        ? 'Snowflake stopped answering; the gateway is healthy. It is unknown whether the statement ran. Retry: no, check its effect first.'
        : 'Snowflake cannot be reached; the gateway is healthy. Nothing ran. Retry: after 30s.',
    ),
  resultPartUnavailable: () =>
    denial(
      'PISTE-1702',
      '08001',
      'A part of the result cannot be fetched from Snowflake; the gateway is healthy. The statement ran and is not run again. Retry: after 30s.',
    ),
  upstreamUnexpected: (what: string) =>
    denial(
      'PISTE-1702',
      '08001',
      `Snowflake answered in a form the gateway does not pass on (${what}). Nothing was returned. Retry: no; report it.`,
    ),
  upstreamLogin: () =>
    denial(
      'PISTE-1702',
      '08001',
      'The gateway could not log in to Snowflake with its own credential. Nothing was executed. Retry: after 60s, then report it to the platform team.',
    ),
  storeUnavailable: () =>
    denial(
      'PISTE-1703',
      '58030',
      'The gateway cannot reach its session store, so it refuses requests. Nothing was executed. Retry: after 30s.',
    ),
  storeLost: () =>
    denial(
      'PISTE-1703',
      '58030',
      'The gateway lost its session store while the statement ran, so the result is not delivered. Retry: no, check its effect first.',
    ),
  internal: (reference: string, ran: boolean) =>
    denial(
      'PISTE-1801',
      'XX000',
      `Gateway error. ${ran ? 'The outcome is unknown. Retry: no, check its effect first' : 'Nothing was executed. Retry: once'}. Reference ${reference}; report it with this reference.`,
    ),
  notInRecording: (why: string) =>
    denial(
      'PISTE-1901',
      '02000',
      `This is a replay of a recorded session: ${why}. Nothing was executed and nobody was asked. Retry: no; a replay answers the statements of its recording, as often as they stand there.`,
    ),
} as const;

/** A broken promise of the program itself. `denial` is what the caller may see. */
export class GatewayError extends Error {
  readonly denial: Denial;

  constructor(message: string, denialForCaller: Denial, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GatewayError';
    this.denial = denialForCaller;
  }
}

/** The `code` of a Node or driver error, whatever realm it came from. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of anything thrown; for logs of the operator, never for callers. */
export function errorMessage(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string')
    return error.message;
  return String(error);
}
