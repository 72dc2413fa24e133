import { expectSame, expectText, expectThat, type Step } from '../step.js';
import { historyThroughGateway } from './history.js';

/** A statement that must not run. */
export interface RefusedAttempt {
  readonly sqlText: string;
  /** The driver's error code. */
  readonly code: string;
  /** Words its message must have. */
  readonly mentions: readonly string[];
  /** Fits the statement, should it ever arrive at Snowflake. */
  readonly trace: RegExp;
}

/** A step in which the agent tries things and is refused each time, before Snowflake hears of it. */
export function refusedStep(title: string, attempts: readonly RefusedAttempt[]): Step {
  return {
    title,
    async run({ screen, agent, playground }) {
      for (const { sqlText, code, mentions } of attempts) {
        screen.field('agent', sqlText);
        const outcome = await agent.attempt(sqlText);
        expectThat(!outcome.ok, `"${sqlText}" to be refused`, 'it ran');
        screen.field('driver says', `error ${outcome.refusal.code}, SQL state ${outcome.refusal.sqlState}`);
        screen.refusal(outcome.refusal.message);
        expectSame('error code', outcome.refusal.code, code);
        expectText('error text', outcome.refusal.message, 'Nothing was executed.', ...mentions);
      }
      const arrived = await historyThroughGateway(playground);
      for (const { trace } of attempts) {
        const leaked = arrived.find(({ sqlText }) => trace.test(sqlText));
        expectThat(leaked === undefined, 'Snowflake never to hear of it', leaked);
      }
      screen.ok(
        `Snowflake's own history has no trace of ${attempts.length === 1 ? 'it' : `any of the ${attempts.length}`}`,
      );
    },
  };
}
