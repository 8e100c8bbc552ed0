// keys.json: the servers' signing keys, as seed and public key.
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { decodeBase64, encodeBase64 } from '@carillon/protocol/base64.ts';
import { type Format, newTally } from '../format.ts';

interface KeysRow {
  readonly servers: Readonly<Record<string, Readonly<Record<string, { seed: string; public: string }>>>>;
}

export const format: Format<KeysRow> = {
  name: 'keys',
  matches: (row) => 'servers' in row && typeof row.servers === 'object',
  run({ servers }) {
    const tally = newTally();
    for (const [server, keys] of Object.entries(servers)) {
      for (const [keyId, { seed, public: expected }] of Object.entries(keys)) {
        const ours = encodeBase64(signingKeyFromSeed(decodeBase64(seed)!, keyId).publicKey);
        if (ours === expected) tally.pass();
        else tally.fail(`${server} ${keyId}: ${ours}, expected ${expected}`);
      }
    }
    return tally;
  },
};
