// A small encrypting client on matrix-sdk-crypto-wasm (vodozemac), the implementation that people's clients use.
import { randomUUID } from 'node:crypto';
import * as sdk from '@matrix-org/matrix-sdk-crypto-wasm';
import type { Session } from '../support/api-client.ts';
import type { ClientEvent } from '../support/sync-body.ts';
import { type E2eeSyncBody, type EncryptedPerson, type Read, roomPath, SignedInApi } from './encrypted-person.ts';

interface Request {
  readonly id: string | undefined;
  readonly type: sdk.RequestType;
  readonly body: string;
}

const DEHYDRATED = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';

const usersOf = (userIds: readonly string[]) => userIds.map((userId) => new sdk.UserId(userId));
const trusting = () => new sdk.DecryptionSettings(sdk.TrustRequirement.Untrusted);

export class WasmPerson implements EncryptedPerson {
  readonly #api: SignedInApi;
  readonly #machine: sdk.OlmMachine;
  readonly #timelines = new Map<string, ClientEvent[]>();
  readonly #secrets = new Set<string>();
  #since: string | undefined;

  private constructor(api: SignedInApi, machine: sdk.OlmMachine) {
    this.#api = api;
    this.#machine = machine;
  }

  /** Makes a client with nothing in its store. */
  static async open(url: string, session: Session): Promise<WasmPerson> {
    await sdk.initAsync();
    const { user_id: userId, device_id: deviceId } = session;
    const machine = await sdk.OlmMachine.initialize(new sdk.UserId(userId), new sdk.DeviceId(deviceId));
    return new WasmPerson(new SignedInApi(url, session), machine);
  }

  get userId(): string {
    return this.#api.session.user_id;
  }

  get deviceId(): string {
    return this.#api.session.device_id;
  }

  async publish(): Promise<void> {
    await this.#work();
  }

