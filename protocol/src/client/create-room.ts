// Making a room (client-server API, "Creation").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

/** People who may be invited while a room is made. */
export const MAX_FIRST_INVITES = 500;
/** State events that a request may bring. */
export const MAX_INITIAL_STATE_EVENTS = 500;

export const Visibility = Type.Union([Type.Literal('public'), Type.Literal('private')]);
export const Preset = Type.Union([
  Type.Literal('private_chat'),
  Type.Literal('public_chat'),
  Type.Literal('trusted_private_chat'),
]);

export const CreateRoomBody = Type.Object({
  visibility: Type.Optional(Visibility),
  room_alias_name: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  topic: Type.Optional(Type.String()),
  invite: Type.Optional(Type.Array(Type.String(), { maxItems: MAX_FIRST_INVITES })),
  invite_3pid: Type.Optional(
    Type.Array(
      Type.Object({
        id_server: Type.String(),
        id_access_token: Type.Optional(Type.String()),
        medium: Type.String(),
        address: Type.String(),
      }),
      { maxItems: MAX_FIRST_INVITES },
    ),
  ),
  room_version: Type.Optional(Type.String()),
  creation_content: Type.Optional(AnyObject),
  initial_state: Type.Optional(
    Type.Array(Type.Object({ type: Type.String(), state_key: Type.Optional(Type.String()), content: AnyObject }), {
      maxItems: MAX_INITIAL_STATE_EVENTS,
    }),
  ),
  preset: Type.Optional(Preset),
  is_direct: Type.Optional(Type.Boolean()),
  power_level_content_override: Type.Optional(AnyObject),
});

export const createRoom = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/createRoom',
  aliases: ['/_matrix/client/r0/createRoom'],
  auth: 'accessToken',
  body: CreateRoomBody,
  response: Type.Object({ room_id: Type.String() }),
  rateLimit: 'createRoom',
});
