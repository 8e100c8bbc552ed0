// Two people chat with matrix-js-sdk over long-poll: from registration to logout.
import { ClientEvent, EventType, MsgType, Preset, RelationType, RoomEvent, RoomMemberEvent } from 'matrix-js-sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { passwordOf, type Session } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { eventually, type SdkPerson, sdkClient, startSyncing, textsIn } from '../support/sdk-client.ts';

let server: OpenServer;
let anna: SdkPerson;
let ben: SdkPerson;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
});
afterAll(async () => {
  for (const person of [anna, ben]) person?.client.stopClient();
  await server.close();
});

const roomOf = (person: SdkPerson) => person.client.getRoom(roomId)!;
const text = (body: string) => ({ msgtype: MsgType.Text as const, body });

it('registers one, and lets the other log in', async () => {
  const fresh = sdkClient(server.url);
  const flows = await fresh.client.loginFlows();
  expect(flows.flows.map(({ type }) => type)).toContain('m.login.password');
  const refusal = await fresh.client
    .registerRequest({ username: 'anna', password: passwordOf('anna') })
    .catch((e) => e);
  expect(refusal).toMatchObject({ httpStatus: 401, data: { flows: [{ stages: ['m.login.dummy'] }] } });
  const session = await fresh.client.registerRequest({
    username: 'anna',
    password: passwordOf('anna'),
    auth: { type: 'm.login.dummy', session: refusal.data.session },
  });
  anna = sdkClient(server.url, session as Session);
  await server.api.register('ben');
  ben = sdkClient(server.url, await fresh.client.loginWithPassword('ben', passwordOf('ben')));
  expect((await ben.client.whoami()).user_id).toBe('@ben:hs1');
  expect([...fresh.faults]).toEqual([]);
});

it('reaches PREPARED, then SYNCING', async () => {
  for (const person of [anna, ben]) {
    const states = await startSyncing(person);
    await eventually(() => states.includes('SYNCING'), `syncing after ${states}`);
  }
});

it('invites and joins', async () => {
  const created = await anna.client.createRoom({
    preset: Preset.TrustedPrivateChat,
    name: 'Two of us',
    topic: 'Everything',
    invite: [ben.userId],
    is_direct: true,
  });
  roomId = created.room_id;
  await eventually(() => ben.client.getRoom(roomId)?.getMyMembership() === 'invite', 'ben is invited');
  expect(roomOf(ben).name).toBe('Two of us');
  expect(roomOf(ben).getDMInviter()).toBe(anna.userId);
  await ben.client.joinRoom(roomId);
  await eventually(() => roomOf(ben).getMyMembership() === 'join', 'ben has joined');
  await eventually(() => ben.client.getRoom(roomId)?.getJoinedMemberCount() === 2, 'both are members');
  expect(roomOf(ben).currentState.getStateEvents('m.room.topic', '')?.getContent()['topic']).toBe('Everything');
});

it('carries messages both ways, once and in order', async () => {
  for (let number = 0; number < 5; number++) {
    await anna.client.sendMessage(roomId, text(`anna ${number}`));
    await ben.client.sendMessage(roomId, text(`ben ${number}`));
  }
  const expected = Array.from({ length: 5 }, (_, number) => [`anna ${number}`, `ben ${number}`]).flat();
  for (const person of [anna, ben]) {
    await eventually(() => textsIn(person, roomId).length >= 10, 'ten messages are there');
    expect(textsIn(person, roomId)).toEqual(expected);
  }
});

it('replaces the local echo by the event of the same transaction', async () => {
  const sent = await anna.client.sendMessage(roomId, text('echo'), 'my-transaction');
  const same = () => roomOf(anna).findEventById(sent.event_id);
  await eventually(() => same()?.getUnsigned().transaction_id === 'my-transaction', 'the echo came back');
  expect(same()?.status).toBeNull();
  expect(textsIn(anna, roomId).filter((body) => body === 'echo')).toHaveLength(1);
  const others = await eventually(() => roomOf(ben).findEventById(sent.event_id), 'ben has it');
  expect(others.getUnsigned().transaction_id).toBeUndefined();
});

