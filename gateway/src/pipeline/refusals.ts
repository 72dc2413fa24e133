import type { Denial } from '../errors.js';
import { failure, snowflakeFailure } from '../protocol/index.js';
import type { Stop } from './walk.js';

/** Ends a walk with a denial of the catalogue. */
export function refuse(queryId: string, denial: Denial, outcome: Stop['outcome']): Stop {
  return { stopped: true, envelope: failure(denial, queryId), outcome, reason: denial.code };
}

/** Ends a walk with an error of Snowflake's own. */
export function refuseAsSnowflake(
  queryId: string,
  code: string,
  sqlState: string,
  message: string,
  outcome: Stop['outcome'],
): Stop {
  return { stopped: true, envelope: snowflakeFailure(code, sqlState, message, queryId), outcome, reason: code };
}
