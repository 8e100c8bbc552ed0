// A schema as a function that says what is wrong with a value, in the words of Matrix errors. Values are looked at, never rebuilt.
import { type MatrixError, missingParam } from '@carillon/protocol/matrix-error.ts';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

export interface SchemaFault {
  readonly keyword: string;
  /** Where, as `content.body` or `list[2]`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
  /** The names of properties that are absent, where that is the fault. */
  readonly missing: readonly string[];
}

/** Null for a value that fits, else what is wrong first. */
export type SchemaCheck = (value: unknown) => SchemaFault | null;

/** Compiles a schema once. */
export function compileCheck(schema: TSchema): SchemaCheck {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? null : firstFault(validator.Errors(value)));
}

interface TypeBoxError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** The faults inside a union's branches are guesses; the union's own says that none fitted. */
function firstFault(errors: readonly TypeBoxError[]): SchemaFault {
  const error = errors.find(({ schemaPath }) => !/\/(anyOf|oneOf)\//.test(schemaPath)) ?? errors[0];
  if (error === undefined) return { keyword: 'unknown', path: '', message: 'must fit the schema', missing: [] };
  const { requiredProperties } = error.params as { requiredProperties?: readonly string[] };
  return {
    keyword: error.keyword,
    path: readablePath(error.instancePath),
    message: error.message,
    missing: error.keyword === 'required' ? (requiredProperties ?? []) : [],
  };
}

function readablePath(instancePath: string): string {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`), '');
}

/** The fault as a refusal: M_MISSING_PARAM for what is absent, else what `refuse` makes of the sentence. */
export function faultError(fault: SchemaFault, whole: string, refuse: (message: string) => MatrixError): MatrixError {
  const [missing] = fault.missing;
  if (missing !== undefined) return missingParam(`Missing ${fault.path === '' ? missing : `${fault.path}.${missing}`}`);
  return refuse(`${fault.path === '' ? whole : fault.path} ${fault.message}`);
}
