// x_matrix: `sign` rows: request → signed JSON and header; `parse` rows: header → its parameters.
import { parseXMatrix, requestText, signRequest } from '@carillon/federation/request-signing.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { signedBytes } from '@carillon/protocol/signed-json.ts';
import { type Format, newTally } from '../format.ts';

interface SignRow {
  readonly kind: 'sign';
  readonly origin: string;
  readonly destination?: string;
  readonly method: string;
  readonly uri: string;
  readonly content?: JsonValue;
  readonly seed: string;
  readonly expected_header: string;
  readonly signed_json: JsonObject;
}

interface ParseRow {
  readonly kind: 'parse';
  readonly header: string;
  readonly expected: Readonly<Record<string, string>> | null;
}

export const format: Format<SignRow | ParseRow> = {
  name: 'X-Matrix',
  matches: (row) =>
    'kind' in row && ((row.kind === 'sign' && 'uri' in row) || (row.kind === 'parse' && 'header' in row)),
  run(row) {
    return row.kind === 'sign' ? runSign(row) : runParse(row);
  },
};

function runSign(row: SignRow) {
  const tally = newTally();
  const { content = null } = row;
  const request = {
    method: row.method,
    uri: row.uri,
    origin: row.origin,
    destination: row.destination,
    contentText: content === null ? undefined : canonicalJson(content, 'exact'),
  };
  const text = requestText(request);
  if (text !== Buffer.from(signedBytes(row.signed_json, 'exact')).toString())
    return tally.fail(`${row.uri}: signs ${text}`);
  const keyId = parseXMatrix(row.expected_header)?.key ?? '';
  const header = signRequest(request, signingKeyFromSeed(decodeBase64(row.seed)!, keyId));
  return header === row.expected_header ? tally.pass() : tally.fail(`${row.uri}: ${header}`);
}

function runParse({ header, expected }: ParseRow) {
  const tally = newTally();
  const ours = parseXMatrix(header) ?? null;
  const alike = canonicalJson(ours as JsonValue) === canonicalJson(expected as JsonValue);
  return alike ? tally.pass() : tally.fail(`${header}: ${JSON.stringify(ours)}`);
}
