// A small encrypting client on libolm, written from the spec: the second, independent Olm and Megolm. It lives in a
// child process of its own (olm-child.ts), because libolm installs global handlers.
import { randomUUID } from 'node:crypto';
import { canonicalJsonWithout } from '@carillon/protocol/canonical-json.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import Olm from '@matrix-org/olm';
import type { ClientEvent } from '../support/sync-body.ts';
import { type E2eeSyncBody, type EncryptedPerson, type Read, roomPath, type SignedInApi } from './encrypted-person.ts';

const OLM = 'm.olm.v1.curve25519-aes-sha2';
const MEGOLM = 'm.megolm.v1.aes-sha2';
const WANTED_KEYS = 10;
const UNSIGNED = new Set(['signatures', 'unsigned']);

interface DeviceKeys {
  readonly user_id: string;
  readonly device_id: string;
  readonly keys: Record<string, string>;
  readonly signatures: Record<string, Record<string, string>>;
}

interface Outbound {
  readonly session: Olm.OutboundGroupSession;
  readonly sharedWith: Map<string, string>;
}

interface OlmMessage {
  readonly type: 0 | 1;
  readonly body: string;
}

export class OlmPerson implements EncryptedPerson {
  readonly #api: SignedInApi;
  readonly #account = new Olm.Account();
  /** By the other device's Curve25519 key. */
  readonly #sessions = new Map<string, Olm.Session[]>();
  readonly #outbound = new Map<string, Outbound>();
  readonly #inbound = new Map<string, Olm.InboundGroupSession>();
  readonly #timelines = new Map<string, ClientEvent[]>();
  readonly #secrets = new Set<string>();
  #since: string | undefined;

  constructor(api: SignedInApi) {
    this.#api = api;
    this.#account.create();
  }

  get userId(): string {
    return this.#api.session.user_id;
  }

  get deviceId(): string {
    return this.#api.session.device_id;
  }

  get #identity(): { curve25519: string; ed25519: string } {
    return JSON.parse(this.#account.identity_keys());
  }

