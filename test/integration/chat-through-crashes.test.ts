// The main job on real input: two people talk while the server's parts are killed with -9. What was acknowledged is there,
// once, in one order for all.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from './support/api-client.ts';
import { type Part, RealServer } from './support/real-server.ts';
import type { ClientEvent } from './support/sync-body.ts';
import { PollingTalker, SocketTalker, type Talker } from './support/talker.ts';
import { readWholeRoom } from './support/timeline-sum.ts';

const CRASHES: readonly Part[] = ['homeserver', 'parent', 'postgres', 'homeserver', 'postgres', 'parent'];
const MESSAGES_BETWEEN_CRASHES = 25;

const isMessage = (event: ClientEvent) => event.type === 'm.room.message';
const ids = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);

let server: RealServer;
let anna: Person;
let ben: Person;
let roomId: string;

beforeAll(async () => {
  server = await RealServer.start();
  anna = await server.api.register('anna');
  ben = await server.api.register('ben');
  roomId = await anna.createRoom({ preset: 'private_chat', invite: [ben.userId] });
  await ben.join(roomId);
});
afterAll(() => server?.remove());

async function crash(part: Part): Promise<void> {
  await server.kill(part);
  if (part === 'parent') server.startAgain();
  await server.isReady();
}

it('loses and doubles nothing over long-poll and socket', { timeout: 240_000 }, async () => {
  const talkers: Talker[] = [new PollingTalker(anna, roomId), new SocketTalker(ben, roomId)];
  for (const talker of talkers) talker.begin();
  const bothSent = () => Promise.all(talkers.map((talker) => talker.hasSentMore(MESSAGES_BETWEEN_CRASHES)));
  await bothSent();
  for (const part of CRASHES) {
    await crash(part);
    await bothSent();
  }
  for (const talker of talkers) await talker.stopTalking();
  const room = (await readWholeRoom(anna, roomId)).filter(isMessage);
  for (const talker of talkers) {
    await expect
      .poll(() => talker.timeline.events.filter(isMessage).length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(room.length);
    await talker.stopListening();
    expect(talker.timeline.doubled).toEqual([]);
    expect(ids(talker.timeline.events.filter(isMessage))).toEqual(ids(room));
    expect(talker.failures).toBeGreaterThan(0);
    expectAcknowledgedOnce(talker, room);
  }
  expect(room).toHaveLength(talkers.reduce((sum, talker) => sum + talker.acknowledged.length, 0));
  for (const [index, event] of room.entries()) {
    if (index > 0) expect(event.origin_server_ts).toBeGreaterThanOrEqual(room[index - 1]?.origin_server_ts ?? 0);
  }
  await expectSameAnswers(talkers);
});

/** Every try had the same answer, and a sender's messages are in the order of sending. */
function expectAcknowledgedOnce(talker: Talker, room: readonly ClientEvent[]): void {
  const own = room.filter((event) => event.sender === talker.person.userId);
  for (const { eventIds } of talker.acknowledged) expect(new Set(eventIds).size).toBe(1);
  expect(ids(own)).toEqual(talker.acknowledged.map(({ eventIds }) => eventIds[0]));
  expect(own.map(({ content }) => content['body'])).toEqual(talker.acknowledged.map(({ body }) => body));
}

/** Long after, over another door, and after one more restart: the same transaction id is the same event. */
async function expectSameAnswers(talkers: readonly Talker[]): Promise<void> {
  await crash('homeserver');
  for (const { person, acknowledged } of talkers) {
    for (const { txnId, body, eventIds } of acknowledged.filter((_, index) => index % 20 === 0)) {
      const target = v3`/rooms/${roomId}/send/m.room.message/${txnId}`;
      const again = await person.ok<{ event_id: string }>('PUT', target, { msgtype: 'm.text', body });
      expect(again.event_id).toBe(eventIds[0]);
    }
  }
}
