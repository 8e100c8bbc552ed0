import { createHash } from 'node:crypto';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import type { VerifyKey } from '@carillon/protocol/signed-json.ts';
import { describe, expect, test } from 'vitest';
import { type BuiltEvent, buildEvent, type EventTemplate } from './build-event.ts';
import { MAX_EVENT_BYTES } from './event-format.ts';
import { contentHash } from './hashes.ts';
import { type FindKey, keysOf, readPdu, receivePdu, requiredSigners, verifyPdu } from './receive-checks.ts';
import { redactEvent } from './redact.ts';
import { type RoomVersion, roomVersions } from './room-version.ts';

// Keys are passed in, so a keyed hash can stand for a signature here; the vectors use real ones.
const signWith = (server: string) => (message: Uint8Array) =>
  new Uint8Array(createHash('sha512').update(server).update(message).digest());
const keyOf = (server: string): VerifyKey => ({
  verify: (message, signature) => Buffer.from(signWith(server)(message)).equals(Buffer.from(signature)),
  verifyAsync: async (message, signature) => keyOf(server).verify(message, signature),
});
const findKey: FindKey = (server, keyId) => (keyId === 'ed25519:1' ? keyOf(server) : undefined);

const cited = '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg' as EventId;
const template: EventTemplate = {
  type: 'm.room.message',
  sender: '@alice:a.example' as UserId,
  content: { msgtype: 'm.text', body: 'hello' },
  roomId: '!NhzyCXnmsFRbKfLJkZbHc6eUX9n3R4aP2Xe6D4QFp7k' as RoomId,
  depth: 7,
  originServerTs: 1_700_000_000_000,
  authEvents: [cited],
  prevEvents: [cited],
  eventId: '$own:a.example' as EventId,
  referenceHashes: new Map([[cited, 'AAAA']]),
};

const build = (roomVersion: RoomVersion, changes: Partial<EventTemplate> = {}, server = 'a.example') =>
  buildEvent(
    roomVersion,
    { ...template, ...changes },
    {
      server: server as ServerName,
      key: { keyId: 'ed25519:1', sign: signWith(server) },
    },
  );
const receive = (json: JsonValue | undefined, roomVersion: RoomVersion) => receivePdu(json, roomVersion, findKey);
const v1 = roomVersions.get('1')!;
const v5 = roomVersions.get('5')!;
const v10 = roomVersions.get('10')!;
const v12 = roomVersions.get('12')!;

describe.each([...roomVersions.values()])('room version $id', (roomVersion) => {
  const built = build(roomVersion);

  test('accepts a good event as it came', async () => {
    const received = receive(built.json, roomVersion);
    expect(received).toMatchObject({ outcome: 'accepted', event: { eventId: built.eventId, json: built.json } });
    const read = readPdu(built.json, roomVersion);
    if ('outcome' in read) throw new Error(read.reason);
    expect(await verifyPdu(read, findKey)).toMatchObject({ outcome: 'accepted' });
  });

  test('S20: takes an event whose content does not match its hash as its redacted copy, under the same id', () => {
    const changed = { ...built.json, content: { msgtype: 'm.text', body: 'changed' } };
    const received = receive(changed, roomVersion);
    expect(received).toMatchObject({ outcome: 'redacted', event: { eventId: built.eventId, content: {} } });
    if (received.outcome === 'dropped') throw new Error(received.reason);
    expect(received.event.canonicalText()).toBe(canonicalJson(redactEvent(changed, roomVersion)));
    expect(received.event.canonicalText()).not.toContain('changed');
  });

  test('S20: a redacted copy is not taken for the full event', () => {
    const received = receive(redactEvent(built.json, roomVersion), roomVersion);
    expect(received).toMatchObject({ outcome: 'redacted', event: { eventId: built.eventId } });
  });

  test('S20: the reference hash in place of the content hash does not pass', () => {
    const hashes = {
      sha256: createHash('sha256')
        .update(canonicalJson(redactEvent(built.json, roomVersion)))
        .digest('base64'),
    };
    expect(receive({ ...built.json, hashes }, roomVersion)).toMatchObject({ outcome: 'dropped', rule: '2 signature' });
  });

  test.each([
    ['no signature', {}],
    ["another server's", { 'b.example': { 'ed25519:1': 'A'.repeat(86) } }],
    ['an invalid one', { 'a.example': { 'ed25519:1': 'A'.repeat(86) } }],
    ['one of an unknown key', { 'a.example': { 'ed25519:9': 'A'.repeat(86) } }],
    ['a list', []],
  ])('drops an event with %s for a signature', async (_, signatures) => {
    const json = { ...built.json, signatures: signatures as JsonValue };
    expect(receive(json, roomVersion).outcome).toBe('dropped');
    const read = readPdu(json, roomVersion);
    if ('outcome' in read) return;
    expect((await verifyPdu(read, findKey)).outcome).toBe('dropped');
  });

  test('unsigned may say anything and goes no further', () => {
    const received = receive({ ...built.json, unsigned: { age: 5, junk: 'x'.repeat(100_000) } }, roomVersion);
    if (received.outcome === 'dropped') throw new Error(received.reason);
    expect(received.outcome).toBe('accepted');
    expect(received.event.canonicalText()).toBe(built.canonicalText());
  });
});

