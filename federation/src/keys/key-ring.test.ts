// The key ring: direct, cached, through notaries; and what it must not believe (threats S28, S29, S30).
import { join } from 'node:path';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { silentLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase, type TestDatabase } from '@carillon/platform/testing/test-database.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { signJson } from '@carillon/protocol/signed-json.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeKeyDocument } from './key-document.ts';
import { KeyRing, RETRY_AFTER_MS } from './key-ring.ts';

const DAY_MS = 24 * 3_600_000;
const START_TS = 1_700_000_000_000;
let database: TestDatabase;
let clock: VirtualClock;
let documents: Map<string, JsonObject>;
let notaryAnswers: JsonObject[];
let fetches: number;
let counter = 0;

const keyOf = (name: string, version = '1') =>
  signingKeyFromSeed(Buffer.from(name.padEnd(32, version).slice(0, 32)), `ed25519:${version}`);

/** A name of its own for each test, so that what another stored is not found. */
const newServer = (word: string) => `${word}${counter++}.example` as ServerName;

function documentOf(serverName: ServerName, validUntilTs = clock.now() + DAY_MS): JsonObject {
  const key = keyOf(serverName);
  return makeKeyDocument({ serverName, key, publicKey: key.publicKey, oldKeys: [] }, validUntilTs);
}

function ring(notaries: ServerName[] = []): KeyRing {
  return new KeyRing({
    database: database.database,
    clock,
    logger: silentLogger,
    notaries,
    fetchDocument: async (serverName) => {
      fetches++;
      const document = documents.get(serverName);
      if (document === undefined) throw new Error('unreachable');
      return document;
    },
    queryNotary: async () => notaryAnswers,
  });
}

const current = (serverName: ServerName, keyId = 'ed25519:1') => ({
  serverName,
  keyId,
  usedTs: null,
  mustBeCurrent: true,
});

beforeAll(async () => {
  database = await createTestDatabase({ migrations: [join(import.meta.dirname, '..', '..', 'migrations')] });
});
afterAll(() => database.drop());
beforeEach(() => {
  clock = new VirtualClock(START_TS);
  documents = new Map();
  notaryAnswers = [];
  fetches = 0;
});

describe('finding keys', () => {
  it('fetches once for many who ask, and then answers from memory and from the database', async () => {
    const server = newServer('direct');
    documents.set(server, documentOf(server));
    const first = ring();
    const found = await Promise.all(Array.from({ length: 10 }, () => first.find(current(server))));
    expect(found.every((key) => key !== null)).toBe(true);
    expect(await ring().find(current(server))).not.toBeNull();
    expect(fetches).toBe(1);
  });

  it('does not ask an unreachable server again and again', async () => {
    const server = newServer('away');
    const keys = ring();
    for (let attempt = 0; attempt < 5; attempt++) expect(await keys.find(current(server))).toBeNull();
    expect(fetches).toBe(1);
    await clock.advance(RETRY_AFTER_MS + 1);
    documents.set(server, documentOf(server));
    expect(await keys.find(current(server))).not.toBeNull();
  });

  it('asks again when a key has run out, and takes a document for 7 days at most', async () => {
    const server = newServer('expiring');
    documents.set(server, documentOf(server, clock.now() + 100 * DAY_MS));
    const keys = ring();
    expect(await keys.find(current(server))).not.toBeNull();
    documents.delete(server);
    await clock.advance(7 * DAY_MS + 1);
    expect(await keys.find(current(server))).toBeNull();
  });

  it('S28: an old key checks events of its time, never requests, never what was signed after its end', async () => {
    const server = newServer('rotated');
    const [now, old] = [keyOf(server, '2'), keyOf(server, '1')];
    const oldKeys = [{ keyId: old.keyId, publicKey: old.publicKey, expiredTs: START_TS - DAY_MS }];
    documents.set(
      server,
      makeKeyDocument({ serverName: server, key: now, publicKey: now.publicKey, oldKeys }, START_TS + DAY_MS),
    );
    const keys = ring();
    expect(await keys.find(current(server, 'ed25519:2'))).not.toBeNull();
    expect(await keys.find(current(server, 'ed25519:1'))).toBeNull();
    const usedAt = (usedTs: number) => ({ serverName: server, keyId: 'ed25519:1', usedTs, mustBeCurrent: false });
    expect(await keys.find(usedAt(START_TS - 2 * DAY_MS))).not.toBeNull();
    expect(await keys.find(usedAt(START_TS))).toBeNull();
  });
});

describe('what is not believed', () => {
  it("S29: another server's document, an unsigned one, or one changed on the way", async () => {
    const [server, other] = [newServer('victim'), newServer('other')];
    const changed = { ...documentOf(server), valid_until_ts: START_TS + 2 * DAY_MS };
    const { signatures: _, ...unsigned } = documentOf(server);
    for (const forged of [documentOf(other), unsigned, changed]) {
      const name = newServer('fresh');
      documents.set(name, forged);
      expect(await ring().find(current(name))).toBeNull();
    }
    documents.set(server, changed);
    expect(await ring().find(current(server))).toBeNull();
  });

  it('S29: a notary counts only with its own signature over what the server signed itself', async () => {
    const [server, notary] = [newServer('gone'), newServer('notary')];
    documents.set(notary, documentOf(notary));
    const notaryKey = keyOf(notary);
    const honest = signJson(documentOf(server), notary, notaryKey);
    const { [server]: _, ...withoutServer } = honest['signatures'] as JsonObject;
    for (const forged of [documentOf(server), { ...honest, signatures: withoutServer }]) {
      notaryAnswers = [forged];
      expect(await ring([notary]).find(current(server))).toBeNull();
    }
    notaryAnswers = [honest];
    expect(await ring([notary]).find(current(server))).not.toBeNull();
  });

  it('S30: a key whose private half stands in the specification', async () => {
    const server = newServer('careless');
    const seed = Buffer.from('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1', 'base64');
    const key = signingKeyFromSeed(seed, 'ed25519:1');
    const own = { serverName: server, key, publicKey: key.publicKey, oldKeys: [] };
    documents.set(server, makeKeyDocument(own, START_TS + DAY_MS));
    expect(await ring().find(current(server))).toBeNull();
  });
});
