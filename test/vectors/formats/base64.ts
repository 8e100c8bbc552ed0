// base64: hex ↔ both alphabets without padding; `decode` rows: what a lenient decoder makes of a text (null: nothing).
import { decodeBase64, encodeBase64, encodeBase64Url } from '@carillon/protocol/base64.ts';
import { type Format, newTally } from '../format.ts';

interface Base64Row {
  readonly hex: string | null;
  readonly unpadded?: string;
  readonly urlsafe?: string;
  readonly decode?: string;
}

export const format: Format<Base64Row> = {
  name: 'base64',
  matches: (row) => 'hex' in row && ('unpadded' in row || 'decode' in row),
  run({ hex, unpadded, urlsafe, decode }) {
    const tally = newTally();
    if (decode !== undefined) {
      const ours = decoded(decode);
      return ours === hex ? tally.pass() : tally.fail(`decode ${JSON.stringify(decode)}: ${ours}, expected ${hex}`);
    }
    const bytes = Buffer.from(hex ?? '', 'hex');
    const good =
      encodeBase64(bytes) === unpadded &&
      (urlsafe === undefined || (encodeBase64Url(bytes) === urlsafe && decoded(urlsafe) === hex)) &&
      decoded(unpadded) === hex;
    return good ? tally.pass() : tally.fail(`${hex}: ${encodeBase64(bytes)}, ${encodeBase64Url(bytes)}`);
  },
};

function decoded(text: string): string | null {
  const bytes = decodeBase64(text);
  return bytes === undefined ? null : Buffer.from(bytes).toString('hex');
}
