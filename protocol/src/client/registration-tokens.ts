// Registration tokens for admins, as Synapse's admin API has them and admin panels call them.
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const Limit = Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]));

export const RegistrationToken = Type.Object({
  token: Type.String(),
  uses_allowed: Type.Union([Type.Integer(), Type.Null()]),
  pending: Type.Integer(),
  completed: Type.Integer(),
  /** Milliseconds since 1970. */
  expiry_time: Type.Union([Type.Integer(), Type.Null()]),
});

const limits = { uses_allowed: Limit, expiry_time: Limit };
const BASE = '/_synapse/admin/v1/registration_tokens';

export const listRegistrationTokens = endpoint({
  method: 'GET',
  path: BASE,
  auth: 'accessToken',
  query: Type.Object({ valid: Type.Optional(Type.Boolean()) }),
  response: Type.Object({ registration_tokens: Type.Array(RegistrationToken) }),
});

export const createRegistrationToken = endpoint({
  method: 'POST',
  path: `${BASE}/new`,
  auth: 'accessToken',
  body: Type.Object({
    token: Type.Optional(Type.String()),
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    ...limits,
  }),
  response: RegistrationToken,
});

export const getRegistrationToken = endpoint({
  method: 'GET',
  path: `${BASE}/{token}`,
  auth: 'accessToken',
  response: RegistrationToken,
});

export const updateRegistrationToken = endpoint({
  method: 'PUT',
  path: `${BASE}/{token}`,
  auth: 'accessToken',
  body: Type.Object(limits),
  response: RegistrationToken,
});

export const deleteRegistrationToken = endpoint({
  method: 'DELETE',
  path: `${BASE}/{token}`,
  auth: 'accessToken',
  response: Type.Object({}),
});
