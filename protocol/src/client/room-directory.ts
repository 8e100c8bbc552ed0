// The published rooms, and what a room says of itself to those outside (client-server API, "Published room directory",
// "Room Summaries").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { Visibility } from './create-room.ts';
import { EmptyObject } from './json-object.ts';
import { MembershipName } from './room-members.ts';

export const summaryFields = {
  canonical_alias: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  num_joined_members: Type.Integer(),
  room_id: Type.String(),
  topic: Type.Optional(Type.String()),
  world_readable: Type.Boolean(),
  guest_can_join: Type.Boolean(),
  avatar_url: Type.Optional(Type.String()),
  join_rule: Type.Optional(Type.String()),
  room_type: Type.Optional(Type.String()),
};

export const PublishedRoom = Type.Object(summaryFields);

const PublicRoomsResponse = Type.Object({
  chunk: Type.Array(PublishedRoom),
  next_batch: Type.Optional(Type.String()),
  prev_batch: Type.Optional(Type.String()),
  total_room_count_estimate: Type.Optional(Type.Integer()),
});

const limit = Type.Optional(Type.Integer({ minimum: 0 }));
const since = Type.Optional(Type.String());
const server = Type.Optional(Type.String());
const listPath = '/_matrix/client/v3/publicRooms';
const listAliases = ['/_matrix/client/r0/publicRooms'];

export const getPublicRooms = endpoint({
  method: 'GET',
  path: listPath,
  aliases: listAliases,
  auth: 'optionalAccessToken',
  query: Type.Object({ limit, since, server }),
  response: PublicRoomsResponse,
});

export const queryPublicRooms = endpoint({
  method: 'POST',
  path: listPath,
  aliases: listAliases,
  auth: 'accessToken',
  query: Type.Object({ server }),
  body: Type.Optional(
    Type.Object({
      limit,
      since,
      filter: Type.Optional(
        Type.Object({
          generic_search_term: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          room_types: Type.Optional(
            Type.Union([Type.Array(Type.Union([Type.String(), Type.Null()]), { maxItems: 100 }), Type.Null()]),
          ),
        }),
      ),
      include_all_networks: Type.Optional(Type.Boolean()),
      third_party_instance_id: Type.Optional(Type.String()),
    }),
  ),
  response: PublicRoomsResponse,
});

const visibilityPath = '/_matrix/client/v3/directory/list/room/{roomId}';
const visibilityAliases = ['/_matrix/client/r0/directory/list/room/{roomId}'];

export const getDirectoryVisibility = endpoint({
  method: 'GET',
  path: visibilityPath,
  aliases: visibilityAliases,
  auth: 'optionalAccessToken',
  response: Type.Object({ visibility: Visibility }),
});

export const putDirectoryVisibility = endpoint({
  method: 'PUT',
  path: visibilityPath,
  aliases: visibilityAliases,
  auth: 'accessToken',
  body: Type.Object({ visibility: Type.Optional(Visibility) }),
  response: EmptyObject,
});

export const getRoomSummary = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/room_summary/{roomIdOrAlias}',
  aliases: [
    '/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}',
    '/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary',
  ],
  auth: 'optionalAccessToken',
  query: Type.Object({ via: Type.Optional(Type.Array(Type.String())) }),
  response: Type.Object({
    ...summaryFields,
    allowed_room_ids: Type.Optional(Type.Array(Type.String())),
    encryption: Type.Optional(Type.String()),
    room_version: Type.Optional(Type.String()),
    membership: Type.Optional(MembershipName),
  }),
});

/** An app service's own list of the rooms of a network that it bridges to. */
export const putNetworkRoom = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}',
  aliases: ['/_matrix/client/r0/directory/list/appservice/{networkId}/{roomId}'],
  auth: 'appservice',
  body: Type.Object({ visibility: Visibility }),
  response: EmptyObject,
});
