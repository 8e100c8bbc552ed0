// `CARILLON_SECTION__KEY` variables as entries.
import { nearest } from './edit-distance.ts';

export interface EnvironmentEntry {
  readonly section: string;
  readonly key: string;
  readonly text: string;
  /** The variable's name. */
  readonly where: string;
}

const PREFIX = 'CARILLON_';

/** The variable that sets a key. */
export const variableOf = (section: string, key: string): string => `${PREFIX}${section}__${key}`.toUpperCase();

/**
 * The variables that name a section and a key; an empty one is as good as absent. `slips` are variables without the
 * double underscore that are so near to a key's that they must be meant.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  keys: readonly (readonly [section: string, key: string])[],
): { entries: EnvironmentEntry[]; slips: { variable: string; meant: string }[] } {
  const entries: EnvironmentEntry[] = [];
  const slips: { variable: string; meant: string }[] = [];
  const single = new Map(
    keys.map(([section, key]) => [variableOf(section, key).replace('__', '_'), variableOf(section, key)]),
  );
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '') continue;
    const [section = '', ...rest] = variable.slice(PREFIX.length).toLowerCase().split('__');
    if (rest.length > 0) {
      entries.push({ section, key: rest.join('__'), text, where: variable });
      continue;
    }
    const meant = single.get(variable) ?? single.get(slipOf(variable, single));
    if (meant !== undefined) slips.push({ variable, meant });
  }
  return { entries, slips };
}

/** Variables of tools and tests share the prefix, so only a slip of one letter counts. */
function slipOf(variable: string, known: ReadonlyMap<string, string>): string {
  const near = nearest(variable, known.keys());
  return near !== undefined &&
    Math.abs(near.length - variable.length) <= 1 &&
    near.slice(0, 12) === variable.slice(0, 12)
    ? near
    : '';
}
