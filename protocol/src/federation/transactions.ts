// Transactions: what servers push to each other (server-server API, "Transactions").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const MAX_PDUS = 50;
export const MAX_EDUS = 100;
/** Fifty events of 64 kB, and as much again for the rest. */
export const MAX_TRANSACTION_BYTES = 8 * 1024 * 1024;

const Pdu = Type.Record(Type.String(), Type.Unknown());
export const Edu = Type.Object({ edu_type: Type.String(), content: Type.Record(Type.String(), Type.Unknown()) });

export const sendTransaction = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v1/send/{txnId}',
  auth: 'server',
  maxBodyBytes: MAX_TRANSACTION_BYTES,
  body: Type.Object({
    origin: Type.Optional(Type.String()),
    origin_server_ts: Type.Optional(Type.Number()),
    pdus: Type.Optional(Type.Array(Pdu, { maxItems: MAX_PDUS })),
    edus: Type.Optional(Type.Array(Edu, { maxItems: MAX_EDUS })),
  }),
  response: Type.Object({
    pdus: Type.Record(Type.String(), Type.Object({ error: Type.Optional(Type.String()) })),
  }),
});
