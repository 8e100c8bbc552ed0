// The schema of "any JSON object", for bodies whose content is the client's own business.
import { Type } from 'typebox';
import type { JsonObject } from '../json.ts';

/** Any JSON object; kept as parsed. */
export const AnyObject = Type.Unsafe<JsonObject>({ type: 'object' });

/** The empty object that many endpoints answer. */
export const EmptyObject = Type.Object({});
