import { createHash } from 'node:crypto';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import { signatureOf } from '@carillon/protocol/signed-json.ts';
import { describe, expect, test } from 'vitest';
import { buildEvent, type EventTemplate } from './build-event.ts';
import { MAX_EVENT_BYTES, redactsOf, viewEvent } from './event-format.ts';
import { contentHash, eventIdOf, referenceText } from './hashes.ts';
import { roomVersions } from './room-version.ts';

const sign = (message: Uint8Array) => new Uint8Array(createHash('sha512').update(message).digest());
const signer = { server: 'example.org' as ServerName, key: { keyId: 'ed25519:1', sign } };
const cited = '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg' as EventId;
const template: EventTemplate = {
  type: 'm.room.message',
  sender: '@alice:example.org' as UserId,
  content: { msgtype: 'm.text', body: 'héllo 😀', '10': 1, '9': [] },
  roomId: '!room:example.org' as RoomId,
  depth: 7,
  originServerTs: 1_700_000_000_000,
  authEvents: [cited],
  prevEvents: [cited],
  eventId: '$own:example.org' as EventId,
  referenceHashes: new Map([[cited, 'AAAA']]),
};
const v10 = roomVersions.get('10')!;
const v12 = roomVersions.get('12')!;

const withContent = (content: JsonObject): EventTemplate => ({ ...template, content });
const errcodeOf = (build: () => unknown) => {
  try {
    build();
  } catch (error) {
    if (error instanceof MatrixError) return error.errcode;
    throw error;
  }
  return undefined;
};

describe('buildEvent', () => {
  const stateful: EventTemplate[] = [
    template,
    { ...template, type: 'm.room.power_levels', stateKey: '', content: { users: { a: 1 }, ban: 50, extra: true } },
    {
      ...template,
      type: 'm.room.member',
      stateKey: '@b:c',
      content: { membership: 'invite', third_party_invite: { signed: {}, x: 1 } },
    },
    { ...template, type: 'm.room.create', stateKey: '', content: { room_version: 'x', creator: '@alice:example.org' } },
    { ...template, type: 'm.room.redaction', redacts: cited, content: { redacts: cited, reason: 'r' } },
  ];

  test.each([...roomVersions.values()])(
    'room version $id: the pieces give what each step alone gives',
    (roomVersion) => {
      for (const one of stateful) {
        const built = buildEvent(roomVersion, one, signer);
        expect(built.canonicalText()).toBe(canonicalJson(built.json));
        expect(built.bytes.toString()).toBe(built.canonicalText());
        expect((built.json['hashes'] as JsonObject)['sha256']).toBe(contentHash(built.json, roomVersion));
        expect(built.eventId).toBe(eventIdOf(built.json, roomVersion));
        expect([...signatureOf(built.json, 'example.org', 'ed25519:1')!]).toEqual([
          ...sign(Buffer.from(referenceText(built.json, roomVersion))),
        ]);
        expect(viewEvent(parseJson(built.bytes) as JsonObject, roomVersion)).toMatchObject({
          eventId: built.eventId,
          roomId: '!room:example.org',
          authEvents: [cited],
          prevEvents: [cited],
          stateKey: one.stateKey,
        });
        expect(redactsOf(built, roomVersion)).toBe(one.redacts);
      }
    },
  );

  test('a create event of room version 12 gives its room its id', () => {
    const create = {
      ...template,
      type: 'm.room.create',
      stateKey: '',
      roomId: undefined,
      authEvents: [],
      prevEvents: [],
    };
    const built = buildEvent(v12, create, signer);
    expect(built.json['room_id']).toBeUndefined();
    expect(built.roomId).toBe(`!${built.eventId.slice(1)}`);
  });

  test('room versions 1 and 2 ask for an id and for reference hashes', () => {
    const v1 = roomVersions.get('1')!;
    expect(() => buildEvent(v1, { ...template, eventId: undefined }, signer)).toThrow('needs an id');
    expect(() => buildEvent(v1, { ...template, referenceHashes: undefined }, signer)).toThrow('reference hash');
    expect(buildEvent(v1, template, signer).json['prev_events']).toEqual([[cited, { sha256: 'AAAA' }]]);
  });
});

describe('S18: sizes of our own events, in bytes', () => {
  test('65,536 bytes are the most', () => {
    const room = MAX_EVENT_BYTES - buildEvent(v10, withContent({ body: '' }), signer).bytes.length;
    expect(buildEvent(v10, withContent({ body: 'x'.repeat(room) }), signer).bytes.length).toBe(MAX_EVENT_BYTES);
    expect(errcodeOf(() => buildEvent(v10, withContent({ body: 'x'.repeat(room + 1) }), signer))).toBe('M_TOO_LARGE');
    expect(errcodeOf(() => buildEvent(v10, withContent({ body: 'é'.repeat(room / 2 + 1) }), signer))).toBe(
      'M_TOO_LARGE',
    );
  });

  test('types and state keys have 255 bytes at most', () => {
    for (const [text, legal] of [
      ['x'.repeat(255), true],
      ['x'.repeat(256), false],
      ['é'.repeat(127), true],
      ['é'.repeat(128), false],
    ] as const) {
      const wanted = legal ? undefined : 'M_TOO_LARGE';
      expect(errcodeOf(() => buildEvent(v10, { ...template, type: text }, signer))).toBe(wanted);
      expect(errcodeOf(() => buildEvent(v10, { ...template, stateKey: text }, signer))).toBe(wanted);
    }
  });
});

describe('S15: numbers in content of our own events', () => {
  test.each([1.5, 2 ** 53, Number.NaN])('%d is refused from room version 6 on', (number) => {
    expect(errcodeOf(() => buildEvent(v10, withContent({ a: number }), signer))).toBe('M_BAD_JSON');
  });

  test('floats and big integers are legal before', () => {
    const content = parseJson('{"a":1.50,"b":9007199254740993,"c":2.0}', 'exact') as JsonObject;
    const built = buildEvent(roomVersions.get('5')!, withContent(content), signer);
    expect(built.canonicalText()).toContain('"content":{"a":1.5,"b":9007199254740993,"c":2.0}');
  });

  test('S16: a lone surrogate is refused', () => {
    expect(errcodeOf(() => buildEvent(v10, withContent({ a: '\ud800' }), signer))).toBe('M_BAD_JSON');
  });
});
