// An event as clients see it (client-server API, "Room event format"), as far as every endpoint promises it.
import { Type } from 'typebox';
import { AnyObject } from './json-object.ts';

const shared = {
  content: AnyObject,
  event_id: Type.String(),
  origin_server_ts: Type.Integer(),
  room_id: Type.String(),
  sender: Type.String(),
  type: Type.String(),
  unsigned: Type.Optional(AnyObject),
};

export const ClientEvent = Type.Object({ ...shared, state_key: Type.Optional(Type.String()) });
export const ClientStateEvent = Type.Object({ ...shared, state_key: Type.String() });

/** `f`: from the past on, `b`: into the past. */
export const Direction = Type.Union([Type.Literal('b'), Type.Literal('f')]);
