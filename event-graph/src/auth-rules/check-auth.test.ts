// The rules as verdicts: threats S05 and S06, strange contents, and what the shared vectors do not reach.
import { encodeBase64 } from '@carillon/protocol/base64.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RoomEvent } from '../room-event.ts';
import { type RoomVersion, roomVersions } from '../room-version.ts';
import { createRoomReplay, readerOf } from '../testing/replay-room.ts';
import { sketchEvent } from '../testing/sketch-event.ts';
import { checkAuth } from './check-auth.ts';
import { checkAuthEvents } from './check-auth-events.ts';
import { mayApplyRedaction } from './redaction-rules.ts';

const ALICE = '@alice:a.example' as UserId;
const BOB = '@bob:b.example' as UserId;
/** JSON that is canonical in all room versions. */
const { value: strangeValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value')),
  ),
}));

const version = (id: string) => roomVersions.get(id) as RoomVersion;

function startRoom(roomVersion: RoomVersion, levels: JsonObject = {}, create: JsonObject = {}) {
  const room = createRoomReplay(roomVersion);
  const content = { room_version: roomVersion.id, creator: ALICE, ...create };
  const users = roomVersion.privilegedCreators ? { [BOB]: 10 } : { [ALICE]: 100, [BOB]: 10 };
  room.send({ type: 'm.room.create', stateKey: '', sender: ALICE, content });
  room.send({ type: 'm.room.member', stateKey: ALICE, sender: ALICE, content: { membership: 'join' } });
  room.send({ type: 'm.room.power_levels', stateKey: '', sender: ALICE, content: { users, ...levels } });
  room.send({ type: 'm.room.join_rules', stateKey: '', sender: ALICE, content: { join_rule: 'public' } });
  room.send({ type: 'm.room.member', stateKey: BOB, sender: BOB, content: { membership: 'join' } });
  return room;
}

