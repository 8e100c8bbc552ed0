// json_signing: `sign` rows: object and seed → signed object; `verify` rows: object and public key → valid or not.
import { signingKeyFromSeed, verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { signJson, verifyJson } from '@carillon/protocol/signed-json.ts';
import { type Format, newTally } from '../format.ts';

interface SigningRow {
  readonly id: string;
  readonly kind: 'sign' | 'verify';
  readonly server: string;
  readonly key_id: string;
  readonly seed?: string;
  readonly verify_key?: string;
  readonly input: JsonObject;
  readonly expected: JsonValue;
}

export const format: Format<SigningRow> = {
  name: 'JSON signing',
  matches: (row) =>
    'kind' in row && (row.kind === 'sign' || row.kind === 'verify') && 'key_id' in row && 'input' in row,
  run({ id, kind, server, key_id: keyId, seed = '', verify_key: verifyKey = '', input, expected }) {
    const tally = newTally();
    if (kind === 'verify') {
      const ours = verifyJson(input, server, { keyId, key: verifyKeyFromBytes(decodeBase64(verifyKey)!) });
      return ours === expected ? tally.pass() : tally.fail(`${id}: ${ours}, expected ${String(expected)}`);
    }
    const signed = canonicalJson(signJson(input, server, signingKeyFromSeed(decodeBase64(seed)!, keyId)));
    return signed === canonicalJson(expected) ? tally.pass() : tally.fail(`${id}: ${signed}`);
  },
};
