// Holds real answers to the response schemas of the spec's OpenAPI (spec/README.md, "Validating with Ajv").
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { findSpec } from '../../spec.ts';
import type { Exchange } from './api-client.ts';

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly deprecated: boolean;
  readonly auth: string;
  /** Pointers to schemas, by status and media type. */
  readonly responses: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly request?: unknown;
}

/** Of an answer, that are told. */
const MAX_FAULTS = 5;
const folder = join(findSpec().folder, 'openapi');

/** Whether the spec at hand has its OpenAPI; the small sample has not. */
export const hasOpenApi: boolean = existsSync(join(folder, 'operations.json'));

/** The operations of the client-server API. */
export function clientOperations(): readonly Operation[] {
  const all = JSON.parse(readFileSync(join(folder, 'operations.json'), 'utf8')) as Record<string, Operation[]>;
  return all['client-server'] ?? [];
}

let shared: ((exchange: Exchange) => void) | undefined;

/** A check that throws for an answer whose shape the spec does not allow; undefined where there is no OpenAPI. */
export function responseChecker(): ((exchange: Exchange) => void) | undefined {
  if (!hasOpenApi) return undefined;
  shared ??= makeChecker();
  return shared;
}

function makeChecker(): (exchange: Exchange) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(JSON.parse(readFileSync(join(folder, 'client-server.json'), 'utf8')), 'mx:cs');
  const operations = clientOperations().map((operation) => ({ operation, pattern: patternOf(operation.path) }));
  const compiled = new Map<string, ValidateFunction>();
  return ({ method, path, status, body }) => {
    const found = operations.find(({ operation, pattern }) => operation.method === method && pattern.test(path));
    const pointer = found?.operation.responses[status]?.['application/json'];
    if (pointer === undefined) return;
    let validate = compiled.get(pointer);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `mx:cs#${encodeURI(pointer.slice(1))}` });
      compiled.set(pointer, validate);
    }
    if (validate(body)) return;
    throw new Error(
      `${method} ${path} answered ${status} with a shape that the spec does not allow: ${ajv.errorsText(validate.errors?.slice(0, MAX_FAULTS))}\n${JSON.stringify(body).slice(0, 1_000)}`,
    );
  };
}

/** Some of the spec's paths end in a blank, its way to describe a second form of an endpoint. */
function patternOf(template: string): RegExp {
  const source = template
    .trim()
    .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    .replace(/\{\w+\}/g, '[^/]*');
  return new RegExp(`^${source}$`);
}
