// Edits and threads summed up in limited timelines, from memory and from the database.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSyncWorld, type SyncWorld } from './testing/sync-world.ts';

describe('m.relations in a sync', () => {
  let world: SyncWorld;
  beforeAll(async () => {
    world = await openSyncWorld();
  });
  afterAll(() => world.close());

  const relate = (roomId: RoomId, sender: UserId, parent: EventId, relType: string) =>
    world.say(roomId, sender, '* edited', {
      'm.new_content': { msgtype: 'm.text', body: 'edited' },
      'm.relates_to': { rel_type: relType, event_id: parent },
    });

  test.each(['memory', 'the database'])('come with a limited timeline, from %s', async (source) => {
    const [alice] = (await world.users(1)) as [UserId];
    const roomId = await world.create(alice);
    await world.sayMany(roomId, alice, 3);
    const edited = await world.say(roomId, alice, 'first');
    const plain = await world.say(roomId, alice, 'second');
    const edit = await relate(roomId, alice, edited, 'm.replace');
    if (source === 'the database') world.forgetMemory();
    const filter = { room: { timeline: { limit: 3 } } };
    const room = (await world.sync(alice, { filter })).rooms?.join?.[roomId];
    expect(room?.timeline.limited).toBe(true);
    const relationsOf = (eventId: EventId) =>
      room?.timeline.events.find((event) => event.event_id === eventId)?.unsigned?.['m.relations'];
    expect(relationsOf(edited)).toMatchObject({ 'm.replace': { event_id: edit } });
    expect(relationsOf(plain)).toBeUndefined();
    const whole = (await world.sync(alice)).rooms?.join?.[roomId];
    expect(whole?.timeline.events.some((event) => event.unsigned?.['m.relations'] !== undefined)).toBe(false);
  });
});