describe('formats', () => {
  const built = build(v10);
  test.each([
    ['not an object', []],
    ['no sender', { ...built.json, sender: undefined }],
    ['a wrong sender', { ...built.json, sender: 'alice' }],
    ['no room', { ...built.json, room_id: undefined }],
    ['a number for a type', { ...built.json, type: 5 }],
    ['null for a state key', { ...built.json, state_key: null }],
    ['no content', { ...built.json, content: undefined }],
    ['a list for content', { ...built.json, content: [] }],
    ['no hashes', { ...built.json, hashes: undefined }],
    ['hashes without sha256', { ...built.json, hashes: {} }],
    ['a text for a depth', { ...built.json, depth: '5' }],
    ['a negative depth', { ...built.json, depth: -1 }],
    ['no time', { ...built.json, origin_server_ts: undefined }],
    ['11 auth events', { ...built.json, auth_events: Array.from({ length: 11 }, () => cited) }],
    ['21 previous events', { ...built.json, prev_events: Array.from({ length: 21 }, () => cited) }],
    ['pairs for references', { ...built.json, prev_events: [[cited, { sha256: 'AAAA' }]] }],
    ['an object for references', { ...built.json, auth_events: {} }],
  ] as [string, JsonValue][])('S22: %s is dropped and does not throw', (_, json) => {
    expect(receive(json, v10)).toMatchObject({ outcome: 'dropped', rule: '1 format' });
  });

  test('room version 1 wants pairs and an event id', () => {
    const { json } = build(v1);
    expect(receive({ ...json, prev_events: [cited] }, v1).outcome).toBe('dropped');
    for (const id of [undefined, 7, '$x', cited]) {
      expect(receive({ ...json, event_id: id as JsonValue }, v1).outcome).toBe('dropped');
    }
  });
});

describe('S15: numbers out of range', () => {
  const withDepth = (depth: string) =>
    parseJson(build(v10).canonicalText().replace('"depth":7', `"depth":${depth}`), 'exact');

  test.each(['9007199254740992', '9223372036854775807', '1.0', '1e3', '7.5', '-1'])(
    'depth %s is dropped from version 6 on',
    (depth) => {
      expect(receive(withDepth(depth), v10)).toMatchObject({ outcome: 'dropped', rule: '1 format' });
    },
  );

  test.each(['1.5', '1.0', '9007199254740993'])('%s anywhere in the content is dropped from version 6 on', (number) => {
    const json = parseJson(build(v10).canonicalText().replace('"body":"hello"', `"body":[{"a":${number}}]`), 'exact');
    expect(receive(json, v10)).toMatchObject({ outcome: 'dropped', rule: '1 format' });
  });

  test('in earlier versions such numbers are kept as they came', () => {
    const content = parseJson('{"a":1.0,"b":9007199254740993,"c":[1e2]}', 'exact') as JsonObject;
    const built = build(v5, { content });
    const received = receive(parseJson(built.bytes, 'exact'), v5);
    expect(received).toMatchObject({ outcome: 'accepted', event: { eventId: built.eventId } });
    // Through a double, the hash would be another one.
    expect(contentHash(JSON.parse(built.canonicalText()) as JsonObject, v5)).not.toBe(contentHash(built.json, v5));
  });
});

