import { describe, expect, test } from '@jest/globals';
import { RecordingUnavailable } from '../recording/index.js';
import { entry, openTestRecording, permitOf, withDirectory } from '../recording/recording-fixture.js';
import { guardRecording } from './guard-recording.js';

const SQL = 'select 1';

describe.each([
  ['strict', 'refused'],
  ['observe', 'goes on'],
] as const)('while the registry is out of reach, in mode %s', (mode, expected) => {
  test('what gives something is as the mode says, refusals are recorded and told', () =>
    withDirectory(async (directory) => {
      const inner = await openTestRecording(directory, { mode });
      const recording = guardRecording(inner, () => 'the registry is out of reach');
      const outcomeOf = (work: Promise<unknown>) =>
        work.then(
          () => 'goes on',
          (error: unknown) => (error instanceof RecordingUnavailable ? 'refused' : String(error)),
        );
      const scope = { connection: 'analytics' };
      const bytes = Buffer.from('x');
      const outcomes = {
        request: await outcomeOf(recording.recordRequest(permitOf(SQL), entry('request', { qid: 'q' }, { sql: SQL }))),
        note: await outcomeOf(recording.note(entry('control', { op: 'login' }), 'analytics')),
        rows: await outcomeOf(recording.recordAnswer(entry('response', { qid: 'q', code: null }), bytes, scope)),
        part: await outcomeOf(recording.recordAnswer(entry('chunk', { qid: 'q' }), bytes, scope)),
        session: await outcomeOf(recording.recordAnswer(entry('session.open', {}), bytes, scope)),
      };
      expect(new Set(Object.values(outcomes))).toEqual(new Set([expected]));
      const refusal = recording.recordAnswer(entry('response', { qid: 'q', code: '861701' }), bytes, scope);
      expect(await outcomeOf(refusal)).toBe('goes on');
      expect(await outcomeOf(recording.append(entry('approval.vote', {})))).toBe('refused');
      const strict = permitOf(SQL, 'allow', undefined, true);
      const strictOutcomes = [
        await outcomeOf(recording.recordRequest(strict, entry('request', { qid: 'q' }, { sql: SQL }))),
        await outcomeOf(recording.note(entry('request', { qid: 'q' }), 'analytics', true)),
        await outcomeOf(
          recording.recordAnswer(entry('response', { qid: 'q', code: null }), bytes, { ...scope, isStrict: true }),
        ),
      ];
      expect(new Set(strictOutcomes)).toEqual(new Set(['refused']));
      expect(recording.refusesNew('analytics') === undefined ? 'goes on' : 'refused').toBe(expected);
      await inner.close();
    }));
});
