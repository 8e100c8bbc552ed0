// What a configuration key can be, beyond what JSON Schema has words for. A feature declares its section with these.
import { type TObject, type TSchemaOptions, Type } from 'typebox';

/** How text becomes a value, where it is more than a string, number, boolean or list. */
export type Reading = 'duration' | 'rate' | 'size' | 'path' | 'name';

/** The options that every key has: what it is for (written into the sample file), and what it is when absent. */
export interface KeyOptions extends TSchemaOptions {
  readonly description: string;
}

/** A schema as the loader looks at it. */
export interface KeySchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly items?: KeySchema;
  readonly anyOf?: readonly KeySchema[];
  readonly const?: unknown;
  readonly reads?: Reading;
  readonly secret?: boolean;
}

export type Sections = Readonly<Record<string, TObject>>;

/** Milliseconds, written as `90s`, `5m`, `1h`, `2d`, or as a whole number of milliseconds; null for `none`. */
export const optionalDuration = (options: KeyOptions) =>
  Type.Unsafe<number | null>(
    Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { default: 'none', ...options, reads: 'duration' }),
  );

/** Bytes, written as `500 kB`, `5 MB`, `2 GB` (thousands), or as a whole number of bytes. */
export const size = (options: KeyOptions & { default: string }) =>
  Type.Unsafe<number>(Type.Integer({ minimum: 0, ...options, reads: 'size' }));

/** Like size(); null for `none`, which is also the default. */
export const optionalSize = (options: KeyOptions) =>
  Type.Unsafe<number | null>(
    Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { default: 'none', ...options, reads: 'size' }),
  );

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** How often something may happen, written as `10/s burst 50` (or `/min`, `/h`). */
export const rate = (options: KeyOptions & { default: string }) =>
  Type.Unsafe<Rate>(
    Type.Object(
      { perSecond: Type.Number({ exclusiveMinimum: 0 }), burst: Type.Integer({ minimum: 1 }) },
      { ...options, reads: 'rate' },
    ),
  );

/** A text that may look like a number, so that YAML needs no quotes for it. */
export const name = (options: KeyOptions & { default: string }) =>
  Type.Unsafe<string>(Type.String({ minLength: 1, ...options, reads: 'name' }));

/** A path that becomes absolute: from the file's folder when it stands in a file, else from the working folder. */
export const path = (options: KeyOptions) => Type.Optional(Type.String({ minLength: 1, ...options, reads: 'path' }));

/** Like path(), with a default: relative to the program's folder. */
export const pathOr = (options: KeyOptions & { default: string }) =>
  Type.Unsafe<string>(Type.String({ minLength: 1, ...options, reads: 'path' }));

/** A text that is never shown; `KEY_file` may name a file that holds it. */
export const secret = (options: KeyOptions) => Type.Optional(Type.String({ ...options, secret: true }));