describe.each([...roomVersions.values()].map((roomVersion) => [roomVersion.id, roomVersion] as const))(
  'room version %s',
  (_, roomVersion) => {
    it('S05: events_default and events bind message events too', () => {
      const room = startRoom(roomVersion, { events_default: 20, events: { 'org.example.free': 0 } });
      const by = (sender: UserId, type: string) => room.verdictOf(room.send({ type, sender, content: {} }));
      expect(by(BOB, 'm.room.message')).toMatchObject({ outcome: 'rejected', rule: '8' });
      expect(by(BOB, 'org.example.free')).toEqual({ outcome: 'accepted' });
      expect(by(ALICE, 'm.room.message')).toEqual({ outcome: 'accepted' });
    });

    it('S06: auth events of another room are refused', () => {
      const room = startRoom(roomVersion);
      const event = room.send({ type: 'm.room.message', sender: BOB, content: {} });
      const byId = new Map<string, RoomEvent>(room.events().map((one) => [one.eventId, one]));
      const check = { roomVersion, event, eventOf: (eventId: string) => byId.get(eventId), isRejected: () => false };
      expect(checkAuthEvents(check)).toEqual({ outcome: 'accepted' });
      for (const eventId of event.authEvents) {
        const cited = byId.get(eventId) as RoomEvent;
        byId.set(eventId, { ...cited, roomId: '!elsewhere:a.example' as RoomId });
        expect(checkAuthEvents(check)).toMatchObject({ outcome: 'rejected', rule: '3.5' });
        byId.set(eventId, cited);
      }
    });

    it('never throws and lets nobody without membership do anything, whatever an event contains', () => {
      const room = startRoom(roomVersion);
      const state = readerOf(room.currentState());
      const types = [
        'm.room.member',
        'm.room.power_levels',
        'm.room.third_party_invite',
        'm.room.redaction',
        'm.room.join_rules',
        '__proto__',
      ];
      const content = fc.dictionary(
        fc.constantFrom(
          'membership',
          'third_party_invite',
          'join_authorised_via_users_server',
          'users',
          'events',
          'ban',
          'join_rule',
          '__proto__',
        ),
        fc.oneof(strangeValue, fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock')),
      );
      fc.assert(
        fc.property(
          fc.constantFrom(...types),
          content,
          fc.option(fc.constantFrom('', BOB, '@mallory:m.example', 'x'), { nil: undefined }),
          (type, strange, stateKey) => {
            const event = sketchEvent(roomVersion, {
              type,
              stateKey,
              sender: '@mallory:m.example' as UserId,
              content: strange as JsonObject,
              prevEvents: room.events().slice(-1),
              authEvents: [],
              originServerTs: 0,
            });
            const verdict = checkAuth({ roomVersion, event, state, verifyKeyOf });
            const mayEnter = type === 'm.room.member' && strange['membership'] === 'join' && stateKey === event.sender;
            expect(verdict.outcome).toBe(mayEnter ? 'accepted' : 'rejected');
          },
        ),
        { numRuns: 200 },
      );
    });

    it('judges a state of nonsense without throwing', () => {
      const strange = fc.dictionary(
        fc.constantFrom(
          'users',
          'events',
          'users_default',
          'membership',
          'join_rule',
          'creator',
          'additional_creators',
          'm.federate',
        ),
        strangeValue,
      );
      fc.assert(
        fc.property(
          strange,
          strange,
          fc.constantFrom('m.room.member', 'm.room.power_levels', 'm.room.message', 'm.room.redaction'),
          (inState, content, type) => {
            const event = (of: string, stateKey: string, contents: unknown) =>
              sketchEvent(roomVersion, {
                type: of,
                stateKey,
                sender: ALICE,
                content: contents as JsonObject,
                prevEvents: [],
                authEvents: [],
                originServerTs: 0,
              });
            const judged = event(type, ALICE, { membership: 'leave', ...content });
            const state = (of: string, stateKey: string) => event(of, stateKey, { membership: 'join', ...inState });
            expect(['accepted', 'rejected']).toContain(
              checkAuth({ roomVersion, event: judged, state, verifyKeyOf }).outcome,
            );
          },
        ),
        { numRuns: 100 },
      );
    });
  },
);

describe('third-party invites', () => {
  it('S12, S13: try a bounded number of signatures', () => {
    const roomVersion = version('11');
    const room = startRoom(roomVersion);
    const key = encodeBase64(new Uint8Array(32));
    const public_keys = Array.from({ length: 300 }, () => ({ public_key: key }));
    room.send({ type: 'm.room.third_party_invite', stateKey: 'token', sender: ALICE, content: { public_keys } });
    const signature = encodeBase64(new Uint8Array(64));
    const signatures = {
      'id.example': Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`ed25519:${index}`, signature])),
    };
    const signed = { mxid: BOB, token: 'token', signatures };
    const event = sketchEvent(roomVersion, {
      type: 'm.room.member',
      stateKey: BOB,
      sender: ALICE,
      content: { membership: 'invite', third_party_invite: { signed } },
      prevEvents: room.events().slice(-1),
      authEvents: [],
      originServerTs: 0,
    });
    let checks = 0;
    const counting = () => ({
      verify: () => ++checks < 0,
      verifyAsync: async () => false,
    });
    const verdict = checkAuth({ roomVersion, event, state: readerOf(room.currentState()), verifyKeyOf: counting });
    expect(verdict).toMatchObject({ outcome: 'rejected', rule: '5.4.1.8' });
    expect(checks).toBeLessThanOrEqual(64);
  });
});

describe('mayApplyRedaction', () => {
  it('asks for the redact level or the same server, and for the same room', () => {
    const roomVersion = version('11');
    const room = startRoom(roomVersion, { redact: 50 });
    const target = room.send({ type: 'm.room.message', sender: ALICE, content: {} });
    const own = room.send({ type: 'm.room.message', sender: BOB, content: {} });
    const redaction = (sender: UserId) => room.send({ type: 'm.room.redaction', sender, content: { redacts: '$x' } });
    const state = room.currentState();
    const source = {
      roomVersion,
      create: state.get('m.room.create', ''),
      powerLevels: state.get('m.room.power_levels', ''),
    };
    expect(mayApplyRedaction(source, redaction(BOB), target)).toBe(false);
    expect(mayApplyRedaction(source, redaction(BOB), own)).toBe(true);
    expect(mayApplyRedaction(source, redaction(ALICE), own)).toBe(true);
    expect(
      mayApplyRedaction(source, redaction(ALICE), { ...own, roomId: '!other:a.example' as typeof own.roomId }),
    ).toBe(false);
  });
});

function verifyKeyOf() {
  return { verify: () => false, verifyAsync: async () => false };
}