it('shows who is typing, and no longer', async () => {
  const seen: boolean[] = [];
  ben.client.on(RoomMemberEvent.Typing, (_, member) => member.userId === anna.userId && seen.push(member.typing));
  await anna.client.sendTyping(roomId, true, 10_000);
  await eventually(() => seen.at(-1) === true, 'anna types');
  await anna.client.sendTyping(roomId, false, 0);
  await eventually(() => seen.at(-1) === false, 'anna has stopped');
});

it('counts what is unread, and receipts clear it', async () => {
  const { event_id } = await anna.client.sendMessage(roomId, text('read this'));
  const event = await eventually(() => roomOf(ben).findEventById(event_id), 'ben has it');
  await eventually(() => roomOf(ben).getUnreadNotificationCount() > 0, 'it is unread');
  await ben.client.sendReadReceipt(event);
  await eventually(() => roomOf(ben).getUnreadNotificationCount() === 0, 'it is read');
  await eventually(() => roomOf(anna).hasUserReadEvent(ben.userId, event_id), 'anna sees that');
  await ben.client.setRoomReadMarkers(roomId, event_id, event);
  await eventually(
    () => roomOf(ben).getAccountData('m.fully_read')?.getContent()['event_id'] === event_id,
    'the marker',
  );
});

it('edits, reacts and redacts', async () => {
  const { event_id } = await anna.client.sendMessage(roomId, text('Teh'));
  await anna.client.sendMessage(roomId, {
    ...text('* The'),
    'm.new_content': text('The'),
    'm.relates_to': { rel_type: RelationType.Replace, event_id },
  });
  await ben.client.sendEvent(roomId, EventType.Reaction, {
    'm.relates_to': { rel_type: RelationType.Annotation, event_id, key: '👍' },
  });
  await eventually(() => roomOf(ben).findEventById(event_id)?.getContent()['body'] === 'The', 'ben sees the edit');
  const found = await ben.client.relations(roomId, event_id, RelationType.Annotation, EventType.Reaction);
  expect(found.events.map((event) => event.getRelation()?.key)).toEqual(['👍']);
  const redacted: string[] = [];
  ben.client.on(
    RoomEvent.Redaction,
    (event) => void redacted.push(event.event.redacts ?? event.getContent()['redacts']),
  );
  await anna.client.redactEvent(roomId, event_id, undefined, { reason: 'never mind' });
  await eventually(() => roomOf(ben).findEventById(event_id)?.isRedacted(), 'ben sees it no more');
  expect(redacted).toContain(event_id);
  expect(textsIn(ben, roomId)).not.toContain('The');
});

it('keeps tags, account data and profiles', async () => {
  await anna.client.setRoomTag(roomId, 'm.favourite', { order: 0.25 });
  await eventually(() => roomOf(anna).tags['m.favourite']?.order === 0.25, 'the tag is there');
  await anna.client.deleteRoomTag(roomId, 'm.favourite');
  await eventually(() => roomOf(anna).tags['m.favourite'] === undefined, 'the tag is gone');
  await anna.client.setAccountData(EventType.Direct, { [ben.userId]: [roomId] });
  await eventually(
    () => anna.client.getAccountData(EventType.Direct)?.getContent()[ben.userId],
    'the account data came',
  );
  await ben.client.setDisplayName('Ben the Second');
  await eventually(() => roomOf(anna).getMember(ben.userId)?.name === 'Ben the Second', 'anna sees the new name');
  expect(await anna.client.getProfileInfo(ben.userId)).toMatchObject({ displayname: 'Ben the Second' });
  await ben.client.setExtendedProfileProperty('io.carillon.gender', 'none of your business');
  expect(await anna.client.getExtendedProfileProperty(ben.userId, 'io.carillon.gender')).toBe('none of your business');
});

it('tells presence', async () => {
  await ben.client.setPresence({ presence: 'unavailable', status_msg: 'at lunch' });
  await eventually(() => anna.client.getUser(ben.userId)?.presenceStatusMsg === 'at lunch', 'anna sees the status');
});

it('logs out', async () => {
  const errors: unknown[] = [];
  const { client } = ben;
  client.stopClient();
  await client.logout();
  await client.whoami().catch((error) => errors.push(error.data));
  expect(errors).toMatchObject([{ errcode: 'M_UNKNOWN_TOKEN' }]);
  expect(client.listenerCount(ClientEvent.Sync)).toBeGreaterThanOrEqual(0);
});

it('has had only answers of the shapes that the spec allows', () => {
  expect([...anna.faults, ...ben.faults]).toEqual([]);
});
