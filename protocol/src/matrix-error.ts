// Refusals to a caller, as the spec words them (client-server API, "Standard error response").
import type { JsonObject } from './json.ts';

/** A refusal: HTTP status, errcode, a sentence for a person, and what else the endpoint's error body carries. */
export class MatrixError extends Error {
  readonly status: number;
  readonly errcode: string;
  readonly fields: JsonObject;

  constructor(status: number, errcode: string, message: string, fields: JsonObject = {}) {
    super(message);
    this.name = 'MatrixError';
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
  }

  /** The JSON body of the answer. */
  toBody(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.fields };
  }
}

export const badJson = (message: string) => new MatrixError(400, 'M_BAD_JSON', message);
export const notJson = (message: string) => new MatrixError(400, 'M_NOT_JSON', message);
export const invalidParam = (message: string) => new MatrixError(400, 'M_INVALID_PARAM', message);
export const missingParam = (message: string) => new MatrixError(400, 'M_MISSING_PARAM', message);
export const badState = (message: string) => new MatrixError(400, 'M_BAD_STATE', message);
export const invalidRoomState = (message: string) => new MatrixError(400, 'M_INVALID_ROOM_STATE', message);
export const unsupportedRoomVersion = (message: string) => new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', message);
export const roomInUse = (message: string) => new MatrixError(400, 'M_ROOM_IN_USE', message);
export const invalidUsername = (message: string) => new MatrixError(400, 'M_INVALID_USERNAME', message);
export const userInUse = (message: string) => new MatrixError(400, 'M_USER_IN_USE', message);
export const exclusive = (message: string) => new MatrixError(400, 'M_EXCLUSIVE', message);
export const weakPassword = (message: string) => new MatrixError(400, 'M_WEAK_PASSWORD', message);
export const unknownError = (message: string, status = 400) => new MatrixError(status, 'M_UNKNOWN', message);
export const missingToken = () => new MatrixError(401, 'M_MISSING_TOKEN', 'Missing access token');
export const unknownToken = (softLogout = false) =>
  new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unknown or expired access token', softLogout ? { soft_logout: true } : {});
export const unauthorized = (message: string) => new MatrixError(401, 'M_UNAUTHORIZED', message);
export const forbidden = (message: string) => new MatrixError(403, 'M_FORBIDDEN', message);
export const userDeactivated = () => new MatrixError(403, 'M_USER_DEACTIVATED', 'This account has been deactivated');
export const notFound = (message: string) => new MatrixError(404, 'M_NOT_FOUND', message);
export const unrecognized = (status: 404 | 405 | 400 = 404) =>
  new MatrixError(
    status,
    'M_UNRECOGNIZED',
    status === 405 ? 'This method is not allowed here' : 'Unrecognized request',
  );
export const tooLarge = (message: string) => new MatrixError(413, 'M_TOO_LARGE', message);
export const limitExceeded = (retryAfterMs: number) =>
  new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: Math.ceil(retryAfterMs) });
export const invalidSignature = (message: string) => new MatrixError(400, 'M_INVALID_SIGNATURE', message);
export const wrongRoomKeysVersion = (currentVersion: string) =>
  new MatrixError(403, 'M_WRONG_ROOM_KEYS_VERSION', 'This is not the newest backup', {
    current_version: currentVersion,
  });
