// What a person was notified about (client-server API, "Listing Notifications").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import type { JsonObject, JsonValue } from '../json.ts';

export const getNotifications = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/notifications',
  aliases: ['/_matrix/client/r0/notifications'],
  auth: 'accessToken',
  query: Type.Object({
    from: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer()),
    only: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    next_token: Type.Optional(Type.String()),
    notifications: Type.Array(
      Type.Object({
        actions: Type.Array(Type.Unsafe<JsonValue>({ type: ['string', 'object'] })),
        event: Type.Unsafe<JsonObject>({ type: 'object' }),
        read: Type.Boolean(),
        room_id: Type.String(),
        ts: Type.Integer(),
      }),
    ),
  }),
});
