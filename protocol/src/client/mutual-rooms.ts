// Rooms that one shares with somebody (client-server API, "Mutual Rooms").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const MutualRooms = Type.Object({
  joined: Type.Array(Type.String()),
  count: Type.Integer(),
  next_batch: Type.Optional(Type.String()),
});

export const getMutualRooms = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/mutual_rooms',
  auth: 'accessToken',
  query: Type.Object({ user_id: Type.String(), from: Type.Optional(Type.String()) }),
  response: MutualRooms,
  rateLimit: 'search',
});

/** The proposal's form, which clients still ask for: the page's token under another name. */
export const getMutualRoomsUnstable = endpoint({
  method: 'GET',
  path: '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms',
  auth: 'accessToken',
  query: Type.Object({ user_id: Type.String(), batch_token: Type.Optional(Type.String()) }),
  response: Type.Object({
    joined: Type.Array(Type.String()),
    count: Type.Integer(),
    next_batch_token: Type.Optional(Type.String()),
  }),
  rateLimit: 'search',
});
