// What events cite: strange contents and repeated users (the shared vectors hold the table).
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { describe, expect, it } from 'vitest';
import { authEventKeys, selectAuthEvents } from './auth-event-selection.ts';
import { type RoomVersion, roomVersions } from './room-version.ts';
import { createRoomReplay, readerOf } from './testing/replay-room.ts';

const ALICE = '@alice:a.example' as UserId;
const v11 = roomVersions.get('11') as RoomVersion;

function keysFor(content: JsonObject, stateKey: string | undefined = ALICE) {
  return authEventKeys(v11, { type: 'm.room.member', sender: ALICE, content, stateKey }).slice(2);
}

describe('authEventKeys', () => {
  it('names each key once', () => {
    const own = ['m.room.member', ALICE];
    const rules = ['m.room.join_rules', ''];
    expect(keysFor({ membership: 'join', join_authorised_via_users_server: ALICE })).toEqual([own, rules]);
    expect(keysFor({ membership: 'join', join_authorised_via_users_server: '@b:x' }, '@b:x')).toEqual([
      own,
      ['m.room.member', '@b:x'],
      rules,
    ]);
  });

  it('reads strange contents as saying nothing', () => {
    const own = ['m.room.member', ALICE];
    for (const strange of [null, 1, [], {}, { signed: null }, { signed: { token: 1 } }]) {
      expect(keysFor({ membership: 'invite', third_party_invite: strange })).toEqual([own, ['m.room.join_rules', '']]);
      expect(keysFor({ membership: 'join', join_authorised_via_users_server: strange })).toEqual([
        own,
        ['m.room.join_rules', ''],
      ]);
      expect(keysFor({ membership: strange })).toEqual([own]);
    }
  });
});

describe('selectAuthEvents', () => {
  it('takes from the state what is there', () => {
    const room = createRoomReplay(v11);
    const create = room.send({ type: 'm.room.create', stateKey: '', sender: ALICE, content: {} });
    const event = { type: 'm.room.member', stateKey: ALICE, sender: ALICE, content: { membership: 'join' } };
    expect(selectAuthEvents(v11, event, readerOf(room.currentState()))).toEqual([create]);
  });
});
