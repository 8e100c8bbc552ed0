// Every way in which a client can be shown events or state, and every contract of rooms that shows none, with the reason.
import type { Story } from './story.ts';

export interface Probe {
  readonly method?: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** The spec's schema of the answer fits both of its forms at once, and is not held to it. */
  readonly isUnchecked?: boolean;
}

/** What a way has to show: all that may be seen, to these readers; to all others at most that. */
export type Entry =
  | { readonly probes: (story: Story) => readonly Probe[]; readonly complete?: 'everyone' | 'members' }
  | { readonly shows: 'nothing'; readonly why: string };

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';
const room = ({ roomId }: Story) => encodeURIComponent(roomId);
const each = (story: Story, path: (eventId: string) => string): Probe[] =>
  Object.values(story.events).map((eventId) => ({ path: path(encodeURIComponent(eventId)) }));
const one =
  (path: (story: Story) => string) =>
  (story: Story): Probe[] => [{ path: path(story) }];
const nothing = (why: string): Entry => ({ shows: 'nothing', why });
const WRITE = nothing('it writes, and answers with the id of what the caller made at most');
const MINE = nothing("it holds the caller's own data");
const KEYS = nothing("it holds the caller's own key backup");

const syncFilter = encodeURIComponent(
  JSON.stringify({ room: { include_leave: true, timeline: { limit: 1_000 }, state: {} } }),
);

