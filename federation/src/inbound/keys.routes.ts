// Our keys, and those of others as their notary (server-server API, "Retrieving server keys").
import type { Clock } from '@carillon/platform/clock.ts';
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/federation/keys.ts';
import { isServerName, type ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type SigningKey, signJson } from '@carillon/protocol/signed-json.ts';
import { makeKeyDocument, type OldKey } from '../keys/key-document.ts';
import type { KeyRing } from '../keys/key-ring.ts';

export interface OwnKeys {
  readonly serverName: ServerName;
  readonly key: SigningKey;
  readonly publicKey: Uint8Array;
  readonly oldKeys: readonly OldKey[];
}

export interface KeyRouteDependencies {
  readonly own: OwnKeys;
  readonly keyRing: Pick<KeyRing, 'findDocument'>;
  readonly clock: Clock;
}

/** How long others may rely on our document; it is signed anew when half of that is over. */
export const OWN_VALIDITY_MS = 24 * 3_600_000;
/** Servers that are asked on someone's behalf at a time. */
const QUERIES_AT_ONCE = 8;

export function keyRoutes({ own, keyRing, clock }: KeyRouteDependencies): Handler[] {
  const ownDocument = documentKeeper(own, clock);
  const queryOne = async (serverName: ServerName, minimumValidUntilTs: number): Promise<JsonObject[]> => {
    if (serverName === own.serverName) return [ownDocument()];
    const document = await keyRing.findDocument(serverName, minimumValidUntilTs);
    return document === null ? [] : [signJson(document, own.serverName, own.key)];
  };
  return [
    handle(contracts.getServerKeys, async () => ownDocument()),
    handle(contracts.getServerKeysById, async () => ownDocument()),
    handle(contracts.queryServerKeys, async ({ path, query }) => {
      return { server_keys: await queryOne(path.serverName, query.minimum_valid_until_ts ?? clock.now()) };
    }),
    handle(contracts.queryManyServerKeys, async ({ body }) => {
      const names = Object.keys(body.server_keys).filter(isServerName);
      const found: JsonObject[] = [];
      for (let start = 0; start < names.length; start += QUERIES_AT_ONCE) {
        const some = names.slice(start, start + QUERIES_AT_ONCE);
        const answers = some.map((name) => queryOne(name, minimumOf(body.server_keys[name], clock.now())));
        found.push(...(await Promise.all(answers)).flat());
      }
      return { server_keys: found };
    }),
  ];
}

type Criteria = Record<string, { minimum_valid_until_ts?: number }>;

function minimumOf(criteria: Criteria | undefined, nowTs: number): number {
  const wanted = Object.values(criteria ?? {}).map((entry) => entry.minimum_valid_until_ts ?? nowTs);
  return wanted.length === 0 ? nowTs : Math.max(...wanted);
}

/** Our document, signed once for half of its time. */
function documentKeeper(own: OwnKeys, clock: Clock): () => JsonObject {
  let document: JsonObject | null = null;
  let signedTs = 0;
  return () => {
    const nowTs = clock.now();
    if (document === null || nowTs - signedTs > OWN_VALIDITY_MS / 2) {
      document = makeKeyDocument(own, nowTs + OWN_VALIDITY_MS);
      signedTs = nowTs;
    }
    return document;
  };
}
