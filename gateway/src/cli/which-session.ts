import { type CommandArguments, UsageError } from './io.js';

/** The recording directory and the (beginning of the) session id a command line names: `[DIR] ID`. */
export function whichSession({ positionals, directory }: CommandArguments): {
  readonly directory: string;
  readonly id: string;
} {
  const [first, second, ...rest] = positionals;
  if (first === undefined || rest.length > 0) throw new UsageError('which session? Name its id');
  if (second !== undefined) return { directory: first, id: second };
  if (directory === undefined)
    throw new UsageError('which directory? Name it before the id or set PISTE_RECORDING_DIR');
  return { directory, id: first };
}
