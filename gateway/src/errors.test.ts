import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { type Denial, deny, driverCode, errorCode, errorMessage, GatewayError, quoteHumanText } from './errors.js';

const GOLDEN = join(dirname(fileURLToPath(import.meta.url)), '..', 'testdata', 'denials.txt');
const LONG = 'x'.repeat(2_000);

/** Every refusal once, with arguments as they come in practice. A new one that is missing here fails the completeness test. */
const EXAMPLES: { readonly [Name in keyof typeof deny]: Denial } = {
  noToken: deny.noToken('https://piste.example'),
  badToken: deny.badToken('it is not signed by the issuer', 'https://piste.example'),
  tokenExpired: deny.tokenExpired(12, 'https://issuer.example'),
  wrongAudience: deny.wrongAudience('https://other.example', 'https://piste.example'),
  untrustedIssuer: deny.untrustedIssuer('https://evil.example', 'crm', ['https://issuer.example']),
  issuerUnavailable: deny.issuerUnavailable('https://issuer.example'),
  notAdmitted: deny.notAdmitted('report-agent', [], 'crm'),
  sessionEnded: deny.sessionEnded('it expired or was closed'),
  sessionLost: deny.sessionLost(),
  unknownConnection: deny.unknownConnection('other', ['crm']),
  unknownEndpoint: deny.unknownEndpoint(),
  unknownQuery: deny.unknownQuery(),
  resultTooOld: deny.resultTooOld(),
  resultPartGone: deny.resultPartGone(),
  badRequest: deny.badRequest('the body is not JSON'),
  unknownRequest: deny.unknownRequest(),
  blockedByRule: deny.blockedByRule('no-dropping-databases', 'DROP DATABASE on CRM', 'ask the platform team.'),
  noRuleAdmits: deny.noRuleAdmits('GRANT'),
  objectWithoutPolicy: deny.objectWithoutPolicy('CRM.PUBLIC.ORDERS'),
  policyRejected: deny.policyRejected('customer-pii'),
  roleNotOffered: deny.roleNotOffered('SYSADMIN', ['ANALYST', 'SUPPORT']),
  fileTransfer: deny.fileTransfer(),
  unread: deny.unread('EXECUTE IMMEDIATE runs a computed statement'),
  parameterNotAllowed: deny.parameterNotAllowed('MULTI_STATEMENT_COUNT'),
  approvalDenied: deny.approvalDenied('Dana (data owner)', '2030-01-02T03:04:05.000Z', 'use the view', '01abc'),
  approvalExpired: deny.approvalExpired(15, ['data-owners']),
  approvalWithdrawn: deny.approvalWithdrawn(),
  changedAfterApproval: deny.changedAfterApproval('01abc', 'a'.repeat(64), 'b'.repeat(64)),
  approvalSpent: deny.approvalSpent('01abc'),
  voteNotCounted: deny.voteNotCounted('you asked for it yourself'),
  contextChanged: deny.contextChanged(),
  notAuditor: deny.notAuditor(),
  notReconciled: deny.notReconciled(),
  maskedWriteBack: deny.maskedWriteBack('a bind value'),
  cannotMask: deny.cannotMask('CRM.PUBLIC.CUSTOMERS.EMAIL inside an expression'),
  protectedPredicate: deny.protectedPredicate('CRM.PUBLIC.CUSTOMERS.EMAIL'),
  protectedColumn: deny.protectedColumn('CRM.PUBLIC.CUSTOMERS.SSN'),
  protectedMove: deny.protectedMove('CRM.PUBLIC.CUSTOMERS.EMAIL', 'UNLOAD to CRM.PUBLIC.EXPORTS'),
  detectedValues: deny.detectedValues('CONTACT "x"', 'Email'),
  upstreamErrorHidden: deny.upstreamErrorHidden('100038'),
  tooMany: deny.tooMany(64, 64),
  tooManyParts: deny.tooManyParts(),
  answerTooLarge: deny.answerTooLarge('A part of the result', 268_435_456),
  cannotRecord: deny.cannotRecord(),
  cannotRecordResult: deny.cannotRecordResult(),
  upstreamUnavailable: deny.upstreamUnavailable(true),
  resultPartUnavailable: deny.resultPartUnavailable(),
  upstreamUnexpected: deny.upstreamUnexpected('an Arrow result'),
  upstreamLogin: deny.upstreamLogin(),
  storeUnavailable: deny.storeUnavailable(),
  storeLost: deny.storeLost(),
  internal: deny.internal('3f0c', false),
  notInRecording: deny.notInRecording('this statement is not in it'),
};

const DIRECTIVE = /Retry: (no|once|after [^.;]+|same statement, keep waiting)\b/;
/** Told to somebody who will not send the same again: nothing to retry. */
const WITHOUT_DIRECTIVE: readonly string[] = ['approvalWithdrawn'];

describe('the catalogue of refusals', () => {
  test('reads as it is written down', () => {
    const text = Object.entries(EXAMPLES)
      .map(([name, { sqlState, message }]) => `${name} · ${sqlState}\n${message}\n`)
      .join('\n');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, text);
    expect(text).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  test.each(Object.entries(EXAMPLES))(
    '%s says what, why, what ran and what to do, in one paragraph',
    (name, denial) => {
      expect(denial.message.startsWith(`[${denial.code}] `)).toBe(true);
      expect(denial.message.length).toBeLessThanOrEqual(500);
      expect(denial.message).not.toMatch(/[\n\r\t]/);
      expect(denial.sqlState).toMatch(/^[0-9A-Z]{5}$/);
      expect(/^86\d{4}$/.test(driverCode(denial.code))).toBe(true);
      if (!WITHOUT_DIRECTIVE.includes(name)) expect(denial.message).toMatch(DIRECTIVE);
    },
  );

  test('keeps to its length whatever it is given', () => {
    for (const denial of [
      deny.blockedByRule(LONG, LONG, LONG),
      deny.approvalDenied(LONG, '2030-01-02T03:04:05.000Z', LONG, '01abc'),
      deny.untrustedIssuer(LONG, LONG, [LONG]),
      deny.unread(LONG),
    ]) {
      expect(denial.message.length).toBeLessThanOrEqual(500);
      expect(denial.message).toMatch(DIRECTIVE);
    }
  });

  test.each([
    ['a plain note', 'use the view', 'use the view'],
    ['quotes', 'say "yes"', "say 'yes'"],
    ['lines and controls', 'a\r\nb\u0000c\u001b[31m', 'a b c [31m'],
    ['invisible and bidi letters', 'a\u200bb\u202ec', 'a b c'],
    ['more than 280 characters', LONG, 'x'.repeat(280)],
  ])('quotes %s of a person harmlessly', (_what, given, quoted) => {
    expect(quoteHumanText(given)).toBe(quoted);
  });
});

test('errors are recognised by what they carry, not by their class', () => {
  expect(errorCode({ code: 'ENOENT' })).toBe('ENOENT');
  expect(errorCode({ code: 7 })).toBeUndefined();
  expect(errorCode(null)).toBeUndefined();
  expect(errorMessage({ message: 'm' })).toBe('m');
  expect(errorMessage('plain')).toBe('plain');
  expect(new GatewayError('inner words', deny.cannotRecord()).denial.code).toBe('PISTE-1701');
});
