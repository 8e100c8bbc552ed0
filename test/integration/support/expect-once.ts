// After a fault: what was acknowledged is there exactly once, everyone saw the same, and a late retry changes nothing.
import { expect } from 'vitest';
import { v3 } from './api-client.ts';
import type { ClientEvent } from './sync-body.ts';
import type { Talker } from './talker.ts';
import { readWholeRoom } from './timeline-sum.ts';

const isMessage = (event: ClientEvent) => event.type === 'm.room.message';
const ids = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);
/** A retry of every so many messages is tried. */
const RETRIED_SHARE = 10;

/** To be called when all have stopped talking; ends their listening. */
export async function expectOnce(talkers: readonly Talker[]): Promise<void> {
  const first = talkers[0];
  if (first === undefined) throw new Error('nobody talked');
  const room = (await readWholeRoom(first.person, first.roomId)).filter(isMessage);
  expect(room).toHaveLength(talkers.reduce((sum, talker) => sum + talker.acknowledged.length, 0));
  for (const talker of talkers) {
    await expect
      .poll(() => talker.timeline.events.filter(isMessage).length, { timeout: 30_000 })
      .toBeGreaterThanOrEqual(room.length);
    await talker.stopListening();
    expect(talker.timeline.doubled).toEqual([]);
    expect(ids(talker.timeline.events.filter(isMessage))).toEqual(ids(room));
    const own = room.filter((event) => event.sender === talker.person.userId);
    for (const { eventIds } of talker.acknowledged) expect(new Set(eventIds).size).toBe(1);
    expect(own.map(({ content }) => content['body'])).toEqual(talker.acknowledged.map(({ body }) => body));
    expect(ids(own)).toEqual(talker.acknowledged.map(({ eventIds }) => eventIds[0]));
  }
  await expectSameAnswers(talkers);
}

async function expectSameAnswers(talkers: readonly Talker[]): Promise<void> {
  for (const { person, roomId, acknowledged } of talkers) {
    for (const { txnId, body, eventIds } of acknowledged.filter((_, index) => index % RETRIED_SHARE === 0)) {
      const target = v3`/rooms/${roomId}/send/m.room.message/${txnId}`;
      const again = await person.ok<{ event_id: string }>('PUT', target, { msgtype: 'm.text', body });
      expect(again.event_id).toBe(eventIds[0]);
    }
  }
}
