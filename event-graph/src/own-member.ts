// Reading members of untrusted JSON by untrusted names: never what an object inherits.
import { isJsonObject, type JsonValue } from '@carillon/protocol/json.ts';

/** The value's own member of this name; undefined when it has none or is no object. */
export function ownMember(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
