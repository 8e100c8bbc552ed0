// User-interactive authentication as it travels (client-server API, "User-Interactive Authentication API").
import { Type } from 'typebox';

/** The `auth` of a request: a stage's type, the session, and what the stage asks for. */
export const AuthData = Type.Object(
  { type: Type.Optional(Type.String()), session: Type.Optional(Type.String()) },
  { additionalProperties: true },
);
