// Our contracts of the client-server API against the spec's OpenAPI: paths, who may call, query parameters, examples.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '@carillon/protocol/endpoint.ts';
import { isJsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { clientOperations, hasOpenApi, type Operation } from '../integration/support/openapi-responses.ts';
import { findSpec } from '../spec.ts';
import { clientContracts } from './contracts.ts';

/** Not of the client-server API as published: other APIs, our own, and names from before a proposal was accepted. */
const ELSEWHERE = /^\/(_synapse|_carillon|health)\/|\/unstable\//;
/** Parameters that the spec describes outside the endpoint (app services' `ts`), or under an older name; beside these, namespaced ones. */
const MORE_PARAMETERS = new Set(['ts', 'server_name']);
const AUTH: Readonly<Record<string, readonly Endpoint['auth'][]>> = {
  none: ['none', 'optionalAccessToken'],
  access_token: ['accessToken'],
  'access_token (optional)': ['none', 'optionalAccessToken', 'accessToken'],
  as_token: ['appservice'],
};

const keyOf = (method: string, path: string) => `${method} ${path.trim().replace(/\{\w+\}/g, '{}')}`;
const contracts = (await clientContracts()).filter(({ endpoint }) => !ELSEWHERE.test(endpoint.path));
const title = hasOpenApi
  ? 'the contracts of the client-server API'
  : 'the contracts of the client-server API (skipped: the sample of the spec has no OpenAPI)';

describe.skipIf(!hasOpenApi)(title, () => {
  const operations = hasOpenApi ? clientOperations() : [];
  const byKey = new Map(operations.map((operation) => [keyOf(operation.method, operation.path), operation]));
  const document = hasOpenApi ? readOpenApi() : {};
  let examples = 0;

  it.each(contracts)('$name is as the spec has it', ({ endpoint }) => {
    const operation = byKey.get(keyOf(endpoint.method, endpoint.path));
    if (operation === undefined) throw new Error(`the spec has no ${endpoint.method} ${endpoint.path}`);
    expect(AUTH[operation.auth]).toContain(endpoint.auth);
    const theirs = queryParameters(document, operation);
    const ours = Object.keys((endpoint.query as { properties?: object } | undefined)?.properties ?? {});
    expect(ours.filter((name) => !theirs.includes(name) && !MORE_PARAMETERS.has(name) && !name.includes('.'))).toEqual(
      [],
    );
    // What the deprecated endpoints could do beyond that is left behind.
    if (!operation.deprecated) expect(theirs.filter((name) => !ours.includes(name) && name !== 'ts')).toEqual([]);
    const method = at(document, ['paths', operation.path, operation.method.toLowerCase()]);
    for (const example of examplesOf(document, at(method, ['requestBody']))) {
      examples++;
      if (endpoint.body !== undefined) expect([...Compile(endpoint.body).Errors(example)], show(example)).toEqual([]);
    }
    for (const example of examplesOf(document, at(method, ['responses', '200']))) {
      examples++;
      expect([...Compile(endpoint.response).Errors(example)], show(example)).toEqual([]);
    }
  });

  it('are told apart from what is not there yet', () => {
    const have = new Set(contracts.map(({ endpoint }) => keyOf(endpoint.method, endpoint.path)));
    const missing = operations.filter(
      (operation) => !operation.deprecated && !have.has(keyOf(operation.method, operation.path)),
    );
    console.info(`conformance: ${have.size} of the spec's endpoints have contracts, ${missing.length} have not`);
    expect(have.size).toBeGreaterThan(80);
    expect(examples).toBeGreaterThan(100);
  });
});

function readOpenApi(): JsonValue {
  return JSON.parse(readFileSync(join(findSpec().folder, 'openapi/client-server.json'), 'utf8')) as JsonValue;
}

const show = (example: JsonValue) => JSON.stringify(example).slice(0, 2_000);

/** The value at a path; undefined where there is none. */
function at(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((inner, name) => (isJsonObject(inner) ? inner[name] : undefined), value);
}

function resolve(document: JsonValue, value: JsonValue | undefined): JsonValue | undefined {
  const reference = at(value, ['$ref']);
  if (typeof reference !== 'string') return value;
  const names = reference.slice(2).split('/');
  return at(
    document,
    names.map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')),
  );
}

function queryParameters(document: JsonValue, { path, method }: Operation): string[] {
  const shared = at(document, ['paths', path, 'parameters']) ?? [];
  const own = at(document, ['paths', path, method.toLowerCase(), 'parameters']) ?? [];
  return (
    [shared, own]
      .flatMap((list) => (Array.isArray(list) ? list : []))
      .map((parameter) => resolve(document, parameter))
      // An object's members are parameters of their own, whose names only its bridge knows.
      .filter((parameter) => at(parameter, ['in']) === 'query' && at(parameter, ['schema', 'type']) !== 'object')
      .map((parameter) => String(at(parameter, ['name'])))
  );
}

/** The JSON examples of a request's or a response's body. */
function examplesOf(document: JsonValue, message: JsonValue | undefined): JsonValue[] {
  const media = at(resolve(document, message), ['content', 'application/json']);
  const named = at(media, ['examples']);
  const values = isJsonObject(named)
    ? Object.values(named).map((example) => at(resolve(document, example), ['value']))
    : [];
  return [at(media, ['example']), at(media, ['schema', 'example']), ...values].filter((value) => value !== undefined);
}
