// canonical_json: JSON text → canonical text; `strict_valid` says whether room versions from 6 on allow it.
import { createHash } from 'node:crypto';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import { JsonParseError, parseJson } from '@carillon/protocol/parse-json.ts';
import { type Format, newTally } from '../format.ts';

interface CanonicalRow {
  readonly id: string;
  readonly input: string;
  readonly expected?: string;
  readonly sha256?: string;
  readonly strict_valid?: boolean;
}

export const format: Format<CanonicalRow> = {
  name: 'canonical JSON',
  matches: (row) =>
    !('kind' in row) && 'input' in row && typeof row.input === 'string' && ('expected' in row || 'strict_valid' in row),
  run({ id, input, expected, sha256, strict_valid: strictValid }) {
    const tally = newTally();
    const isStrict = isStrictlyValid(input);
    if (strictValid !== undefined && strictValid !== isStrict) {
      return tally.fail(`${id}: ${isStrict ? 'allowed' : 'refused'} under strict rules`);
    }
    if (expected === undefined) return tally.pass();
    const ours = canonicalJson(parseJson(input, strictValid === undefined ? 'double' : 'strict'));
    if (ours !== expected) return tally.fail(`${id}: ${ours}, expected ${expected}`);
    const hash = createHash('sha256').update(ours).digest('base64').replace(/=+$/, '');
    return sha256 === undefined || sha256 === hash ? tally.pass() : tally.fail(`${id}: sha256 ${hash}`);
  },
};

function isStrictlyValid(input: string): boolean {
  try {
    parseJson(input, 'strict');
    return true;
  } catch (error) {
    if (error instanceof JsonParseError) return false;
    throw error;
  }
}