describe('S18: sizes in bytes', () => {
  const sized = (built: BuiltEvent, bytes: number) => ({
    ...built.json,
    padding: 'x'.repeat(bytes - built.bytes.length - ',"padding":""'.length),
  });

  test('65,536 bytes are the most, unsigned aside', () => {
    const built = build(v10);
    expect(receive({ ...sized(built, MAX_EVENT_BYTES), unsigned: { age: 1 } }, v10).outcome).toBe('redacted');
    expect(receive(sized(built, MAX_EVENT_BYTES + 1), v10)).toMatchObject({ outcome: 'dropped', rule: '1 size' });
  });

  test.each(['type', 'state_key', 'sender', 'room_id'])('%s has 255 bytes at most', (member) => {
    const { json } = build(v10);
    const text = (bytes: number) => {
      if (member === 'sender') return `@${'é'.repeat((bytes - 3) / 2)}:a`;
      return member === 'room_id' ? `!${'é'.repeat((bytes - 3) / 2)}:a` : `x${'é'.repeat((bytes - 1) / 2)}`;
    };
    const format = (value: string) => receive({ ...json, [member]: value }, v10).rule;
    expect(format(text(255))).not.toBe('1 format');
    expect(format(text(257))).toBe('1 format');
  });
});

describe('S19: ids that an event claims', () => {
  test('event_id is not believed from version 3 on', () => {
    const built = build(v10);
    const received = receive({ ...built.json, event_id: '$spoofed:a.example' }, v10);
    expect(received).toMatchObject({ outcome: 'dropped', rule: '2 signature' });
    expect(receive(built.json, v10)).toMatchObject({ event: { eventId: built.eventId } });
  });

  test('a room id of version 12 is a hash', () => {
    for (const roomId of ['!room:a.example', `!${'x'.repeat(42)}`, `!${'x'.repeat(44)}`, '!', cited]) {
      expect(receive(build(v12, { roomId: roomId as RoomId }).json, v12)).toMatchObject({ outcome: 'dropped' });
    }
  });

  test('a create event of version 12 has the room id of its own hash', () => {
    const built = build(v12, {
      type: 'm.room.create',
      stateKey: '',
      roomId: undefined,
      authEvents: [],
      prevEvents: [],
    });
    expect(receive(built.json, v12)).toMatchObject({ event: { roomId: `!${built.eventId.slice(1)}` } });
  });
});

describe('required signers', () => {
  test('the sender, in versions 1 and 2 also the event id', () => {
    const both = build(v1, { eventId: '$x:b.example' as EventId });
    expect(requiredSigners(both)).toEqual(['a.example', 'b.example']);
    expect(keysOf(both)).toEqual([
      { server: 'a.example', keyIds: ['ed25519:1'] },
      { server: 'b.example', keyIds: [] },
    ]);
    expect(receive(both.json, v1)).toMatchObject({ outcome: 'dropped', reason: 'no valid signature of b.example' });
    expect(requiredSigners(build(v10, { eventId: undefined }))).toEqual(['a.example']);
  });

  test('S11: who authorised a restricted join, where such joins exist', () => {
    const content = { membership: 'join', join_authorised_via_users_server: '@mod:b.example' };
    const join = { type: 'm.room.member', stateKey: '@alice:a.example', content };
    expect(requiredSigners(build(v10, join))).toEqual(['a.example', 'b.example']);
    expect(requiredSigners(build(roomVersions.get('7')!, join))).toEqual(['a.example']);
    expect(receive(build(v10, join).json, v10)).toMatchObject({ reason: 'no valid signature of b.example' });
  });

  test('not the sender of a third-party invite', () => {
    const content = { membership: 'invite', third_party_invite: { signed: {} } };
    expect(requiredSigners(build(v10, { type: 'm.room.member', stateKey: '@b:c', content }))).toEqual([]);
  });
});
