// Other servers' keys as checks need them: from memory, the database, the server itself, or a notary that is trusted.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { type VerifyKey, verifyJson } from '@carillon/protocol/signed-json.ts';
import { type KeyDocument, readKeyDocument, type ServerKey } from './key-document.ts';
import { findKeyDocument, listServerKeys, upsertKeyDocument } from './server-key.store.ts';

export interface KeyRingDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** GET /_matrix/key/v2/server of a server; rejects when it cannot be had. */
  readonly fetchDocument: (serverName: ServerName) => Promise<JsonValue>;
  /** What a notary answers for a server: the documents in `server_keys`; rejects when it cannot be had. */
  readonly queryNotary: (
    notary: ServerName,
    question: { serverName: ServerName; minimumValidUntilTs: number },
  ) => Promise<readonly JsonValue[]>;
  /** Asked in this order when a server does not answer. */
  readonly notaries: readonly ServerName[];
}

export interface KeyQuestion {
  readonly serverName: ServerName;
  readonly keyId: string;
  /** When the signature was made (ms since 1970), where validity counts; null: any time. */
  readonly usedTs: number | null;
  /** True for requests: only a key that is current now will do. */
  readonly mustBeCurrent: boolean;
}

interface RingKey extends ServerKey {
  readonly verifyKey: VerifyKey;
}

/** A server whose keys could not be had, or lack the one asked for, is not asked again for so long. */
export const RETRY_AFTER_MS = 60_000;
const MAX_SERVERS_IN_MEMORY = 10_000;

export class KeyRing {
  readonly #dependencies: KeyRingDependencies;
  readonly #keys = new LruMap<ServerName, ReadonlyMap<string, RingKey>>({ max: MAX_SERVERS_IN_MEMORY });
  readonly #fetching = new Map<ServerName, Promise<void>>();
  readonly #askedTs = new LruMap<ServerName, { readonly ts: number }>({ max: MAX_SERVERS_IN_MEMORY });

  constructor(dependencies: KeyRingDependencies) {
    this.#dependencies = dependencies;
  }

  /** The key, if the server has, or had, one that serves; null otherwise. Fetches what is missing or out of date. */
  async find(question: KeyQuestion): Promise<VerifyKey | null> {
    const known = (await this.#load(question.serverName)).get(question.keyId);
    if (known !== undefined && this.#serves(known, question)) return known.verifyKey;
    await this.#refresh(question.serverName, question.usedTs ?? this.#dependencies.clock.now());
    const fetched = (await this.#load(question.serverName)).get(question.keyId);
    return fetched !== undefined && this.#serves(fetched, question) ? fetched.verifyKey : null;
  }

  /** The server's document as it signed it, valid at least until then if it can be had; null when there never was one. */
  async findDocument(serverName: ServerName, minimumValidUntilTs: number): Promise<JsonObject | null> {
    const { database, clock } = this.#dependencies;
    const stored = await findKeyDocument(database, serverName);
    const isFresh = stored !== null && stored.validUntilTs >= minimumValidUntilTs && !isHalfOver(stored, clock.now());
    if (!isFresh) await this.#refresh(serverName, minimumValidUntilTs);
    const document = await findKeyDocument(database, serverName);
    return document === null ? null : (JSON.parse(document.text) as JsonObject);
  }

  #serves(key: RingKey, { usedTs, mustBeCurrent }: KeyQuestion): boolean {
    if (mustBeCurrent) return !key.isOld && key.validUntilTs >= this.#dependencies.clock.now();
    return usedTs === null || key.validUntilTs >= usedTs;
  }

  async #load(serverName: ServerName): Promise<ReadonlyMap<string, RingKey>> {
    const hot = this.#keys.get(serverName);
    if (hot !== undefined) return hot;
    const stored = await listServerKeys(this.#dependencies.database.points, serverName);
    const keys = new Map(
      stored.map((key) => [key.keyId, { ...key, verifyKey: verifyKeyFromBytes(key.publicKey) }] as const),
    );
    this.#keys.set(serverName, keys);
    return keys;
  }

  /** Fetches the server's keys once however many ask, and not again for a while. */
  async #refresh(serverName: ServerName, wantedUntilTs: number): Promise<void> {
    const { clock } = this.#dependencies;
    const asked = this.#askedTs.get(serverName);
    if (asked !== undefined && clock.now() - asked.ts < RETRY_AFTER_MS) return;
    let fetching = this.#fetching.get(serverName);
    if (fetching === undefined) {
      fetching = this.#fetch(serverName, wantedUntilTs).finally(() => {
        this.#fetching.delete(serverName);
        this.#askedTs.set(serverName, { ts: clock.now() });
      });
      this.#fetching.set(serverName, fetching);
    }
    await fetching;
  }

  async #fetch(serverName: ServerName, wantedUntilTs: number): Promise<void> {
    const { clock, database, logger } = this.#dependencies;
    const document = (await this.#fromServer(serverName)) ?? (await this.#fromNotaries(serverName, wantedUntilTs));
    if (document === null) {
      logger.info({ server: serverName }, 'the keys of a server cannot be had');
      return;
    }
    await database.transaction((transaction) => upsertKeyDocument(transaction, document, clock.now()));
    this.#keys.delete(serverName);
  }

  async #fromServer(serverName: ServerName): Promise<KeyDocument | null> {
    try {
      return this.#read(await this.#dependencies.fetchDocument(serverName), serverName);
    } catch {
      return null;
    }
  }

  /** A notary's answer counts when the notary signed it and the server itself did, too (threat S29). */
  async #fromNotaries(serverName: ServerName, wantedUntilTs: number): Promise<KeyDocument | null> {
    for (const notary of this.#dependencies.notaries) {
      try {
        const question = { serverName, minimumValidUntilTs: wantedUntilTs };
        const answers = await this.#dependencies.queryNotary(notary, question);
        for (const answer of answers) {
          const document = this.#read(answer, serverName);
          if (document !== null && (await this.#isSignedBy(document.json, notary))) return document;
        }
      } catch {}
    }
    return null;
  }

  async #isSignedBy(json: JsonObject, notary: ServerName): Promise<boolean> {
    const known = await this.#load(notary);
    if (known.size === 0) await this.#refresh(notary, this.#dependencies.clock.now());
    const keys = [...(await this.#load(notary)).values()].filter((key) => !key.isOld);
    return keys.some(({ keyId, verifyKey }) => verifyJson(json, notary, { keyId, key: verifyKey }));
  }

  #read(json: JsonValue, serverName: ServerName): KeyDocument | null {
    const nowTs = this.#dependencies.clock.now();
    return readKeyDocument(json, { serverName, nowTs, verifyKeyOf: verifyKeyFromBytes });
  }
}

/** Notaries ask again when half of a document's time is over. */
function isHalfOver({ validUntilTs, fetchedTs }: { validUntilTs: number; fetchedTs: number }, nowTs: number): boolean {
  return nowTs > fetchedTs + (validUntilTs - fetchedTs) / 2;
}
