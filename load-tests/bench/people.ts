// People and rooms for benches: registering, making rooms, joining, sending, syncing, as any client would.
import { type BenchClient, inParallel } from './bench-client.ts';

export interface Person {
  readonly userId: string;
  readonly token: string;
}

/** How many calls set a scene at a time. */
const SETTING_UP_AT_ONCE = 16;
const SENDERS_AT_ONCE = 64;

/** Registers `count` people. */
export async function registerPeople(client: BenchClient, prefix: string, count: number): Promise<Person[]> {
  return inParallel(count, SETTING_UP_AT_ONCE, async (index) => {
    const body = { username: `${prefix}${index}`, password: `password-${index}`, auth: { type: 'm.login.dummy' } };
    const answer = await client.call<{ user_id: string; access_token: string }>({
      method: 'POST',
      path: '/_matrix/client/v3/register',
      body,
    });
    return { userId: answer.user_id, token: answer.access_token };
  });
}

/** A public room of its first person that all others join; its id. */
export async function makeRoom(client: BenchClient, people: readonly Person[]): Promise<string> {
  const [owner, ...others] = people;
  if (owner === undefined) throw new Error('a room needs someone');
  const roomId = await createRoom(client, owner);
  await inParallel(others.length, SETTING_UP_AT_ONCE, (index) => join(client, roomId, others[index]));
  return roomId;
}

export async function createRoom(client: BenchClient, { token }: Person): Promise<string> {
  const { room_id: roomId } = await client.call<{ room_id: string }>({
    method: 'POST',
    path: '/_matrix/client/v3/createRoom',
    token,
    body: { preset: 'public_chat', name: 'Bench' },
  });
  return roomId;
}

export function join(client: BenchClient, roomId: string, person: Person | undefined): Promise<string> {
  return client.callRaw({
    method: 'POST',
    path: `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`,
    token: person?.token ?? '',
    body: {},
  });
}

let transactions = 0;

/** Sends a line of about the usual length; `mark` opens its body. */
export function say(client: BenchClient, roomId: string, { token }: Person, mark = 'message'): Promise<string> {
  return client.callRaw({
    method: 'PUT',
    path: `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${transactions++}`,
    token,
    body: { msgtype: 'm.text', body: `${mark} of the bench, about as long as what people write to each other.` },
  });
}

/** Says `count` things in turn by room and person, up to 64 at once. */
export async function sayMany(
  client: BenchClient,
  lanes: readonly { readonly roomId: string; readonly person: Person }[],
  count: number,
): Promise<void> {
  await inParallel(count, SENDERS_AT_ONCE, async (index) => {
    const lane = lanes[index % lanes.length];
    if (lane !== undefined) await say(client, lane.roomId, lane.person);
  });
}

export interface Sync {
  readonly since?: string;
  readonly timeoutMs?: number;
}

/** One GET /sync; the body's text and its token. */
export async function syncOnce(
  client: BenchClient,
  { token }: Person,
  { since, timeoutMs = 0 }: Sync = {},
): Promise<{ text: string; next: string }> {
  const query = since === undefined ? '' : `?timeout=${timeoutMs}&since=${since}`;
  const text = await client.callRaw({ method: 'GET', path: `/_matrix/client/v3/sync${query}`, token });
  return { text, next: /"next_batch":"([^"]+)"/.exec(text)?.[1] ?? '' };
}