  async sync(): Promise<void> {
    for (let isMore = true; isMore; ) {
      const query = new URLSearchParams({ timeout: '0', ...(this.#since !== undefined && { since: this.#since }) });
      const body = await this.#api.call<E2eeSyncBody>('GET', `sync?${query}`);
      const { changed = [], left = [] } = body.device_lists ?? {};
      await this.#machine.receiveSyncChanges(
        JSON.stringify(body.to_device?.events ?? []),
        new sdk.DeviceLists(usersOf(changed), usersOf(left)),
        new Map(Object.entries(body.device_one_time_keys_count)),
        new Set(body.device_unused_fallback_key_types),
        trusting(),
      );
      for (const [roomId, room] of Object.entries(body.rooms?.join ?? {})) {
        const timeline = this.#timelines.get(roomId) ?? [];
        this.#timelines.set(roomId, [...timeline, ...room.timeline.events]);
      }
      await this.#work();
      isMore = (body.to_device?.events.length ?? 0) > 0;
      this.#since = body.next_batch;
    }
  }

  async send(roomId: string, text: string): Promise<void> {
    const members = await this.#api.joinedMembers(roomId);
    await this.#machine.updateTrackedUsers(usersOf(members));
    await this.#work();
    const claim = await this.#machine.getMissingSessions(usersOf(members));
    if (claim !== null) await this.#perform(claim);
    const settings = new sdk.EncryptionSettings();
    settings.sharingStrategy = sdk.CollectStrategy.allDevices();
    const shares = await this.#machine.shareRoomKey(new sdk.RoomId(roomId), usersOf(members), settings);
    for (const share of shares) await this.#perform(share);
    const content = JSON.stringify({ msgtype: 'm.text', body: text });
    const encrypted = await this.#machine.encryptRoomEvent(new sdk.RoomId(roomId), 'm.room.message', content);
    const path = roomPath(roomId, `send/m.room.encrypted/${randomUUID()}`);
    await this.#api.call('PUT', path, JSON.parse(encrypted));
  }

  async read(roomId: string): Promise<Read[]> {
    const events = (this.#timelines.get(roomId) ?? []).filter(({ type }) => type === 'm.room.encrypted');
    const read: Read[] = [];
    for (const event of events) {
      const text = await this.tryDecrypt(roomId, event);
      read.push({ sender: event.sender, text, sessionId: String(event.content['session_id']), event });
    }
    return read;
  }

  async tryDecrypt(roomId: string, event: ClientEvent): Promise<string | null> {
    try {
      const text = JSON.stringify({ ...event, room_id: roomId });
      const decrypted = await this.#machine.decryptRoomEvent(text, new sdk.RoomId(roomId), trusting());
      return JSON.parse(decrypted.event).content.body;
    } catch {
      return null;
    }
  }

  /** Makes cross-signing keys and signs this device with them. */
  async bootstrapCrossSigning(): Promise<void> {
    const requests = await this.#machine.bootstrapCrossSigning(true);
    if (requests.uploadKeysRequest !== undefined) await this.#perform(requests.uploadKeysRequest);
    const keys = requests.uploadSigningKeysRequest.body;
    await this.#api.call('POST', 'keys/device_signing/upload', JSON.parse(keys));
    await this.#perform(requests.uploadSignaturesRequest);
    const {
      masterKey,
      self_signing_key: selfSigning,
      userSigningKey,
    } = (await this.#machine.exportCrossSigningKeys()) ?? {};
    for (const key of [masterKey, selfSigning, userSigningKey]) if (key !== undefined) this.#secrets.add(key);
  }

  /** Whether this client finds that a person's device is signed by its owner. */
  async isCrossSigned(userId: string, deviceId: string): Promise<boolean> {
    const device = await this.#machine.getDevice(new sdk.UserId(userId), new sdk.DeviceId(deviceId));
    return device?.isCrossSignedByOwner() ?? false;
  }

  /** Verifies another person's identity, as after comparing emoji; the signature goes to the server. */
  async verify(userId: string): Promise<void> {
    const identity = await this.#machine.getIdentity(new sdk.UserId(userId));
    if (identity === undefined) throw new Error(`${userId} has no identity`);
    await this.#perform(await identity.verify());
  }

  async isVerified(userId: string): Promise<boolean> {
    return (await this.#machine.getIdentity(new sdk.UserId(userId)))?.isVerified() ?? false;
  }

  /** Makes a backup and puts all room keys into it; its decryption key. */
  async backUp(): Promise<string> {
    const key = sdk.BackupDecryptionKey.createRandomKey();
    const { algorithm, publicKeyBase64: publicKey } = key.megolmV1PublicKey;
    const { version } = await this.#api.call<{ version: string }>('POST', 'room_keys/version', {
      algorithm,
      auth_data: { public_key: publicKey },
    });
    await this.#machine.saveBackupDecryptionKey(key, version);
    await this.#machine.enableBackupV1(publicKey, version);
    for (;;) {
      const request = await this.#machine.backupRoomKeys();
      if (request === undefined) break;
      await this.#perform(request);
    }
    const text = sdk.BackupDecryptionKey.fromBase64(key.toBase64()).toBase64();
    this.#secrets.add(text);
    return text;
  }

  async restoreBackup(decryptionKey: string): Promise<number> {
    const key = sdk.BackupDecryptionKey.fromBase64(decryptionKey);
    const { version } = await this.#api.call<{ version: string }>('GET', 'room_keys/version');
    type Sessions = Record<string, { session_data: Record<'ephemeral' | 'mac' | 'ciphertext', string> }>;
    const { rooms } = await this.#api.call<{ rooms: Record<string, { sessions: Sessions }> }>(
      'GET',
      `room_keys/keys?version=${version}`,
    );
    const keys = new Map<sdk.RoomId, Map<string, unknown>>();
    for (const [roomId, room] of Object.entries(rooms)) {
      const sessions = Object.entries(room.sessions).map(([id, { session_data: data }]): [string, unknown] => {
        return [id, JSON.parse(key.decryptV1(data.ephemeral, data.mac, data.ciphertext))];
      });
      keys.set(new sdk.RoomId(roomId), new Map(sessions));
    }
    const imported = await this.#machine.importBackedUpRoomKeys(keys, () => undefined, version);
    return imported.importedCount;
  }

  /** Leaves a dehydrated device on the server; the key that opens it. */
  async dehydrate(): Promise<string> {
    const key = sdk.DehydratedDeviceKey.createRandomKey();
    const text = key.toBase64();
    this.#secrets.add(text);
    const device = await this.#machine.dehydratedDevices().create();
    const request = await device.keysForUpload('Dehydrated', key);
    await this.#api.call('PUT', DEHYDRATED, JSON.parse(request.body));
    return text;
  }

  /** Takes the dehydrated device's room keys; how many. */
  async rehydrate(keyText: string): Promise<number> {
    const key = sdk.DehydratedDeviceKey.createKeyFromArray(Buffer.from(keyText, 'base64'));
    const found = await this.#api.call<{ device_id: string; device_data: object }>('GET', DEHYDRATED);
    const deviceId = new sdk.DeviceId(found.device_id);
    const data = JSON.stringify(found.device_data);
    const device = await this.#machine.dehydratedDevices().rehydrate(key, deviceId, data);
    let taken = 0;
    for (let from = ''; ; ) {
      const path = `${DEHYDRATED}/${encodeURIComponent(found.device_id)}/events${from}`;
      const page = await this.#api.call<{ events: ClientEvent[]; next_batch?: string }>('GET', path);
      taken += (await device.receiveEvents(JSON.stringify(page.events))).length;
      if (page.next_batch === undefined) return taken;
      from = `?from=${page.next_batch}`;
    }
  }

  async secrets(): Promise<string[]> {
    const exported = JSON.parse(await this.#machine.exportRoomKeys(() => true)) as { session_key: string }[];
    return [...this.#secrets, ...exported.map(({ session_key: key }) => key)];
  }

  async close(): Promise<void> {
    this.#machine.close();
  }

  /** Sends all that the machine wants to send. */
  async #work(): Promise<void> {
    for (const request of await this.#machine.outgoingRequests()) await this.#perform(request as Request);
  }

  async #perform(request: Request): Promise<void> {
    const answer = await this.#send(request);
    if (request.id !== undefined) {
      await this.#machine.markRequestAsSent(request.id, request.type, JSON.stringify(answer));
    }
  }

  #send(request: Request): Promise<unknown> {
    const body: unknown = JSON.parse(request.body);
    switch (request.type) {
      case sdk.RequestType.KeysUpload:
        return this.#api.call('POST', 'keys/upload', body);
      case sdk.RequestType.KeysQuery:
        return this.#api.call('POST', 'keys/query', body);
      case sdk.RequestType.KeysClaim:
        return this.#api.call('POST', 'keys/claim', body);
      case sdk.RequestType.SignatureUpload:
        return this.#api.call('POST', 'keys/signatures/upload', body);
      case sdk.RequestType.KeysBackup: {
        const { version } = request as unknown as sdk.KeysBackupRequest;
        return this.#api.call('PUT', `room_keys/keys?version=${version}`, body);
      }
      case sdk.RequestType.ToDevice: {
        const { event_type: type, txn_id: txnId } = request as unknown as sdk.ToDeviceRequest;
        return this.#api.call('PUT', `sendToDevice/${type}/${encodeURIComponent(txnId)}`, body);
      }
      default:
        throw new Error(`the machine asked for a request of type ${request.type}`);
    }
  }
}
