import { readClaims } from '../agent.js';
import { expectSame, expectThat, type Step } from '../step.js';

/** The agent proves who it is and for whom it works; Snowflake only ever meets the gateway's service user. */
export const who: Step = {
  title: "An agent connects with Snowflake's own Node driver",
  async run({ screen, agent, agentToken, tap }) {
    const claims = readClaims(agentToken);
    screen.say('It has no Snowflake password or key, only a token of its own issuer:');
    screen.field(
      'principal',
      `${String(claims['sub'])} (agent ${String(claims['agent'])}, ${String(claims['instance'])})`,
    );
    screen.field('groups', show(claims['groups']));
    screen.field('on behalf of', `${String(claims['delegator'])}, task "${String(claims['task'])}"`);
    screen.field('audience', String(claims['aud']));
    await agent.connect(tap.url);
    const outcome = await agent.attempt('SELECT CURRENT_USER() AS "USER", CURRENT_ROLE() AS "ROLE"');
    expectThat(outcome.ok, 'the agent to be let in', outcome);
    expectSame('what Snowflake says who it is', outcome.result.rows, [{ USER: 'PISTE_SVC', ROLE: 'ANALYST' }]);
    screen.ok('connected; in Snowflake it is the service user PISTE_SVC with role ANALYST');
  },
};

const show = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));
