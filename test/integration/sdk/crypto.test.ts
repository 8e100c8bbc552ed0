// matrix-js-sdk with its own encryption, as Element starts it: keys, cross-signing, secret storage, key backup, an
// encrypted conversation, and a second login that restores it all. Every answer is held to the spec's OpenAPI.
import { setTimeout } from 'node:timers/promises';
import * as sdk from 'matrix-js-sdk';
import { CryptoEvent } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordOf } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { eventually, type SdkPerson, sdkClient, startSyncing } from '../support/sdk-client.ts';

let server: OpenServer;
const people: SdkPerson[] = [];
/** The secret storage key of each user, which they would keep on paper. */
const storageKeys = new Map<string, [string, Uint8Array<ArrayBuffer>]>();

beforeAll(async () => {
  server = await openServer();
});

afterAll(async () => {
  for (const { client } of people) client.stopClient();
  await server.close();
});

/** Logs in and starts the client with encryption. */
async function start(name: string): Promise<SdkPerson> {
  const { session } = await server.api.login(name);
  const person = sdkClient(server.url, session, {
    getSecretStorageKey: async ({ keys }) => {
      const known = storageKeys.get(session.user_id);
      return known !== undefined && keys[known[0]] !== undefined ? known : null;
    },
    cacheSecretStorageKey: (keyId, _info, key) => void storageKeys.set(session.user_id, [keyId, key]),
  });
  people.push(person);
  await person.client.initRustCrypto({ useIndexedDB: false });
  await startSyncing(person);
  return person;
}

const cryptoOf = ({ client }: SdkPerson) => {
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error('there is no encryption');
  return crypto;
};

/** What Element does when an account is new. */
async function setUp(person: SdkPerson, name: string): Promise<void> {
  const crypto = cryptoOf(person);
  await crypto.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (request) => {
      try {
        await request(null);
      } catch {
        const identifier = { type: 'm.id.user', user: person.userId };
        await request({ type: 'm.login.password', identifier, password: passwordOf(name) });
      }
    },
  });
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: () => crypto.createRecoveryKeyFromPassphrase(),
    setupNewKeyBackup: true,
  });
}

const decryptedIn = (person: SdkPerson, roomId: string) =>
  (person.client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
    .filter((event) => event.isEncrypted() && !event.isDecryptionFailure() && event.getClearContent() !== null)
    .map((event) => String(event.getContent()['body']));

describe('matrix-js-sdk with encryption', () => {
  let alice: SdkPerson;
  let bob: SdkPerson;
  let roomId = '';

  it('starts, with cross-signing, secret storage and a key backup', async () => {
    for (const name of ['alice', 'bob']) await server.api.register(name);
    alice = await start('alice');
    bob = await start('bob');
    await setUp(alice, 'alice');
    await setUp(bob, 'bob');
    for (const person of [alice, bob]) {
      const crypto = cryptoOf(person);
      expect(await crypto.isCrossSigningReady()).toBe(true);
      expect(await crypto.isSecretStorageReady()).toBe(true);
      expect(await crypto.getActiveSessionBackupVersion()).toBe('1');
    }
  });

  it('talks both ways', async () => {
    ({ room_id: roomId } = await alice.client.createRoom({
      preset: sdk.Preset.TrustedPrivateChat,
      invite: [bob.userId],
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    }));
    await eventually(() => bob.client.getRoom(roomId), 'Bob is invited');
    await bob.client.joinRoom(roomId);
    const joined = ({ client }: SdkPerson) => client.getRoom(roomId)?.getJoinedMemberCount() === 2;
    await eventually(() => joined(alice) && joined(bob), 'both are in');
    await alice.client.sendTextMessage(roomId, 'from Alice');
    await eventually(() => decryptedIn(bob, roomId).includes('from Alice'), 'Bob reads Alice');
    await bob.client.sendTextMessage(roomId, 'from Bob');
    await eventually(() => decryptedIn(alice, roomId).includes('from Bob'), 'Alice reads Bob');
  });

  it('sees the other one signed by their owner', async () => {
    const status = await cryptoOf(alice).getDeviceVerificationStatus(bob.userId, bob.client.getDeviceId() ?? '');
    expect(status?.signedByOwner).toBe(true);
  });

  it('logs in anew, and has everything back by the recovery key alone', async () => {
    const backup = () => alice.client.http.authedRequest<{ count: number }>(sdk.Method.Get, '/room_keys/version');
    for (let tries = 0; (await backup()).count < 2 && tries < 200; tries++) await setTimeout(100);
    expect((await backup()).count).toBe(2);
    const again = await start('alice');
    const crypto = cryptoOf(again);
    let restoring = false;
    again.client.on(CryptoEvent.KeyBackupStatus, () => {
      restoring = true;
    });
    expect(await crypto.userHasCrossSigningKeys(again.userId, true)).toBe(true);
    await crypto.bootstrapCrossSigning({});
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    await crypto.checkKeyBackupAndEnable();
    expect(restoring).toBe(true);
    expect((await crypto.restoreKeyBackup()).imported).toBe(2);
    await eventually(() => decryptedIn(again, roomId).length === 2, 'the second login reads what was said');
    const own = await crypto.getDeviceVerificationStatus(again.userId, again.client.getDeviceId() ?? '');
    expect(own?.crossSigningVerified).toBe(true);
  });

  it('was never given an answer that the spec does not allow', () => {
    for (const { faults } of people) expect(faults).toEqual([]);
  });
});
