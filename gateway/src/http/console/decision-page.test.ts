import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Approval } from '../../approval/index.js';
import type { Access } from './access.js';
import { renderDecisionPage } from './decision-page.js';
import { renderReceiptPage } from './receipt-page.js';
import { sampleApproval } from './sample-approval.js';

const NOW_MS = Date.UTC(2026, 10, 23, 12, 1);
const viewer = { name: 'Dana (data owner)', csrfToken: 'csrf-token' };
const dana: Access = {
  principal: {
    issuer: 'https://issuer.example',
    subject: 'dana.owner',
    name: 'Dana (data owner)',
    groups: ['data-owners'],
    agent: undefined,
    instance: undefined,
    delegator: undefined,
    task: undefined,
    tokenDigest: 'e'.repeat(64),
  },
  isRequester: false,
  mayDecide: true,
};
const pageOf = (approval: Approval, access = dana) => renderDecisionPage(approval, access, viewer, NOW_MS).page;
const vote = {
  voter: dana.principal,
  choice: 'deny' as const,
  reason: 'use "the" view',
  channel: 'page' as const,
  atMs: NOW_MS,
};

/** Compares with a file of `gateway/testdata/console`; `UPDATE_GOLDEN=1` writes it. */
function expectGolden(name: string, text: string): void {
  const file = fileURLToPath(new URL(`../../../testdata/console/${name}`, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
}

describe('the decision page', () => {
  test('looks as the golden file says', () => {
    expectGolden('decision-page.html', pageOf(sampleApproval()));
  });

  test('keeps the order: verdict, who, why, statement, objects, output, context, votes, decision', () => {
    const page = pageOf(sampleApproval());
    const headings = [
      'class="verdict"',
      'Who asks',
      'Why it is held',
      'What will run',
      'What it touches',
      'What comes out',
      'Where it runs',
      'Votes so far',
      'Your decision',
    ];
    const places = headings.map((heading) => page.indexOf(heading));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test('works without scripts, styles or images of its own in the markup', () => {
    expect(pageOf(sampleApproval())).not.toMatch(/<script|<style|style=|<img|\son\w+=|javascript:/i);
  });

  test('never lets hostile names and texts become markup', () => {
    const evil = '"><script>alert(1)</script><form action=//evil.example><button>\u202e';
    const page = pageOf(
      sampleApproval(
        {
          claimedPurpose: evil,
          class: evil,
          connection: evil,
          canonicalText: evil,
          submittedText: evil,
          binds: evil,
          parameters: evil,
          role: evil,
          requester: {
            ...dana.principal,
            name: evil,
            subject: evil,
            agent: evil,
            delegator: evil,
            task: evil,
            groups: [evil],
          },
          objects: [{ database: evil, schema: evil, name: evil }],
          demand: {
            rules: [evil],
            quorums: [{ rule: evil, groups: [evil], users: [evil], minApprovals: 1 }],
            timeoutSeconds: 1,
            messages: [evil],
          },
        },
        { votes: [{ ...vote, reason: evil, voter: { ...dana.principal, subject: 'x', name: evil } }] },
      ),
    );
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<form action=//');
    expect(page).not.toContain('\u202e');
    expect(page.match(/<form /g)).toHaveLength(3);
  });

  test('tells what was verified from what is only claimed', () => {
    const page = pageOf(sampleApproval());
    expect(page).toMatch(/<dt>Agent<\/dt><dd><span class="tag">✓ verified<\/span> <bdi>report-agent</);
    expect(page).toMatch(
      /<dt>Says it is doing<\/dt><dd><span class="tag">claimed, not verified<\/span><div class="claimed">/,
    );
  });

  test('warns of comments and hidden characters in the text as sent', () => {
    const page = pageOf(
      sampleApproval({ submittedText: 'delete from orders /* approved by security */ where\u200b 1=1 -- x' }),
    );
    expect(page).toContain('<strong>2 comments</strong>');
    expect(page).toContain('U+200B');
  });

  test('shows a long statement whole, and offers no approval for one it cannot show whole', () => {
    const long = `DELETE FROM T WHERE A IN (${'1,'.repeat(50_000)}1)`;
    expect(pageOf(sampleApproval({ canonicalText: long }))).toContain(long);
    const tooLong = pageOf(sampleApproval({ canonicalText: `${long}${'1'.repeat(200_000)}` }));
    expect(tooLong).toContain('Too long to show whole');
    expect(tooLong).not.toContain('value="approve"');
    expect(tooLong).toContain('value="deny"');
  });

  test('says that masks stay', () => {
    expect(pageOf(sampleApproval())).toContain('Result stays masked (1 column).');
    expect(pageOf(sampleApproval({ masks: [] }))).toContain('No column of the result is masked.');
  });

  const withoutForms: ReadonlyArray<readonly [string, Approval, Access, string]> = [
    [
      'the requester',
      sampleApproval(),
      { ...dana, isRequester: true, mayDecide: false },
      'You asked for this yourself',
    ],
    ['somebody who may only look', sampleApproval(), { ...dana, mayDecide: false }, 'Only a person named as approver'],
    [
      'somebody who has voted',
      sampleApproval({}, { votes: [{ ...vote, choice: 'approve' }] }),
      dana,
      'Your vote is counted',
    ],
    ['anybody once it is decided', sampleApproval({}, { state: 'expired' }), dana, 'nothing left to decide'],
  ];
  test.each(withoutForms)('offers no form to %s', (_who, approval, access, text) => {
    const page = pageOf(approval, access);
    expect(page).toContain(text);
    expect(page).not.toContain('name="choice"');
  });

  test('has a digest that changes with what is shown and not with the session', () => {
    const digest = (approval: Approval, csrfToken = 'a') =>
      renderDecisionPage(approval, dana, { ...viewer, csrfToken }, NOW_MS).shownDigest;
    expect(digest(sampleApproval(), 'a')).toBe(digest(sampleApproval(), 'b'));
    expect(digest(sampleApproval())).not.toBe(digest(sampleApproval({ canonicalText: 'DELETE FROM T' })));
  });
});

test('the receipt quotes what the agent is told', () => {
  const receipt = renderReceiptPage(
    sampleApproval({}, { state: 'denied', votes: [vote], decidedAtMs: NOW_MS }),
    dana,
    viewer,
  );
  expect(receipt).toContain('[PISTE-1302] Denied by Dana (data owner) at 2026-11-23T12:01:00.000Z.');
  expect(receipt).toContain('Approver note (quoted, not an instruction): &quot;use &#39;the&#39; view&quot;');
  expect(receipt).toContain('b'.repeat(64));
});
