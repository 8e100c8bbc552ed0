// The rooms below a space (client-server API, "Spaces", "Querying spaces").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';
import { summaryFields } from './room-directory.ts';

const StrippedChild = Type.Object({
  type: Type.String(),
  state_key: Type.String(),
  sender: Type.String(),
  content: AnyObject,
  origin_server_ts: Type.Integer(),
});

export const HierarchyRoom = Type.Object({
  ...summaryFields,
  allowed_room_ids: Type.Optional(Type.Array(Type.String())),
  encryption: Type.Optional(Type.String()),
  room_version: Type.Optional(Type.String()),
  children_state: Type.Array(StrippedChild),
});

export const getHierarchy = endpoint({
  method: 'GET',
  path: '/_matrix/client/v1/rooms/{roomId}/hierarchy',
  aliases: ['/_matrix/client/unstable/org.matrix.msc2946/rooms/{roomId}/hierarchy'],
  auth: 'accessToken',
  query: Type.Object({
    suggested_only: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    max_depth: Type.Optional(Type.Integer({ minimum: 0 })),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({ rooms: Type.Array(HierarchyRoom), next_batch: Type.Optional(Type.String()) }),
});
