// S24: four visibilities, memberships, every way of reading a room.
import { getContext, getEvent, getMessages } from '@carillon/protocol/client/room-events.ts';
import { getMembers } from '@carillon/protocol/client/room-members.ts';
import { joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { getRelations, getThreads } from '@carillon/protocol/client/room-relations.ts';
import { redact } from '@carillon/protocol/client/room-send.ts';
import { getState, getStateEvent } from '@carillon/protocol/client/room-state.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inviteUser } from './change-membership.ts';
import { sendEvent } from './send-event.ts';
import { ALICE, type Answer, openWorld, userOf, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const READERS = ['stranger', 'invited', 'joined', 'left', 'rejected', 'banned'] as const;
type ReaderName = (typeof READERS)[number];
const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'] as const;
type Moment = 'before' | 'whileInvited' | 'whileJoined' | 'after';
type Story = Record<Moment, EventId>;

/** What each reader may see, by the spec's five rules. */
const EXPECTED: Record<(typeof VISIBILITIES)[number], Record<ReaderName, readonly Moment[]>> = {
  world_readable: Object.fromEntries(
    READERS.map((reader) => [reader, ['before', 'whileInvited', 'whileJoined', 'after']]),
  ) as unknown as Record<ReaderName, readonly Moment[]>,
  shared: {
    stranger: [],
    invited: [],
    rejected: [],
    joined: ['before', 'whileInvited', 'whileJoined', 'after'],
    left: ['before', 'whileInvited', 'whileJoined'],
    banned: ['before', 'whileInvited', 'whileJoined'],
  },
  invited: {
    stranger: [],
    invited: [],
    rejected: [],
    joined: ['whileInvited', 'whileJoined', 'after'],
    left: ['whileInvited', 'whileJoined'],
    banned: ['whileInvited', 'whileJoined'],
  },
  joined: {
    stranger: [],
    invited: [],
    rejected: [],
    joined: ['whileJoined', 'after'],
    left: ['whileJoined'],
    banned: ['whileJoined'],
  },
};

const nameOf = (reader: ReaderName): UserId => userOf(`reader-${reader}`);
const join = (userId: UserId, roomId: RoomId) => world.call(userId, joinRoomById, { path: { roomId } });
const setMember = (roomId: RoomId, target: UserId, membership: string) =>
  world.setState(ALICE, roomId, { type: 'm.room.member', stateKey: target, content: { membership } });

/** One message at each moment of the readers' lives, and a reply to each in a thread. */
async function tell(visibility: string): Promise<{ roomId: RoomId; story: Story }> {
  const state = { type: 'm.room.history_visibility', content: { history_visibility: visibility } };
  const roomId = await world.create(ALICE, { initial_state: [state] });
  const before = await sayWithReply(roomId, 'before');
  for (const reader of READERS) {
    if (reader !== 'stranger') await inviteUser(world.rooms, { roomId, sender: ALICE, target: nameOf(reader) });
  }
  const whileInvited = await sayWithReply(roomId, 'while invited');
  for (const reader of ['joined', 'left', 'banned'] as const) await join(nameOf(reader), roomId);
  const whileJoined = await sayWithReply(roomId, 'while joined');
  for (const reader of ['left', 'rejected'] as const) {
    await world.call(nameOf(reader), leaveRoom, { path: { roomId } });
  }
  await setMember(roomId, nameOf('banned'), 'ban');
  await world.setState(ALICE, roomId, { type: 'm.room.topic', content: { topic: 'of later' } });
  const after = await sayWithReply(roomId, 'after');
  return { roomId, story: { before, whileInvited, whileJoined, after } };
}

async function sayWithReply(roomId: RoomId, body: string): Promise<EventId> {
  const root = await world.say(ALICE, roomId, body);
  const relates = { rel_type: 'm.thread', event_id: root };
  const content = { body: `on ${body}`, msgtype: 'm.text', 'm.relates_to': relates };
  await sendEvent(world.rooms, { roomId, sender: ALICE, type: 'm.room.message', content });
  return root;
}

/** What each way of reading tells of the story: the moments, or nothing where it refuses. */
const WAYS: Record<string, (user: UserId, roomId: RoomId, story: Story) => Promise<Moment[]>> = {
  messagesBackwards: async (user, roomId, story) => {
    const { chunk } = await world.call(user, getMessages, { path: { roomId }, query: { dir: 'b', limit: 1_000 } });
    return momentsIn(story, chunk);
  },
  messagesForwards: async (user, roomId, story) => {
    const { chunk } = await world.call(user, getMessages, { path: { roomId }, query: { dir: 'f', limit: 1_000 } });
    return momentsIn(story, chunk);
  },
  threads: async (user, roomId, story) => {
    const { chunk } = await world.call(user, getThreads, { path: { roomId } });
    return momentsIn(story, chunk);
  },
  event: (user, roomId, story) =>
    tryEach(story, (eventId) => world.call(user, getEvent, { path: { roomId, eventId } })),
  context: (user, roomId, story) =>
    tryEach(story, async (eventId) => {
      const context = await world.call(user, getContext, { path: { roomId, eventId }, query: { limit: 1_000 } });
      const around = [...context.events_before, context.event, ...context.events_after];
      for (const moment of momentsIn(story, around)) expect(await mayGet(user, roomId, story[moment])).toBe(true);
    }),
  relations: (user, roomId, story) =>
    tryEach(story, async (eventId) => {
      const { chunk } = await world.call(user, getRelations, { path: { roomId, eventId } });
      expect(chunk).toHaveLength(1);
    }),
};

const mayGet = (user: UserId, roomId: RoomId, eventId: EventId) =>
  world.call(user, getEvent, { path: { roomId, eventId } }).then(
    () => true,
    () => false,
  );

function momentsIn(story: Story, chunk: readonly Answer[]): Moment[] {
  const ids = new Set(chunk.map((event) => event.event_id));
  return (Object.keys(story) as Moment[]).filter((moment) => ids.has(story[moment]));
}

async function tryEach(story: Story, read: (eventId: EventId) => Promise<unknown>): Promise<Moment[]> {
  const seen: Moment[] = [];
  for (const moment of Object.keys(story) as Moment[]) {
    if ((await outcome(() => read(story[moment]))) === 'seen') seen.push(moment);
  }
  return seen;
}

async function outcome(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'seen';
  } catch (error) {
    const { errcode } = error as { errcode?: string };
    if (errcode === 'M_NOT_FOUND' || errcode === 'M_FORBIDDEN') return errcode;
    throw error;
  }
}

describe.each(VISIBILITIES)('S24: history that is %s', (visibility) => {
  it('shows each reader on every way what the rules give them', async () => {
    const { roomId, story } = await tell(visibility);
    for (const reader of READERS) {
      for (const [way, read] of Object.entries(WAYS)) {
        const refused: Moment[] = [];
        const seen = await read(nameOf(reader), roomId, story).catch((error: { errcode?: string }) => {
          if (error.errcode !== 'M_FORBIDDEN') throw error;
          return refused;
        });
        expect({ reader, way, seen }).toEqual({ reader, way, seen: [...EXPECTED[visibility][reader]] });
      }
    }
  });

  it('shows state and members to those who are in, as of their leaving to those who left, to others only if all may read', async () => {
    const { roomId } = await tell(visibility);
    for (const reader of READERS) {
      const user = nameOf(reader);
      const path = { roomId };
      const isOpen = visibility === 'world_readable' || ['joined', 'left', 'banned'].includes(reader);
      const topicPath = { roomId, eventType: 'm.room.topic', stateKey: '' };
      expect(await outcome(() => world.call(user, getState, { path }))).toBe(isOpen ? 'seen' : 'M_FORBIDDEN');
      expect(await outcome(() => world.call(user, getMembers, { path }))).toBe(isOpen ? 'seen' : 'M_FORBIDDEN');
      const seesNow = visibility === 'world_readable' || reader === 'joined';
      const topic = await outcome(() => world.call(user, getStateEvent, { path: topicPath }));
      expect({ reader, topic }).toEqual({ reader, topic: seesNow ? 'seen' : isOpen ? 'M_NOT_FOUND' : 'M_FORBIDDEN' });
    }
  });
});

describe('S24: what cannot be seen cannot be acted on', () => {
  it('refuses to redact an event of before in the words for none', async () => {
    const { roomId, story } = await tell('joined');
    const user = nameOf('joined');
    const attempt = (eventId: EventId) =>
      world.call(user, redact, { path: { roomId, eventId, txnId: `t${eventId}` }, body: {} });
    expect(await world.refusal(attempt(story.before))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(attempt(`$${'A'.repeat(43)}` as EventId))).toBe('404 M_NOT_FOUND');
    expect(await world.refusal(attempt(story.whileJoined))).toBe('403 M_FORBIDDEN');
  });
});
