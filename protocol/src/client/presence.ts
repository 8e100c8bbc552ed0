// Who is about (client-server API, module "Presence").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

/** Characters of a status message. */
export const MAX_STATUS_MESSAGE_LENGTH = 1_024;

export const PresenceState = Type.Union([Type.Literal('online'), Type.Literal('unavailable'), Type.Literal('offline')]);

const path = '/_matrix/client/v3/presence/{userId}/status';
const aliases = ['/_matrix/client/r0/presence/{userId}/status'];

export const getPresence = endpoint({
  method: 'GET',
  path,
  aliases,
  auth: 'accessToken',
  response: Type.Object({
    presence: PresenceState,
    /** Milliseconds. */
    last_active_ago: Type.Optional(Type.Integer()),
    status_msg: Type.Optional(Type.String()),
    currently_active: Type.Optional(Type.Boolean()),
  }),
});

export const putPresence = endpoint({
  method: 'PUT',
  path,
  aliases,
  auth: 'accessToken',
  body: Type.Object({
    presence: PresenceState,
    status_msg: Type.Optional(Type.Union([Type.String({ maxLength: MAX_STATUS_MESSAGE_LENGTH }), Type.Null()])),
  }),
  response: EmptyObject,
});
