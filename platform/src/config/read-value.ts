// From what an operator wrote, in YAML or in an environment variable, to the value that its schema asks for.
import { isAbsolute, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import type { KeySchema, Rate } from './config-schema.ts';

export type Read = { readonly value: unknown } | { readonly fault: string };

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const UNIT_BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };
const RATE_SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

/** The value of a YAML node. Texts are read where the schema has a notation of its own; other types must be right already. */
export function readNode(node: unknown, schema: TSchema, folder: string): Read {
  const shape = schema as KeySchema;
  const special = shape.reads === undefined ? undefined : readSpecial(node, shape, folder);
  return special ?? checked(node, schema);
}

/** The value of an environment variable's text. */
export function readText(text: string, schema: TSchema, folder: string): Read {
  const shape = schema as KeySchema;
  const special = shape.reads === undefined ? undefined : readSpecial(text, shape, folder);
  return special ?? checked(fromText(text, shape), schema);
}

function fromText(text: string, shape: KeySchema): unknown {
  if (shape.type === 'string') return text;
  if (shape.type === 'array' || shape.type === 'object') return listOrJson(text, shape);
  const types = [shape, ...(shape.anyOf ?? [])].map(({ type }) => type);
  if (types.includes('boolean') && /^(true|yes|on|1)$/i.test(text)) return true;
  if (types.includes('boolean') && /^(false|no|off|0)$/i.test(text)) return false;
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

function listOrJson(text: string, { items }: KeySchema): unknown {
  if (/^\s*[[{]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => fromText(part, items ?? { type: 'string' }));
}

function readSpecial(node: unknown, shape: KeySchema, folder: string): Read | undefined {
  if (shape.reads === 'path') {
    if (typeof node !== 'string' || node === '') return { fault: 'must be a path' };
    return { value: isAbsolute(node) ? node : resolve(folder, node) };
  }
  if (shape.reads === 'name') return typeof node === 'number' ? { value: String(node) } : undefined;
  if (shape.reads === 'rate') return parseRate(node);
  if (shape.reads === 'size') return parseSize(node, shape.anyOf !== undefined);
  if (shape.anyOf !== undefined && (node === null || node === 'none')) return { value: null };
  return parseDuration(node, shape.anyOf !== undefined);
}

function parseDuration(node: unknown, mayBeNone: boolean): Read {
  const [, amount, unit = 'ms'] = /^(\d+(?:\.\d+)?)\s*([a-z]+)?$/.exec(String(node).trim()) ?? [];
  const unitMs = UNIT_MS[unit];
  const ms = Number(amount) * (unitMs ?? Number.NaN);
  if (Number.isSafeInteger(ms)) return { value: ms };
  return { fault: `must be a duration such as 90s, 5m, 1h or 2d${mayBeNone ? ', or none' : ''}` };
}

function parseSize(node: unknown, mayBeNone: boolean): Read {
  if (mayBeNone && (node === null || node === 'none')) return { value: null };
  const [, amount, unit = 'b'] = /^(\d+(?:\.\d+)?)\s*([kmgt]?b)?$/i.exec(String(node).trim()) ?? [];
  const bytes = Number(amount) * (UNIT_BYTES[unit.toLowerCase()] ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return { value: bytes };
  return { fault: `must be a size such as 500 kB, 5 MB or 2 GB${mayBeNone ? ', or none' : ''}` };
}

function parseRate(node: unknown): Read {
  const [, amount, unit = '', burst] =
    /^(\d+(?:\.\d+)?)\s*\/\s*(s|min|h)\s+burst\s+(\d{1,9})$/.exec(String(node).trim()) ?? [];
  const value: Rate = { perSecond: Number(amount) / (RATE_SECONDS[unit] ?? Number.NaN), burst: Number(burst) };
  if (value.perSecond > 0 && value.burst > 0) return { value };
  return { fault: 'must be a rate such as 10/s burst 50 (or /min, /h)' };
}

function checked(value: unknown, schema: TSchema): Read {
  if (Check(schema, value)) return { value };
  return { fault: describe(schema, value) };
}

/** Never says the value, which may be a secret. */
function describe(schema: TSchema, value: unknown): string {
  const shape = schema as KeySchema;
  const choices = (shape.anyOf ?? []).map((option) => option.const);
  if (choices.length > 0 && choices.every((choice) => choice !== undefined))
    return `must be one of ${choices.join(', ')}`;
  if (shape.type !== undefined && typeof value === 'string' && shape.type !== 'string')
    return `must be ${named(shape)}`;
  const [error] = Errors(schema, value);
  return error === undefined ? 'does not fit' : error.message;
}

function named({ type, items }: KeySchema): string {
  if (type === 'boolean') return 'true or false';
  if (type === 'integer') return 'a whole number';
  return type === 'array' ? `a list of ${items?.type ?? 'value'}s` : `a ${type}`;
}
