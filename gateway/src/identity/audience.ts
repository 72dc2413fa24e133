import { quoteHumanText } from '../errors.js';

const MAX_SHOWN_AUDIENCES = 3;
const MAX_SHOWN_CHARACTERS = 80;

/** The audiences of a token, or undefined when `aud` is neither a string nor an array of strings. */
export function audiencesOf(aud: unknown): readonly string[] | undefined {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length === 0) return undefined;
  return audiences.every((audience) => typeof audience === 'string') ? audiences : undefined;
}

/**
 * True when every audience is `wanted`. One more audience would mean that the same token opens something else too, so it
 * is not ours alone.
 */
export function isOnlyAudience(audiences: readonly string[], wanted: string): boolean {
  return audiences.length > 0 && audiences.every((audience) => audience === wanted) && !opensSnowflake(wanted);
}

/** True for an audience Snowflake itself would accept: a token naming it must never be asked for by a gateway. */
export function opensSnowflake(audience: string): boolean {
  const host = audience
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^[^@]*@/, '')
    .replace(/:\d*$/, '')
    .replace(/\.$/, '');
  return ['snowflakecomputing.com', 'snowflakecomputing.cn'].some(
    (domain) => host === domain || host.endsWith(`.${domain}`),
  );
}

/** Audiences for a refusal text: few, short, harmless. */
export function showAudiences(audiences: readonly string[] | undefined): string {
  if (audiences === undefined) return 'none';
  const shown = audiences
    .slice(0, MAX_SHOWN_AUDIENCES)
    .map((audience) => quoteHumanText(audience).slice(0, MAX_SHOWN_CHARACTERS));
  return audiences.length > MAX_SHOWN_AUDIENCES ? `${shown.join(', ')}, …` : shown.join(', ');
}
