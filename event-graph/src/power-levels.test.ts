// Levels as each room version reads them, from contents that nobody should have sent.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCreator, levelTo, levelToNotify, levelToSend, readLevel, userPower } from './power-levels.ts';
import { type RoomVersion, roomVersions } from './room-version.ts';
import { sketchEvent } from './testing/sketch-event.ts';

const ALICE = '@alice:a.example' as UserId;
const BOB = '@bob:b.example' as UserId;

const version = (id: string) => roomVersions.get(id) as RoomVersion;

function source(roomVersion: RoomVersion, levels?: JsonObject, create: JsonObject = { creator: ALICE }) {
  const event = (type: string, content: JsonObject) =>
    sketchEvent(roomVersion, {
      type,
      stateKey: '',
      sender: ALICE,
      content,
      prevEvents: [],
      authEvents: [],
      originServerTs: 0,
    });
  return {
    roomVersion,
    create: event('m.room.create', create),
    powerLevels: levels === undefined ? undefined : event('m.room.power_levels', levels),
  };
}

describe('readLevel', () => {
  it('reads strings, floats and booleans before room version 10 only', () => {
    const cases: [JsonValue, number | undefined][] = [
      [7, 7],
      [-7, -7],
      [' +012 ', 12],
      ['-0', -0],
      ['1_0', 10],
      ['\t-3\n', -3],
      [10.9, 10],
      [-10.9, -10],
      [true, 1],
      ['10.5', undefined],
      ['', undefined],
      ['+ 1', undefined],
      ['1__0', undefined],
      ['0x10', undefined],
      ['9'.repeat(400), undefined],
      [null, undefined],
      [[], undefined],
      [{}, undefined],
    ];
    for (const [value, level] of cases) {
      expect(readLevel(version('9'), value), JSON.stringify(value)).toEqual(level);
      expect(readLevel(version('10'), value)).toBe(Number.isInteger(value) ? value : undefined);
    }
  });
});

describe('levels', () => {
  it('fall back to the defaults without an event, and with one of nonsense', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...roomVersions.values()),
        fc.option(fc.constantFrom<JsonObject>({}, { users: [], events: 'x', ban: {}, state_default: null }), {
          nil: undefined,
        }),
        (roomVersion, levels) => {
          const room = source(roomVersion, levels);
          const creatorPower = roomVersion.privilegedCreators
            ? Number.POSITIVE_INFINITY
            : levels === undefined
              ? 100
              : 0;
          expect(userPower(room, ALICE)).toBe(creatorPower);
          expect(userPower(room, BOB)).toBe(0);
          expect((['invite', 'kick', 'ban', 'redact'] as const).map((action) => levelTo(room, action))).toEqual([
            0, 50, 50, 50,
          ]);
          expect([levelToSend(room, 'm.room.message', false), levelToSend(room, 'm.room.topic', true)]).toEqual([
            0, 50,
          ]);
          expect(levelToNotify(room, 'room')).toBe(50);
        },
      ),
    );
  });

  it('are read where they are given', () => {
    const room = source(version('11'), {
      users: { [BOB]: 30 },
      users_default: 5,
      events: { 'm.room.topic': 20 },
      events_default: 1,
      state_default: 40,
      ban: 60,
      notifications: { room: 10 },
    });
    expect([userPower(room, BOB), userPower(room, ALICE)]).toEqual([30, 5]);
    expect(['m.room.topic', 'm.room.name'].map((type) => levelToSend(room, type, true))).toEqual([20, 40]);
    expect(['m.room.topic', 'm.room.message'].map((type) => levelToSend(room, type, false))).toEqual([20, 1]);
    expect([levelTo(room, 'ban'), levelToNotify(room, 'room')]).toEqual([60, 10]);
  });

  it('are never what an object inherits', () => {
    const room = source(version('9'), { users: {}, events: {}, notifications: {} });
    for (const name of ['constructor', '__proto__', 'toString', 'valueOf']) {
      expect(userPower(room, name)).toBe(0);
      expect(levelToSend(room, name, true)).toBe(50);
      expect(levelToNotify(room, name)).toBe(50);
    }
  });

  it('count additional_creators in room version 12 only', () => {
    const create = { creator: ALICE, additional_creators: [BOB, 7] };
    for (const roomVersion of roomVersions.values()) {
      expect(isCreator(roomVersion, source(roomVersion, {}, create).create, BOB)).toBe(roomVersion.privilegedCreators);
      expect(isCreator(roomVersion, source(roomVersion, {}, { creator: BOB }).create, BOB)).toBe(
        !roomVersion.implicitCreator,
      );
    }
  });
});
