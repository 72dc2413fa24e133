import type { Stage } from '../stage.js';
import { expectThat } from '../step.js';

export const PROGRAMS_TITLE = 'Three programs start on loopback';

/** Shows where everything listens and asks the gateway whether it is ready. */
export async function showPrograms({ screen, playground }: Stage): Promise<void> {
  screen.field('Snowflake', `${playground.standInUrl}  a stand-in: the real wire protocol over a small database`);
  screen.field('issuer', `${playground.issuerUrl}  OpenID Connect, for agents and people`);
  screen.field('gateway', `${playground.driverUrl}  drivers`);
  screen.field('', `${playground.consoleUrl}  approvers`);
  screen.field('', `${playground.opsUrl}  health and metrics`);
  const ready = await fetch(`${playground.opsUrl}/readyz`);
  expectThat(ready.status === 200, 'the gateway to be ready', `${ready.status} ${await ready.text()}`);
  screen.ok('the gateway says it is ready');
}
