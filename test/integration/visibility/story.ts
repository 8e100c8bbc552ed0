// One room's life as six readers meet it: something is said at each moment, and a secret piece of state changes.
import { type Person, v3 } from '../support/api-client.ts';
import type { OpenServer } from '../support/open-server.ts';

export const READERS = ['stranger', 'invited', 'joined', 'left', 'rejected', 'banned'] as const;
export type ReaderName = (typeof READERS)[number];
export const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'] as const;
export type Visibility = (typeof VISIBILITIES)[number];
export const MOMENTS = ['before', 'whileInvited', 'whileJoined', 'after'] as const;
export type Moment = (typeof MOMENTS)[number];
/** When the secret state was as it was. */
export type Secret = 'early' | 'middle' | 'late';

export interface Story {
  readonly roomId: string;
  readonly alias: string;
  readonly teller: string;
  readonly events: Readonly<Record<Moment, string>>;
  /** In the middle of it, milliseconds since 1970. */
  readonly ts: number;
}

/** The words by which what was said at a moment, and a secret, are known again. */
export const wordOf = (moment: Moment): string => `said${moment.toLowerCase()}`;
export const secretWord = (secret: Secret): string => `secret${secret}`;

export type Cast = { readonly teller: Person } & Readonly<Record<ReaderName, Person>>;

export async function makeCast({ api }: OpenServer, prefix: string): Promise<Cast> {
  const names = ['teller', ...READERS];
  const people = await Promise.all(names.map((name) => api.register(`${prefix}_${name}`)));
  return Object.fromEntries(names.map((name, index) => [name, people[index]])) as unknown as Cast;
}

/** Lives the room's life. */
export async function tellStory({ api }: OpenServer, cast: Cast, visibility: Visibility): Promise<Story> {
  let transaction = 0;
  const call = async (
    who: Person,
    method: string,
    path: string,
    body: object = {},
  ): Promise<Record<string, string>> => {
    const answer = await api.call<Record<string, string>>(method, path, { token: who.token, body });
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const { teller } = cast;
  const localpart = `story_${visibility}`;
  const { room_id: roomId = '' } = await call(teller, 'POST', v3`/createRoom`, {
    preset: 'private_chat',
    room_alias_name: localpart,
    initial_state: [
      { type: 'm.room.history_visibility', content: { history_visibility: visibility } },
      { type: 'com.example.secret', content: { word: secretWord('early') } },
    ],
  });
  const keep = (secret: Secret) =>
    call(teller, 'PUT', v3`/rooms/${roomId}/state/com.example.secret/`, { word: secretWord(secret) });
  const say = async (moment: Moment): Promise<string> => {
    const content = { msgtype: 'm.text', body: `mark ${wordOf(moment)}` };
    const path = () => v3`/rooms/${roomId}/send/m.room.message/${`t${transaction++}`}`;
    const { event_id: root = '' } = await call(teller, 'PUT', path(), content);
    const reply = { ...content, 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    await call(teller, 'PUT', path(), reply);
    return root;
  };
  const before = await say('before');
  for (const reader of READERS) {
    if (reader !== 'stranger')
      await call(teller, 'POST', v3`/rooms/${roomId}/invite`, { user_id: cast[reader].userId });
  }
  const whileInvited = await say('whileInvited');
  for (const reader of ['joined', 'left', 'banned'] as const)
    await call(cast[reader], 'POST', v3`/rooms/${roomId}/join`);
  await keep('middle');
  const whileJoined = await say('whileJoined');
  const ts = Date.now();
  for (const reader of ['left', 'rejected'] as const) await call(cast[reader], 'POST', v3`/rooms/${roomId}/leave`);
  await call(teller, 'POST', v3`/rooms/${roomId}/ban`, { user_id: cast.banned.userId });
  await keep('late');
  const after = await say('after');
  const events = { before, whileInvited, whileJoined, after };
  return { roomId, alias: `#${localpart}:hs1`, teller: teller.userId, events, ts };
}