  async publish(): Promise<void> {
    const { curve25519, ed25519 } = this.#identity;
    const keys = { [`curve25519:${this.deviceId}`]: curve25519, [`ed25519:${this.deviceId}`]: ed25519 };
    const deviceKeys = { user_id: this.userId, device_id: this.deviceId, algorithms: [OLM, MEGOLM], keys };
    this.#account.generate_fallback_key();
    const fallback = JSON.parse(this.#account.unpublished_fallback_key()) as { curve25519: Record<string, string> };
    await this.#uploadOneTimeKeys(WANTED_KEYS, {
      device_keys: this.#sign(deviceKeys),
      fallback_keys: this.#signKeys(fallback.curve25519, { fallback: true }),
    });
  }

  async sync(): Promise<void> {
    for (let isMore = true; isMore; ) {
      const query = new URLSearchParams({ timeout: '0', ...(this.#since !== undefined && { since: this.#since }) });
      const body = await this.#api.call<E2eeSyncBody>('GET', `sync?${query}`);
      for (const event of body.to_device?.events ?? []) this.#takeToDevice(event);
      for (const [roomId, room] of Object.entries(body.rooms?.join ?? {})) {
        const timeline = this.#timelines.get(roomId) ?? [];
        this.#timelines.set(roomId, [...timeline, ...room.timeline.events]);
      }
      const left = body.device_one_time_keys_count['signed_curve25519'] ?? 0;
      if (left < WANTED_KEYS / 2) await this.#uploadOneTimeKeys(WANTED_KEYS - left);
      isMore = (body.to_device?.events.length ?? 0) > 0;
      this.#since = body.next_batch;
    }
  }

  async send(roomId: string, text: string): Promise<void> {
    const session = await this.#shareRoomKey(roomId, await this.#api.joinedMembers(roomId));
    const payload = { room_id: roomId, type: 'm.room.message', content: { msgtype: 'm.text', body: text } };
    const content = {
      algorithm: MEGOLM,
      ciphertext: session.encrypt(JSON.stringify(payload)),
      device_id: this.deviceId,
      sender_key: this.#identity.curve25519,
      session_id: session.session_id(),
    };
    await this.#api.call('PUT', roomPath(roomId, `send/m.room.encrypted/${randomUUID()}`), content);
  }

  async read(roomId: string): Promise<Read[]> {
    const events = (this.#timelines.get(roomId) ?? []).filter(({ type }) => type === 'm.room.encrypted');
    return events.map((event) => ({
      sender: event.sender,
      text: this.#decrypt(roomId, event),
      sessionId: String(event.content['session_id']),
      event,
    }));
  }

  async tryDecrypt(roomId: string, event: ClientEvent): Promise<string | null> {
    return this.#decrypt(roomId, event);
  }

  async restoreBackup(decryptionKey: string): Promise<number> {
    const decryption = new Olm.PkDecryption();
    const publicKey = decryption.init_with_private_key(Buffer.from(decryptionKey, 'base64'));
    const backup = await this.#api.call<{ version: string; auth_data: { public_key: string } }>(
      'GET',
      'room_keys/version',
    );
    if (backup.auth_data.public_key !== publicKey) throw new Error('the backup is for another key');
    const { rooms } = await this.#api.call<{
      rooms: Record<
        string,
        { sessions: Record<string, { session_data: Record<'ephemeral' | 'mac' | 'ciphertext', string> }> }
      >;
    }>('GET', `room_keys/keys?version=${backup.version}`);
    let restored = 0;
    for (const [roomId, room] of Object.entries(rooms)) {
      for (const [sessionId, { session_data: data }] of Object.entries(room.sessions)) {
        const key = JSON.parse(decryption.decrypt(data.ephemeral, data.mac, data.ciphertext)) as {
          session_key: string;
        };
        const session = new Olm.InboundGroupSession();
        session.import_session(key.session_key);
        this.#inbound.set(`${roomId} ${sessionId}`, session);
        restored++;
      }
    }
    decryption.free();
    return restored;
  }

  async secrets(): Promise<string[]> {
    return [...this.#secrets];
  }

  async close(): Promise<void> {
    this.#account.free();
  }

  #sign<T extends object>(object: T): T & { signatures: DeviceKeys['signatures'] } {
    const signature = this.#account.sign(canonicalJsonWithout(object as JsonObject, UNSIGNED));
    return { ...object, signatures: { [this.userId]: { [`ed25519:${this.deviceId}`]: signature } } };
  }

  #signKeys(keys: Record<string, string>, more: object = {}): JsonObject {
    const signed = Object.entries(keys).map(([id, key]) => [`signed_curve25519:${id}`, this.#sign({ key, ...more })]);
    return Object.fromEntries(signed);
  }

  async #uploadOneTimeKeys(count: number, more: object = {}): Promise<void> {
    this.#account.generate_one_time_keys(count);
    const made = JSON.parse(this.#account.one_time_keys()) as { curve25519: Record<string, string> };
    await this.#api.call('POST', 'keys/upload', { one_time_keys: this.#signKeys(made.curve25519), ...more });
    this.#account.mark_keys_as_published();
  }

  #takeToDevice(event: ClientEvent): void {
    if (event.type !== 'm.room.encrypted' || event.content['algorithm'] !== OLM) return;
    const senderKey = String(event.content['sender_key']);
    const ciphertext = event.content['ciphertext'] as unknown as Record<string, OlmMessage>;
    const message = ciphertext[this.#identity.curve25519];
    if (message === undefined) return;
    const inner = JSON.parse(this.#decryptOlm(senderKey, message)) as {
      type: string;
      sender: string;
      recipient: string;
      recipient_keys: { ed25519: string };
      content: { algorithm: string; room_id: string; session_id: string; session_key: string };
    };
    const isForUs = inner.recipient === this.userId && inner.recipient_keys.ed25519 === this.#identity.ed25519;
    if (!isForUs || inner.sender !== event.sender || inner.type !== 'm.room_key') return;
    this.#addInbound(inner.content.room_id, inner.content.session_key);
  }

  #decryptOlm(senderKey: string, { type, body }: OlmMessage): string {
    const known = this.#sessions.get(senderKey) ?? [];
    for (const session of known) {
      if (type === 0 && !session.matches_inbound_from(senderKey, body)) continue;
      try {
        return session.decrypt(type, body);
      } catch {
        // Of another session.
      }
    }
    if (type !== 0) throw new Error('there is no session for this message');
    const session = new Olm.Session();
    session.create_inbound_from(this.#account, senderKey, body);
    this.#account.remove_one_time_keys(session);
    this.#sessions.set(senderKey, [session, ...known]);
    return session.decrypt(type, body);
  }

  #addInbound(roomId: string, sessionKey: string): void {
    const session = new Olm.InboundGroupSession();
    session.create(sessionKey);
    this.#secrets.add(sessionKey);
    const name = `${roomId} ${session.session_id()}`;
    const known = this.#inbound.get(name);
    // Clients share a key again when they meet a device on a new Olm session, from where they are then.
    if (known === undefined || session.first_known_index() < known.first_known_index())
      this.#inbound.set(name, session);
  }

  #decrypt(roomId: string, { content }: ClientEvent): string | null {
    const session = this.#inbound.get(`${roomId} ${content['session_id']}`);
    if (session === undefined) return null;
    try {
      const payload = JSON.parse(session.decrypt(String(content['ciphertext'])).plaintext);
      return payload.room_id === roomId ? String(payload.content.body) : null;
    } catch {
      return null;
    }
  }

  /** A group session that the devices of all members have, and nobody who left. */
  async #shareRoomKey(roomId: string, members: readonly string[]): Promise<Olm.OutboundGroupSession> {
    const devices = await this.#queryDevices(members);
    let outbound = this.#outbound.get(roomId);
    const present = new Set(devices.map((device) => deviceKeyOf(device)));
    if (outbound === undefined || [...outbound.sharedWith.keys()].some((device) => !present.has(device))) {
      outbound = { session: new Olm.OutboundGroupSession(), sharedWith: new Map() };
      outbound.session.create();
      this.#addInbound(roomId, outbound.session.session_key());
      this.#outbound.set(roomId, outbound);
    }
    const { session, sharedWith } = outbound;
    const fresh = devices.filter((device) => !sharedWith.has(deviceKeyOf(device)));
    await this.#openSessions(fresh);
    const key = {
      algorithm: MEGOLM,
      room_id: roomId,
      session_id: session.session_id(),
      session_key: session.session_key(),
    };
    this.#secrets.add(key.session_key);
    await this.#sendToDevices(fresh, { type: 'm.room_key', content: key });
    for (const device of fresh) sharedWith.set(deviceKeyOf(device), device.user_id);
    return session;
  }

  /** The other devices of these users, as far as they signed their own keys. */
  async #queryDevices(userIds: readonly string[]): Promise<DeviceKeys[]> {
    const wanted = Object.fromEntries(userIds.map((userId) => [userId, []]));
    const answer = await this.#api.call<{ device_keys: Record<string, Record<string, DeviceKeys>> }>(
      'POST',
      'keys/query',
      {
        device_keys: wanted,
      },
    );
    const devices = Object.values(answer.device_keys).flatMap((ofUser) => Object.values(ofUser));
    return devices.filter((device) => {
      if (device.user_id === this.userId && device.device_id === this.deviceId) return false;
      verify(device as unknown as JsonObject, device);
      return true;
    });
  }

  async #openSessions(devices: readonly DeviceKeys[]): Promise<void> {
    const strangers = devices.filter((device) => !this.#sessions.has(curveKeyOf(device)));
    if (strangers.length === 0) return;
    const wanted: Record<string, Record<string, string>> = {};
    for (const { user_id: userId, device_id: deviceId } of strangers) {
      wanted[userId] = { ...wanted[userId], [deviceId]: 'signed_curve25519' };
    }
    type Claimed = { one_time_keys: Record<string, Record<string, Record<string, JsonObject>>> };
    const { one_time_keys: claimed } = await this.#api.call<Claimed>('POST', 'keys/claim', { one_time_keys: wanted });
    for (const device of strangers) {
      const [key] = Object.values(claimed[device.user_id]?.[device.device_id] ?? {});
      if (key === undefined) throw new Error(`no key of ${deviceKeyOf(device)} could be claimed`);
      verify(key, device);
      const session = new Olm.Session();
      session.create_outbound(this.#account, curveKeyOf(device), String(key['key']));
      this.#sessions.set(curveKeyOf(device), [session]);
    }
  }

  async #sendToDevices(devices: readonly DeviceKeys[], event: { type: string; content: object }): Promise<void> {
    if (devices.length === 0) return;
    const messages: Record<string, Record<string, object>> = {};
    for (const device of devices) {
      const [session] = this.#sessions.get(curveKeyOf(device)) ?? [];
      const payload = {
        ...event,
        sender: this.userId,
        recipient: device.user_id,
        recipient_keys: { ed25519: device.keys[`ed25519:${device.device_id}`] },
        keys: { ed25519: this.#identity.ed25519 },
      };
      const ciphertext = { [curveKeyOf(device)]: session?.encrypt(JSON.stringify(payload)) };
      const content = { algorithm: OLM, sender_key: this.#identity.curve25519, ciphertext };
      messages[device.user_id] = { ...messages[device.user_id], [device.device_id]: content };
    }
    await this.#api.call('PUT', `sendToDevice/m.room.encrypted/${randomUUID()}`, { messages });
  }
}

const deviceKeyOf = (device: DeviceKeys): string => `${device.user_id} ${device.device_id}`;
const curveKeyOf = (device: DeviceKeys): string => device.keys[`curve25519:${device.device_id}`] ?? '';

/** Throws unless the device signed the object. */
function verify(object: JsonObject, device: DeviceKeys): void {
  const keyId = `ed25519:${device.device_id}`;
  const signatures = object['signatures'] as DeviceKeys['signatures'];
  const utility = new Olm.Utility();
  try {
    const message = canonicalJsonWithout(object, UNSIGNED);
    utility.ed25519_verify(device.keys[keyId] ?? '', message, signatures[device.user_id]?.[keyId] ?? '');
  } finally {
    utility.free();
  }
}
