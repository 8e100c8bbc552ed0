// Query strings: split, decoded, and read as a contract's schema says.
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { TSchema } from 'typebox';
import { compileCheck, faultError } from './schema-check.ts';

/** All values of each name, in order. */
export type RawQuery = ReadonlyMap<string, readonly string[]>;

/** More parameters than any endpoint has; more are refused. */
const MAX_PARAMETERS = 100;

/** Splits what follows the `?`. Throws M_INVALID_PARAM for bad percent-encoding, U+0000 or too many parameters. */
export function parseQuery(text: string): RawQuery {
  const query = new Map<string, string[]>();
  if (text === '') return query;
  const pairs = text.split('&', MAX_PARAMETERS + 1);
  if (pairs.length > MAX_PARAMETERS) throw invalidParam('Too many query parameters');
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

function decode(text: string): string {
  if (!/[%+\0]/.test(text)) return text;
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Refused below, like U+0000.
  }
  throw invalidParam('The query string is badly encoded');
}

/** The parts of a JSON schema that say how text is to be read. */
interface SchemaShape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaShape>>;
  readonly items?: SchemaShape;
  readonly anyOf?: readonly SchemaShape[];
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly default?: unknown;
}

type Reading = (values: readonly string[]) => unknown;

/** Compiles a query schema to a reader. It throws M_MISSING_PARAM or M_INVALID_PARAM; undeclared parameters are dropped unless the schema is open. */
export function compileQuery(schema: TSchema): (query: RawQuery) => Record<string, unknown> {
  const shape = schema as SchemaShape;
  const readings = Object.entries(shape.properties ?? {}).map(
    ([name, property]) => [name, readingOf(property), property.default] as const,
  );
  const declared = new Set(readings.map(([name]) => name));
  const isOpen = isSchema(shape.additionalProperties) || shape.patternProperties !== undefined;
  const check = compileCheck(schema);
  return (query) => {
    const result: Record<string, unknown> = {};
    for (const [name, reading, fallback] of readings) {
      const values = query.get(name);
      if (values !== undefined) result[name] = reading(values);
      else if (fallback !== undefined) result[name] = fallback;
    }
    if (isOpen) addUndeclared(result, query, declared);
    const fault = check(result);
    if (fault !== null) throw faultError(fault, 'the query', invalidParam);
    return result;
  };
}

const isSchema = (value: unknown): boolean => value === true || (typeof value === 'object' && value !== null);

function addUndeclared(result: Record<string, unknown>, query: RawQuery, declared: ReadonlySet<string>): void {
  for (const [name, [value]] of query) {
    if (declared.has(name)) continue;
    Object.defineProperty(result, name, { value, enumerable: true, configurable: true, writable: true });
  }
}

/** Text that does not read as its type stays text, for the check to refuse. Of repeated scalars the first counts. */
function readingOf(shape: SchemaShape): Reading {
  if (shape.type === 'array') {
    const item = readingOf(shape.items ?? {});
    return (values) => values.map((value) => item([value]));
  }
  const types = [shape.type, ...(shape.anyOf ?? []).map(({ type }) => type)];
  if (types.includes('integer')) return ([text = '']) => (/^-?\d{1,16}$/.test(text) ? Number(text) : text);
  if (types.includes('number')) return ([text = '']) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
  if (types.includes('boolean')) return ([text = '']) => (text === 'true' ? true : text === 'false' ? false : text);
  return ([text]) => text;
}
