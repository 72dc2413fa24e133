import { type Execution, onConnection } from './execution.js';
import type { Token } from './lexer.js';
import type { ObjectName } from './names.js';
import { listObjects } from './objects.js';
import { run, translate } from './run.js';
import { substitute } from './substitute.js';

/** `Table` for TABLE, as Snowflake's messages write it. */
export function title(kind: string): string {
  return kind.charAt(0) + kind.slice(1).toLowerCase();
}

/** What stands under a name, if anything. */
export async function existing(name: ObjectName, execution: Execution): Promise<'TABLE' | 'VIEW' | undefined> {
  const { session } = execution;
  const objects = await onConnection(session, execution.signal, async () => await listObjects(session, name));
  return objects.find((object) => object.name === name.name)?.kind;
}

/** Translates and runs a statement whose answer nobody reads. */
export async function runText(tokens: readonly Token[], execution: Execution): Promise<void> {
  const { session, signal, binds } = execution;
  const translated = translate(await substitute(tokens, execution), binds);
  await onConnection(session, signal, async () => await run(session.connection, translated, binds));
}