export const TABLE: Readonly<Record<string, Entry>> = {
  [`GET ${V3}/sync`]: { probes: one(() => `${V3}/sync?filter=${syncFilter}`), complete: 'members' },
  [`GET ${V3}/rooms/{roomId}/messages`]: {
    probes: (story) => ['b', 'f'].map((dir) => ({ path: `${V3}/rooms/${room(story)}/messages?dir=${dir}&limit=1000` })),
    complete: 'everyone',
  },
  [`GET ${V3}/rooms/{roomId}/event/{eventId}`]: {
    probes: (story) => each(story, (eventId) => `${V3}/rooms/${room(story)}/event/${eventId}`),
    complete: 'everyone',
  },
  [`GET ${V3}/rooms/{roomId}/context/{eventId}`]: {
    probes: (story) => each(story, (eventId) => `${V3}/rooms/${room(story)}/context/${eventId}?limit=1000`),
    complete: 'everyone',
  },
  [`GET ${V1}/rooms/{roomId}/timestamp_to_event`]: {
    probes: (story) =>
      ['b', 'f'].map((dir) => ({ path: `${V1}/rooms/${room(story)}/timestamp_to_event?dir=${dir}&ts=${story.ts}` })),
  },
  [`GET ${V1}/rooms/{roomId}/relations/{eventId}`]: {
    probes: (story) => each(story, (eventId) => `${V1}/rooms/${room(story)}/relations/${eventId}?recurse=true`),
    complete: 'everyone',
  },
  [`GET ${V1}/rooms/{roomId}/relations/{eventId}/{relType}`]: {
    probes: (story) => each(story, (eventId) => `${V1}/rooms/${room(story)}/relations/${eventId}/m.thread`),
    complete: 'everyone',
  },
  [`GET ${V1}/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}`]: {
    probes: (story) =>
      each(story, (eventId) => `${V1}/rooms/${room(story)}/relations/${eventId}/m.thread/m.room.message`),
    complete: 'everyone',
  },
  [`GET ${V1}/rooms/{roomId}/threads`]: {
    probes: one((story) => `${V1}/rooms/${room(story)}/threads`),
    complete: 'everyone',
  },
  [`POST ${V3}/search`]: {
    probes: () => [
      {
        method: 'POST',
        path: `${V3}/search`,
        body: {
          search_categories: {
            room_events: {
              search_term: 'mark',
              order_by: 'recent',
              include_state: true,
              filter: { limit: 100 },
              event_context: { before_limit: 20, after_limit: 20, include_profile: true },
            },
          },
        },
      },
    ],
    complete: 'members',
  },
  [`GET ${V3}/rooms/{roomId}/state`]: { probes: one((story) => `${V3}/rooms/${room(story)}/state`) },
  [`GET ${V3}/rooms/{roomId}/state/{eventType}/{stateKey}`]: {
    probes: (story) =>
      ['content', 'event'].map((format) => ({
        path: `${V3}/rooms/${room(story)}/state/com.example.secret/?format=${format}`,
        isUnchecked: format === 'event',
      })),
  },
  [`GET ${V3}/rooms/{roomId}/members`]: { probes: one((story) => `${V3}/rooms/${room(story)}/members`) },
  [`GET ${V3}/rooms/{roomId}/joined_members`]: { probes: one((story) => `${V3}/rooms/${room(story)}/joined_members`) },
  [`GET ${V3}/rooms/{roomId}/initialSync`]: {
    probes: one((story) => `${V3}/rooms/${room(story)}/initialSync`),
    complete: 'everyone',
  },
  [`GET ${V3}/events`]: {
    probes: one((story) => `${V3}/events?room_id=${room(story)}&from=v1.0&timeout=0`),
    complete: 'everyone',
  },
  [`GET ${V3}/notifications`]: { probes: one(() => `${V3}/notifications?limit=100`) },
  [`GET ${V1}/room_summary/{roomIdOrAlias}`]: { probes: one((story) => `${V1}/room_summary/${room(story)}`) },
  [`GET ${V1}/rooms/{roomId}/hierarchy`]: { probes: one((story) => `${V1}/rooms/${room(story)}/hierarchy`) },
  [`GET ${V3}/rooms/{roomId}/aliases`]: { probes: one((story) => `${V3}/rooms/${room(story)}/aliases`) },
  [`GET ${V3}/directory/room/{roomAlias}`]: {
    probes: one((story) => `${V3}/directory/room/${encodeURIComponent(story.alias)}`),
  },
  [`GET ${V3}/publicRooms`]: { probes: one(() => `${V3}/publicRooms`) },
  [`POST ${V3}/publicRooms`]: { probes: () => [{ method: 'POST', path: `${V3}/publicRooms`, body: {} }] },
  [`GET ${V3}/directory/list/room/{roomId}`]: { probes: one((story) => `${V3}/directory/list/room/${room(story)}`) },
  [`GET ${V3}/joined_rooms`]: { probes: one(() => `${V3}/joined_rooms`) },
  [`GET ${V1}/mutual_rooms`]: {
    probes: one((story) => `${V1}/mutual_rooms?user_id=${encodeURIComponent(story.teller)}`),
  },
  [`GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms`]: {
    probes: one(
      (story) =>
        `/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms?user_id=${encodeURIComponent(story.teller)}`,
    ),
  },
  [`POST ${V3}/createRoom`]: WRITE,
  [`PUT ${V3}/rooms/{roomId}/send/{eventType}/{txnId}`]: WRITE,
  [`PUT ${V3}/rooms/{roomId}/state/{eventType}/{stateKey}`]: WRITE,
  [`PUT ${V3}/rooms/{roomId}/redact/{eventId}/{txnId}`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/invite`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/join`]: WRITE,
  [`POST ${V3}/join/{roomIdOrAlias}`]: WRITE,
  [`POST ${V3}/knock/{roomIdOrAlias}`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/leave`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/forget`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/kick`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/ban`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/unban`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/upgrade`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/report`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/report/{eventId}`]: WRITE,
  [`PUT ${V3}/directory/room/{roomAlias}`]: WRITE,
  [`DELETE ${V3}/directory/room/{roomAlias}`]: WRITE,
  [`PUT ${V3}/directory/list/room/{roomId}`]: WRITE,
  [`PUT ${V3}/directory/list/appservice/{networkId}/{roomId}`]: WRITE,
  [`PUT ${V3}/rooms/{roomId}/typing/{userId}`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/receipt/{receiptType}/{eventId}`]: WRITE,
  [`POST ${V3}/rooms/{roomId}/read_markers`]: WRITE,
  [`GET ${V3}/user/{userId}/rooms/{roomId}/tags`]: MINE,
  [`PUT ${V3}/user/{userId}/rooms/{roomId}/tags/{tag}`]: MINE,
  [`DELETE ${V3}/user/{userId}/rooms/{roomId}/tags/{tag}`]: MINE,
  [`GET ${V3}/user/{userId}/rooms/{roomId}/account_data/{type}`]: MINE,
  [`PUT ${V3}/user/{userId}/rooms/{roomId}/account_data/{type}`]: MINE,
  [`DELETE /_matrix/client/unstable/org.matrix.msc3391/user/{userId}/rooms/{roomId}/account_data/{type}`]: MINE,
  ...Object.fromEntries(
    ['GET', 'PUT', 'DELETE'].flatMap((method) =>
      ['', '/{roomId}', '/{roomId}/{sessionId}'].map((tail) => [`${method} ${V3}/room_keys/keys${tail}`, KEYS]),
    ),
  ),
  [`GET ${V3}/room_keys/version`]: KEYS,
  [`POST ${V3}/room_keys/version`]: KEYS,
  [`GET ${V3}/room_keys/version/{version}`]: KEYS,
  [`PUT ${V3}/room_keys/version/{version}`]: KEYS,
  [`DELETE ${V3}/room_keys/version/{version}`]: KEYS,
};
